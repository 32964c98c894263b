/** Texts of others as people are shown them: on one line, and without what a terminal obeys or what turns its writing around. */

/** Control and format characters, halves of pairs, and separators of lines. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
