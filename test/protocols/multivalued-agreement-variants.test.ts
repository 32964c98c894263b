/** The variants of multi-valued agreement: on request, parallel, adaptive; for each rule the attack that it stops. */
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import type { PartyId } from "../../src/core/party-set.js";
import { binaryAgreementMessageCodec } from "../../src/protocols/binary-agreement/index.js";
import {
  consistentBroadcastMessageCodec,
  verifyClosing,
  verifyCompactClosing,
} from "../../src/protocols/consistent-broadcast/index.js";
import {
  type AgreementVariant,
  AgreementVariantError,
  type MultivaluedAgreementMessage,
  type MultivaluedDecision,
  multivaluedAgreement,
  multivaluedAgreementMessageCodec,
} from "../../src/protocols/multivalued-agreement/index.js";
import { starving } from "../../src/sim/network.js";
import {
  type AgreementNetwork,
  type Variant,
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

const VARIANTS: readonly Variant[] = [
  { order: "fixed", delivery: "on-request" },
  { order: "adaptive", delivery: "on-request" },
  { order: "fixed", parallel: 2 },
  { order: "random", parallel: 3 },
  { order: "adaptive", parallel: 2 },
  { order: "random", delivery: "on-request", parallel: 2 },
];

function start(net: AgreementNetwork): void {
  for (const party of net.running) net.input(party, valueOf(party));
}

describe.each(VARIANTS)("%j", (variant) => {
  for (const [name, scheduler] of Object.entries(SCHEDULERS)) {
    test(`all decide the same valid value: ${name}`, () => {
      for (const n of [1, 4, 7]) {
        for (let seed = 1; seed <= (n === 4 ? 8 : 1); seed++) {
          const net = network(variant, { n, seed, scheduler });
          start(net);
          net.run();
          decisionOf(net);
        }
      }
    });
  }

  test("with t silent parties, and candidates rejected before others are accepted", () => {
    const tries: number[] = [];
    for (let seed = 1; seed <= 12; seed++) {
      const late = starving((flight) => /proposal\/[01]/.test(flight.envelope.tag));
      const net = network(variant, { n: 7, seed, scripted: seed % 2 === 0 ? [5, 6] : [], scheduler: late });
      start(net);
      net.run();
      tries.push(decisionOf(net).tries);
    }
    expect(tries.some((count) => count > 1)).toBe(true);
  });

  test("the proof makes a party decide that has done nothing yet, and is forwarded", () => {
    const net = network(variant, { seed: 3, scheduler: starving(isWithin("proposal/0")) });
    start(net);
    net.run();
    const { proof, value } = decisionOf(net);
    const late = network(variant, { seed: 3, scripted: [0] });
    late.deliver(0, 3, proof);
    expect(late.outputsOf(3)).toMatchObject([{ value }]);
    late.run();
    expect(late.outputsOf(1)).toMatchObject([{ value }]);
    expect(late.outputsOf(1)[0]?.proof).toEqual(proof);
    expect(late.accusations).toEqual([]);
  });
});

test("an order or a delivery that nobody has heard of does not exist", () => {
  // As plain JavaScript lets it pass.
  for (const variant of [{ order: "nope" }, { order: "fixed", delivery: "nope" }] as unknown as AgreementVariant[]) {
    const create = (): unknown => multivaluedAgreement({ first: 0, fault: () => undefined, ...variant });
    expect(create).toThrow(AgreementVariantError);
    expect(create).toThrow("nope is none of");
  }
});

test("a variant with no candidate at once, or with too many, does not exist", () => {
  for (const parallel of [0, 17, 1.5]) {
    const create = (): unknown => multivaluedAgreement({ order: "fixed", first: 0, parallel, fault: () => undefined });
    expect(create).toThrow(AgreementVariantError);
  }
});

const ON_REQUEST = { order: "fixed", delivery: "on-request" } as const;

describe("on request", () => {
  test("votes and agreements carry certificates only, of whatever size the values are", () => {
    const large = (party: PartyId): Uint8Array => concat(valueOf(party), new Uint8Array(100_000));
    const net = network(ON_REQUEST);
    for (const party of net.running) net.input(party, large(party));
    net.run();
    const others = net.sent.filter(({ envelope }) => !envelope.tag.includes("/proposal/"));
    expect(Math.max(...others.map(({ envelope }) => envelope.body.length))).toBeLessThan(1000);
    expect(net.outputsOf(0).map(({ value }) => value)).toEqual([large(0)]);
  });

  test("a compact closing counts as a proposal held; a forged one does not", () => {
    const voices = new Voices(ON_REQUEST);
    voices.net.input(0, valueOf(0));
    voices.witness("proposal/0");
    voices.tell(1, { kind: "yes", candidate: 1, closing: voices.compactClosing(1, [1, 2]) });
    voices.tell(1, { kind: "yes", candidate: 1, closing: voices.compactClosing(2) });
    expect(voices.net.faultsOf(1)).toEqual(["invalid-certificate", "invalid-certificate"]);
    voices.tell(1, { kind: "yes", candidate: 1, closing: voices.compactClosing(1) });
    voices.propose(2);
    expect(votedOn(voices.net, 0)).toEqual([0]);
    // The vote on candidate 1 shows the closing that came with another's vote.
    voices.decide(1, 0, 0, new Uint8Array(0));
    expect(voices.said("yes").map(({ candidate }) => candidate)).toEqual([0, 1]);
    expect(voices.said("yes")[1]?.closing).toEqual(voices.compactClosing(1));
  });

  test("in the default delivery a compact closing is no closing", () => {
    const voices = new Voices("fixed");
    voices.tell(1, { kind: "yes", candidate: 1, closing: voices.compactClosing(1) });
    expect(voices.net.faultsOf(1)).toEqual(["invalid-certificate"]);
  });

  /** Party 0 has decided candidate 3, of which it has the certificate only. */
  function lacking(): Voices {
    const voices = proposed(ON_REQUEST);
    voices.decide(1, 3, 1, voices.compactClosing(3, [1, 2, 3]));
    return voices;
  }
  const asked = (voices: Voices): readonly PartyId[] =>
    [1, 2, 3].filter((to) =>
      voices.net.messagesBelow(0, "proposal/3", consistentBroadcastMessageCodec, to).some(({ kind }) => kind === "ask"),
    );
  const answer = (voices: Voices, from: PartyId, message: Uint8Array): void =>
    voices.net.tellBelow(from, 0, "proposal/3", consistentBroadcastMessageCodec, { kind: "value", message });

  test("a decided value that is not here is fetched, and one signer that serves it is enough", () => {
    const voices = lacking();
    expect(voices.net.outputsOf(0)).toEqual([]);
    expect(asked(voices)).toEqual([1, 2, 3]);
    answer(voices, 1, valueOf(1));
    expect(voices.net.outputsOf(0)).toEqual([]);
    answer(voices, 3, valueOf(3));
    expect(voices.net.outputsOf(0)).toMatchObject([{ value: valueOf(3), candidate: 3 }]);
    expect(voices.net.accusations.map(({ party, fault }) => [party, fault])).toEqual([[1, "invalid-certificate"]]);
  });

  test("everybody is asked once a quorum has been heard of and no signer has answered", () => {
    const voices = new Voices(ON_REQUEST, { n: 7, scripted: [1, 2, 3, 4, 5, 6] });
    const signers = [1, 2, 3, 4, 5];
    const decision = voices.decision(3, 1, voices.compactClosing(3, signers), 1, signers);
    voices.net.tellBelow(1, 0, "aba/1/3", binaryAgreementMessageCodec, decision);
    const askedOf = (): readonly PartyId[] =>
      [1, 2, 3, 4, 5, 6].filter((to) =>
        voices.net
          .messagesBelow(0, "proposal/3", consistentBroadcastMessageCodec, to)
          .some(({ kind }) => kind === "ask"),
      );
    expect(askedOf()).toEqual([1, 2, 3, 4, 5]);
    for (const from of [1, 2, 3, 4]) voices.tell(from, { kind: "no", candidate: 0 });
    expect(askedOf()).toEqual([1, 2, 3, 4, 5]);
    voices.tell(6, { kind: "no", candidate: 0 });
    expect(askedOf()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("the proof has the value, and completes a decision that waits for it", () => {
    const voices = lacking();
    const closing = voices.closing("proposal/3", valueOf(3));
    const accepted = voices.acceptance(3, closing);
    voices.tell(1, { kind: "decided", pass: 1, candidate: 3, shares: [], rejected: [], accepted });
    expect(voices.net.outputsOf(0)).toMatchObject([{ value: valueOf(3), candidate: 3 }]);
    expect(voices.net.outputsOf(0)[0]?.proof.body).toEqual(
      encode(multivaluedAgreementMessageCodec, {
        kind: "decided",
        pass: 1,
        candidate: 3,
        shares: [],
        rejected: [],
        accepted,
      }),
    );
    const scope = {
      suite: voices.net.suite(0),
      statement: (purpose: string, body: Uint8Array, below?: string) => voices.net.statement(purpose, body, below),
    };
    expect(verifyClosing(scope, closing, "proposal/3")?.message).toEqual(valueOf(3));
    expect(verifyCompactClosing(scope, closing, "proposal/3")).toBeUndefined();
    // And who has it serves it, but signs nothing any more.
    voices.net.tellBelow(2, 0, "proposal/3", consistentBroadcastMessageCodec, {
      kind: "ask",
      digest: voices.net.suite(0).hash(valueOf(3)),
    });
    voices.net.tellBelow(3, 0, "proposal/3", consistentBroadcastMessageCodec, { kind: "send", message: valueOf(3) });
    const kinds = voices.net.messagesBelow(0, "proposal/3", consistentBroadcastMessageCodec, 2).map(({ kind }) => kind);
    expect(kinds).toEqual(["ask", "value"]);
  });
});

/** A proof of a decision for `candidate`, by the votes of parties 1, 2 and 3. */
function decided(
  voices: Voices,
  candidate: PartyId,
  rejected: readonly Uint8Array[],
  shares: readonly PartyId[] = [],
): Extract<MultivaluedAgreementMessage, { kind: "decided" }> {
  return {
    kind: "decided",
    pass: 1,
    candidate,
    shares: shares.map((party) => ({ party, share: voices.coinShare(party) })),
    rejected,
    accepted: voices.acceptance(candidate, voices.closing(`proposal/${candidate}`, valueOf(candidate))),
  };
}

describe("parallel", () => {
  const PARALLEL = { order: "fixed", parallel: 3 } as const;
  const closingOf = (voices: Voices, candidate: PartyId): Uint8Array =>
    voices.closing(`proposal/${candidate}`, valueOf(candidate));
  const outputs = (voices: Voices): readonly PartyId[] =>
    voices.net.outputsOf(0).map(({ candidate }: MultivaluedDecision) => candidate);

  test("votes on a batch at once, and on the next after all of it is rejected", () => {
    const voices = proposed(PARALLEL);
    expect(votedOn(voices.net, 0)).toEqual([0, 1, 2]);
    for (const candidate of [2, 0]) voices.decide(1, candidate, 0, new Uint8Array(0));
    expect(votedOn(voices.net, 0)).toEqual([0, 1, 2]);
    voices.decide(1, 1, 0, new Uint8Array(0));
    expect(votedOn(voices.net, 0)).toEqual([0, 1, 2, 3]);
  });

  test("decided out of order: the first in Π with 1 wins, not the first to be decided", () => {
    const later = proposed(PARALLEL);
    later.decide(1, 2, 1, closingOf(later, 2));
    later.decide(1, 1, 0, new Uint8Array(0));
    expect(outputs(later)).toEqual([]);
    later.decide(1, 0, 0, new Uint8Array(0));
    expect(outputs(later)).toEqual([2]);
    expect(later.net.outputsOf(0)[0]?.tries).toBe(3);

    const earlier = proposed(PARALLEL);
    earlier.decide(1, 2, 1, closingOf(earlier, 2));
    earlier.decide(1, 1, 1, closingOf(earlier, 1));
    earlier.decide(1, 0, 1, closingOf(earlier, 0));
    expect(outputs(earlier)).toEqual([0]);
  });

  test("the proof has the decisions for 0 on the earlier candidates of the batch", () => {
    const voices = proposed(PARALLEL);
    voices.decide(1, 1, 1, closingOf(voices, 1));
    voices.decide(1, 0, 0, new Uint8Array(0));
    const proof = voices.net.outputsOf(0)[0]?.proof;
    expect(proof?.tag).toBe("root/p");
    expect(proof?.body).toEqual(encode(multivaluedAgreementMessageCodec, decided(voices, 1, [voices.rejection(0)])));
    // Each binary agreement has told everybody, and without a coin that is enough.
    expect(voices.said("decided")).toEqual([]);
  });

  test("a proof without the earlier rejections, with others, or with more, is refused", () => {
    const voices = new Voices(PARALLEL);
    const other = voices.rejection(2);
    const forged = voices.acceptance(0, closingOf(voices, 0));
    const bad = [
      [],
      [other, voices.rejection(1)],
      [voices.rejection(0)],
      [forged, voices.rejection(1)],
      [utf8("x"), other],
    ];
    // R(0, ρ) has no ρ: two that differ in it would be two proofs of one decision.
    const burdened = encode(binaryAgreementMessageCodec, voices.decision(0, 0, utf8("x")));
    bad.push([burdened, voices.rejection(1)]);
    bad.push([voices.rejection(1), voices.rejection(0)], [voices.rejection(0), voices.rejection(1), other]);
    for (const rejected of bad) voices.tell(1, decided(voices, 2, rejected));
    expect(voices.net.faultsOf(1)).toEqual(bad.map(() => "invalid-certificate"));
    expect(outputs(voices)).toEqual([]);
    voices.tell(1, decided(voices, 2, [voices.rejection(0), voices.rejection(1)]));
    expect(outputs(voices)).toEqual([2]);
    expect(voices.said("decided")).toHaveLength(1);
  });

  test("a proof needs a decision for 1 with a closing of that candidate, in a pass and of a candidate that exist", () => {
    const voices = new Voices(PARALLEL);
    const good = decided(voices, 0, []);
    const bad = [
      { ...good, accepted: voices.rejection(0) },
      // A decision for 0 with the closing as its ρ, which anybody can put together.
      { ...good, accepted: encode(binaryAgreementMessageCodec, voices.decision(0, 0, closingOf(voices, 0))) },
      { ...good, accepted: voices.acceptance(1, closingOf(voices, 1)) },
      { ...good, accepted: voices.acceptance(0, closingOf(voices, 1)) },
      { ...good, accepted: utf8("x") },
      { ...good, candidate: 9 },
      { ...good, pass: 2 },
    ];
    for (const message of bad) voices.tell(1, message);
    expect(voices.net.faultsOf(1)).toEqual([
      ...Array.from({ length: 6 }, () => "invalid-certificate"),
      "malformed-message",
    ]);
    expect(outputs(voices)).toEqual([]);
    voices.tell(1, good);
    expect(outputs(voices)).toEqual([0]);
  });

  test("in random order the proof shows by the coin's shares what comes before, to who has not seen the coin", () => {
    const random = { order: "random", parallel: 2 } as const;
    const voices = new Voices(random);
    const [first = 0, second = 0] = voices.order;
    const bad = [
      decided(voices, second, [voices.rejection(first)]),
      decided(voices, second, [voices.rejection(first)], [1]),
      decided(voices, second, [voices.rejection(first)], [1, 1]),
      decided(voices, second, [], [1, 2]),
      {
        ...decided(voices, second, [voices.rejection(first)]),
        shares: [1, 2].map((party) => ({ party, share: utf8("x") })),
      },
    ];
    for (const message of bad) voices.tell(1, message);
    expect(voices.net.faultsOf(1)).toEqual(bad.map(() => "invalid-certificate"));
    voices.decide(1, second, 1, closingOf(voices, second));
    voices.decide(1, first, 0, new Uint8Array(0));
    expect(outputs(voices)).toEqual([]);
    const good = decided(voices, second, [voices.rejection(first)], [1, 2]);
    voices.tell(1, good);
    expect(outputs(voices)).toEqual([second]);
    expect(voices.said("decided")).toEqual([good]);
  });

  test("decisions that came before the coin count when it shows the order", () => {
    const voices = committed({ order: "random", parallel: 2 });
    const [first = 0, second = 0] = voices.order;
    voices.decide(1, second, 1, closingOf(voices, second));
    voices.decide(1, first, 0, new Uint8Array(0));
    expect(outputs(voices)).toEqual([]);
    voices.tell(1, { kind: "coin", share: voices.coinShare(1) });
    expect(outputs(voices)).toEqual([second]);
    expect(voices.said("decided")).toEqual([decided(voices, second, [voices.rejection(first)], [0, 1])]);
    expect(votedOn(voices.net, 0)).toEqual([]);
  });
});

describe("adaptive", () => {
  test("the first candidate needs neither commit nor coin, and an N-vote on it no commit", () => {
    const voices = proposed("adaptive");
    expect(votedOn(voices.net, 0)).toEqual([0]);
    for (const party of [1, 2]) voices.no(party, 0);
    expect(voices.agreed(0)?.value).toBe(1);
    expect(voices.net.messagesBelow(0, "commit/0", consistentBroadcastMessageCodec)).toEqual([]);
    expect(voices.said("coin")).toEqual([]);
  });

  test("commits follow when it is rejected, and the coin orders the others", () => {
    const voices = proposed("adaptive");
    voices.decide(1, 0, 0, new Uint8Array(0));
    voices.witness("commit/0");
    voices.commit(1, [0, 1, 2]);
    expect(voices.said("coin")).toEqual([]);
    voices.commit(2, [0, 1, 2]);
    voices.tell(1, { kind: "coin", share: voices.coinShare(1) });
    const others = voices.order.filter((party) => party !== 0);
    expect(votedOn(voices.net, 0)).toEqual([0, others[0]]);
    for (const candidate of others.slice(0, 2)) voices.decide(1, candidate, 0, new Uint8Array(0));
    expect(votedOn(voices.net, 0)).toEqual([0, ...others]);
  });

  test("the first candidate takes no place in a later batch", () => {
    const placed = new Set<number>();
    for (let seed = 1; seed <= 6; seed++) {
      const variant = { order: "adaptive", parallel: 2 } as const;
      const voices = new Voices(variant, { seed });
      voices.net.input(0, valueOf(0));
      voices.witness("proposal/0");
      for (const party of [1, 2]) voices.propose(party);
      voices.decide(1, 0, 0, new Uint8Array(0));
      voices.witness("commit/0");
      for (const party of [1, 2]) voices.commit(party, [0, 1, 2]);
      voices.tell(1, { kind: "coin", share: voices.coinShare(1) });
      placed.add(voices.order.indexOf(0));
      expect(votedOn(voices.net, 0)).toEqual([0, ...voices.order.filter((party) => party !== 0).slice(0, 2)]);
    }
    expect([...placed].some((place) => place < 2)).toBe(true);
  });

  test("an N-vote on any other needs a commit that does not name it", () => {
    const voices = proposed("adaptive");
    voices.decide(1, 0, 0, new Uint8Array(0));
    voices.witness("commit/0");
    for (const party of [1, 2]) voices.commit(party, [0, 1, 2]);
    voices.tell(1, { kind: "coin", share: voices.coinShare(1) });
    const [, candidate = 0] = votedOn(voices.net, 0);
    voices.no(3, candidate);
    expect(voices.net.accusations).toEqual([]);
    voices.commit(3, [0, 1, 2, 3]);
    expect(voices.net.accusations.map(({ party, fault }) => [party, fault])).toEqual([[3, "vote-contradicts-commit"]]);
    // The seed puts 1 or 2 first, both of which the commits name.
    expect([1, 2]).toContain(candidate);
    voices.no(2, candidate);
    expect(voices.net.faultsOf(2)).toEqual(["vote-contradicts-commit"]);
  });
});
