/** Threshold decryption: who can read, with whose shares, and what becomes of bad ones. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, equalBytes, utf8 } from "../../../src/core/bytes.js";
import {
  type Formula,
  allOf,
  anyOf,
  atLeast,
  isSatisfied,
  leavesOf,
  thresholdFormula,
  weightedFormula,
} from "../../../src/core/formula.js";
import { type PartyId, PartySet } from "../../../src/core/party-set.js";
import { CombineError, KeyError } from "../../../src/crypto/errors.js";
import { type Ristretto, loadRistretto } from "../../../src/crypto/ristretto/group.js";
import { ristrettoKeys } from "../../../src/crypto/ristretto/shared-key.js";
import {
  type Tdh2Subject,
  createTdh2Scheme,
  createTdh2Sharer,
  decryptionShareBytes,
} from "../../../src/crypto/ristretto/tdh2.js";
import { CiphertextError } from "../../../src/crypto/ristretto/tdh2-ciphertext.js";
import { combineRobustly } from "../../../src/crypto/scheme.js";
import { dealKey } from "../../../src/crypto/sharing/deal-key.js";
import { at, flipBit, sharesOf } from "../fixtures.js";
import * as oracle from "./tdh2-oracle.js";

const ristretto = await loadRistretto();
const keys = ristrettoKeys(ristretto);

function deal(access: Formula) {
  const key = dealKey(keys, access);
  const { publicKey } = key;
  const secretOf = (party: PartyId): Uint8Array => key.secretOf(party);
  const parties = [...new Set(leavesOf(access))].sort((a, b) => a - b);
  const sharers = sharesOf(parties, (party) =>
    createTdh2Sharer({ ristretto, publicKey, party, secret: secretOf(party) }),
  );
  const share = (party: PartyId, subject: Tdh2Subject): Uint8Array => {
    const sharer = sharers.get(party);
    if (sharer === undefined) throw new Error(`no party ${party}`);
    return sharer.share(subject);
  };
  return { publicKey, secretOf, parties, share, scheme: createTdh2Scheme({ ristretto, publicKey }) };
}

const label = utf8("label");
const plaintext = utf8("sealed bid: 17");
const dealt = deal(thresholdFormula(2, 4));
const { scheme, publicKey, secretOf } = dealt;
const h = publicKey.publicKey;
const subject: Tdh2Subject = { label, ciphertext: scheme.encrypt({ label, plaintext }) };
const shares = sharesOf(dealt.parties, (party) => dealt.share(party, subject));
const shareOf = (party: PartyId): Uint8Array => shares.get(party) ?? new Uint8Array();
const sharesFrom = (parties: readonly PartyId[]): Map<PartyId, Uint8Array> => sharesOf(parties, shareOf);
const isValid = (party: PartyId, about: Tdh2Subject, share: Uint8Array): boolean =>
  scheme.checkShare(party, about, share).kind === "valid";

const subsetsOf = (parties: readonly PartyId[]): PartyId[][] =>
  Array.from({ length: 2 ** parties.length }, (_, bits) => parties.filter((_party, i) => (bits >> i) & 1));

const FORMULAS: [string, Formula][] = [
  ["one party", 0],
  ["AND", allOf([0, 1, 2])],
  ["OR", anyOf([2, 0, 1])],
  ["3 of 5", thresholdFormula(3, 5)],
  ["weights", weightedFormula(5, [3, 2, 2, 0, 1])],
  ["nested gates, parties in several places", atLeast(2, [allOf([0, 1]), anyOf([2, 0]), atLeast(2, [3, 4, 0]), 1])],
  ["two sites, two kinds", allOf([atLeast(2, [0, 1, 2, 3]), anyOf([allOf([0, 2]), allOf([1, 3])])])],
];

describe("decryption", () => {
  test.each(FORMULAS)("%s: every qualified set reads, no other does", (_name, access) => {
    const { scheme, share, parties } = deal(access);
    const about = { label, ciphertext: scheme.encrypt({ label, plaintext }) };
    const all = sharesOf(parties, (party) => share(party, about));
    for (const [party, each] of all) {
      expect(each.length).toBe(decryptionShareBytes(leavesOf(access).filter((leaf) => leaf === party).length));
      expect(scheme.checkShare(party, about, each)).toEqual({ kind: "valid" });
    }
    for (const some of subsetsOf(parties)) {
      const theirs = sharesOf(some, (party) => all.get(party) ?? new Uint8Array());
      if (isSatisfied(access, PartySet.of(some)))
        expect(scheme.combine(about, theirs)).toEqual({ kind: "plaintext", plaintext });
      else expect(() => scheme.combine(about, theirs)).toThrow(CombineError);
    }
  });

  test("gives any payload and label back", () => {
    const sizes = fc.uint8Array({ maxLength: 3000 });
    fc.assert(
      fc.property(sizes, sizes, fc.subarray([0, 1, 2, 3], { minLength: 2 }), (about, payload, parties) => {
        const mine = { label: about, ciphertext: scheme.encrypt({ label: about, plaintext: payload }) };
        const theirs = sharesOf(parties, (party) => dealt.share(party, mine));
        expect(scheme.combine(mine, theirs)).toEqual({ kind: "plaintext", plaintext: payload });
      }),
      { numRuns: 30 },
    );
  });

  test.each([0, 1, 1 << 20])("of %d bytes", (size) => {
    const payload = new Uint8Array(size).fill(7);
    const mine = {
      label: new Uint8Array(),
      ciphertext: scheme.encrypt({ label: new Uint8Array(), plaintext: payload }),
    };
    const combined = combineRobustly(
      scheme,
      mine,
      sharesOf([1, 3], (party) => dealt.share(party, mine)),
    );
    const value = combined.kind === "combined" ? combined.value : undefined;
    // `toEqual` on a megabyte would take seconds.
    expect(value?.kind === "plaintext" && Buffer.compare(value.plaintext, payload) === 0).toBe(true);
  });

  test("agrees with an independent implementation, in both directions", () => {
    const secrets = sharesOf(dealt.parties, (party) => oracle.scalarOf(secretOf(party)));
    // f(0) from f(1) and f(2), with f of degree 1.
    const x = oracle.modL(2n * (secrets.get(0) ?? 0n) - (secrets.get(1) ?? 0n));
    expect(oracle.g.multiply(x).toBytes()).toEqual(h);

    const fields = oracle.splitFields(subject.ciphertext);
    expect(oracle.decrypt(h, x, fields)).toEqual(plaintext);
    for (const party of dealt.parties) {
      const claim = { party, h, label, fields, keys: [at(publicKey.verificationKeys, party)] };
      expect(oracle.isShare(claim, [secrets.get(party) ?? 0n], shareOf(party))).toBe(true);
    }

    const made = oracle.makeFields({ h, label, r: 3n ** 150n, s: 5n ** 100n, plaintext: utf8("of Noble") });
    const theirs = { label, ciphertext: oracle.joinFields(made) };
    const value = scheme.combine(
      theirs,
      sharesOf([2, 3], (party) => dealt.share(party, theirs)),
    );
    expect(value).toEqual({ kind: "plaintext", plaintext: utf8("of Noble") });
  });

  test("an independent implementation accepts the share of a party with several leaves", () => {
    const { publicKey, secretOf, share, scheme } = deal(weightedFormula(3, [2, 2]));
    const about = { label, ciphertext: scheme.encrypt({ label, plaintext }) };
    const secret = secretOf(1);
    const claim = {
      party: 1,
      h: publicKey.publicKey,
      label,
      fields: oracle.splitFields(about.ciphertext),
      keys: publicKey.verificationKeys.slice(2),
    };
    const scalars = [oracle.scalarOf(secret.subarray(0, 32)), oracle.scalarOf(secret.subarray(32))];
    expect(oracle.isShare(claim, scalars, share(1, about))).toBe(true);
  });

  test("too few, foreign or unverified shares are the caller's mistake", () => {
    expect(() => scheme.combine(subject, new Map())).toThrow(CombineError);
    expect(() => scheme.combine(subject, sharesFrom([3]))).toThrow(CombineError);
    for (const party of [4, -1, 0.5, 2 ** 33])
      expect(() => scheme.combine(subject, sharesFrom([0, 1]).set(party, shareOf(0)))).toThrow(CombineError);
    for (const bad of [new Uint8Array(), new Uint8Array(3), new Uint8Array(96)])
      expect(() => scheme.combine(subject, sharesFrom([0]).set(1, bad))).toThrow(CombineError);
    for (const size of [0, 143])
      expect(() => scheme.combine({ label, ciphertext: new Uint8Array(size) }, sharesFrom([0, 1]))).toThrow(
        CombineError,
      );
  });
});

describe("a malicious encryptor", () => {
  const bodies: [string, Uint8Array][] = [
    ["garbage", utf8("this is nobody's ciphertext")],
    ["a tag alone", new Uint8Array(16)],
    ["a body sealed under another key", oracle.seal(new Uint8Array(32).fill(1), plaintext)],
  ];
  test.each(bodies)("%s with a proof that holds: undecryptable, for every qualified set", (_name, body) => {
    const made = oracle.makeFields({ h, label, r: 77n, s: 99n, body });
    const about = { label, ciphertext: oracle.joinFields(made) };
    expect(scheme.checkCiphertext(label, about.ciphertext).kind).toBe("valid");
    for (const parties of subsetsOf(dealt.parties).filter((set) => set.length >= 2)) {
      const theirs = sharesOf(parties, (party) => dealt.share(party, about));
      expect(scheme.combine(about, theirs)).toEqual({ kind: "undecryptable" });
    }
  });

  test("who plans with a corrupted party for a false share changes nothing: only verified shares count", () => {
    const r = 77n;
    // Party 0 will say g instead of u^{x_0}; the encryptor, knowing r, foresees what 0 and 1 would combine to, 2·s_0 - s_1,
    // and seals the body for that.
    const false0 = oracle.g;
    const foreseen = false0.double().subtract(oracle.decodeElement(at(publicKey.verificationKeys, 1)).multiply(r));
    const u = oracle.g.multiply(r).toBytes();
    const body = oracle.seal(oracle.bodyKey(h, u, foreseen), utf8("for your eyes only"));
    const about = { label, ciphertext: oracle.joinFields(oracle.makeFields({ h, label, r, s: 99n, body })) };
    const [one, two] = [dealt.share(1, about), dealt.share(2, about)];
    const lie = concat(false0.toBytes(), dealt.share(0, about).subarray(32));

    expect(
      scheme.combine(
        about,
        new Map([
          [0, lie],
          [1, one],
        ]),
      ).kind,
    ).toBe("plaintext");
    expect(
      scheme.combine(
        about,
        new Map([
          [1, one],
          [2, two],
        ]),
      ).kind,
    ).toBe("undecryptable");
    const robust = combineRobustly(
      scheme,
      about,
      new Map([
        [0, lie],
        [1, one],
        [2, two],
      ]),
    );
    expect(robust).toMatchObject({ kind: "combined", value: { kind: "undecryptable" } });
    expect([...robust.faulty.keys()]).toEqual([0]);
  });
});

describe("shares", () => {
  test("are deterministic", () => {
    expect(dealt.share(0, subject)).toEqual(shareOf(0));
  });

  test("are not made of a ciphertext that fails its check", () => {
    const { ciphertext } = subject;
    const bad: Tdh2Subject[] = [
      { label: utf8("labeL"), ciphertext },
      { label, ciphertext: flipBit(ciphertext, 8 * 130) },
      { label, ciphertext: flipBit(ciphertext, 8 * 100) },
      { label, ciphertext: ciphertext.subarray(1) },
      { label, ciphertext: new Uint8Array() },
    ];
    for (const about of bad) expect(() => dealt.share(0, about)).toThrow(CiphertextError);
  });

  test("do not count for a ciphertext that fails its check", () => {
    const relabelled = { ...subject, label: utf8("labeL") };
    expect(scheme.checkShare(0, relabelled, shareOf(0))).toEqual({
      kind: "invalid",
      reason: "ciphertext: the proof does not hold for this ciphertext, label and key",
    });
    // Which is no fault of the shares' parties.
    const nobody = new Map<number, string>();
    expect(combineRobustly(scheme, relabelled, shares)).toEqual({ kind: "insufficient", faulty: nobody, unproven: [] });
  });

  test("are for one ciphertext, even beside another with the same u", () => {
    const make = (about: Uint8Array, payload: Uint8Array, s: bigint): Tdh2Subject => {
      const made = oracle.makeFields({ h, label: about, r: 4242n, s, plaintext: payload });
      return { label: about, ciphertext: oracle.joinFields(made) };
    };
    const [mine, ...others] = [
      make(label, plaintext, 1n),
      make(label, utf8("sealed bid: 71"), 1n),
      make(utf8("other"), plaintext, 1n),
      make(label, plaintext, 2n),
    ];
    const share = dealt.share(0, mine);
    expect(isValid(0, mine, share)).toBe(true);
    for (const other of others) {
      expect(dealt.share(0, other).subarray(0, 32)).toEqual(share.subarray(0, 32));
      expect(isValid(0, other, share)).toBe(false);
    }
  });

  test("are for one party, even beside another with the same key", () => {
    const twins = deal(anyOf([0, 1]));
    const about = { label, ciphertext: twins.scheme.encrypt({ label, plaintext }) };
    const share = twins.share(0, about);
    expect(twins.scheme.checkShare(0, about, share).kind).toBe("valid");
    expect(twins.scheme.checkShare(1, about, share).kind).toBe("invalid");
    for (const party of [1, 2, 3]) expect(isValid(party, subject, shareOf(0))).toBe(false);
    for (const party of [4, -1, 0.5, Number.NaN, 2 ** 33]) expect(isValid(party, subject, shareOf(0))).toBe(false);
  });

  test("of a party without leaves do not count, though its proof of nothing holds", () => {
    const nothing = oracle.emptyShare(4, h, label, oracle.splitFields(subject.ciphertext));
    expect(isValid(4, subject, nothing)).toBe(false);
    for (const party of [-1, 0.5, Number.NaN, 2 ** 33]) expect(isValid(party, subject, nothing)).toBe(false);
  });

  test("are for one key", () => {
    const other = deal(thresholdFormula(2, 4));
    const theirs = { label, ciphertext: other.scheme.encrypt({ label, plaintext }) };
    expect(other.scheme.checkShare(0, theirs, shareOf(0)).kind).toBe("invalid");
    expect(isValid(0, subject, other.share(0, theirs))).toBe(false);
  });

  test("fail when any bit is flipped", () => {
    const share = shareOf(0);
    for (let bit = 0; bit < 8 * share.length; bit++) expect(isValid(0, subject, flipBit(share, bit))).toBe(false);
  });

  test("of several leaves fail when one of their pieces is exchanged or missing", () => {
    const { scheme, share } = deal(weightedFormula(3, [2, 2]));
    const about = { label, ciphertext: scheme.encrypt({ label, plaintext }) };
    const whole = share(0, about);
    const [one, two, proof] = [whole.subarray(0, 32), whole.subarray(32, 64), whole.subarray(64)];
    const check = (bytes: Uint8Array): string => scheme.checkShare(0, about, bytes).kind;
    expect(check(concat(one, two, proof))).toBe("valid");
    expect(check(concat(two, one, proof))).toBe("invalid");
    expect(check(concat(one, one, proof))).toBe("invalid");
    expect(check(concat(one, proof))).toBe("invalid");
    expect(check(concat(one, share(1, about).subarray(32, 64), proof))).toBe("invalid");
  });

  test("fail for any other bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 90, maxLength: 100 }), (bytes) => {
        expect(isValid(0, subject, bytes)).toBe(false);
      }),
      { numRuns: 40 },
    );
    const [element, c, z] = [0, 32, 64].map((offset) => shareOf(0).slice(offset, offset + 32));
    if (element === undefined || c === undefined || z === undefined) throw new Error("a share has three parts");
    const [zero, ones] = [new Uint8Array(32), new Uint8Array(32).fill(0xff)];
    const unreduced = oracle.scalarBytes(oracle.scalarOf(z) + oracle.L);
    for (const parts of [
      [zero, c, z],
      [ones, c, z],
      [element, zero, z],
      [element, c, zero],
      [element, c, unreduced],
    ])
      expect(isValid(0, subject, concat(...parts))).toBe(false);
    for (const size of [0, 32, 64, 95, 97, 192])
      expect(isValid(0, subject, concat(shareOf(0), shareOf(0)).subarray(0, size))).toBe(false);
  });

  test("are sorted out when bad ones are among them", () => {
    const received = sharesFrom([0, 1, 2, 3])
      .set(1, flipBit(shareOf(1), 300))
      .set(2, shareOf(3))
      .set(7, shareOf(3));
    const combined = combineRobustly(scheme, subject, received);
    expect(combined).toMatchObject({ kind: "combined", value: { kind: "plaintext", plaintext } });
    expect([...combined.faulty.keys()].sort((a, b) => a - b)).toEqual([1, 2, 7]);
    received.delete(0);
    expect(combineRobustly(scheme, subject, received)).toMatchObject({ kind: "insufficient", unproven: [] });
  });

  test("checked together get the verdicts that they get one by one", () => {
    const received = sharesFrom([0, 1, 2]).set(1, shareOf(2)).set(9, shareOf(0));
    for (const about of [subject, { ...subject, label: utf8("other") }]) {
      const single = sharesOf([...received.keys()], (party) =>
        scheme.checkShare(party, about, received.get(party) ?? new Uint8Array()),
      );
      expect(scheme.checkShares?.(about, received)).toEqual(single);
    }
  });
});

describe("keys", () => {
  test("a public key must belong together", () => {
    const other = deal(thresholdFormula(2, 4)).publicKey;
    for (const bad of [
      { ...publicKey, publicKey: other.publicKey },
      { ...publicKey, verificationKeys: publicKey.verificationKeys.slice(1) },
      { ...publicKey, publicKey: new Uint8Array(32) },
      { ...publicKey, access: atLeast(5, [0, 1, 2, 3]) },
    ]) {
      expect(() => createTdh2Scheme({ ristretto, publicKey: bad })).toThrow(KeyError);
      expect(() => createTdh2Sharer({ ristretto, publicKey: bad, party: 0, secret: secretOf(0) })).toThrow(KeyError);
    }
  });

  test("a secret must be its party's", () => {
    for (const [party, secret] of [
      [1, secretOf(0)],
      [4, secretOf(0)],
      [0, new Uint8Array(32)],
      [0, new Uint8Array()],
    ] as const)
      expect(() => createTdh2Sharer({ ristretto, publicKey, party, secret })).toThrow(KeyError);
  });

  test("a secret can be destroyed, without touching the caller's copy", () => {
    const secret = secretOf(0);
    const used: Uint8Array[] = [];
    const watched: Ristretto = {
      ...ristretto,
      power: (element, scalar) => {
        if (equalBytes(scalar, secret)) used.push(scalar);
        return ristretto.power(element, scalar);
      },
    };
    const sharer = createTdh2Sharer({ ristretto: watched, publicKey, party: 0, secret });
    expect(sharer.party).toBe(0);
    expect(sharer.share(subject)).toEqual(shareOf(0));
    expect(used).toEqual([secretOf(0)]);
    sharer.destroy();
    expect(used).toEqual([new Uint8Array(32)]);
    expect(() => sharer.share(subject)).toThrow(TypeError);
    expect(secret).toEqual(secretOf(0));
  });
});
