/** Keys over ristretto255 with their secrets, and proofs with their intermediate values. */
import { concat } from "../../dist/core/bytes.js";
import { PartySet } from "../../dist/core/party-set.js";
import { hmacSha512, sha512, u32Bytes } from "../../dist/crypto/hashing.js";
import { createEqualLogsProofs } from "../../dist/crypto/ristretto/dleq.js";
import { GROUP_ORDER, loadRistretto, scalarToBytes } from "../../dist/crypto/ristretto/group.js";
import { checkSharedKey, interpolate, ristrettoKeys } from "../../dist/crypto/ristretto/shared-key.js";
import { dealKey } from "../../dist/crypto/sharing/deal-key.js";
import { createSharing } from "../../dist/crypto/sharing/sharing.js";
import { flipped, refusedKey, replaced, same } from "./bytes.mjs";
import { FORMULAS } from "./formulas.mjs";
import { seeded } from "./seeded.mjs";
import { termsOf } from "./sharing.mjs";

export const ristretto = await loadRistretto();
export const IDENTITY = new Uint8Array(32);
/** The field element 1 is negative in RFC 9496's sense, so it encodes nothing. */
export const NO_ELEMENT = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));

export function numberOf(scalar) {
  return BigInt(`0x${Buffer.from(scalar).reverse().toString("hex")}`);
}

/** The same scalar modulo the order, but not reduced. */
export function unreduced(scalar) {
  return scalarToBytes(numberOf(scalar) + GROUP_ORDER);
}

/** Keys of these formulas for the scheme `use`. */
export async function dealKeys(use, names) {
  const keys = new Map();
  for (const name of names) {
    const access = FORMULAS[name];
    const { result } = await seeded(`${use} key ${name}`, () => dealKey(ristrettoKeys(ristretto), access));
    keys.set(name, { ...result, sharing: createSharing(access) });
  }
  return keys;
}

/** As the files show keys, with the secret. */
export function shown({ publicKey, sharing, secretOf }) {
  const { access } = publicKey;
  const secrets = [];
  for (const party of new Set(sharing.leaves)) {
    const secret = secretOf(party);
    sharing.leavesOf(party).forEach((leaf, i) => (secrets[leaf] = secret.subarray(32 * i, 32 * (i + 1))));
  }
  const secret = sharing
    .terms(PartySet.of(sharing.leaves), GROUP_ORDER)
    .reduce((sum, { leaf, coefficient }) => (sum + coefficient * numberOf(secrets[leaf])) % GROUP_ORDER, 0n);
  same(ristretto.basePower(scalarToBytes(secret)), publicKey.publicKey);
  return {
    access,
    secret: scalarToBytes(secret),
    publicKey: publicKey.publicKey,
    secrets,
    verificationKeys: publicKey.verificationKeys,
  };
}

export function shownKeys(keys) {
  return Object.fromEntries([...keys].map(([name, key]) => [name, shown(key)]));
}

/** Changes of the key 2 of 4 after which it is none. */
export function refusedKeys(keys) {
  const { publicKey } = keys.get("2 of 4");
  const [first, second, ...rest] = publicKey.verificationKeys;
  return [
    ["the public key is the identity", { publicKey: IDENTITY }],
    [
      "all are the identity, and fit each other",
      { publicKey: IDENTITY, verificationKeys: publicKey.verificationKeys.map(() => IDENTITY) },
    ],
    ["the public key is no element", { publicKey: NO_ELEMENT }],
    ["the public key is another one", { publicKey: first }],
    ["a verification key is the identity", { verificationKeys: [IDENTITY, second, ...rest] }],
    ["a verification key is no element", { verificationKeys: [flipped(first, 0), second, ...rest] }],
    ["a verification key is missing", { verificationKeys: [first, second, rest[0]] }],
    ["a verification key does not fit the others", { verificationKeys: [first, second, rest[0], rest[0]] }],
    ["two verification keys are exchanged", { verificationKeys: [second, first, ...rest] }],
  ].map(([why, change]) => refusedKey(why, "2 of 4", change, checkSharedKey(ristretto, { ...publicKey, ...change })));
}

/** The proof of `claim` step by step; `share` must be what the scheme made of the same. */
export function explainedShare(domain, claim, secrets, party, share) {
  const { context, keys, base, elements } = claim;
  const transcript = [u32Bytes(context.length), ...context, u32Bytes(keys.length), ...keys, base, ...elements];
  const nonces = secrets.map((_, j) =>
    ristretto.scalarFromHash(hmacSha512(concat(...secrets), `${domain} nonce`, u32Bytes(j), ...transcript)),
  );
  const a = nonces.map((nonce) => ristretto.basePower(nonce));
  const b = nonces.map((nonce) => ristretto.power(base, nonce));
  const challenge = ristretto.scalarFromHash(sha512(domain, ...transcript, ...a, ...b));
  const responses = nonces.map((nonce, j) =>
    ristretto.addScalars(nonce, ristretto.multiplyScalars(challenge, secrets[j])),
  );
  same(concat(...elements, challenge, ...responses), share);
  return { party, elements, nonces, a, b, challenge, responses, share };
}

/** A share with its proof for secrets that are not the party's, by which all but the verification keys are fulfilled. */
export function shareOfOtherSecrets(domain, claimOf, base, secrets) {
  const others = secrets.map((secret) => scalarToBytes((numberOf(secret) + 1n) % GROUP_ORDER));
  const elements = others.map((secret) => ristretto.power(base, secret));
  return concat(...elements, createEqualLogsProofs(ristretto, domain).prove(claimOf(elements), others));
}

/** How the shares of `parties` come to base^x. */
export function combination(sharing, parties, elementOf) {
  const set = PartySet.of(parties);
  const element = interpolate(ristretto, sharing, set, (_leaf, party, piece) => elementOf(party, piece));
  return { shown: { parties, terms: termsOf(sharing.terms(set, GROUP_ORDER)) }, element };
}

/** Changes that spoil a share of so many leaves and its proof, whatever it is a share of; `all` or the most telling ones. */
export function spoiledShares(share, leaves, all) {
  const part = (i) => share.subarray(32 * i, 32 * (i + 1));
  const withPart = (i, bytes) => replaced(share, 32 * i, bytes);
  const exchanged = (i) => replaced(withPart(i, part(i + 1)), 32 * (i + 1), part(i));
  const [challenge, response] = [leaves, leaves + 1];
  const malformed = [
    ["an element is the identity", withPart(0, IDENTITY)],
    ["an element is no element", withPart(0, NO_ELEMENT)],
    ["the challenge is not reduced", withPart(challenge, unreduced(part(challenge)))],
    ["a response is not reduced", withPart(response, unreduced(part(response)))],
    ["the challenge is 0", withPart(challenge, IDENTITY)],
    ["a response is 0", withPart(response, IDENTITY)],
    ["a byte is missing", share.subarray(0, -1)],
    ["there is a byte too many", concat(share, Uint8Array.of(0))],
    ["the share is empty", new Uint8Array()],
    ["there is no proof", share.subarray(0, 32 * leaves)],
  ];
  return [
    ["one bit of an element is inverted", flipped(share, 9)],
    ["one bit of the challenge is inverted", flipped(share, 256 * challenge + 3)],
    ["one bit of the last response is inverted", flipped(share, 8 * share.length - 15)],
    ...(all ? malformed : []),
    ...(leaves === 1
      ? []
      : [
          ["two elements are exchanged", exchanged(0)],
          ["two responses are exchanged", exchanged(response)],
        ]),
  ];
}
