/** Names of registered keys: for people, who must not take one for another. */
import { refine, text } from "../../core/codec.js";

/** Less than a key's 64 hexadecimal digits: a name is none. */
export const MAX_KEY_NAME_BYTES = 48;

/** Words of printable ASCII with single spaces between: what looks the same is the same, in every version of Unicode. */
const NAME = /^[!-~]+(?: [!-~]+)*$/;

export const keyNameCodec = refine(text(MAX_KEY_NAME_BYTES), keyNameProblem);

/** What keeps it from being a key's name; undefined: nothing. */
export function keyNameProblem(name: string): string | undefined {
  if (name.length <= MAX_KEY_NAME_BYTES && NAME.test(name)) return undefined;
  return `must be 1 to ${MAX_KEY_NAME_BYTES} printable ASCII characters, with single spaces between words`;
}

/** Names that differ in the case of letters only are the same. */
export function comparableName(name: string): string {
  return name.toLowerCase();
}
