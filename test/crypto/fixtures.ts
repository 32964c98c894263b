/** Safe primes, so that no test searches for any (that takes seconds), and keys made of them. */
import { thresholdFormula } from "../../src/core/formula.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { Dealt, RsaPublicKey } from "../../src/crypto/keys.js";
import { type SafePrimes, dealRsa } from "../../src/crypto/rsa/dealer.js";

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

/** For a modulus of 3072 bits. */
export const PRIMES_1536: SafePrimes = [
  BigInt(
    "0x" +
      "c17d2eb053dd711c407c132e428a2beeac35e4ee6d2171fedaad34026bac5309645bdd44f4183690ccd3062760d3687df917" +
      "3c4fd1e591c60cedc68b648737f7061297a6b659a1846b4648e7a5f883d5f7b0c387461c18592b21378397e19096d288455e" +
      "b499d060165aa1e3ad6b137276fad433f4c426d7a7ca44224e146388a539e1c999172e4d647e9f48ddb8d0ee37634210c524" +
      "a21884bae84302794927e20b1bbf388cedb2265bbec598f01317d0e9f139002050e90a0a43aa7ce1b5f3",
  ),
  BigInt(
    "0x" +
      "e3b3e3c8855c5aaa8dbd67de6bfa6ca88b5e1ac8180f62bc17820b97ff60456e4bed8a6b87e43cfd6a232c26446325b8f95d" +
      "135799057efa14dcb70ed8c6ebc1b456bbf07ca9364411df5e0ec733692daa309168788f101874c14eef0a3ee4e73a0863bc" +
      "49ca9469fc94b2755607bdecb83785b71b3ec1a61ca7206def45d5733461b819641666bd43159d2cc2305f9479017f1f85d3" +
      "6ecf1db7f586fb891bd32ae7f5aec25f833a12b6834cd6d54d183d92ab2ec8989e0e6c87dc4d45fd085b",
  ),
];

/** For a modulus of 4096 bits. */
export const PRIMES_2048: SafePrimes = [
  BigInt(
    "0x" +
      "fdad7c185c3b1ed9c90f39e286d64609dabd6fbe424d6669f75ed65a9c58f8cf7279682ef080a28a7b5597cfe649f5b22e39" +
      "dca6641c98547d28cad8164cc597ddd20ec4fd2b354b09f76d3ab6b1a32ea1614c193fd153afd668e94c0ed1c14250c467b4" +
      "f67e9369046ef59217379d2a620740561a5f97062030923013c1a2715abc9a2a2348cf04d924188697436be12e0474b94f09" +
      "c0a72869b3ec8c3ff5cd9ad314d653b7fdc160688317601ad23070fb79140a6d124e001fbef008beed128e254c56ee44884f" +
      "8073017abb84a65cf4d30e26ae784532bd33aac7c3dbe9a3612a1ff35f72ef805b6a560533c49dc752ea3bdd85dcf3305062" +
      "eeacbf8d4107",
  ),
  BigInt(
    "0x" +
      "fa831d53404d409c41eaa3ed8676635c37a466752ef2e9b4e57041491548a08d0c6a0afa0e2ae64062e051666b9c9c502539" +
      "3c07478590467cd1b31ce5831a6bb2d6a94e5311bad136686c589e56ceab4ba37d1d8db3c94b3c84e50cca0c60673b03a651" +
      "745fe7c3dfcae56786090189a5aa83926c78f63591d6b6d708088639597775d56a295e9f39954135ff1091351b16a3e507ef" +
      "fd83abdfc152612920af91725ac5bf382e8d5d48d8cfa69b7a28adadb5e46241da47c99ecbaed636a64c680c6dc5e9460f4b" +
      "700bd892353136dba7d67723fc39806bd8916ea314ba89fd6388ae81a0210fef777ca2f3e655ce4e34c9f2c853697380530a" +
      "7b578b4717eb",
  ),
];

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
