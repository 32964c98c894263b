import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import { allOf, anyOf, atLeast } from "../../../src/core/formula.js";
import { type PartyId, PartySet } from "../../../src/core/party-set.js";
import { CombineError, KeyError } from "../../../src/crypto/errors.js";
import { hmacSha512, sha256, u32Bytes } from "../../../src/crypto/hashing.js";
import type { Dealt, RsaPublicKey } from "../../../src/crypto/keys.js";
import { bigintToBytes, bytesToBigint, jacobi } from "../../../src/crypto/numbers/bigints.js";
import { dealRsa } from "../../../src/crypto/rsa/dealer.js";
import { openRsaKey } from "../../../src/crypto/rsa/key.js";
import { pkcs1Encode } from "../../../src/crypto/rsa/padding.js";
import { type ShareClaim, proveShare } from "../../../src/crypto/rsa/proof.js";
import { SecretExponent } from "../../../src/crypto/rsa/secret-exponent.js";
import { createRsaScheme, createRsaSharer } from "../../../src/crypto/rsa/threshold.js";
import { combineRobustly } from "../../../src/crypto/scheme.js";
import { PRIMES_1024, PROTOCOL_1, PROTOCOL_2, at, flipBit, sharesOf } from "../fixtures.js";
import { allSets } from "./formulas.js";

const [p, q] = PRIMES_1024;
const N = p * q;

function open(dealt: Dealt<RsaPublicKey>) {
  const { publicKey } = dealt;
  const secretOf = (party: PartyId): Uint8Array => dealt.secretOf(party);
  return {
    publicKey,
    secretOf,
    scheme: createRsaScheme(publicKey),
    sharers: [0, 1, 2, 3].map((party) => createRsaSharer(publicKey, party, secretOf(party))),
  };
}

/** A message whose padding has the given Jacobi symbol: Protocol 2 treats the two differently. */
function messageWithSymbol(symbol: 1 | -1): Uint8Array {
  for (let i = 0; ; i++) {
    const message = utf8(`message ${i}`);
    if (jacobi(bytesToBigint(pkcs1Encode(message, 256)), N) === symbol) return message;
  }
}

/** Open and hidden gates; parties 0 and 1 have two leaves, of which one of each is dealt over the integers. */
const NESTED = atLeast(2, [0, allOf([1, anyOf([0, 2])]), atLeast(2, [1, 2, 3])]);
const MESSAGES = { residueLike: messageWithSymbol(1), nonResidue: messageWithSymbol(-1) };
const one = open(PROTOCOL_1);
const two = open(PROTOCOL_2);
const nested = open(await dealRsa({ access: NESTED, dual: false, primes: PRIMES_1024 }));
const nestedDual = open(await dealRsa({ access: NESTED, dual: true, primes: PRIMES_1024 }));

const CASES = [
  { name: "Protocol 1", key: one, message: MESSAGES.residueLike },
  { name: "Protocol 1, Jacobi symbol -1", key: one, message: MESSAGES.nonResidue },
  { name: "Protocol 2, Jacobi symbol -1", key: two, message: MESSAGES.nonResidue },
  { name: "Protocol 1, nested gates", key: nested, message: MESSAGES.residueLike },
  { name: "Protocol 2, nested gates, Jacobi symbol -1", key: nestedDual, message: MESSAGES.nonResidue },
];

describe.each(CASES)("$name", ({ key: { scheme, sharers }, message }) => {
  const { sharing } = scheme;
  const shares = sharers.map((sharer) => sharer.share(message));
  const proven = sharers.map((sharer) => sharer.prove(message));
  const from = (parties: Iterable<PartyId>, list = shares): Map<PartyId, Uint8Array> =>
    sharesOf([...parties], (party) => at(list, party));
  const kindOf = (party: PartyId, share: Uint8Array, about = message): string =>
    scheme.checkShare(party, about, share).kind;
  const reference = scheme.combine(message, from([0, 1, 2, 3]));

  test("every qualified set makes the same signature, no other set makes any", () => {
    expect(scheme.checkValue(message, reference)).toEqual({ kind: "valid" });
    for (const set of allSets(4)) {
      if (sharing.isQualified(set)) {
        expect(scheme.combine(message, from(set))).toEqual(reference);
        expect(scheme.combine(message, from([...set].reverse(), proven))).toEqual(reference);
        continue;
      }
      expect(() => scheme.combine(message, from(set))).toThrow(CombineError);
      const unproven = [...set];
      expect(combineRobustly(scheme, message, from(set))).toEqual({
        kind: "insufficient",
        faulty: new Map(),
        unproven,
      });
    }
  });

  test("shares and proofs are deterministic, and a proof follows its share", () => {
    expect(sharers.map((sharer) => sharer.share(message))).toEqual(shares);
    expect(sharers.map((sharer) => sharer.prove(message))).toEqual(proven);
    sharers.forEach(({ shareBytes, party }, i) => {
      expect(party).toBe(i);
      expect(at(shares, i).length).toBe(256 * sharing.leavesOf(i).length);
      expect(at(proven, i).subarray(0, shareBytes)).toEqual(at(shares, i));
    });
  });

  test("a share is valid with its proof, unproven without", () => {
    for (const party of [0, 1, 2, 3]) {
      expect(kindOf(party, at(proven, party))).toBe("valid");
      expect(kindOf(party, at(shares, party))).toBe("unproven");
    }
  });

  test("a proof is for one party and one message", () => {
    for (const other of [1, 2, 3]) expect(kindOf(other, at(proven, 0))).toBe("invalid");
    expect(kindOf(0, at(proven, 0), utf8("another"))).toBe("invalid");
    for (const party of [-1, 4, 0.5, Number.NaN, 2 ** 40]) {
      const verdict = scheme.checkShare(party, message, at(proven, 0));
      expect(verdict).toEqual({ kind: "invalid", reason: "the party holds no part of this key" });
    }
  });

  test("no bit of a proven share may be flipped", () => {
    const share = at(proven, 0);
    const bit = fc.nat(8 * share.length - 1);
    fc.assert(
      fc.property(bit, (index) => {
        expect(kindOf(0, flipBit(share, index))).toBe("invalid");
      }),
      { numRuns: 5 },
    );
    // The edges of the fields.
    const proof = 8 * at(shares, 0).length;
    for (const edge of [proof, proof + 127, proof + 128, 8 * share.length - 1])
      expect(kindOf(0, flipBit(share, edge))).toBe("invalid");
  });

  test("numbers that are no share are refused with a reason, proven or not", () => {
    const [share, rest] = [at(shares, 0), at(proven, 0).subarray(256)];
    const nonSquare = two.publicKey.nonResidue;
    const hostile: readonly (readonly [Uint8Array, string])[] = [
      ...[0n, N, N + 1n].map((value) => [bigintToBytes(value, 256), "not in 1..N-1"] as const),
      [new Uint8Array(256).fill(0xff), "not in 1..N-1"],
      ...[1n, N - 1n, p, 2n * q].map((value) => [bigintToBytes(value, 256), "no square"] as const),
      [nonSquare, "no square"],
    ];
    for (const [bytes, reason] of hostile) {
      for (const whole of [concat(bytes, share.subarray(256)), concat(bytes, rest)])
        expect(scheme.checkShare(0, message, whole)).toMatchObject({
          kind: "invalid",
          reason: expect.stringContaining(reason),
        });
    }
    const negated = bigintToBytes(N - bytesToBigint(share.subarray(0, 256)), 256);
    expect(scheme.checkShare(0, message, concat(negated, rest))).toEqual({
      kind: "invalid",
      reason: "the proof is wrong",
    });
  });

  test("a share of a wrong length is refused, and does not count", () => {
    const others = (set: PartySet): PartySet => PartySet.of([...set].filter((party) => party !== 0));
    const decidedBy0 = allSets(4).find((set) => sharing.isQualified(set) && !sharing.isQualified(others(set))) ?? [];
    expect(scheme.combine(message, from(decidedBy0))).toEqual(reference);
    const [share, whole] = [at(shares, 0), at(proven, 0)];
    const lengths = [
      new Uint8Array(),
      share.subarray(1),
      concat(new Uint8Array(1), share),
      concat(share, new Uint8Array(1)),
      whole.subarray(1),
      concat(whole, new Uint8Array(1)),
      new Uint8Array(20_000),
    ];
    for (const bytes of lengths) {
      expect(scheme.checkShare(0, message, bytes)).toMatchObject({
        kind: "invalid",
        reason: expect.stringContaining(`${bytes.length} bytes`),
      });
      expect(() => scheme.combine(message, from(decidedBy0).set(0, bytes))).toThrow(CombineError);
    }
    for (const filler of [0, 0xff]) {
      const proof = new Uint8Array(whole.length - share.length).fill(filler);
      expect(kindOf(0, concat(share, proof))).toBe("invalid");
    }
  });

  test("combining passes over malformed shares when there are enough others", () => {
    for (const malformed of [new Uint8Array(), bigintToBytes(0n, 256), bigintToBytes(N, 256)]) {
      const mixed = from([0, 1, 2, 3]).set(0, malformed);
      expect(scheme.combine(message, mixed)).toEqual(reference);
      const lonely = new Map([[0, malformed]]);
      expect(() => scheme.combine(message, lonely)).toThrow(CombineError);
    }
  });

  test("no share outside the group makes a signature or an exception", () => {
    for (const value of [1n, N - 1n, p]) {
      const pieces = sharing.leavesOf(0).map(() => bigintToBytes(value, 256));
      const mixed = from([0, 1, 2]).set(0, concat(...pieces));
      const combination = combineRobustly(scheme, message, mixed);
      expect(combination).toMatchObject({ kind: "insufficient", unproven: [1, 2] });
      expect([...combination.faulty.keys()]).toEqual([0]);
    }
  });

  test("a wrong share spoils the optimistic combination; with proofs its sender becomes known", () => {
    const wrong = at(sharers, 0).share(utf8("another message"));
    const mixed = from([1, 2, 3]).set(0, wrong);
    expect(combineRobustly(scheme, message, mixed)).toMatchObject({ kind: "insufficient", unproven: [0, 1, 2, 3] });
    const withProofs = from([1, 2, 3], proven).set(0, at(sharers, 0).prove(utf8("another message")));
    withProofs.set(9, at(proven, 1));
    expect(combineRobustly(scheme, message, withProofs)).toEqual({
      kind: "combined",
      value: reference,
      faulty: new Map([
        [9, "the party holds no part of this key"],
        [0, "the proof is wrong"],
      ]),
    });
  });

  test("another party's share does not count for one's own", () => {
    const [one, three] = [at(proven, 1), at(proven, 3)];
    const stolen = new Map([
      [1, one],
      [2, three],
      [3, three],
    ]);
    const combination = combineRobustly(scheme, message, stolen);
    expect([...combination.faulty.keys()]).toEqual([2]);
  });
});

describe("a cheating prover", () => {
  const { publicKey, scheme, secretOf } = nested;
  const key = openRsaKey(publicKey);
  const { modulus } = key;
  const message = MESSAGES.residueLike;
  const factor = 2n * key.sharing.multiplier;
  const power = modulus.pow(bytesToBigint(pkcs1Encode(message, 256)), factor);
  const nonceKey = hmacSha512(new Uint8Array(32), "abcast/1 rsa nonce key");
  const pieces = [0, 1].map((i) => secretOf(0).subarray(i * key.secretBytes, (i + 1) * key.secretBytes));
  const secrets = pieces.map((piece) => new SecretExponent(piece));
  const honest: ShareClaim = {
    party: 0,
    base: modulus.multiply(power, power),
    pieces: secrets.map((secret) => secret.power(modulus, power)),
  };
  const isAccepted = (claim: ShareClaim, proof: Uint8Array, about = scheme): boolean => {
    const share = concat(...claim.pieces.map((piece) => modulus.format(piece)), proof);
    return about.checkShare(claim.party, message, share).kind === "valid";
  };
  /** Moves each piece by its factor. */
  const moved = (...factors: readonly bigint[]): ShareClaim => ({
    ...honest,
    pieces: honest.pieces.map((piece, i) => modulus.multiply(piece, at(factors, i))),
  });
  const square = modulus.multiply(power, power);

  test("the honest proof, made by hand", () => {
    expect(isAccepted(honest, proveShare(key, honest, secrets, nonceKey))).toBe(true);
  });

  test("cannot prove a wrong piece, whichever it is, with the right secret", () => {
    for (const claim of [moved(square, 1n), moved(1n, square)])
      expect(isAccepted(claim, proveShare(key, claim, secrets, nonceKey))).toBe(false);
  });

  test("cannot make two wrongs a right", () => {
    const claim = moved(square, modulus.invert(square));
    expect(isAccepted(claim, proveShare(key, claim, secrets, nonceKey))).toBe(false);
    const swapped = { ...honest, pieces: [...honest.pieces].reverse() };
    expect(isAccepted(swapped, proveShare(key, swapped, secrets, nonceKey))).toBe(false);
    expect(isAccepted(swapped, proveShare(key, swapped, [...secrets].reverse(), nonceKey))).toBe(false);
  });

  test("cannot prove a piece made with another secret", () => {
    const other = new SecretExponent(flipBit(at(pieces, 0), 8 * key.secretBytes - 1));
    const others = [other, at(secrets, 1)];
    const claim = { ...honest, pieces: others.map((secret) => secret.power(modulus, power)) };
    expect(isAccepted(claim, proveShare(key, claim, others, nonceKey))).toBe(false);
  });

  test("cannot turn a proof for x into one for -x: the hash binds the piece itself, not its square", () => {
    const claim = moved(N - 1n, 1n);
    expect(isAccepted(claim, proveShare(key, honest, secrets, nonceKey))).toBe(false);
  });

  test("cannot pass off a proof under a public key that differs anywhere", () => {
    const proof = proveShare(key, honest, secrets, nonceKey);
    // Of the same lengths, and with the same x~: only the hash tells the keys apart.
    const differs = createRsaScheme({ ...publicKey, exponent: 257 });
    expect(isAccepted(honest, proof, differs)).toBe(false);
  });

  test("cannot pass off a proof as that of a party with the same key", () => {
    const [first, , ...rest] = PROTOCOL_2.publicKey.verificationKeys;
    const verificationKeys = [first, first, ...rest].flatMap((each) => each ?? []);
    const twins = createRsaScheme({ ...PROTOCOL_2.publicKey, verificationKeys });
    const share = createRsaSharer({ ...PROTOCOL_2.publicKey, verificationKeys }, 0, PROTOCOL_2.secretOf(0)).prove(
      message,
    );
    const kinds = [0, 1].map((party) => twins.checkShare(party, message, share).kind);
    expect(kinds).toEqual(["valid", "invalid"]);
  });
});

test("a share and its proof are the paper's, with our hash", () => {
  const { publicKey, sharers, secretOf } = two;
  const { modulus, digest, verificationBase, verificationKeys } = openRsaKey(publicKey);
  const shift = modulus.pow(bytesToBigint(publicKey.nonResidue), BigInt(publicKey.exponent));
  const x = modulus.multiply(bytesToBigint(pkcs1Encode(MESSAGES.nonResidue, 256)), shift);
  const base = modulus.pow(x, 4n);

  const proven = at(sharers, 0).prove(MESSAGES.nonResidue);
  expect(proven.length).toBe(256 + 16 + 289);
  const [share, challenge, response] = [proven.subarray(0, 256), proven.subarray(256, 272), proven.subarray(272)];
  const piece = bytesToBigint(share);
  expect(piece).toBe(modulus.pow(x, 2n * bytesToBigint(secretOf(0))));

  const [c, z] = [bytesToBigint(challenge), bytesToBigint(response)];
  const commitment = (from: bigint, to: bigint): Uint8Array =>
    modulus.format(modulus.multiply(modulus.pow(from, z), modulus.invert(modulus.pow(to, c))));
  const hash = sha256(
    "abcast/1 rsa share proof",
    digest,
    u32Bytes(0),
    modulus.format(base),
    share,
    commitment(verificationBase, at(verificationKeys, 0)),
    commitment(base, modulus.multiply(piece, piece)),
  );
  expect(challenge).toEqual(hash.subarray(0, 16));
});

test("nonces differ with message, party and leaf", () => {
  const { sharers, scheme } = nested;
  const responsesOf = (party: PartyId, message: Uint8Array): bigint[] => {
    const { shareBytes } = at(sharers, party);
    const proof = at(sharers, party)
      .prove(message)
      .subarray(shareBytes + 16);
    const size = proof.length / scheme.sharing.leavesOf(party).length;
    // s·c is 2^128 times shorter than the nonce: equal nonces show as equal first bytes, after one of overflow.
    return scheme.sharing.leavesOf(party).map((_, i) => bytesToBigint(proof.subarray(i * size, i * size + 9)));
  };
  const all = [
    ...responsesOf(0, MESSAGES.residueLike),
    ...responsesOf(0, MESSAGES.nonResidue),
    ...responsesOf(1, MESSAGES.residueLike),
  ];
  expect(new Set(all).size).toBe(all.length);
});

describe("secret keys", () => {
  test("must be those of the party", () => {
    const { publicKey } = PROTOCOL_1;
    const secret = PROTOCOL_1.secretOf(0);
    const bad: readonly (readonly [PartyId, Uint8Array])[] = [
      [1, secret],
      [4, secret],
      [4, new Uint8Array()],
      [0, new Uint8Array()],
      [0, secret.subarray(1)],
      [0, concat(new Uint8Array(1), secret)],
      [0, concat(secret, secret)],
      [0, new Uint8Array(256)],
      [0, flipBit(secret, 0)],
      [0, flipBit(secret, 2047)],
    ];
    for (const [party, bytes] of bad) expect(() => createRsaSharer(publicKey, party, bytes)).toThrow(KeyError);
    expect(() => createRsaSharer(PROTOCOL_2.publicKey, 0, secret)).toThrow(KeyError);
  });

  test("must be right for every leaf", () => {
    const secret = nested.secretOf(0);
    const half = secret.length / 2;
    for (const bit of [8 * half - 1, 8 * secret.length - 1])
      expect(() => createRsaSharer(nested.publicKey, 0, flipBit(secret, bit))).toThrow(KeyError);
    const swapped = concat(secret.subarray(half), secret.subarray(0, half));
    expect(() => createRsaSharer(nested.publicKey, 0, swapped)).toThrow(KeyError);
  });

  test("are gone after destroy", () => {
    const sharer = createRsaSharer(PROTOCOL_1.publicKey, 0, PROTOCOL_1.secretOf(0));
    sharer.destroy();
    expect(() => sharer.share(MESSAGES.residueLike)).toThrow(TypeError);
    expect(() => sharer.prove(MESSAGES.residueLike)).toThrow(TypeError);
  });

  test("two sharings of one key do not mix", async () => {
    const again = open(await dealRsa({ access: PROTOCOL_1.publicKey.access, dual: false, primes: PRIMES_1024 }));
    const message = utf8("m");
    const mixed = new Map([
      [0, at(one.sharers, 0).share(message)],
      [1, at(again.sharers, 1).share(message)],
    ]);
    expect(again.publicKey.modulus).toEqual(one.publicKey.modulus);
    expect(one.scheme.checkValue(message, one.scheme.combine(message, mixed)).kind).toBe("invalid");
  });
});
