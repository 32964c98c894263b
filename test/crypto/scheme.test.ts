/** The combination of shares, with a scheme whose shares are numbers modulo 251 and whose value is their secret. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Formula, allOf, anyOf, atLeast, isSatisfied } from "../../src/core/formula.js";
import { type PartyId, PartySet } from "../../src/core/party-set.js";
import { CombineError } from "../../src/crypto/errors.js";
import {
  type Scheme,
  UNPROVEN,
  VALID,
  type Verdict,
  combineInTurns,
  combineRobustly,
  invalid,
  partiesOf,
  piecesOf,
} from "../../src/crypto/scheme.js";
import { createSharing } from "../../src/crypto/sharing/sharing.js";
import { at, sharesOf } from "./fixtures.js";

const ORDER = 251n;
const SECRET = 42n;
const SUBJECT = "subject";

/** What follows a share that has its proof with it. */
const PROOF = 0xff;

function toyScheme(access: Formula) {
  const sharing = createSharing(access);
  const dealt = sharing.deal(SECRET, ORDER);
  const judged: PartyId[] = [];
  const combined: PartyId[][] = [];

  const share = (party: PartyId): Uint8Array =>
    Uint8Array.from([...sharing.leavesOf(party).map((leaf) => Number(at(dealt, leaf))), PROOF]);
  const scheme: Scheme<string, bigint> = {
    sharing,
    checkShare(party, _subject, bytes): Verdict {
      judged.push(party);
      if (bytes.length === share(party).length - 1) return UNPROVEN;
      return share(party).join() === bytes.join() ? VALID : invalid(`bad share of ${party}`);
    },
    combine(_subject, shares) {
      combined.push([...shares.keys()]);
      const terms = sharing.terms(partiesOf(sharing, shares), ORDER);
      if (terms === undefined) throw new CombineError("too few");
      const sum = terms.reduce((total, { party, piece, coefficient }) => {
        const number = shares.get(party)?.[piece];
        if (number === undefined) throw new CombineError("malformed");
        return total + coefficient * BigInt(number);
      }, 0n);
      return sum % ORDER;
    },
  };
  const checkValue = (_subject: string, value: bigint): Verdict => (value === SECRET ? VALID : invalid("wrong"));
  return { plain: scheme, checkable: { ...scheme, checkValue }, share, judged, combined };
}

const corrupt = (share: Uint8Array): Uint8Array => share.map((byte, i) => (i === 0 ? (byte + 1) % 251 : byte));
const unproven = (share: Uint8Array): Uint8Array => share.subarray(0, -1);
const TWO_OF_FOUR = atLeast(2, [0, 1, 2, 3]);

describe("combining where only shares can be checked", () => {
  test("leaves out bad shares, and says whose they are and why", () => {
    const { plain, share, combined } = toyScheme(TWO_OF_FOUR);
    const shares = sharesOf([0, 1, 2, 3], share)
      .set(0, corrupt(share(0)))
      .set(2, new Uint8Array());
    expect(combineRobustly(plain, SUBJECT, shares)).toEqual({
      kind: "combined",
      value: SECRET,
      faulty: new Map([
        [0, "bad share of 0"],
        [2, "bad share of 2"],
      ]),
    });
    expect(combined).toEqual([[1, 3]]);
  });

  test("too few good ones are insufficient: names the bad, and those who could prove theirs", () => {
    const { plain, share, combined } = toyScheme(atLeast(3, [0, 1, 2, 3]));
    const shares = sharesOf([0, 1, 2, 3], share)
      .set(0, corrupt(share(0)))
      .set(3, unproven(share(3)));
    const faulty = new Map([[0, "bad share of 0"]]);
    expect(combineRobustly(plain, SUBJECT, shares)).toEqual({ kind: "insufficient", faulty, unproven: [3] });
    expect(combined).toEqual([]);
    expect(combineRobustly(plain, SUBJECT, new Map())).toEqual({
      kind: "insufficient",
      faulty: new Map(),
      unproven: [],
    });
  });

  test("unproven shares do not count, and are no fault", () => {
    const { plain, share } = toyScheme(TWO_OF_FOUR);
    const shares = sharesOf([0, 1, 2], share).set(0, unproven(share(0)));
    expect(combineRobustly(plain, SUBJECT, shares)).toEqual({ kind: "combined", value: SECRET, faulty: new Map() });
  });

  test("whoever holds no part of the key is at fault", () => {
    const { plain, share, judged } = toyScheme(TWO_OF_FOUR);
    const shares = sharesOf([0, 1], share);
    for (const party of [4, -1, 0.5, Number.NaN, 256]) shares.set(party, share(0));
    const result = combineRobustly(plain, SUBJECT, shares);
    expect(result).toMatchObject({ kind: "combined", value: SECRET });
    expect(new Set(result.faulty.keys())).toEqual(new Set([4, -1, 0.5, Number.NaN, 256]));
    expect(judged).toEqual([0, 1]);
  });

  test("checks all shares at once where the scheme can", () => {
    const { plain, share, judged } = toyScheme(TWO_OF_FOUR);
    const batched: Scheme<string, bigint> = {
      ...plain,
      checkShares: (_subject, shares) =>
        new Map([...shares.keys()].map((p) => [p, p === 1 ? invalid("batch") : VALID])),
    };
    expect(combineRobustly(batched, SUBJECT, sharesOf([0, 1, 2], share))).toEqual({
      kind: "combined",
      value: SECRET,
      faulty: new Map([[1, "batch"]]),
    });
    expect(judged).toEqual([]);
  });
});

describe("combining where the value can be checked", () => {
  test("looks at no share while the value is right, with or without proofs", () => {
    const { checkable, share, judged } = toyScheme(TWO_OF_FOUR);
    const shares = sharesOf([0, 1, 2], (party) => unproven(share(party))).set(9, share(0));
    expect(combineRobustly(checkable, SUBJECT, shares)).toEqual({
      kind: "combined",
      value: SECRET,
      faulty: new Map([[9, "the party holds no part of this key"]]),
    });
    expect(judged).toEqual([]);
  });

  test.each([
    ["a false", corrupt],
    ["a malformed", () => new Uint8Array()],
  ])("falls back to the shares when %s one spoils it", (_kind, spoil) => {
    const { checkable, share, judged } = toyScheme(TWO_OF_FOUR);
    const shares = sharesOf([3, 2, 0], share).set(0, spoil(share(0)));
    const faulty = new Map([[0, "bad share of 0"]]);
    expect(combineRobustly(checkable, SUBJECT, shares)).toEqual({ kind: "combined", value: SECRET, faulty });
    expect(judged).toEqual([0, 2, 3]);
  });

  test("is insufficient when what spoils it and what lacks a proof leave too little", () => {
    const { checkable, share } = toyScheme(TWO_OF_FOUR);
    const shares = sharesOf([0, 1, 2], (party) => unproven(share(party))).set(0, corrupt(share(0)));
    const faulty = new Map([[0, "bad share of 0"]]);
    expect(combineRobustly(checkable, SUBJECT, shares)).toEqual({ kind: "insufficient", faulty, unproven: [1, 2] });
  });

  test("tries nothing with an unqualified set", () => {
    const { checkable, share, combined } = toyScheme(TWO_OF_FOUR);
    expect(combineRobustly(checkable, SUBJECT, sharesOf([0], share)).kind).toBe("insufficient");
    expect(combined).toEqual([]);
  });

  test("a broken scheme is not taken for a bad share", () => {
    const { checkable, share } = toyScheme(TWO_OF_FOUR);
    const broken: Scheme<string, bigint> = {
      ...checkable,
      combine() {
        throw new TypeError("broken");
      },
    };
    // Without proofs, so that nothing is left to combine once it came to single shares.
    const shares = sharesOf([0, 1], (party) => unproven(share(party)));
    expect(() => combineRobustly(broken, SUBJECT, shares)).toThrow(TypeError);
  });
});

test("any formula, any bad shares, in any order: combined when the good ones suffice, and always the same value", () => {
  const access = anyOf([allOf([0, 1]), atLeast(2, [1, 2, 2, allOf([3, 4])])]);
  const { plain, checkable, share } = toyScheme(access);
  const entries = fc.uniqueArray(fc.tuple(fc.nat({ max: 5 }), fc.boolean()), { selector: ([party]) => party });
  fc.assert(
    fc.property(entries, (some) => {
      const shares = new Map(some.map(([party, isGood]) => [party, isGood ? share(party) : corrupt(share(party))]));
      const good = PartySet.of(some.filter(([, isGood]) => isGood).map(([party]) => party));
      const suffice = isSatisfied(access, good);
      const [one, other] = [plain, checkable].map((scheme) => combineRobustly(scheme, SUBJECT, shares));
      expect(one?.kind).toBe(suffice ? "combined" : "insufficient");
      // A bad share may be bad in a piece that nobody needs.
      if (suffice) expect(other?.kind).toBe("combined");
      for (const result of [one, other]) {
        if (result?.kind === "combined") expect(result.value).toBe(SECRET);
        for (const party of result?.faulty.keys() ?? []) expect(party === 5 || !good.has(party)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

describe("pieces", () => {
  const sharing = createSharing(atLeast(2, [0, 1, 0]));

  test("are views of the share, one for each leaf", () => {
    const share = Uint8Array.of(1, 2, 3, 4);
    const pieces = piecesOf(sharing, 0, share, 2) ?? [];
    expect(pieces).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3, 4)]);
    expect(at(pieces, 0).buffer).toBe(share.buffer);
    expect(piecesOf(sharing, 1, share, 4)).toEqual([share]);
  });

  test("need the right length, and a party that holds some", () => {
    for (const length of [0, 2, 3, 5, 6]) expect(piecesOf(sharing, 0, new Uint8Array(length), 2)).toBeUndefined();
    for (const party of [2, -1, 0.5, Number.NaN]) expect(piecesOf(sharing, party, new Uint8Array(), 2)).toBeUndefined();
  });
});

test("the parties of shares: each must hold a part of the key", () => {
  const sharing = createSharing(atLeast(2, [0, 1, 3]));
  const none = new Uint8Array();
  expect([
    ...partiesOf(
      sharing,
      sharesOf([3, 0], () => none),
    ),
  ]).toEqual([0, 3]);
  for (const party of [2, -1, 0.5, Number.NaN, 256])
    expect(() =>
      partiesOf(
        sharing,
        sharesOf([0, 1, party], () => none),
      ),
    ).toThrow(CombineError);
});

describe("what is nobody's fault", () => {
  test("a subject of which no party makes shares", () => {
    const { plain, share, judged } = toyScheme(TWO_OF_FOUR);
    const picky: Scheme<string, bigint> = { ...plain, checkSubject: () => invalid("mauled") };
    const shares = sharesOf([0, 1, 2], share).set(1, corrupt(share(1)));
    const nothing = { kind: "insufficient", faulty: new Map(), unproven: [] };
    expect(combineRobustly(picky, SUBJECT, shares)).toEqual(nothing);
    expect(judged).toEqual([]);
  });

  test("a bad value from good shares, which contradictory keys give: it is not passed off as right", () => {
    const { plain, share } = toyScheme(TWO_OF_FOUR);
    const contradictory: Scheme<string, bigint> = { ...plain, checkValue: () => invalid("bad key") };
    const nothing = { kind: "insufficient", faulty: new Map(), unproven: [] };
    expect(combineRobustly(contradictory, SUBJECT, sharesOf([0, 1, 2], share))).toEqual(nothing);
  });
});

describe("combining in turns with other events", () => {
  test("gives the same, and lets them have a turn after each share", async () => {
    const { plain, share } = toyScheme(TWO_OF_FOUR);
    const shares = sharesOf([0, 1, 2, 3], share).set(1, corrupt(share(1)));
    let [turns, isDone] = [0, false];
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const result = await combineInTurns(plain, SUBJECT, shares);
    isDone = true;
    expect(result).toEqual(combineRobustly(plain, SUBJECT, shares));
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  test("checks many shares in batches of at most eight", async () => {
    const { plain, share } = toyScheme(atLeast(2, [...Array(40).keys()]));
    const batches: number[] = [];
    const batched: Scheme<string, bigint> = {
      ...plain,
      checkShares(_subject, shares) {
        batches.push(shares.size);
        return new Map([...shares.keys()].map((party) => [party, VALID]));
      },
    };
    const shares = sharesOf([...Array(40).keys()], share);
    expect(await combineInTurns(batched, SUBJECT, shares)).toMatchObject({ kind: "combined", value: SECRET });
    expect(batches).toEqual([8, 8, 8, 8, 8]);
  });
});
