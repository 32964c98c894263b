/** Each property has the run that breaks it. */
import { describe, expect, test } from "vitest";
import { encode } from "../../src/core/codec.js";
import type { Evidence } from "../../src/core/evidence.js";
import type { PartyId } from "../../src/core/party-set.js";
import { queueEntryCodec } from "../../src/protocols/atomic-broadcast/messages.js";
import type { EvidenceCheck } from "../../src/protocols/index.js";
import { Checkers } from "../../src/sim/checkers.js";

const [a, b, invalid] = [Uint8Array.of(1, 65), Uint8Array.of(1, 66), Uint8Array.of(0)];

/** Four parties, of which 3 is corrupted unless others are; three entries make a vector. */
function checkers(corrupted: ReadonlySet<PartyId> = new Set([3])): Checkers {
  return new Checkers({
    channels: ["abc"],
    isHonest: (party) => !corrupted.has(party),
    isValid: (payload) => payload[0] === 1,
    isInEveryVector: (parties) => 4 - parties.size < 3,
  });
}

const deliver = (check: Checkers, party: PartyId, round: number, ...payloads: readonly Uint8Array[]): void =>
  check.delivered(party, "abc", { round, payloads, tries: 1, timeMs: undefined });
const sign = (check: Checkers, party: PartyId, round: number, ...payloads: readonly Uint8Array[]): void =>
  check.said(party, {
    tag: `abc/${round}`,
    body: encode(queueEntryCodec, { clock: 0, payloads, signature: new Uint8Array(0) }),
  });

const evidence = (party: PartyId): Evidence => ({
  party,
  as: "signature",
  tag: "abc/1",
  purpose: "queue",
  first: { body: a, signature: a },
  second: { body: b, signature: b },
});
const allSigned: EvidenceCheck = { cluster: new Uint8Array(32), verify: () => true };
const noneSigned: EvidenceCheck = { ...allSigned, verify: () => false };

describe("what is checked after every step", () => {
  test.each<[property: string, run: (check: Checkers) => void]>([
    ["agreement", (check) => (deliver(check, 0, 1, a), deliver(check, 1, 1, b))],
    ["agreement", (check) => (deliver(check, 0, 1, a, b), deliver(check, 1, 1, b, a))],
    ["total order", (check) => deliver(check, 0, 2, a)],
    ["total order", (check) => (deliver(check, 0, 1, a), deliver(check, 0, 1, a))],
    ["integrity", (check) => (deliver(check, 0, 1, a), deliver(check, 0, 2, a))],
    ["external validity", (check) => deliver(check, 0, 1, invalid)],
    ["external validity", (check) => deliver(check, 0, 1)],
    ["no honest party accused", (check) => check.accused(0, 1, "abc/1", "equivocation")],
    ["no honest party proved guilty", (check) => check.proved(0, evidence(1), allSigned)],
    ["no honest party proved guilty", (check) => check.proved(3, evidence(1), allSigned)],
    ["evidence convinces", (check) => check.proved(0, evidence(3), noneSigned)],
    ["evidence convinces", (check) => check.proved(0, evidence(1), noneSigned)],
  ])("%s", (property, run) => {
    expect(() => run(checkers())).toThrow(expect.objectContaining({ property }) as Error);
  });

  test("what corrupted parties deliver and say proves nothing", () => {
    const check = checkers();
    deliver(check, 3, 7, invalid);
    check.accused(3, 1, "abc/1", "equivocation");
    check.accused(1, 3, "abc/1", "equivocation");
    check.proved(3, evidence(1), noneSigned);
    check.proved(1, evidence(3), allSigned);
    check.quiescent([0, 1, 2]);
  });
});

describe("what is checked at the end", () => {
  test("termination: what was submitted is delivered, by all", () => {
    const check = checkers();
    check.submitted("abc", a, 0);
    check.submitted("abc", a, 3);
    check.submitted("abc", b, 3);
    expect(() => check.quiescent([0, 1])).toThrow("never delivered");
    deliver(check, 0, 1, a);
    expect(() => check.quiescent([0, 1])).toThrow("party 1 delivered 0 of 1 rounds");
    deliver(check, 1, 1, a);
    check.quiescent([0, 1]);
  });

  test("fairness: what enough honest parties sign for a round is delivered in it", () => {
    const check = checkers();
    for (const party of [0, 1]) sign(check, party, 1, a);
    deliver(check, 0, 1, b);
    deliver(check, 0, 2, a);
    expect(() => check.quiescent([0])).toThrow(expect.objectContaining({ property: "fairness" }) as Error);
  });

  test("fairness promises nothing for the signature of who was corrupted later", () => {
    const corrupted = new Set<PartyId>();
    const check = checkers(corrupted);
    for (const party of [0, 1]) sign(check, party, 1, a);
    corrupted.add(1);
    deliver(check, 0, 1, b);
    deliver(check, 0, 2, a);
    check.quiescent([0]);
  });

  test("fairness promises nothing for one signature, and nothing for a round that is not decided", () => {
    const check = checkers();
    sign(check, 0, 1, a);
    for (const party of [0, 1, 2]) sign(check, party, 2, a);
    deliver(check, 0, 1, b);
    check.quiescent([0]);
  });

  test("fairness: earlier is as good", () => {
    const check = checkers();
    for (const party of [0, 1]) sign(check, party, 2, a);
    deliver(check, 0, 1, a);
    deliver(check, 0, 2, b);
    check.quiescent([0]);
  });

  test("certificate validity: proofs prove what was delivered, all of it, in order", () => {
    const audit = (...rounds: readonly Uint8Array[]): void => {
      const check = checkers();
      deliver(check, 0, 1, a);
      deliver(check, 0, 2, b);
      for (const [index, payload] of rounds.entries())
        check.audited("abc", { round: index + 1, payloads: [payload], tries: 1, timeMs: undefined });
      check.auditEnds();
    };
    audit(a, b);
    expect(() => audit(a)).toThrow("1 of 2 rounds");
    expect(() => audit(b, a)).toThrow("proves something else");
    expect(() => audit(a, b, a)).toThrow("proves something else");
  });

  test("a party that restarts delivers again from its log", () => {
    const check = checkers();
    deliver(check, 0, 1, a);
    check.restarted(0);
    deliver(check, 0, 1, a);
    check.quiescent([0]);
  });
});

describe("round time and checkpoints", () => {
  const said = (check: Checkers, party: PartyId, clock: number): void =>
    check.said(party, {
      tag: "abc/1",
      body: encode(queueEntryCodec, { clock, payloads: [Uint8Array.of(1)], signature: new Uint8Array(0) }),
    });
  const at = (check: Checkers, round: number, timeMs: number): void =>
    check.delivered(0, "abc", { round, payloads: [Uint8Array.of(1, round)], tries: 1, timeMs });

  test("a time is within the honest clocks of the round, and not before the round's before", () => {
    for (const [timeMs, isRight] of [
      [9, false],
      [10, true],
      [20, true],
      [21, false],
    ] as const) {
      const check = checkers();
      said(check, 0, 10);
      said(check, 1, 20);
      if (isRight) expect(() => at(check, 1, timeMs)).not.toThrow();
      else expect(() => at(check, 1, timeMs)).toThrow("round time");
    }
    const check = checkers();
    said(check, 0, 10);
    at(check, 1, 10);
    expect(() => at(check, 2, 9)).toThrow("round time");
  });

  test("a checkpoint is the same for all, and certified", () => {
    const check = checkers();
    const of = { channel: "abc", round: 1 };
    check.stable(0, of, Uint8Array.of(1));
    check.stable(1, of, Uint8Array.of(1));
    expect(() => check.stable(2, of, Uint8Array.of(2))).toThrow("checkpoint agreement");
    expect(() => check.stable(2, of, undefined)).toThrow("checkpoint agreement");
    // A corrupted party may say what it likes.
    expect(() => check.stable(3, of, Uint8Array.of(2))).not.toThrow();
  });
});
