/** Validated binary agreement: its properties under many schedules, and for each check the attack that it stops. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { thresholdGroup } from "../../src/core/group.js";
import { type PartyId, PartySet } from "../../src/core/party-set.js";
import {
  ABSTAIN,
  type BinaryAgreementMessage,
  type BinaryDecision,
  type BinaryInput,
  type Bit,
  binaryAgreement,
} from "../../src/protocols/binary-agreement/index.js";
import {
  COIN,
  MAIN_VOTE,
  type MainVote,
  PRE_VOTE,
  type PreVote,
  coinBody,
  voteBody,
} from "../../src/protocols/binary-agreement/messages.js";
import { evidenceCheckOf, verifyEvidence } from "../../src/protocols/index.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import {
  CLUSTER,
  type NetworkOptions,
  type Scheduler,
  lastInFirstOut,
  randomOrder,
  starving,
} from "../../src/sim/network.js";
import { ProtocolNetwork } from "../../src/sim/protocol-network.js";
import { VoteSplitter } from "./vote-splitter.js";

type AgreementNetwork = ProtocolNetwork<BinaryInput, BinaryAgreementMessage, BinaryDecision>;
type MainReason = MainVote["reason"];
type Message<K> = Extract<BinaryAgreementMessage, { kind: K }>;

/** R: each value has its own ρ. */
const PROOFS = { 0: utf8("zero"), 1: utf8("one") } as const;
const predicate = (value: Bit, proof: Uint8Array): boolean => String(proof) === String(PROOFS[value]);

function network(options: NetworkOptions = {}): AgreementNetwork {
  return new ProtocolNetwork(options, binaryAgreement({ predicate }));
}

const input = (value: Bit): BinaryInput => ({ value, proof: PROOFS[value] });

/** What other parties can say, with their keys. */
class Voices {
  readonly net: AgreementNetwork;

  constructor(net: AgreementNetwork) {
    this.net = net;
  }

  #share(party: PartyId, purpose: string, round: number, value: 0 | 1 | 2, below?: string): Uint8Array {
    return this.net.suite(party).quorumCertifier.share(this.net.statement(purpose, voteBody(round, value), below));
  }

  certificate(
    purpose: string,
    round: number,
    value: 0 | 1 | 2,
    parties: readonly PartyId[] = [1, 2, 3],
    below?: string,
  ): Uint8Array {
    const shares = new Map(parties.map((party) => [party, this.#share(party, purpose, round, value, below)]));
    return this.net
      .suite(0)
      .quorumCertifier.combine(this.net.statement(purpose, voteBody(round, value), below), shares);
  }

  vote(party: PartyId, round: number, value: Bit, reason?: PreVote["reason"]): PreVote {
    return { value, reason: reason ?? this.reason(round, value), share: this.#share(party, PRE_VOTE, round, value) };
  }

  /** One that holds: ρ in round 1, later the certificate of the round before. */
  reason(round: number, value: Bit): PreVote["reason"] {
    if (round === 1) return { kind: "proof", proof: PROOFS[value] };
    return { kind: "preVotes", certificate: this.certificate(PRE_VOTE, round - 1, value) };
  }

  coinReason(round: number, parties: readonly PartyId[] = [1, 2, 3]): PreVote["reason"] {
    return { kind: "coin", certificate: this.certificate(MAIN_VOTE, round - 1, ABSTAIN, parties) };
  }

  conflict(
    round: number,
    zero = this.vote(2, round, 0),
    one = this.vote(1, round, 1),
  ): MainReason & { kind: "conflict" } {
    return { kind: "conflict", zeroBy: 2, zero, oneBy: 1, one };
  }

  preVote(party: PartyId, round: number, value: Bit, reason?: PreVote["reason"]): void {
    this.net.tell(party, 0, { kind: "preVote", round, vote: this.vote(party, round, value, reason) });
  }

  mainVote(party: PartyId, round: number, value: 0 | 1 | 2, given?: MainReason): void {
    const certified: MainReason = { kind: "preVotes", certificate: this.certificate(PRE_VOTE, round, value) };
    const reason = given ?? (value === ABSTAIN ? this.conflict(round) : certified);
    this.net.tell(party, 0, {
      kind: "mainVote",
      round,
      value,
      reason,
      share: this.#share(party, MAIN_VOTE, round, value),
    });
  }

  coinShare(party: PartyId, round: number): Uint8Array {
    return this.net.suite(party).quorumCoin.share(this.net.statement(COIN, coinBody(round)));
  }

  coin(party: PartyId, round: number): void {
    this.net.tell(party, 0, { kind: "coin", round, share: this.coinShare(party, round) });
  }

  coinValue(round: number): Bit {
    const value = this.net.suite(0).quorumCoin.combine(this.net.statement(COIN, coinBody(round)), new Map());
    return ((value[0] ?? 0) & 1) as Bit;
  }

  /** What party 0 said to party 1. */
  said<K extends BinaryAgreementMessage["kind"]>(kind: K): readonly Message<K>[] {
    return this.net.messages(0, 1).filter((message): message is Message<K> => message.kind === kind);
  }
}

/** Party 0 runs, the test speaks for the others; party 0 has input `value`. */
function alone(value?: Bit): Voices {
  const voices = new Voices(network({ scripted: [1, 2, 3] }));
  if (value !== undefined) voices.net.input(0, input(value));
  return voices;
}

/** In round 1 both values are named and all abstain, so that party 0 begins round 2 with the coin, which shows 1. */
function inRound2(): Voices {
  const voices = alone(1);
  voices.preVote(1, 1, 1);
  voices.preVote(2, 1, 0);
  voices.mainVote(1, 1, ABSTAIN);
  voices.mainVote(2, 1, ABSTAIN);
  return voices;
}

/** Also round 2 ends with abstentions only: party 0 waits for the coin of round 2. */
function atCoin2(): Voices {
  const voices = inRound2();
  voices.preVote(1, 2, 1);
  voices.preVote(2, 2, 0);
  voices.mainVote(1, 2, ABSTAIN);
  voices.mainVote(2, 2, ABSTAIN);
  return voices;
}

interface Outcome {
  readonly value: Bit;
  readonly round: number;
}

/** All honest parties decide, the same, with a proof, once; nobody honest is accused. */
function outcomeOf(net: AgreementNetwork): Outcome {
  const decisions = net.running.map((party) => {
    expect(net.outputsOf(party), `party ${party}`).toHaveLength(1);
    return net.outputsOf(party)[0];
  });
  const [first] = decisions;
  if (first === undefined) throw new Error("nobody decided");
  for (const decision of decisions) {
    expect(decision?.value).toBe(first.value);
    expect(decision !== undefined && predicate(decision.value, decision.proof)).toBe(true);
  }
  expect(net.accusations.filter(({ party }) => net.running.includes(party))).toEqual([]);
  return { value: first.value, round: Math.max(...decisions.map((decision) => decision?.round ?? 0)) };
}

function bits(mixture: number, n: number): readonly Bit[] {
  return Array.from({ length: n }, (_, party) => ((mixture >>> party) & 1) as Bit);
}

/** The two halves hear each other only when nothing else is left. */
const partition: Scheduler = starving(({ from, to }) => from % 2 !== to % 2);
const SCHEDULERS: Readonly<Record<string, Scheduler>> = {
  random: randomOrder,
  "last in, first out": lastInFirstOut,
  "a slow party": starving(({ to }) => to === 1),
  "a mute party": starving(({ from }) => from === 2),
  partition,
  "corrupted first": (flights, random) => {
    const fast = flights.findIndex(({ from }) => from === 3);
    return fast >= 0 && random.chance(0.7) ? fast : random.below(flights.length);
  },
};

describe("all mixtures of inputs at n=4", () => {
  for (const [name, scheduler] of Object.entries(SCHEDULERS)) {
    test(`end in agreement: ${name}, all honest`, () => {
      for (let mixture = 0; mixture < 16; mixture++) {
        for (let seed = 1; seed <= 6; seed++) {
          const net = network({ seed: 16 * seed + mixture, scheduler });
          for (const [party, value] of bits(mixture, 4).entries()) net.input(party, input(value));
          net.run();
          checkValidity(net, bits(mixture, 4), outcomeOf(net));
        }
      }
    });

    test(`end in agreement: ${name}, one party corrupted or silent`, () => {
      for (let mixture = 0; mixture < 8; mixture++) {
        for (let seed = 1; seed <= 12; seed++) {
          const net = seed % 4 === 0 ? network({ seed, scripted: [3], scheduler }) : split(seed, scheduler);
          const inputs = bits(mixture, 3);
          for (const [party, value] of inputs.entries()) net.input(party, input(value));
          net.run();
          checkValidity(net, inputs, outcomeOf(net));
        }
      }
    });
  }
});

/** Party 3 splits votes. */
function split(seed: number, scheduler: Scheduler, n = 4): AgreementNetwork {
  const liar = n - 1;
  const splitter = new VoteSplitter(liar, () => net, PROOFS);
  const net: AgreementNetwork = network({
    n,
    seed,
    scripted: [liar],
    scheduler,
    onScripted: (flight) => splitter.receive(flight),
  });
  return net;
}

function checkValidity(net: AgreementNetwork, inputs: readonly Bit[], { value }: Outcome): void {
  // Biased validity: those who do not propose 0 meet every quorum.
  const ones = PartySet.of(net.running.filter((party) => inputs[party] === 1));
  if (net.group.meetsEveryQuorum(ones)) expect(value).toBe(1);
  if (net.running.length === net.group.n && ones.size === 0) expect(value).toBe(0);
}

describe("many rounds", () => {
  test("a corrupted voter and its scheduler prolong it past round 3, and it still ends in agreement", () => {
    const rounds: number[] = [];
    for (let seed = 1; seed <= 300; seed++) {
      const net = split(seed, SCHEDULERS["corrupted first"] ?? randomOrder);
      for (const party of net.running) net.input(party, input(party === 0 ? 1 : 0));
      net.run();
      rounds.push(outcomeOf(net).round);
    }
    // Only then have coins, and votes justified by them, been tried at all.
    expect(rounds.filter((round) => round >= 3).length).toBeGreaterThan(20);
    expect(Math.max(...rounds)).toBeGreaterThanOrEqual(4);
    expect(rounds.reduce((sum, round) => sum + round, 0) / rounds.length).toBeLessThanOrEqual(6);
  });

  test("n=7 with t=2, and n=6 with one corrupted and one crashed", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const sizes = [network({ n: 7, seed, scripted: [6], scheduler: randomOrder }), split(seed, randomOrder, 7)];
      const crashing = network({ seed, group: thresholdGroup({ n: 6, byzantine: 1, crash: 1 }), scripted: [4, 5] });
      for (const net of [...sizes, crashing]) {
        const inputs = net.running.map(() => (net.random.chance(0.5) ? 1 : 0));
        for (const party of net.running) net.input(party, input(inputs[party] ?? 0));
        net.run();
        checkValidity(net, inputs, outcomeOf(net));
      }
    }
  });
});

describe("inputs", () => {
  test("votes that come before the input are kept and counted", () => {
    const voices = alone();
    voices.preVote(1, 1, 1);
    voices.preVote(2, 1, 1);
    voices.mainVote(1, 1, 1);
    voices.mainVote(2, 1, 1);
    expect(voices.net.sent).toEqual([]);
    voices.net.input(0, input(1));
    expect(voices.net.outputsOf(0).map(({ value, round }) => ({ value, round }))).toEqual([{ value: 1, round: 1 }]);
  });

  test("a second input changes nothing; an input without a proof is the caller's broken invariant", () => {
    const voices = alone(1);
    voices.net.input(0, input(0));
    expect(voices.said("preVote").map(({ vote }) => vote.value)).toEqual([1]);
    expect(() => alone().net.input(0, { value: 1, proof: PROOFS[0] })).toThrow("without a valid proof");
  });
});

describe("pre-votes", () => {
  /** Refused: accused of `fault` by the time that a quorum with it would be complete, and not counted. */
  const refused = (voices: Voices, fault: string): void => {
    expect(voices.net.faultsOf(2, 0)).toContain(fault);
    const round = Math.max(...voices.said("preVote").map((message) => message.round));
    expect(voices.said("mainVote").filter((message) => message.round === round)).toEqual([]);
  };

  test("of round 1 need a ρ with R(value, ρ)", () => {
    for (const reason of [
      { kind: "proof", proof: PROOFS[1] },
      { kind: "preVotes", certificate: new Uint8Array(0) },
      { kind: "coin", certificate: new Uint8Array(0) },
    ] as const) {
      const voices = alone(1);
      voices.preVote(1, 1, 1);
      voices.preVote(2, 1, 0, reason);
      refused(voices, "invalid-justification");
    }
  });

  test("need a share of their sender on this round, value and tag", () => {
    const voices = alone(1);
    voices.preVote(1, 1, 1);
    const shares = [voices.vote(1, 1, 0).share, voices.vote(2, 1, 1).share, voices.vote(2, 2, 0).share, utf8("junk")];
    for (const share of shares) {
      voices.net.tell(2, 0, { kind: "preVote", round: 1, vote: { ...voices.vote(2, 1, 0), share } });
    }
    expect(voices.net.faultsOf(2)).toEqual(shares.map(() => "invalid-share"));
    refused(voices, "invalid-share");
  });

  test("of round 2 are not justified by ρ alone", () => {
    const voices = inRound2();
    voices.preVote(1, 2, 1, voices.coinReason(2));
    voices.preVote(2, 2, 0, { kind: "proof", proof: PROOFS[0] });
    refused(voices, "invalid-justification");
  });

  test("of later rounds with a ρ are refused on arrival, since they would wait there unchecked", () => {
    const voices = alone();
    voices.preVote(2, 40, 0, { kind: "proof", proof: PROOFS[0] });
    voices.mainVote(3, 40, ABSTAIN, voices.conflict(40, voices.vote(2, 40, 0, { kind: "proof", proof: PROOFS[0] })));
    expect(voices.net.faultsOf(2)).toEqual(["invalid-justification"]);
    expect(voices.net.faultsOf(3)).toEqual(["invalid-justification"]);
  });

  test("that lean on the coin must have its value", () => {
    const voices = inRound2();
    voices.preVote(1, 2, 1, voices.coinReason(2));
    voices.preVote(2, 2, 0, voices.coinReason(2));
    refused(voices, "invalid-justification");
  });

  test("need certificates of a quorum, on the round before, this value, purpose and tag", () => {
    for (const certificate of [
      inRound2().certificate(PRE_VOTE, 1, 0, [2, 3]),
      inRound2().certificate(PRE_VOTE, 1, 1),
      inRound2().certificate(PRE_VOTE, 2, 0),
      inRound2().certificate(MAIN_VOTE, 1, 0),
      inRound2().certificate(PRE_VOTE, 1, 0, [1, 2, 3], "other"),
      utf8("junk"),
    ]) {
      const voices = inRound2();
      voices.preVote(1, 2, 1, voices.coinReason(2));
      voices.preVote(2, 2, 0, { kind: "preVotes", certificate });
      refused(voices, "invalid-justification");
    }
    const fewAbstained = inRound2();
    fewAbstained.preVote(1, 2, 1);
    fewAbstained.preVote(2, 2, 1, fewAbstained.coinReason(2, [2, 3]));
    refused(fewAbstained, "invalid-justification");
  });

  test("count once for each party: a second, different one is accused, a repeated one is not", () => {
    const voices = alone(1);
    voices.preVote(2, 1, 1);
    voices.preVote(2, 1, 1);
    expect(voices.net.accusations).toEqual([]);
    voices.preVote(2, 1, 0);
    expect(voices.net.faultsOf(2)).toEqual(["double-vote"]);
    expect(voices.said("mainVote")).toEqual([]);
  });

  test("after a refused one the same party's valid one still counts", () => {
    const voices = alone(1);
    voices.preVote(1, 1, 1);
    voices.preVote(2, 1, 0, { kind: "proof", proof: utf8("?") });
    voices.preVote(2, 1, 0);
    expect(voices.said("mainVote").map(({ value }) => value)).toEqual([ABSTAIN]);
  });
});

describe("main-votes", () => {
  const atMainVotes = (): Voices => {
    const voices = alone(1);
    voices.preVote(1, 1, 1);
    voices.preVote(2, 1, 1);
    return voices;
  };

  test("for a value need the certificate of a quorum's pre-votes for it in this round", () => {
    const voices = atMainVotes();
    const certificates = [
      voices.certificate(PRE_VOTE, 1, 1, [2, 3]),
      voices.certificate(PRE_VOTE, 1, 0),
      voices.certificate(PRE_VOTE, 2, 1),
      voices.certificate(PRE_VOTE, 1, 1, [1, 2, 3], "other"),
      new Uint8Array(0),
    ];
    voices.mainVote(1, 1, 1);
    for (const certificate of certificates) voices.mainVote(2, 1, 1, { kind: "preVotes", certificate });
    voices.mainVote(2, 1, 1, voices.conflict(1));
    expect(voices.net.faultsOf(2)).toEqual(Array.from({ length: 6 }, () => "invalid-justification"));
    expect(voices.net.outputsOf(0)).toEqual([]);
  });

  test("need a share of their sender", () => {
    const voices = atMainVotes();
    voices.mainVote(1, 1, 1);
    const reason: MainReason = { kind: "preVotes", certificate: voices.certificate(PRE_VOTE, 1, 1) };
    voices.net.tell(2, 0, { kind: "mainVote", round: 1, value: 1, reason, share: utf8("junk") });
    expect(voices.net.faultsOf(2)).toEqual(["invalid-share"]);
    expect(voices.net.outputsOf(0)).toEqual([]);
  });

  test("that abstain need two justified pre-votes of this round and tag, one for each value", () => {
    const voices = atMainVotes();
    const zero = voices.vote(2, 1, 0);
    const one = voices.vote(1, 1, 1);
    const otherTag = voices.net.suite(2).quorumCertifier.share(voices.net.statement(PRE_VOTE, voteBody(1, 0), "other"));
    const reasons: readonly MainReason[] = [
      voices.conflict(1, voices.vote(2, 1, 1), one),
      voices.conflict(1, zero, voices.vote(1, 1, 0)),
      voices.conflict(1, { ...zero, share: otherTag }),
      voices.conflict(1, { ...zero, share: voices.vote(2, 2, 0).share }),
      voices.conflict(1, { ...zero, reason: { kind: "proof", proof: utf8("?") } }),
      voices.conflict(1, zero, { ...one, reason: { kind: "proof", proof: utf8("?") } }),
      { ...voices.conflict(1), zeroBy: 3 },
      { ...voices.conflict(1), oneBy: 200 },
      { kind: "preVotes", certificate: voices.certificate(PRE_VOTE, 1, ABSTAIN) },
    ];
    voices.mainVote(1, 1, 1);
    for (const reason of reasons) voices.mainVote(2, 1, ABSTAIN, reason);
    // Votes of another round are wrong of their kind already.
    voices.mainVote(2, 1, ABSTAIN, voices.conflict(1, voices.vote(2, 2, 0)));
    expect(voices.net.faultsOf(2)).toEqual([...reasons, 0].map(() => "invalid-justification"));
    expect(voices.said("preVote")).toHaveLength(1);
  });

  test("that quote parties outside are refused before the suite is asked of these", () => {
    const voices = new Voices(
      network({
        scripted: [1, 2, 3],
        suiteOf(group, self) {
          const suite = mockSuite(group, self, 1);
          const verifyShare: typeof suite.quorumCertifier.verifyShare = (party, ...rest) => {
            if (party >= group.n) throw new RangeError(`no key of party ${party}`);
            return suite.quorumCertifier.verifyShare(party, ...rest);
          };
          return { ...suite, quorumCertifier: { ...suite.quorumCertifier, verifyShare } };
        },
      }),
    );
    voices.net.input(0, input(1));
    voices.preVote(1, 1, 1);
    voices.preVote(2, 1, 1);
    for (const outside of [4, 255]) {
      voices.mainVote(2, 1, ABSTAIN, { ...voices.conflict(1), zeroBy: outside });
      voices.mainVote(2, 1, ABSTAIN, { ...voices.conflict(1), oneBy: outside });
    }
    expect(voices.net.faultsOf(2)).toEqual(Array.from({ length: 4 }, () => "invalid-justification"));
  });

  test("that quote a vote against the coin are refused", () => {
    const voices = inRound2();
    voices.preVote(1, 2, 1);
    voices.preVote(2, 2, 1);
    voices.mainVote(1, 2, 1);
    voices.mainVote(2, 2, ABSTAIN, voices.conflict(2, voices.vote(2, 2, 0, voices.coinReason(2))));
    expect(voices.net.faultsOf(2)).toEqual(["invalid-justification"]);
  });

  test("count once for each party", () => {
    const voices = atMainVotes();
    voices.mainVote(2, 1, 1);
    voices.mainVote(2, 1, 1);
    expect(voices.net.accusations).toEqual([]);
    voices.mainVote(2, 1, ABSTAIN);
    expect(voices.net.faultsOf(2)).toEqual(["double-vote"]);
    expect(voices.net.outputsOf(0)).toEqual([]);
  });

  test("convict whoever pre-voted otherwise in them", () => {
    const voices = atMainVotes();
    // Party 2 said 1 to party 0, and 0 to somebody.
    voices.mainVote(3, 1, ABSTAIN);
    expect(voices.net.faultsOf(2)).toEqual(["double-vote"]);
    expect(voices.net.faultsOf(3)).toEqual([]);
  });
});

describe("coins", () => {
  test("the coin of round 1 is 1 and has no shares", () => {
    const voices = inRound2();
    expect(voices.said("coin")).toEqual([]);
    expect(voices.said("preVote").map(({ round, vote }) => [round, vote.value, vote.reason.kind])).toEqual([
      [1, 1, "proof"],
      [2, 1, "coin"],
    ]);
    for (let seed = 1; seed <= 30; seed++) {
      const net = split(seed, randomOrder);
      for (const party of net.running) net.input(party, input(party === 0 ? 1 : 0));
      net.run();
      const coins = net.running.flatMap((party) => net.messages(party)).filter((message) => message.kind === "coin");
      expect(coins.every(({ round }) => round > 1)).toBe(true);
    }
  });

  test("a share leaves only when a quorum of main-votes is fixed, and later main-votes change nothing", () => {
    const voices = inRound2();
    voices.preVote(1, 2, 1);
    voices.preVote(2, 2, 0);
    voices.mainVote(1, 2, ABSTAIN);
    expect(voices.said("mainVote").map(({ round, value }) => [round, value])).toContainEqual([2, ABSTAIN]);
    expect(voices.said("coin")).toEqual([]);
    voices.mainVote(2, 2, ABSTAIN);
    expect(voices.said("coin").map(({ round }) => round)).toEqual([2]);
    // The scheduler has seen the coin and shows a vote against it: too late.
    const coin = voices.coinValue(2);
    voices.mainVote(3, 2, coin === 0 ? 1 : 0);
    voices.coin(1, 2);
    expect(voices.said("preVote")).toHaveLength(2);
    voices.coin(2, 2);
    expect(voices.said("preVote").at(-1)).toMatchObject({ round: 3, vote: { value: coin, reason: { kind: "coin" } } });
  });

  test("a main-vote for a value that is among the quorum outweighs the coin", () => {
    for (const value of [0, 1] as const) {
      const voices = inRound2();
      voices.preVote(1, 2, 1);
      voices.preVote(2, 2, 0);
      voices.mainVote(1, 2, ABSTAIN);
      voices.mainVote(2, 2, value);
      voices.coin(1, 2);
      voices.coin(2, 2);
      expect(voices.said("preVote").at(-1)).toMatchObject({ round: 3, vote: { value, reason: { kind: "preVotes" } } });
    }
  });

  test("bad shares, another round's and a party's second do not count", () => {
    const voices = atCoin2();
    voices.coin(1, 2);
    voices.net.tell(2, 0, { kind: "coin", round: 2, share: voices.coinShare(2, 3) });
    voices.net.tell(2, 0, { kind: "coin", round: 2, share: voices.coinShare(3, 2) });
    expect(voices.net.faultsOf(2)).toEqual(["invalid-share", "invalid-share"]);
    voices.coin(1, 2);
    expect(voices.said("preVote")).toHaveLength(2);
    voices.coin(2, 2);
    expect(voices.said("preVote")).toHaveLength(3);
  });

  test("the coin itself says whose shares suffice", () => {
    // Here those of t+1 parties: the own one and one more.
    const suiteOf: NetworkOptions["suiteOf"] = (group, party) => {
      const suite = mockSuite(group, party, 1);
      return { ...suite, quorumCoin: suite.honestCoin };
    };
    const voices = new Voices(network({ scripted: [1, 2, 3], suiteOf }));
    voices.net.input(0, input(1));
    for (const round of [1, 2]) {
      voices.preVote(1, round, 1);
      voices.preVote(2, round, 0);
      for (const party of [1, 2]) voices.mainVote(party, round, ABSTAIN);
    }
    expect(voices.said("preVote")).toHaveLength(2);
    voices.coin(1, 2);
    expect(voices.said("preVote")).toHaveLength(3);
  });

  test("votes of the next round that lean on a coin not yet known here are kept", () => {
    const voices = atCoin2();
    const coin = voices.coinValue(2);
    voices.preVote(1, 3, coin, voices.coinReason(3));
    voices.preVote(2, 3, coin, voices.coinReason(3));
    expect(voices.net.accusations).toEqual([]);
    voices.coin(1, 2);
    voices.coin(2, 2);
    expect(voices.said("mainVote").map(({ round, value }) => [round, value])).toContainEqual([3, coin]);
  });
});

describe("decisions", () => {
  const decision = (voices: Voices, changes: Partial<Message<"decision">> = {}): Message<"decision"> => ({
    kind: "decision",
    round: 1,
    value: 1,
    certificate: voices.certificate(MAIN_VOTE, 1, 1),
    proof: PROOFS[1],
    ...changes,
  });

  test("are taken in any step, also without an input, forwarded once, and end everything", () => {
    for (const voices of [alone(), alone(0), inRound2(), atCoin2()]) {
      voices.net.tell(3, 0, decision(voices));
      voices.net.tell(2, 0, decision(voices));
      expect(voices.net.outputsOf(0).map(({ value }) => value)).toEqual([1]);
      expect(voices.said("decision")).toEqual([decision(voices)]);
      expect(voices.net.accusations).toEqual([]);
      const before = voices.net.sent.length;
      voices.net.input(0, input(0));
      voices.preVote(2, 1, 0);
      voices.mainVote(2, 1, 0);
      expect(voices.net.sent).toHaveLength(before);
    }
  });

  test("carry a message with which any other party decides", () => {
    const voices = alone(1);
    for (const party of [1, 2]) voices.preVote(party, 1, 1);
    for (const party of [1, 2]) voices.mainVote(party, 1, 1);
    const body = voices.net.outputsOf(0)[0]?.message ?? new Uint8Array(0);
    const other = network({ scripted: [0] });
    other.deliver(0, 2, { tag: other.tag, body });
    expect(other.outputsOf(2).map(({ value }) => value)).toEqual([1]);
  });

  test("need R(value, ρ) and a quorum's main-votes on this value, round and tag", () => {
    const voices = alone(0);
    const forgeries = [
      decision(voices, { proof: PROOFS[0] }),
      decision(voices, { value: 0, proof: PROOFS[0] }),
      decision(voices, { round: 2 }),
      decision(voices, { certificate: voices.certificate(MAIN_VOTE, 1, 1, [2, 3]) }),
      decision(voices, { certificate: voices.certificate(PRE_VOTE, 1, 1) }),
      decision(voices, { certificate: voices.certificate(MAIN_VOTE, 1, ABSTAIN) }),
      decision(voices, { certificate: voices.certificate(MAIN_VOTE, 1, 1, [1, 2, 3], "other") }),
    ];
    for (const forgery of forgeries) voices.net.tell(3, 0, forgery);
    expect(voices.net.faultsOf(3)).toEqual(forgeries.map(() => "invalid-certificate"));
    expect(voices.net.outputsOf(0)).toEqual([]);
    voices.net.tell(3, 0, decision(voices));
    expect(voices.net.outputsOf(0)).toHaveLength(1);
  });

  test("need all of a quorum's main-votes: one abstention and nothing is decided", () => {
    const voices = alone(1);
    for (const party of [1, 2]) voices.preVote(party, 1, 1);
    voices.mainVote(1, 1, 1);
    voices.mainVote(2, 1, ABSTAIN);
    expect(voices.net.outputsOf(0)).toEqual([]);
    expect(voices.said("preVote").at(-1)).toMatchObject({ round: 2, vote: { value: 1, reason: { kind: "preVotes" } } });
  });
});

describe("evidence of double votes", () => {
  /** What party 0 gives, each of which convinces another party. */
  const evidenceOf = ({ net }: Voices): readonly string[] =>
    net.evidence.map((evidence) => {
      expect(verifyEvidence(evidence, evidenceCheckOf(CLUSTER, net.suite(1)))).toEqual({ valid: true });
      return `${evidence.party} ${evidence.purpose}`;
    });

  test("is two pre-votes, or two main-votes, that are signed", () => {
    const voices = alone(1);
    voices.preVote(2, 1, 1);
    voices.preVote(2, 1, 0);
    voices.preVote(2, 1, 0);
    expect(evidenceOf(voices)).toEqual(["2 pre-vote"]);
    voices.preVote(1, 1, 1);
    voices.mainVote(2, 1, 1);
    voices.mainVote(2, 1, ABSTAIN);
    expect(evidenceOf(voices)).toEqual(["2 pre-vote", "2 main-vote"]);
  });

  test("is not a vote with a share of nothing, before another or after it", () => {
    for (const isFirst of [true, false]) {
      const voices = alone();
      const bad = { value: 0, reason: voices.reason(1, 0), share: utf8("junk") } as const;
      const say = [
        (): void => voices.net.tell(2, 0, { kind: "preVote", round: 1, vote: bad }),
        (): void => voices.preVote(2, 1, 1),
      ];
      for (const vote of isFirst ? say : say.toReversed()) vote();
      expect(voices.net.faultsOf(2)).toEqual(["double-vote"]);
      expect(voices.net.evidence).toEqual([]);
    }
  });

  test("is what an abstention quotes against what came directly, or against what another quotes", () => {
    const direct = alone(1);
    direct.preVote(1, 1, 1);
    direct.preVote(2, 1, 1);
    direct.mainVote(3, 1, ABSTAIN);
    expect(evidenceOf(direct)).toEqual(["2 pre-vote"]);

    const quoted = alone(1);
    quoted.preVote(1, 1, 1);
    quoted.preVote(2, 1, 0);
    const by3 = (value: Bit): MainReason => {
      const [zero, one] = [quoted.vote(value === 0 ? 3 : 2, 1, 0), quoted.vote(value === 1 ? 3 : 1, 1, 1)];
      return { kind: "conflict", zeroBy: value === 0 ? 3 : 2, zero, oneBy: value === 1 ? 3 : 1, one };
    };
    quoted.mainVote(1, 1, ABSTAIN, by3(0));
    quoted.mainVote(2, 1, ABSTAIN, by3(1));
    expect(evidenceOf(quoted)).toEqual(["3 pre-vote"]);
    expect(quoted.net.faultsOf(3)).toEqual(["double-vote"]);

    const late = alone(1);
    late.preVote(1, 1, 1);
    late.preVote(2, 1, 0);
    late.mainVote(1, 1, ABSTAIN, by3(0));
    late.preVote(3, 1, 1);
    expect(evidenceOf(late)).toEqual(["3 pre-vote"]);
  });

  test("is not what shares of a threshold signature show", () => {
    const thresholdShares = (): Voices =>
      new Voices(
        network({
          scripted: [1, 2, 3],
          suiteOf: (group, party) => mockSuite(group, party, 1, { certificates: "one" }),
        }),
      );
    const voices = thresholdShares();
    voices.preVote(2, 1, 1);
    voices.preVote(2, 1, 0);
    expect(voices.net.faultsOf(2)).toEqual(["double-vote"]);
    expect(voices.net.evidence).toEqual([]);

    // A quorum pre-voted 0, so that party 3 can make a share of party 2 for it, who pre-voted 1.
    const framed = thresholdShares();
    framed.net.input(0, input(1));
    framed.preVote(1, 1, 1);
    framed.preVote(2, 1, 1);
    framed.mainVote(3, 1, ABSTAIN);
    expect(framed.net.accusations).toEqual([]);
  });
});

describe("rounds far ahead", () => {
  test("are kept up to 64 rounds above the own one, and dropped beyond", () => {
    const kept = alone();
    kept.preVote(2, 65, 0);
    kept.preVote(2, 65, 1);
    expect(kept.net.faultsOf(2)).toEqual(["double-vote"]);
    for (const round of [66, 67, 1_000_000, 0xffff_ffff]) {
      const dropped = alone();
      dropped.preVote(2, round, 0);
      dropped.preVote(2, round, 1);
      expect(dropped.net.faultsOf(2)).toEqual([]);
    }
  });

  test("do not hold up the rounds before them", () => {
    const voices = alone(1);
    for (let round = 2; round <= 80; round++) {
      voices.preVote(3, round, 0);
      voices.mainVote(3, round, 0);
      voices.coin(3, round);
    }
    for (const party of [1, 2]) voices.preVote(party, 1, 1);
    for (const party of [1, 2]) voices.mainVote(party, 1, 1);
    expect(voices.net.outputsOf(0).map(({ value, round }) => [value, round])).toEqual([[1, 1]]);
  });
});
