/** Keys of threshold RSA with all their secrets. */
import { PartySet } from "../../dist/core/party-set.js";
import { bigintToBytes, bytesToBigint, inverse, mod } from "../../dist/crypto/numbers/bigints.js";
import { dealRsa } from "../../dist/crypto/rsa/dealer.js";
import { checkRsaPublicKey, openRsaKey } from "../../dist/crypto/rsa/key.js";
import { EMPTY, refusedKey, same } from "./bytes.mjs";
import { FORMULAS } from "./formulas.mjs";
import { seeded } from "./seeded.mjs";

export async function dealRsaKey(name, protocol, primes) {
  const access = FORMULAS[name];
  const { result } = await seeded(`rsa key ${name}`, () => dealRsa({ access, dual: protocol === 2, primes }));
  const { publicKey, secretOf } = result;
  const key = openRsaKey(publicKey);
  const { sharing, secretBytes } = key;
  const secrets = [];
  for (const party of new Set(sharing.leaves)) {
    const secret = secretOf(party);
    sharing.leavesOf(party).forEach((leaf, i) => {
      secrets[leaf] = secret.subarray(i * secretBytes, (i + 1) * secretBytes);
    });
  }
  return {
    name,
    protocol,
    primes,
    publicKey,
    secretOf,
    key,
    secrets,
    sharedExponent: exponentOf(key, protocol, primes, secrets),
  };
}

/** What is shared, d or (eD)^{-1} modulo m; checks that the shares come to D times it. */
function exponentOf({ exponent, sharing }, protocol, [p, q], secrets) {
  const order = ((p - 1n) / 2n) * ((q - 1n) / 2n);
  const shared = inverse(protocol === 2 ? exponent * sharing.multiplier : exponent, order);
  const terms = sharing.integerTerms(PartySet.of(sharing.leaves));
  const sum = terms.reduce((total, { leaf, coefficient }) => total + coefficient * signed(secrets[leaf]), 0n);
  same(mod(sum, order), mod(sharing.multiplier * shared, order));
  return shared;
}

/** The number that a secret stands for: a sign bit, then the magnitude. */
export function signed(secret) {
  const magnitude = bytesToBigint(Uint8Array.from([secret[0] & 0x7f, ...secret.subarray(1)]));
  return secret[0] >= 0x80 ? -magnitude : magnitude;
}

export function shownRsaKey({ protocol, primes: [p, q], publicKey, key, secrets, sharedExponent }) {
  const { modulus } = key;
  const { access, exponent, verificationBase, nonResidue, verificationKeys } = publicKey;
  return {
    protocol,
    access,
    p: bigintToBytes(p, modulus.sizeBytes / 2),
    q: bigintToBytes(q, modulus.sizeBytes / 2),
    modulus: publicKey.modulus,
    exponent,
    sharedExponent: modulus.format(sharedExponent),
    multiplier: key.sharing.multiplier,
    verificationBase,
    nonResidue,
    secretBytes: key.secretBytes,
    secrets,
    verificationKeys,
    digest: key.digest,
  };
}

/** Changes of keys after which they are none. */
export function refusedRsaKeys(keys) {
  const { publicKey, key } = keys.get("2 of 4");
  const { modulus } = key;
  const { verificationKeys } = publicKey;
  const [first, ...rest] = verificationKeys;
  const shortModulus = bigintToBytes(keys.get("2 of 4").primes[0], 128);
  const everyNumber = (change) => ({
    modulus: change(publicKey.modulus),
    verificationBase: change(publicKey.verificationBase),
    verificationKeys: verificationKeys.map(change),
  });
  const minusOne = modulus.format(modulus.value - 1n);
  return [
    ["the modulus is even", "2 of 4", { modulus: minusOne }],
    ["all numbers begin with a zero byte", "2 of 4", everyNumber((number) => Uint8Array.of(0, ...number))],
    // A prime in place of a modulus, for which no check of the numbers is wrong.
    ["the modulus is short", "2 of 4", { ...everyNumber(() => bigintToBytes(4n, 128)), modulus: shortModulus }],
    ["the exponent is no prime", "2 of 4", { exponent: 65_539 * 3 }],
    ["the exponent is not above the width of the gates", "2 of 4", { exponent: 3 }],
    ["v is 1", "2 of 4", { verificationBase: modulus.format(1n) }],
    ["v is -1", "2 of 4", { verificationBase: minusOne }],
    ["v is 0", "2 of 4", { verificationBase: modulus.format(0n) }],
    ["v has Jacobi symbol -1", "2 of 4", { verificationBase: keys.get("3 of 4").publicKey.nonResidue }],
    ["v is longer than the modulus", "2 of 4", { verificationBase: Uint8Array.of(0, ...publicKey.verificationBase) }],
    ["a verification key is 1", "2 of 4", { verificationKeys: [modulus.format(1n), ...rest] }],
    ["a verification key is not below N", "2 of 4", { verificationKeys: [publicKey.modulus, ...rest] }],
    ["a verification key is N+4", "2 of 4", { verificationKeys: [modulus.format(modulus.value + 4n), ...rest] }],
    ["a verification key is missing", "2 of 4", { verificationKeys: rest }],
    ["a verification key is empty", "2 of 4", { verificationKeys: [EMPTY, ...rest] }],
    ["u has Jacobi symbol 1", "3 of 4", { nonResidue: first }],
    ["u is short", "3 of 4", { nonResidue: Uint8Array.of(2) }],
  ].map(([why, name, change]) =>
    refusedKey(why, name, change, checkRsaPublicKey({ ...keys.get(name).publicKey, ...change })),
  );
}
