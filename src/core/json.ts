/** JSON that means one thing: `JSON.parse`, but an object that names a field twice is refused. */
import { fromUtf8 } from "./bytes.js";
import type { Decoded } from "./codec.js";

/**
 * Total. `JSON.parse` silently takes the last of two fields with one name, another reader the first;
 * a signed or security-relevant file must not mean different things to different readers.
 */
export function parseJson(text: string): Decoded<unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, error: `not JSON${placeOf(error, text)}` };
  }
  const twice = repeatedName(text);
  return twice === undefined
    ? { ok: true, value }
    : { ok: false, error: `field ${JSON.stringify(twice)} appears twice` };
}

/** The same for bytes from outside, which may not even be text. */
export function parseJsonBytes(bytes: Uint8Array): Decoded<unknown> {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    return { ok: false, error: "not UTF-8 text" };
  }
  return parseJson(text);
}

/** Where the parser gave up. Its own message is not passed on: it quotes the text, which may hold a secret key. */
function placeOf(error: unknown, text: string): string {
  const position = error instanceof Error ? / at position (\d+)/.exec(error.message)?.[1] : undefined;
  if (position === undefined) return "";
  const before = text.slice(0, Number(position)).split("\n");
  return `: a mistake in line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** The first name that one object of `text` has twice. `text` is known to be JSON. */
function repeatedName(text: string): string | undefined {
  const token = /[{}]|"(?:[^"\\]|\\.)*"(\s*:)?/g;
  const open: Set<string>[] = [];
  for (const match of text.matchAll(token)) {
    const [lexeme, colon] = match;
    if (lexeme === "{") open.push(new Set());
    else if (lexeme === "}") open.pop();
    else if (colon !== undefined) {
      const name = String(JSON.parse(lexeme.slice(0, lexeme.length - colon.length)));
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}
