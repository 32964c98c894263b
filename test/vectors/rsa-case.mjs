/** One message signed under one key, with everything that leads to the signature. */
import { concat, utf8 } from "../../dist/core/bytes.js";
import { PartySet } from "../../dist/core/party-set.js";
import { hmacSha512, sha256, shake256, u32Bytes } from "../../dist/crypto/hashing.js";
import { bezout, bigintToBytes, bytesToBigint, jacobi, mod } from "../../dist/crypto/numbers/bigints.js";
import { pkcs1Encode } from "../../dist/crypto/rsa/padding.js";
import { proveShare } from "../../dist/crypto/rsa/proof.js";
import { SecretExponent, formatExponent } from "../../dist/crypto/rsa/secret-exponent.js";
import { createRsaScheme, createRsaSharer } from "../../dist/crypto/rsa/threshold.js";
import { flipped, refused, replaced, same } from "./bytes.mjs";
import { QUALIFIED, UNQUALIFIED } from "./formulas.mjs";
import { signed } from "./rsa-key.mjs";
import { termsOf } from "./sharing.mjs";

const CHALLENGE_BYTES = 16;

/** `steps`: whether nonces and commitments are shown. `allRefusals`: otherwise only the most telling ones. */
export function rsaCase(input, dealt, { steps = false, allRefusals = false }) {
  const { message } = input;
  const { protocol, publicKey, secretOf, key } = dealt;
  const { modulus, sharing, exponent } = key;
  const scheme = createRsaScheme(publicKey);
  const padded = pkcs1Encode(message, modulus.sizeBytes);
  const symbol = jacobi(bytesToBigint(padded), modulus.value);
  const shifted = protocol === 2 && symbol === -1;
  const x = shifted
    ? modulus.multiply(bytesToBigint(padded), modulus.pow(key.nonResidue, exponent))
    : bytesToBigint(padded);
  const factor = protocol === 2 ? 2n : 2n * sharing.multiplier;
  const base = modulus.pow(x, 2n * factor);

  const all = [...new Set(QUALIFIED[input.key].flat())].sort((a, b) => a - b);
  const shares = new Map(
    all.map((party) => {
      const sharer = createRsaSharer(publicKey, party, secretOf(party));
      const proven = sharer.prove(message);
      const share = proven.subarray(0, sharer.shareBytes);
      same(sharer.share(message), new Uint8Array(share));
      const proof = proven.subarray(sharer.shareBytes);
      const explained = explainProof(dealt, party, base, share);
      same(concat(explained.challenge, ...explained.responses), new Uint8Array(proof));
      return [party, { party, share, ...(steps ? explained : {}), proof }];
    }),
  );
  const provenOf = (party) => concat(shares.get(party).share, shares.get(party).proof);
  const signatures = QUALIFIED[input.key].map((parties) =>
    scheme.combine(message, new Map(parties.map((party) => [party, shares.get(party).share]))),
  );
  for (const signature of signatures) {
    same(signature, signatures[0]);
    same(scheme.checkValue(message, signature), { kind: "valid" });
  }
  const [signature] = signatures;
  const combinations = QUALIFIED[input.key].map((parties) =>
    explainCombination(dealt, parties, x, shifted, shares, signature),
  );

  const badShare = (why, party, share, change = {}) =>
    refused(why, { ...change, party, share }, scheme.checkShare(party, change.message ?? message, share));
  const badSignature = (why, bytes, change = {}) =>
    refused(why, { ...change, signature: bytes }, scheme.checkValue(change.message ?? message, bytes));
  const other = Uint8Array.of(...message, 0);
  return {
    ...input,
    padded,
    jacobi: symbol,
    x: modulus.format(x),
    base: modulus.format(base),
    shares: [...shares.values()],
    combinations,
    signature,
    unqualified: UNQUALIFIED[input.key],
    refusedShares: [
      ...spoiledShares(dealt, provenOf(0), allRefusals).map(([why, bytes]) => badShare(why, 0, bytes)),
      badShare("another party's share", 1, provenOf(0)),
      badShare("a party that holds no part of the key", 20, provenOf(0)),
      badShare("another message", 0, provenOf(0), { message: other }),
      ...(allRefusals
        ? [badShare("a piece is not reduced, and the proof is for it so", 0, ...unreducedShare(dealt))]
        : []),
      badShare("a share without proof tells nothing", 0, shares.get(0).share),
      badShare("the proof is for other secrets than the key's", 0, shareOfOtherSecrets(dealt, x, factor, base)),
    ],
    refusedSignatures: [
      badSignature("one bit is inverted", flipped(signature, 5)),
      badSignature("another message", signature, { message: other }),
      badSignature("a byte is missing", signature.subarray(1)),
      badSignature("there is a byte too many", Uint8Array.of(0, ...signature)),
      badSignature("its negative", modulus.format(modulus.value - bytesToBigint(signature))),
      badSignature("0", modulus.format(0n)),
    ],
  };
}

/** The proof for these bytes as the pieces, step by step. */
function explainProof({ key, secretOf }, party, base, share) {
  const { modulus, secretBytes, digest } = key;
  const count = share.length / modulus.sizeBytes;
  const each = (sizeBytes, bytes) =>
    Array.from({ length: count }, (_, i) => bytes.subarray(i * sizeBytes, (i + 1) * sizeBytes));
  const pieces = each(modulus.sizeBytes, share);
  const bound = [digest, u32Bytes(party), modulus.format(base), ...pieces];
  const nonceKey = hmacSha512(secretOf(party), "abcast/1 rsa nonce key", digest);
  const seed = hmacSha512(nonceKey, "abcast/1 rsa share nonce", ...bound);
  const nonces = pieces.map((_, i) =>
    shake256(secretBytes + 32, "abcast/1 rsa share nonce expansion", seed, u32Bytes(i)),
  );
  const commitments = nonces.flatMap((nonce) =>
    [key.verificationBase, base].map((from) => modulus.format(modulus.pow(from, bytesToBigint(nonce)))),
  );
  const challenge = sha256("abcast/1 rsa share proof", ...bound, ...commitments).subarray(0, CHALLENGE_BYTES);
  const secrets = each(secretBytes, secretOf(party)).map(signed);
  const responses = secrets.map((secret, i) =>
    bigintToBytes(secret * bytesToBigint(challenge) + bytesToBigint(nonces[i]), secretBytes + 33),
  );
  return { nonceKey, seed, nonces, commitments, challenge, responses };
}

function explainCombination({ protocol, key }, parties, x, shifted, shares, signature) {
  const { modulus, sharing, exponent, nonResidue } = key;
  const terms = sharing.integerTerms(PartySet.of(parties));
  const gcd = terms.reduce((g, { coefficient }) => bezout(g, coefficient < 0n ? -coefficient : coefficient).gcd, 0n);
  const root = terms.reduce((product, { party, piece, coefficient }) => {
    const { share } = shares.get(party);
    const number = bytesToBigint(share.subarray(piece * modulus.sizeBytes, (piece + 1) * modulus.sizeBytes));
    return modulus.multiply(product, modulus.pow(number, (2n * coefficient) / gcd));
  }, 1n);
  const rootExponent = protocol === 1 ? (4n * sharing.multiplier ** 2n) / gcd : 4n;
  const restoring = protocol === 1 ? 1n : gcd;
  const { x: a, y: b } = bezout(rootExponent, exponent);
  const unshifted = modulus.multiply(modulus.pow(root, restoring * a), modulus.pow(x, b));
  const result = shifted ? modulus.multiply(unshifted, modulus.invert(nonResidue)) : unshifted;
  same(modulus.format(result), signature);
  return { parties, terms: termsOf(terms), gcd, root: modulus.format(root), rootExponent, a, b };
}

/** Changes that spoil a proven share, whatever it is a share of. */
function spoiledShares({ key, publicKey }, proven, all) {
  const { modulus, sharing } = key;
  const { sizeBytes } = modulus;
  const leaves = sharing.leavesOf(0).length;
  const shareBytes = leaves * sizeBytes;
  const responseBytes = key.secretBytes + 33;
  const first = bytesToBigint(proven.subarray(0, sizeBytes));
  const withFirst = (value) => replaced(proven, 0, modulus.format(value));
  const nonResidue = [2n, 3n, 5n, 7n].find((small) => jacobi(small, modulus.value) === -1);
  const responses = shareBytes + CHALLENGE_BYTES;
  const exchanged = (start, size) =>
    replaced(
      replaced(proven, start, proven.subarray(start + size, start + 2 * size)),
      start + size,
      proven.subarray(start, start + size),
    );
  const malformed = [
    ["a piece is 0", withFirst(0n)],
    ["a piece is 1", withFirst(1n)],
    ["a piece is -1", withFirst(modulus.value - 1n)],
    ["a piece is N", replaced(proven, 0, publicKey.modulus)],
    ["a piece has Jacobi symbol -1", withFirst(mod(first * nonResidue, modulus.value))],
    [
      "a piece has Jacobi symbol -1, without proof",
      withFirst(mod(first * nonResidue, modulus.value)).subarray(0, shareBytes),
    ],
    ["a byte is missing", proven.subarray(0, -1)],
    ["there is a byte too many", concat(proven, Uint8Array.of(0))],
    ["the share is empty", new Uint8Array()],
  ];
  return [
    ["one bit of a piece is inverted", flipped(proven, 8 * sizeBytes - 8)],
    ["one bit of the challenge is inverted", flipped(proven, 8 * shareBytes + 3)],
    ["one bit of the last response is inverted", flipped(proven, 8 * proven.length - 8)],
    ["a piece is its negative", withFirst(modulus.value - first)],
    ...(all ? malformed : []),
    ...(leaves === 1
      ? []
      : [
          ["two pieces are exchanged", exchanged(0, sizeBytes)],
          ["two responses are exchanged", exchanged(responses, responseBytes)],
        ]),
  ];
}

/** A share with its proof for secrets that are not the party's, by which all but the verification keys are fulfilled. */
function shareOfOtherSecrets({ key, secretOf }, x, factor, base) {
  const { modulus, sharing, secretBytes } = key;
  const own = secretOf(0);
  const others = sharing.leavesOf(0).map((_, i) => {
    const secret = signed(own.subarray(i * secretBytes, (i + 1) * secretBytes)) + 1n;
    return { secret, exponent: new SecretExponent(formatExponent(secret, secretBytes)) };
  });
  const pieces = others.map(({ secret }) => modulus.pow(x, factor * secret));
  const exponents = others.map(({ exponent }) => exponent);
  const proof = proveShare(
    key,
    { party: 0, base, pieces },
    exponents,
    hmacSha512(own, "abcast/1 rsa nonce key", key.digest),
  );
  return concat(...pieces.map((piece) => modulus.format(piece)), proof);
}

/** A share of party 0, of one piece, that has N+x_j in place of x_j, and its message: of most messages N+x_j is too long. */
function unreducedShare(dealt) {
  const { publicKey, secretOf, key } = dealt;
  const { modulus, sharing } = key;
  const sharer = createRsaSharer(publicKey, 0, secretOf(0));
  for (let attempt = 0; ; attempt++) {
    const message = utf8(`attempt ${attempt}`);
    const piece = bytesToBigint(sharer.share(message)) + modulus.value;
    if (piece >= 1n << BigInt(8 * modulus.sizeBytes)) continue;
    const base = modulus.pow(bytesToBigint(pkcs1Encode(message, modulus.sizeBytes)), 4n * sharing.multiplier);
    const share = modulus.format(piece);
    const { challenge, responses } = explainProof(dealt, 0, base, share);
    return [concat(share, challenge, ...responses), { message }];
  }
}
