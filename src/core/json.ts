/** JSON that means one thing: `JSON.parse`, but an object that names a field twice is refused. */
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
    return { ok: false, error: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const twice = repeatedName(text);
  return twice === undefined
    ? { ok: true, value }
    : { ok: false, error: `field ${JSON.stringify(twice)} appears twice` };
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
