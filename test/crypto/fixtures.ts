/** Safe primes, so that no test searches for any (that takes seconds), and keys made of them. */
import { type RsaDealing, type SafePrimes, dealRsa } from "../../src/crypto/index.js";
import type { PartyId } from "../../src/core/party-set.js";

export const PRIMES_1024: SafePrimes = [
  BigInt(
    "0x" +
      "ff9a615adf6734fe82395d0abb14adda9db4725f24967c8575644781b650d3c1501bfae13472f07f162d27a0c26b887fe1bf" +
      "d92639457d2cdc1f3a0be0348a30342bb2cbb151b3f32a62e951a1646be0256e6031bc3192970f84cdb556854223a9cb7061" +
      "8db7c51bb56c03a9344e7cedcba3be3cc5f47b2dfd50552e06745747",
  ),
  BigInt(
    "0x" +
      "d86481d3906cc3bd254936760805f6bba4b91087939b389f7137d84b2ac9126152563bb8d0826dd6a7c361638378878d4ff3" +
      "a8004b63594eb4b6a227f63e126fe73e2e0d48d9b8a1dff21efc456ce3632ed0c238af8d2cd6540c9ee3e8a52ad52fc6caca" +
      "c8396f83eaf0e0bd40dc90425d95b09134376894d9f68ad52a370913",
  ),
];

/** A second pair: another key. */
export const OTHER_PRIMES_1024: SafePrimes = [
  BigInt(
    "0x" +
      "cfe31bdc952edbd5e6ec2cbf79fc0bafcb2bd5f33b60ee1293a11795a92a17bc977e2b7b9a1fa3a4d7d57698bd2df4de71fd" +
      "3fb0bd9c664a0a580fe72a18fe082fb447d276dec73ef5f27911796d412f8017a076a1cdd61d40a54c3712c347e092bf89be" +
      "4e36df051773341de409628834c4edf2f38880cc7d65b3981a4138d7",
  ),
  BigInt(
    "0x" +
      "eb1ab613c8a5dda37ad5227598a254159f15f41324b8a838c5126f46c3087c3ae674cf45e551a780429ff866ebd1c3187dea" +
      "c8d041fe7de538831701e93b6a5ab57aea4ba4ceefa26c0483604fb63b14f71192e446bb91c904a1b9aceec6befcb956a494" +
      "4f01d7d93bd4394ad797e46735fecaca5d2e791a25058752beb4baa7",
  ),
];

/** 2 of 4, one corrupted: Shoup's Protocol 1. */
export const PROTOCOL_1: RsaDealing = dealRsa({ n: 4, threshold: 2, corrupted: 1, primes: PRIMES_1024 });
/** 3 of 4, one corrupted: Protocol 2. */
export const PROTOCOL_2: RsaDealing = dealRsa({ n: 4, threshold: 3, corrupted: 1, primes: PRIMES_1024 });

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
