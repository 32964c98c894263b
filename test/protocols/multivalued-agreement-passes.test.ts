/** More than one pass: adversary structures under which one does not suffice, and what corrupted parties can say between passes. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { decode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import { type Group, structureGroup, thresholdGroup } from "../../src/core/group.js";
import { type PartyId, PartySet } from "../../src/core/party-set.js";
import { PRESETS, presetNamed } from "../../src/core/presets.js";
import { binaryAgreementMessageCodec } from "../../src/protocols/binary-agreement/index.js";
import { consistentBroadcastMessageCodec } from "../../src/protocols/consistent-broadcast/index.js";
import { multivaluedAgreementMessageCodec } from "../../src/protocols/multivalued-agreement/index.js";
import { passBound } from "../../src/protocols/multivalued-agreement/passes.js";
import { type Flight, randomOrder, starving } from "../../src/sim/network.js";
import {
  type AgreementNetwork,
  type Variant,
  Voices,
  decisionOf,
  network,
  valueOf,
} from "./multivalued-agreement-voices.js";

function presetGroup(name: string): Group {
  const preset = presetNamed(name);
  if (preset === undefined) throw new Error(`no preset ${name}`);
  return structureGroup(preset);
}

const N = 19;
const SQUARES = new Set(Array.from({ length: N - 1 }, (_, root) => (root + 1) ** 2 % N));
const beats = (one: PartyId, other: PartyId): boolean => SQUARES.has((other - one + N) % N);

/** As the preset, but with no party in its own set: 9 of 19. */
function openPaley(): Group {
  const everyone = [...PartySet.upTo(N)];
  const sets = everyone.map((one) => PartySet.of(everyone.filter((other) => beats(one, other))));
  return structureGroup({ n: N, byzantine: { kind: "sets", sets } });
}

/**
 * Party i gets no proposal of a party that it beats, which leaves it a quorum. So those that beat a, a quorum, hold nothing of a.
 * All that the others say about a waits until everybody has decided, or nothing else is left.
 */
class PaleySchedule {
  readonly net: AgreementNetwork;
  readonly #waiting: Flight[] = [];
  #isOver = false;

  constructor(group: Group, variant: Variant) {
    const scheduler = (): number => 0;
    this.net = network(variant, { group, scheduler, tamper: (flight) => this.#pass(flight) });
    for (const party of this.net.running) this.net.input(party, valueOf(party));
  }

  #pass(flight: Flight): readonly Envelope[] {
    if (this.#isOver || !waits(flight)) return [flight.envelope];
    this.#waiting.push(flight);
    return [];
  }

  run(): void {
    this.net.run();
    this.#isOver = true;
    for (const { from, to, envelope } of this.#waiting) this.net.post(from, to, envelope);
    this.net.run();
  }
}

function waits({ from, to, envelope: { tag, body } }: Flight): boolean {
  const proposal = /\/proposal\/(\d+)$/.exec(tag);
  if (proposal !== null) {
    const message = decode(consistentBroadcastMessageCodec, body);
    return message.ok && message.value.kind === "final" && beats(to, Number(proposal[1]));
  }
  const agreement = /\/aba\/1\/(\d+)$/.exec(tag);
  if (agreement !== null) return !beats(from, Number(agreement[1]));
  const vote = decode(multivaluedAgreementMessageCodec, body);
  return vote.ok && vote.value.kind === "yes";
}

/** What was decided on each candidate in a pass. */
function decidedIn(net: AgreementNetwork, pass: number): readonly (number | undefined)[] {
  return net.group.parties.map((candidate) => {
    const said = net.running.flatMap((party) =>
      net.messagesBelow(party, `aba/${pass}/${candidate}`, binaryAgreementMessageCodec),
    );
    return said.find((message) => message.kind === "decision")?.value;
  });
}

describe("the Paley tournament on 19 parties", () => {
  test.each([{ order: "fixed" }, { order: "fixed", delivery: "on-request", parallel: 4 }] as const)(
    "can reject every candidate in a pass with no corruption at all, and ends: %j",
    (variant) => {
      const schedule = new PaleySchedule(presetGroup("paley-19"), variant);
      schedule.run();
      const { net } = schedule;
      expect(decidedIn(net, 1)).toEqual(net.group.parties.map(() => 0));
      const { pass, tries } = decisionOf(net);
      expect(pass).toBe(2);
      expect(tries).toBeGreaterThan(N);
    },
  );

  test("cannot without the parties themselves in the sets: quorums have 10 parties then, and 19 cannot miss enough", () => {
    const schedule = new PaleySchedule(openPaley(), "fixed");
    schedule.run();
    expect(decisionOf(schedule.net).pass).toBe(1);
  });
});

describe("the number of passes", () => {
  test("is one with thresholds, and ⌈log2 n⌉ in general", () => {
    for (let n = 1; n <= 10; n++) {
      for (let byzantine = 0; 3 * byzantine < n; byzantine++) {
        for (let crash = 0; 3 * byzantine + 2 * crash < n; crash++) {
          expect(passBound(thresholdGroup({ n, byzantine, crash }))).toBe(1);
        }
      }
    }
    const bounds = PRESETS.map((preset) => [preset.name, passBound(structureGroup(preset))]);
    expect(Object.fromEntries(bounds)).toEqual({ "4x4": 4, "hybrid-8": 1, weighted: 3, "crash-3": 1, "paley-19": 5 });
  });
});

const VARIANTS: readonly Variant[] = [
  "fixed",
  "random",
  "adaptive",
  { order: "adaptive", delivery: "on-request" },
  { order: "random", delivery: "on-request", parallel: 3 },
];

describe.each(["4x4", "weighted", "hybrid-8"])("the structure %s", (name) => {
  test("ends with as many silent parties as it allows, in every variant", () => {
    const preset = presetNamed(name);
    // The last maximal set: for 4x4 all of one site and one system.
    const silent = { "4x4": [0, 1, 2, 3, 4, 8, 12], weighted: [0, 5], "hybrid-8": [0, 1, 2] }[name] ?? [];
    const group = presetGroup(preset?.name ?? "");
    for (const [seed, variant] of VARIANTS.entries()) {
      const scheduler = seed % 2 === 0 ? randomOrder : starving(({ to }) => to === 6);
      const net = network(variant, { group, seed, scripted: silent, scheduler });
      for (const party of net.running) net.input(party, valueOf(party));
      net.run();
      decisionOf(net);
    }
  });
});

/** Party 0 of 4, whose structure is given by sets, so that there are passes after the first; the test speaks for the others. */
function voicesOfSets(): Voices {
  const sets = [PartySet.of([0]), PartySet.of([1]), PartySet.of([2]), PartySet.of([3])];
  return new Voices("fixed", { group: structureGroup({ n: 4, byzantine: { kind: "sets", sets } }) });
}

/** Party 0 holds the proposals 0, 1 and 2, and all candidates are rejected. */
function rejected(): Voices {
  const voices = voicesOfSets();
  voices.net.input(0, valueOf(0));
  voices.witness("proposal/0");
  voices.propose(1);
  voices.propose(2);
  for (const candidate of [0, 1, 2, 3]) voices.decide(1, candidate, 0, new Uint8Array(0));
  return voices;
}

describe("between passes", () => {
  test("all closings held are said, then their set; nothing before the pass is over", () => {
    const voices = rejected();
    expect(voices.said("closing").map(({ candidate }) => candidate)).toEqual([0, 1, 2]);
    expect(voices.said("holds").map(({ pass, parties }) => [pass, String(parties)])).toEqual([[1, "{0,1,2}"]]);
    const before = voicesOfSets();
    before.net.input(0, valueOf(0));
    expect(before.said("holds")).toEqual([]);
  });

  test("the next pass begins after the sets of a quorum, all of which is held here, and not before", () => {
    const voices = rejected();
    const holds = (from: PartyId, parties: readonly PartyId[]): void =>
      voices.tell(from, { kind: "holds", pass: 1, parties: PartySet.of(parties) });
    holds(1, [0, 1, 2]);
    expect(voices.said("later")).toEqual([]);
    // A set is not counted twice, and not before its closings are here.
    holds(1, [0, 1, 2]);
    holds(2, [1, 2, 3]);
    expect(voices.said("later")).toEqual([]);
    voices.tell(1, { kind: "closing", candidate: 3, closing: voices.closing("proposal/3", valueOf(3)) });
    expect(voices.said("later").map(({ pass, message }) => [pass, message.kind])).toEqual([[2, "yes"]]);
    expect(voices.net.accusations).toEqual([]);
    // What came with a set is held from now on.
    voices.net.tellBelow(2, 0, "aba/2/0", binaryAgreementMessageCodec, voices.decision(0, 0, new Uint8Array(0), 2));
    voices.net.tellBelow(2, 0, "aba/2/1", binaryAgreementMessageCodec, voices.decision(1, 0, new Uint8Array(0), 2));
    voices.net.tellBelow(2, 0, "aba/2/2", binaryAgreementMessageCodec, voices.decision(2, 0, new Uint8Array(0), 2));
    expect(voices.said("later").map(({ message }) => message.kind)).toEqual(["yes", "yes", "yes", "yes"]);
  });

  test("no next pass begins before the own one is over, however many say that theirs is", () => {
    const voices = voicesOfSets();
    voices.net.input(0, valueOf(0));
    voices.witness("proposal/0");
    for (const party of [1, 2]) voices.propose(party);
    for (const from of [1, 2, 3]) voices.tell(from, { kind: "holds", pass: 1, parties: PartySet.of([0, 1, 2]) });
    for (const candidate of [0, 1, 2]) voices.decide(1, candidate, 0, new Uint8Array(0));
    expect(voices.said("later")).toEqual([]);
    voices.decide(1, 3, 0, new Uint8Array(0));
    expect(voices.said("later").map(({ pass }) => pass)).toEqual([2]);
  });

  test("votes of a later pass are kept, one of each party, and count there", () => {
    const voices = rejected();
    voices.tell(1, { kind: "later", pass: 2, message: { kind: "no", candidate: 0 } });
    voices.tell(1, { kind: "later", pass: 2, message: { kind: "no", candidate: 0 } });
    voices.tell(2, { kind: "later", pass: 2, message: { kind: "no", candidate: 0 } });
    expect(voices.agreed(0, 2)).toBeUndefined();
    for (const from of [1, 2]) voices.tell(from, { kind: "holds", pass: 1, parties: PartySet.of([0, 1, 2]) });
    // The own vote is the third.
    expect(voices.agreed(0, 2)?.value).toBe(1);
    voices.tell(2, { kind: "later", pass: 2, message: { kind: "yes", candidate: 0, closing: utf8("x") } });
    expect(voices.net.accusations.map(({ party, fault }) => [party, fault])).toEqual([[2, "double-vote"]]);
  });

  test("a decision of a later pass ends it in any step", () => {
    const voices = voicesOfSets();
    const accepted = voices.decision(2, 1, voices.closing("proposal/2", valueOf(2)), 2);
    voices.net.tellBelow(1, 0, "aba/2/2", binaryAgreementMessageCodec, accepted);
    expect(voices.net.outputsOf(0)).toMatchObject([{ candidate: 2, pass: 2, value: valueOf(2) }]);
    expect(voices.net.outputsOf(0)[0]?.proof.tag).toBe("root/p/aba/2/2");
    // The certificate of one pass means nothing in another.
    const other = voicesOfSets();
    other.net.tellBelow(1, 0, "aba/1/2", binaryAgreementMessageCodec, accepted);
    expect(other.net.outputsOf(0)).toEqual([]);
    expect(other.net.faultsOf(1)).toEqual(["invalid-certificate"]);
  });

  test("forged closings, sets that name no quorum, two sets, and passes that do not exist are accused", () => {
    const voices = rejected();
    voices.tell(1, { kind: "closing", candidate: 3, closing: voices.closing("proposal/3", valueOf(3), [1, 2]) });
    voices.tell(1, { kind: "closing", candidate: 3, closing: voices.closing("proposal/2", valueOf(2)) });
    voices.tell(1, { kind: "closing", candidate: 7, closing: voices.closing("proposal/3", valueOf(3)) });
    voices.tell(1, { kind: "holds", pass: 1, parties: PartySet.of([0, 1]) });
    voices.tell(1, { kind: "holds", pass: 1, parties: PartySet.of([0, 1, 9]) });
    voices.tell(1, { kind: "holds", pass: 1, parties: PartySet.of([0, 1, 2]) });
    voices.tell(1, { kind: "holds", pass: 1, parties: PartySet.of([0, 1, 3]) });
    voices.tell(1, { kind: "holds", pass: 2, parties: PartySet.of([0, 1, 2]) });
    voices.tell(1, { kind: "later", pass: 1, message: { kind: "no", candidate: 0 } });
    voices.tell(1, { kind: "later", pass: 3, message: { kind: "no", candidate: 0 } });
    voices.tell(1, { kind: "later", pass: 2, message: { kind: "no", candidate: 4 } });
    expect(voices.net.faultsOf(1)).toEqual([
      "invalid-certificate",
      "invalid-certificate",
      "malformed-message",
      "invalid-commit",
      "invalid-commit",
      "equivocation",
      "malformed-message",
      "malformed-message",
      "malformed-message",
      "malformed-message",
    ]);
  });

  test("with thresholds there is nothing of it", () => {
    const voices = new Voices("fixed");
    voices.tell(1, { kind: "closing", candidate: 3, closing: voices.closing("proposal/3", valueOf(3)) });
    voices.tell(1, { kind: "holds", pass: 1, parties: PartySet.of([0, 1, 2]) });
    voices.tell(1, { kind: "later", pass: 2, message: { kind: "no", candidate: 0 } });
    voices.tell(1, { kind: "decided", pass: 1, candidate: 0, shares: [], rejected: [], accepted: utf8("x") });
    expect(voices.net.faultsOf(1)).toEqual(Array.from({ length: 4 }, () => "malformed-message"));
  });
});
