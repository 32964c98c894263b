/** From what only the group can compute to the coin that everybody sees. */
import { utf8 } from "../core/bytes.js";
import { shake256, u32Bytes } from "./hashing.js";

/** The bits of a coin unless its user asks for another number. */
export const DEFAULT_COIN_BITS = 256;
const MAX_COIN_BITS = 65_536;

/** @throws RangeError unless `bits` is a whole number from 1 to 65,536. */
export function checkCoinBits(bits: number): void {
  if (!Number.isInteger(bits) || bits < 1 || bits > MAX_COIN_BITS) throw new RangeError(`a coin of ${bits} bits`);
}

/**
 * `bits` unpredictable bits in ⌈bits/8⌉ bytes; the unused high bits of the last byte are 0. Values of different sizes are
 * independent, but the shares of a name open all of them: use one size for a label. `material` is the group element or
 * signature that the shares of the coin `name` gave.
 */
export function coinValue(bits: number, label: string, name: Uint8Array, material: Uint8Array): Uint8Array {
  const value = shake256(Math.ceil(bits / 8), "abcast/1 coin value", utf8(label), u32Bytes(bits), name, material);
  const spare = 8 * value.length - bits;
  const last = value.length - 1;
  value[last] = (value[last] ?? 0) & (0xff >>> spare);
  return value;
}
