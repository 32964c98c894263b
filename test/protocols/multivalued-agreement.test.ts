/** Multi-valued agreement: its properties under many schedules, and for each check the attack that it stops. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { thresholdGroup } from "../../src/core/group.js";
import { type PartyId, PartySet, partySetCodec } from "../../src/core/party-set.js";
import { ABSTAIN, binaryAgreementMessageCodec } from "../../src/protocols/binary-agreement/index.js";
import { MAIN_VOTE, PRE_VOTE, voteBody } from "../../src/protocols/binary-agreement/messages.js";
import { consistentBroadcastMessageCodec } from "../../src/protocols/consistent-broadcast/index.js";
import { permutation, rotation } from "../../src/protocols/multivalued-agreement/order.js";
import { mockHash } from "../../src/sim/mock-suite.js";
import { Random } from "../../src/sim/random.js";
import { starving } from "../../src/sim/network.js";
import {
  SCHEDULERS,
  Voices,
  committed,
  decisionOf,
  isWithin,
  network,
  proposed,
  valueOf,
  votedOn,
} from "./multivalued-agreement-voices.js";

describe.each(["fixed", "random", "adaptive"] as const)("order %s", (order) => {
  for (const [name, scheduler] of Object.entries(SCHEDULERS)) {
    test(`all decide the same valid value: ${name}`, () => {
      for (const n of [1, 4, 7]) {
        for (let seed = 1; seed <= (n === 4 ? 12 : 3); seed++) {
          const net = network(order, { n, seed, scheduler });
          for (const party of net.running) net.input(party, valueOf(party));
          net.run();
          decisionOf(net);
        }
      }
    });
  }

  test("with t silent parties, and with a corrupted and a crashed one", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const silent = network(order, { n: 7, seed, scripted: [5, 6] });
      const crash = network(order, { seed, group: thresholdGroup({ n: 6, byzantine: 1, crash: 1 }), scripted: [0, 1] });
      for (const net of [silent, crash]) {
        for (const party of net.running) net.input(party, valueOf(party));
        net.run();
        decisionOf(net);
      }
    }
  });

  test("some candidates are rejected, and the next one wins", () => {
    const tries: number[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      const scheduler =
        seed % 2 === 0
          ? starving(isWithin("proposal/0"))
          : starving((flight) => /proposal\/[01]/.test(flight.envelope.tag));
      const net = network(order, { seed, scheduler });
      for (const party of net.running) net.input(party, valueOf(party));
      net.run();
      tries.push(decisionOf(net).tries);
    }
    expect(tries.filter((count) => count > 1).length).toBeGreaterThan(5);
  });

  test("the candidates are tried in the same order by all", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const net = network(order, { n: 7, seed, scripted: [6], scheduler: starving(isWithin(`proposal/${seed % 6}`)) });
      for (const party of net.running) net.input(party, valueOf(party));
      net.run();
      const name = net.statement("order-coin", new Uint8Array(0));
      const seedOfOrder = net.suite(0).honestCoin.combine(name, new Map());
      const drawn = permutation(net.suite(0), 7, seedOfOrder);
      const adaptive = [0, ...drawn.filter((party) => party !== 0)];
      const expected = { fixed: rotation(7, 0), random: drawn, adaptive }[order];
      for (const party of net.running) {
        const voted = votedOn(net, party);
        // A party skips a candidate only when it has learnt a decision against it.
        expect(voted).toEqual(expected.filter((candidate) => voted.includes(candidate)));
      }
    }
  });

  test("the decision makes a party decide that has done nothing yet, and is forwarded", () => {
    const net = network(order, { seed: 3, scheduler: starving(({ to }) => to === 3) });
    for (const party of [0, 1, 2]) net.input(party, valueOf(party));
    net.run(() => net.outputsOf(0).length > 0);
    const proof = net.outputsOf(0)[0]?.proof;
    if (proof === undefined) throw new Error("party 0 has not decided");
    const late = network(order, { seed: 3, scripted: [0] });
    late.deliver(0, 3, proof);
    expect(late.outputsOf(3).map(({ value }) => value)).toEqual([net.outputsOf(0)[0]?.value]);
    late.run();
    decisionOf(late);
  });

  test("a party without an input signs others' proposals, votes at most for the first, and decides with them", () => {
    const net = network(order, { seed: 5 });
    for (const party of [0, 1, 2]) net.input(party, valueOf(party));
    net.run();
    expect(votedOn(net, 3)).toEqual(order === "random" ? [] : [0]);
    decisionOf(net);
  });

  test("the proposal of the first candidate is enough, where no coin draws it, and not that of another", () => {
    const first = network(order);
    first.input(0, valueOf(0));
    first.run();
    const decided = order === "random" ? [] : [valueOf(0)];
    for (const party of first.running) expect(first.outputsOf(party).map(({ value }) => value)).toEqual(decided);

    const second = network(order);
    second.input(1, valueOf(1));
    second.run();
    for (const party of second.running) expect(votedOn(second, party)).toEqual([]);
  });
});

describe("the order", () => {
  test("is a permutation of all parties for any coin, and any party can be first", () => {
    const random = new Random(1);
    const firsts = new Set<PartyId | undefined>();
    for (let draw = 0; draw < 300; draw++) {
      const order = permutation({ hash: mockHash }, 16, random.bytes(32));
      expect([...order].sort((a, b) => a - b)).toEqual(rotation(16, 0));
      firsts.add(order[0]);
    }
    expect(firsts.size).toBe(16);
    expect(rotation(4, 2)).toEqual([2, 3, 0, 1]);
  });
});

describe("the external predicate", () => {
  test("is enforced by witnesses: an invalid proposal gets no share", () => {
    const voices = new Voices("fixed");
    voices.net.tellBelow(1, 0, "proposal/1", consistentBroadcastMessageCodec, { kind: "send", message: utf8("no") });
    expect(voices.net.messagesBelow(0, "proposal/1", consistentBroadcastMessageCodec)).toEqual([]);
    expect(voices.net.faultsOf(1)).toEqual(["invalid-proposal"]);
  });
});

describe("the loop", () => {
  test("begins after a quorum of proposals and an input", () => {
    const idle = new Voices("fixed");
    for (const party of [1, 2, 3]) idle.propose(party);
    expect(idle.said("no")).toEqual([]);
    idle.net.input(0, valueOf(0));
    expect(idle.said("no")).toHaveLength(1);

    const early = new Voices("fixed");
    early.net.input(0, valueOf(0));
    early.propose(1);
    early.witness("proposal/0");
    // The first candidate is held, which is all that a vote for it needs.
    expect(early.said("yes").map(({ candidate }) => candidate)).toEqual([0]);
    early.propose(2);
    expect(early.said("yes")).toHaveLength(1);

    const drawn = new Voices("random");
    drawn.net.input(0, valueOf(0));
    drawn.propose(1);
    drawn.witness("proposal/0");
    drawn.propose(2);
    expect(drawn.said("yes")).toEqual([]);
  });

  test("goes on only with a quorum of proposals, also where the first candidate was rejected before", () => {
    for (const order of ["fixed", "adaptive"] as const) {
      const voices = new Voices(order);
      const commits = () => voices.net.messagesBelow(0, "commit/0", consistentBroadcastMessageCodec, 1);
      voices.propose(1);
      voices.propose(2);
      voices.decide(1, 0, 0, new Uint8Array(0));
      expect([...voices.said("yes"), ...voices.said("no"), ...commits()]).toEqual([]);
      voices.propose(3);
      voices.net.input(0, valueOf(0));
      expect(voices.said("yes").map(({ candidate }) => candidate)).toEqual(order === "fixed" ? [1] : []);
      expect(commits()).toHaveLength(order === "fixed" ? 0 : 1);
    }
  });

  test("asks for 1 at once where it has the proposal, without the votes of others", () => {
    const voices = new Voices("fixed");
    voices.witness("proposal/0");
    expect(voices.agreed(0)).toBeUndefined();
    voices.net.input(0, valueOf(0));
    voices.witness("proposal/0");
    const [vote] = voices.said("yes");
    expect(vote?.candidate).toBe(0);
    expect(voices.agreed(0)).toEqual({ value: 1, proof: vote?.closing });
    // On the others it has not voted.
    voices.propose(1);
    voices.propose(2);
    expect([1, 2, 3].map((candidate) => voices.agreed(candidate))).toEqual([undefined, undefined, undefined]);
  });

  test("asks for 1 after any Y, with its closing, and for 0 after N only", () => {
    const yes = new Voices("fixed");
    yes.net.input(0, valueOf(0));
    for (const party of [1, 2, 3]) yes.propose(party);
    for (const party of [1]) yes.no(party, 0);
    expect(yes.said("no").map(({ candidate }) => candidate)).toEqual([0]);
    expect(yes.agreed(0)).toBeUndefined();
    yes.yes(2, 0);
    expect(yes.agreed(0)).toEqual({ value: 1, proof: yes.closing("proposal/0", valueOf(0)) });

    const no = new Voices("fixed");
    no.net.input(0, valueOf(0));
    for (const party of [1, 2, 3]) no.propose(party);
    for (const party of [1, 2]) no.no(party, 0);
    expect(no.agreed(0)).toEqual({ value: 0, proof: new Uint8Array(0) });
  });

  test("a Y needs a closing of that candidate; a refused vote does not take the voter's place", () => {
    const voices = proposed("fixed");
    for (const closing of [
      voices.closing("proposal/2", valueOf(2)),
      voices.closing("proposal/0", valueOf(0), [1, 2]),
      voices.closing("commit/0", valueOf(0)),
      utf8("junk"),
    ]) {
      voices.tell(3, { kind: "yes", candidate: 3, closing });
    }
    expect(voices.net.faultsOf(3)).toEqual(Array.from({ length: 4 }, () => "invalid-certificate"));
    voices.yes(3, 3);
    expect(voices.net.faultsOf(3)).toHaveLength(4);
    voices.no(3, 3);
    expect(voices.net.faultsOf(3).at(-1)).toBe("double-vote");
  });

  test("votes count once for each party, and of parties in the group only", () => {
    const voices = new Voices("fixed");
    voices.net.input(0, valueOf(0));
    for (const party of [1, 2, 3]) voices.propose(party);
    for (let copy = 0; copy < 3; copy++) voices.no(1, 0);
    expect(voices.agreed(0)).toBeUndefined();
    expect(voices.net.accusations).toEqual([]);
    voices.yes(1, 0);
    expect(voices.net.faultsOf(1)).toEqual(["double-vote"]);
    voices.no(1, 200);
    expect(voices.net.faultsOf(1)).toEqual(["double-vote", "malformed-message"]);
  });

  test("goes on after 0 past what others have rejected already, and ends with 1", () => {
    const voices = proposed("fixed");
    voices.decide(1, 1, 0, new Uint8Array(0));
    expect(voices.said("yes").map(({ candidate }) => candidate)).toEqual([0]);
    voices.decide(1, 0, 0, new Uint8Array(0));
    // Candidate 1 is skipped.
    expect(voices.said("yes").map(({ candidate }) => candidate)).toEqual([0, 2]);
    voices.decide(2, 3, 1, voices.closing("proposal/3", valueOf(3)));
    expect(voices.net.outputsOf(0).map(({ candidate }) => candidate)).toEqual([3]);
  });

  test("R(1, ρ) holds for a closing of this candidate only, and R(0, ρ) for the empty ρ only", () => {
    const voices = proposed("fixed");
    voices.decide(1, 0, 1, voices.closing("proposal/2", valueOf(2)));
    voices.decide(1, 0, 1, new Uint8Array(0));
    voices.decide(1, 0, 0, utf8("x"));
    expect(voices.net.faultsOf(1)).toEqual(["invalid-certificate", "invalid-certificate", "invalid-certificate"]);
    expect(voices.net.outputsOf(0)).toEqual([]);
  });

  test("certificates of one candidate's agreement mean nothing in another's", () => {
    const voices = proposed("fixed");
    const statement = voices.net.statement(MAIN_VOTE, voteBody(1, 1), "aba/1/0");
    const shares = new Map([1, 2, 3].map((party) => [party, voices.net.suite(party).quorumCertifier.share(statement)]));
    const certificate = voices.net.suite(0).quorumCertifier.combine(statement, shares);
    const proof = voices.closing("proposal/2", valueOf(2));
    voices.net.tellBelow(1, 0, "aba/1/2", binaryAgreementMessageCodec, {
      kind: "decision",
      round: 1,
      value: 1,
      certificate,
      proof,
    });
    expect(voices.net.faultsOf(1)).toEqual(["invalid-certificate"]);
    expect([ABSTAIN, PRE_VOTE]).not.toContain(MAIN_VOTE);
  });

  test("instances that do not exist accuse the sender", () => {
    const voices = proposed("fixed");
    for (const below of ["proposal/4", "commit/1", "aba/2/1", "aba/1/9", "aba"]) {
      voices.net.tellBelow(1, 0, below, consistentBroadcastMessageCodec, { kind: "send", message: utf8("x") });
    }
    expect(voices.net.faultsOf(1)).toEqual(Array.from({ length: 5 }, () => "unknown-instance"));
    voices.tell(1, { kind: "coin", share: utf8("x") });
    expect(voices.net.faultsOf(1).at(-1)).toBe("malformed-message");
  });
});

describe("commits", () => {
  test("name the proposals received, a quorum", () => {
    const voices = proposed("random");
    const sends = voices.net.messagesBelow(0, "commit/0", consistentBroadcastMessageCodec, 1);
    const named = sends.map((message) =>
      message.kind === "send" ? decode(partySetCodec, message.message) : undefined,
    );
    expect(named.map((set) => set?.ok === true && String(set.value))).toEqual(["{0,1,2}"]);
  });

  test("that name no quorum, parties outside the group, or nothing at all, get no share", () => {
    const voices = proposed("random");
    const bad = [
      encode(partySetCodec, PartySet.of([0, 1])),
      encode(partySetCodec, PartySet.of([0, 1, 2, 4])),
      utf8("?"),
    ];
    for (const message of bad) {
      voices.net.tellBelow(1, 0, "commit/1", consistentBroadcastMessageCodec, { kind: "send", message });
    }
    expect(voices.net.messagesBelow(0, "commit/1", consistentBroadcastMessageCodec)).toEqual([]);
    expect(voices.net.faultsOf(1)).toEqual(bad.map(() => "invalid-commit"));
  });

  test("a quorum of them, the own one among the sent, is here before the coin share leaves", () => {
    const voices = proposed("random");
    voices.witness("commit/0");
    voices.commit(1, [0, 1, 2]);
    expect(voices.said("coin")).toEqual([]);
    voices.commit(2, [0, 1, 2]);
    expect(voices.said("coin")).toEqual([{ kind: "coin", share: voices.coinShare(0) }]);
    voices.commit(3, [0, 1, 2]);
    expect(voices.said("coin")).toHaveLength(1);

    const uncommitted = new Voices("random");
    for (const party of [1, 2, 3]) uncommitted.propose(party);
    for (const party of [1, 2, 3]) uncommitted.commit(party, [1, 2, 3]);
    expect(uncommitted.said("coin")).toEqual([]);
    uncommitted.net.input(0, valueOf(0));
    expect(uncommitted.said("coin")).toHaveLength(1);
  });

  test("coin shares that come before are kept, bad ones do not count", () => {
    const voices = proposed("random");
    voices.tell(3, { kind: "coin", share: voices.coinShare(3) });
    voices.witness("commit/0");
    voices.commit(1, [0, 1, 2]);
    expect(votedOn(voices.net, 0)).toEqual([]);
    voices.commit(2, [0, 1, 2]);
    expect(votedOn(voices.net, 0)).toHaveLength(1);

    const cheated = committed();
    cheated.tell(1, { kind: "coin", share: cheated.coinShare(2) });
    expect(cheated.net.faultsOf(1)).toEqual(["invalid-share"]);
    expect(votedOn(cheated.net, 0)).toEqual([]);
    cheated.tell(1, { kind: "coin", share: cheated.coinShare(1) });
    expect(votedOn(cheated.net, 0)).toHaveLength(1);
  });

  /** Party 0 has the proposals of all but the first in Π, and votes; parties 1 and 2 have committed to `named`. */
  function withoutFirst(
    named: (others: readonly PartyId[], first: PartyId) => readonly PartyId[],
  ): readonly [Voices, PartyId, readonly PartyId[]] {
    const voices = new Voices("random");
    const [first = 0] = voices.order;
    const others = [0, 1, 2, 3].filter((party) => party !== first);
    voices.net.input(0, valueOf(0));
    for (const party of others)
      if (party === 0) voices.witness("proposal/0");
      else voices.propose(party);
    voices.witness("commit/0");
    for (const party of [1, 2]) voices.commit(party, named(others, first));
    voices.tell(1, { kind: "coin", share: voices.coinShare(1) });
    expect(voices.said("no").map(({ candidate }) => candidate)).toEqual([first]);
    return [voices, first, others];
  }

  test("an N-vote waits for its voter's commit, a Y-vote does not", () => {
    const [voices, candidate, others] = withoutFirst((named) => named);
    voices.no(1, candidate);
    voices.no(3, candidate);
    expect(voices.agreed(candidate)).toBeUndefined();
    voices.commit(3, others);
    expect(voices.agreed(candidate)?.value).toBe(0);
    expect(voices.net.accusations).toEqual([]);

    const [again] = withoutFirst((named) => named);
    again.no(1, candidate);
    again.yes(3, candidate);
    expect(again.agreed(candidate)?.value).toBe(1);
  });

  test("an N-vote against the voter's commit is accused and not counted, whichever comes first", () => {
    const named = (others: readonly PartyId[], first: PartyId): readonly PartyId[] => [first, ...others.slice(1)];
    const [after, candidate] = withoutFirst(named);
    after.no(1, candidate);
    after.no(2, candidate);
    expect(after.net.accusations.map(({ party, fault }) => [party, fault])).toEqual([
      [1, "vote-contradicts-commit"],
      [2, "vote-contradicts-commit"],
    ]);
    expect(after.agreed(candidate)).toBeUndefined();
    after.yes(1, candidate);
    expect(after.agreed(candidate)?.value).toBe(1);

    const [before, , others] = withoutFirst((all) => all);
    before.no(1, candidate);
    before.no(3, candidate);
    expect(before.net.accusations).toEqual([]);
    before.commit(3, named(others, candidate));
    expect(before.net.accusations.map(({ party, fault }) => [party, fault])).toEqual([[3, "vote-contradicts-commit"]]);
    expect(before.agreed(candidate)).toBeUndefined();
  });
});
