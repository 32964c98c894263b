/** Safe primes, so that no test searches for any (that takes seconds), and keys made of them. */
import { thresholdFormula } from "../../src/core/formula.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { Dealt, RsaPublicKey } from "../../src/crypto/keys.js";
import { dealRsa } from "../../src/crypto/rsa/dealer.js";
import { OTHER_PRIMES_1024, PRIMES_1024, PRIMES_1536, PRIMES_2048 } from "../support/safe-primes.mjs";

export { OTHER_PRIMES_1024, PRIMES_1024, PRIMES_1536, PRIMES_2048 };

/** 2 of 4 by Shoup's Protocol 1. */
export const PROTOCOL_1: Dealt<RsaPublicKey> = await dealRsa({
  access: thresholdFormula(2, 4),
  dual: false,
  primes: PRIMES_1024,
});
/** 3 of 4 by Protocol 2. */
export const PROTOCOL_2: Dealt<RsaPublicKey> = await dealRsa({
  access: thresholdFormula(3, 4),
  dual: true,
  primes: PRIMES_1024,
});

/** `array[index]`, which must be there. */
export function at<T>(array: ArrayLike<T>, index: number): T {
  const item = array[index];
  if (item === undefined) throw new Error(`nothing at ${index} of ${array.length}`);
  return item;
}

/** A copy of `bytes` with one bit inverted. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bit >>> 3] = at(copy, bit >>> 3) ^ (1 << (bit & 7));
  return copy;
}

/** What `share` gives for each of `parties`. */
export function sharesOf<T>(parties: readonly PartyId[], share: (party: PartyId) => T): Map<PartyId, T> {
  return new Map(parties.map((party) => [party, share(party)]));
}
