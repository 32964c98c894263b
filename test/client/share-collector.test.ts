import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { KnownSignatures } from "../../src/client/known-signatures.js";
import { type Assembled, type Part, type Replied, ShareCollector } from "../../src/client/share-collector.js";
import { flipBit } from "../crypto/fixtures.js";
import { isSigned, proofOf, SCHEME, sha256, sharer } from "./receipt-parties.js";

interface Position {
  readonly sequence: number;
  readonly round: number;
}

const TRUE: Position = { sequence: 5, round: 3 };
/** All tell the same reply to the same payload, each at a position. */
const told = (position: Position): Replied => {
  return { ...position, digest: new Uint8Array(32), timeMs: 0, isVoid: false, reply: utf8("done") };
};
const NONE = new Uint8Array(0);
const statement = ({ sequence, round }: Position): Uint8Array => utf8(`number ${sequence} in round ${round}`);
const part = (of: Uint8Array, proven: Uint8Array, attachment = NONE): Part => ({
  attachment,
  share: of,
  proof: proven,
});
const share = (party: number, position = TRUE): Uint8Array => sharer(party).share(statement(position));
const proof = (party: number, position = TRUE): Uint8Array => proofOf(party, statement(position));
/** Needs a proof to be known as bad: it is right, for another statement. */
const bad = (party: number): Uint8Array => share(party, { sequence: 6, round: 3 });

class Desk {
  readonly asked: number[] = [];
  readonly collector = new ShareCollector({
    hash: sha256,
    signed: (position) => ({ scheme: SCHEME, statement: statement(position) }),
    signatures: new KnownSignatures(),
    askProof: (party) => this.asked.push(party),
  });

  add(party: number, bytes: Uint8Array, proven: Uint8Array = NONE, position = TRUE): Assembled | undefined {
    return this.collector.add(party, told(position), part(bytes, proven));
  }
}

function expectReceipt(assembled: Assembled | undefined): void {
  expect(assembled).toMatchObject({ told: TRUE, statement: statement(TRUE) });
  expect(assembled !== undefined && isSigned(assembled.statement, assembled.signature)).toBe(true);
}

describe("ShareCollector", () => {
  it("makes the receipt of any two parties' shares, asking for no proof", () => {
    for (const [one, two] of [
      [0, 1],
      [3, 2],
      [1, 3],
    ] as const) {
      const { collector, asked } = new Desk();
      expect(collector.add(one, told(TRUE), part(share(one), NONE))).toBeUndefined();
      expectReceipt(collector.add(two, told(TRUE), part(share(two), NONE)));
      expect(asked).toEqual([]);
      expect(collector.faulty).toEqual([]);
    }
  });

  it("checks one proof of each party, however many it sends", () => {
    const checked: number[] = [];
    const counting: typeof SCHEME = {
      ...SCHEME,
      checkShare: (party, message, bytes) => {
        if (bytes.length > bad(3).length) checked.push(party);
        return SCHEME.checkShare(party, message, bytes);
      },
    };
    const collector = new ShareCollector({
      hash: sha256,
      signed: (position) => ({ scheme: counting, statement: statement(position) }),
      signatures: new KnownSignatures(),
      askProof: () => undefined,
    });
    collector.add(3, told(TRUE), part(bad(3), proof(3)));
    expect(collector.add(1, told(TRUE), part(share(1), NONE))).toBeUndefined();
    for (let time = 0; time < 10; time++) collector.add(3, told(TRUE), part(bad(3), proof(3)));
    expect(checked).toEqual([3]);
    expect(collector.add(1, told(TRUE), part(share(1), proof(1)))).toBeUndefined();
    expectReceipt(collector.add(0, told(TRUE), part(share(0), proof(0))));
    // Party 0's was not needed.
    expect(checked).toEqual([3, 1]);
    expect(collector.faulty).toEqual([3]);
  });

  it("does not count a party twice", () => {
    const desk = new Desk();
    for (let time = 0; time < 3; time++) expect(desk.add(1, share(1))).toBeUndefined();
    expect(desk.asked).toEqual([]);
    expect(desk.collector.faulty).toEqual([]);
    expectReceipt(desk.add(2, share(2)));
  });

  it.each([
    ["altered", flipBit(share(0), 100)],
    ["of another statement", bad(0)],
    ["another party's", share(3)],
  ])("gets by with one bad share (%s), whose sender becomes known when it can prove nothing", (_, wrong) => {
    const desk = new Desk();
    desk.add(0, wrong);
    expect(desk.add(1, share(1))).toBeUndefined();
    // A share that cannot be right needs no proof to be known as bad.
    expect(desk.asked.includes(1)).toBe(true);
    expect(desk.asked.includes(0)).toBe(!desk.collector.faulty.includes(0));
    expect(desk.add(0, wrong, proof(0))).toBeUndefined();
    expect(desk.collector.faulty).toEqual([0]);
    expect(desk.add(1, share(1), proof(1))).toBeUndefined();
    expect(desk.add(2, share(2))).toBeUndefined();
    expectReceipt(desk.add(2, share(2), proof(2)));
    expect(desk.collector.faulty).toEqual([0]);
  });

  it.each([
    ["empty", NONE],
    ["short", Uint8Array.of(1, 2, 3)],
    ["zero", new Uint8Array(share(0).length)],
    ["above the modulus", new Uint8Array(share(0).length).fill(255)],
    ["too long", new Uint8Array(1024).fill(1)],
  ])("knows who sent a malformed share (%s) at once", (_, wrong) => {
    const desk = new Desk();
    desk.add(0, wrong);
    expect(desk.add(1, share(1))).toBeUndefined();
    expect(desk.collector.faulty).toEqual([0]);
    expect(desk.asked).toEqual([1]);
    expect(desk.add(2, share(2))).toBeUndefined();
    expect(desk.asked).toEqual([1, 2]);
    expectReceipt(desk.add(2, share(2), proof(2)));
    expect(desk.collector.faulty).toEqual([0]);
  });

  it("names nobody whose proof is right", () => {
    const desk = new Desk();
    desk.add(0, bad(0));
    desk.add(1, share(1));
    desk.add(1, share(1), proof(1));
    desk.add(2, share(2));
    expectReceipt(desk.add(2, share(2), proof(2)));
    // Party 0 was too slow to prove or not to prove anything.
    expect(desk.collector.faulty).toEqual([]);
  });

  it("believes no proof that is another's, of another share or of another statement", () => {
    const claims: readonly (readonly [Uint8Array, Uint8Array])[] = [
      [bad(0), proof(0)],
      [share(3), proof(3)],
      [share(0, { sequence: 6, round: 3 }), proof(0, { sequence: 6, round: 3 })],
      [share(0), Uint8Array.of(1)],
      [share(0), new Uint8Array(4096).fill(255)],
    ];
    for (const [shown, claim] of claims) {
      const desk = new Desk();
      desk.add(0, bad(0));
      desk.add(1, share(1));
      desk.add(0, shown, claim);
      expect(desk.collector.faulty).toEqual([0]);
      expect(desk.add(1, share(1), proof(1))).toBeUndefined();
      desk.add(2, share(2));
      expectReceipt(desk.add(2, share(2), proof(2)));
    }
  });

  it("needs no proof of a share with which the receipt comes out right", () => {
    const desk = new Desk();
    desk.add(0, bad(0));
    desk.add(1, share(1));
    expectReceipt(desk.add(0, share(0), proof(1)));
  });

  it("takes a proof that came unasked", () => {
    const desk = new Desk();
    desk.add(0, bad(0));
    desk.add(1, share(1), proof(1));
    expectReceipt(desk.add(2, share(2), proof(2)));
  });

  it("asks each party for a proof once, also one that answers without it again and again", () => {
    const desk = new Desk();
    desk.add(0, bad(0));
    desk.add(1, share(1));
    for (let time = 0; time < 50; time++) desk.add(0, bad(0));
    expect(desk.asked).toEqual([0, 1]);
  });

  it("is not misled about the position, by one party", () => {
    const lie = { sequence: 1, round: 1 };
    const desk = new Desk();
    desk.add(0, share(0, lie), NONE, lie);
    expect(desk.add(1, share(1))).toBeUndefined();
    expectReceipt(desk.add(2, share(2)));
    expect(desk.asked).toEqual([]);
  });

  it("takes a party's first word on the position, and names who says another", () => {
    const lie = { sequence: 1, round: 1 };
    const desk = new Desk();
    desk.add(0, share(0, lie), NONE, lie);
    expect(desk.add(0, share(0))).toBeUndefined();
    expect(desk.collector.faulty).toEqual([0]);
    expect(desk.add(1, share(1))).toBeUndefined();
    expectReceipt(desk.add(2, share(2)));
    expect(desk.collector.faulty).toEqual([0]);
  });

  it.each<[string, Partial<Replied>]>([
    ["reply", { reply: utf8("not done") }],
    ["payload", { digest: new Uint8Array(32).fill(1) }],
    ["time", { timeMs: 1 }],
  ])("is not misled about the %s, by one party whose share is right", (_, lie) => {
    const { collector } = new Desk();
    expect(collector.add(0, { ...told(TRUE), ...lie }, part(share(0), NONE))).toBeUndefined();
    expect(collector.add(1, told(TRUE), part(share(1), NONE))).toBeUndefined();
    const assembled = collector.add(2, told(TRUE), part(share(2), NONE));
    expectReceipt(assembled);
    expect(assembled?.told).toEqual(told(TRUE));
  });

  it("is not misled about the attachment, and combines the shares of a statement that calls share once", () => {
    const attached = (of: Uint8Array): Uint8Array => utf8(`a head, by ${of.length} bytes`);
    const shareOf = (party: number, by: Uint8Array): Uint8Array => sharer(party).share(attached(by));
    const signatures = new KnownSignatures();
    let combined = 0;
    const counting: typeof SCHEME = {
      ...SCHEME,
      combine: (message, shares) => {
        combined++;
        return SCHEME.combine(message, shares);
      },
    };
    const newCollector = (): ShareCollector =>
      new ShareCollector({
        hash: sha256,
        signed: (_, by) => ({ scheme: counting, statement: attached(by) }),
        signatures,
        askProof: () => undefined,
      });
    const [lie, truth] = [new Uint8Array(3), new Uint8Array(2)];
    for (let call = 0; call < 3; call++) {
      const collector = newCollector();
      expect(collector.add(0, told(TRUE), part(shareOf(0, lie), NONE, lie))).toBeUndefined();
      expect(collector.add(1, told(TRUE), part(shareOf(1, truth), NONE, truth))).toBeUndefined();
      const assembled = collector.add(2, told(TRUE), part(shareOf(2, truth), NONE, truth));
      expect(assembled).toMatchObject({ attachment: truth, statement: attached(truth) });
      expect(assembled !== undefined && isSigned(assembled.statement, assembled.signature)).toBe(true);
    }
    expect(combined).toBe(1);
  });

  it("does not mix shares of different positions", () => {
    const desk = new Desk();
    const positions = [TRUE, { sequence: 5, round: 4 }, { sequence: 6, round: 3 }, { sequence: 4, round: 4 }];
    for (const [party, position] of positions.entries()) {
      expect(desk.add(party, share(party, position), NONE, position)).toBeUndefined();
    }
    expect(desk.asked).toEqual([]);
  });
});
