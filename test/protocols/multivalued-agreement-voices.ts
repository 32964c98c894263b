/**
 * For tests of multi-valued agreement: networks of it, what must hold when they are quiet, and a party whose peers the test
 * speaks for.
 */
import { expect } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { bytes, decode, encode, struct } from "../../src/core/codec.js";
import { type PartyId, PartySet, partySetCodec } from "../../src/core/party-set.js";
import {
  type BinaryAgreementMessage,
  type Bit,
  binaryAgreementMessageCodec,
} from "../../src/protocols/binary-agreement/index.js";
import { MAIN_VOTE, voteBody } from "../../src/protocols/binary-agreement/messages.js";
import {
  WITNESS,
  consistentBroadcastMessageCodec,
  encodeClosing,
  encodeCompactClosing,
} from "../../src/protocols/consistent-broadcast/index.js";
import {
  type AgreementVariant,
  type CandidateOrder,
  type MultivaluedAgreementMessage,
  type MultivaluedDecision,
  multivaluedAgreement,
} from "../../src/protocols/multivalued-agreement/index.js";
import { permutation } from "../../src/protocols/multivalued-agreement/order.js";
import {
  type Flight,
  type NetworkOptions,
  type Scheduler,
  lastInFirstOut,
  randomOrder,
  starving,
} from "../../src/sim/network.js";
import { ProtocolNetwork } from "../../src/sim/protocol-network.js";

export type AgreementNetwork = ProtocolNetwork<Uint8Array, MultivaluedAgreementMessage, MultivaluedDecision>;
/** An order, or all that all parties must have the same. */
export type Variant = CandidateOrder | AgreementVariant;

/** Q: a value starts with "o". */
export const isValid = (value: Uint8Array): boolean => value[0] === "o".charCodeAt(0);
export const valueOf = (party: PartyId): Uint8Array => utf8(`ok: ${party}`);

export function network(variant: Variant, options: NetworkOptions = {}): AgreementNetwork {
  const chosen = typeof variant === "string" ? { order: variant } : variant;
  const fault = (value: Uint8Array): "invalid-proposal" | undefined =>
    isValid(value) ? undefined : "invalid-proposal";
  return new ProtocolNetwork(options, multivaluedAgreement({ ...chosen, first: 0, fault }));
}

export const isWithin =
  (below: string): ((flight: Flight) => boolean) =>
  (flight) =>
    flight.envelope.tag.includes(`/${below}`);

export const SCHEDULERS: Readonly<Record<string, Scheduler>> = {
  random: randomOrder,
  "last in, first out": lastInFirstOut,
  "a slow party": starving(({ to }) => to === 1),
  "a mute party": starving(({ from }) => from === 2),
  "late proposals of the first": starving(isWithin("proposal/0")),
  "late proposals of two": starving((flight) => /proposal\/[01]/.test(flight.envelope.tag)),
  "late commits": starving(isWithin("commit/")),
  partition: starving(({ from, to }) => from % 2 !== to % 2),
};

/** All honest parties decide once, the same, a valid value that its candidate proposed; no honest party is accused. */
export function decisionOf(net: AgreementNetwork): MultivaluedDecision {
  const decisions = net.running.map((party) => {
    expect(net.outputsOf(party), `party ${party}`).toHaveLength(1);
    return net.outputsOf(party)[0];
  });
  const [first] = decisions;
  if (first === undefined) throw new Error("nobody decided");
  expect(isValid(first.value)).toBe(true);
  if (net.running.includes(first.candidate)) expect(first.value).toEqual(valueOf(first.candidate));
  for (const decision of decisions) {
    expect(decision?.value).toEqual(first.value);
    expect(decision?.candidate).toBe(first.candidate);
  }
  expect(net.accusations.filter(({ party }) => net.running.includes(party))).toEqual([]);
  return { ...first, tries: Math.max(...decisions.map((decision) => decision?.tries ?? 0)) };
}

/** The candidates that a party voted on, in order. */
export function votedOn(net: AgreementNetwork, party: PartyId): readonly PartyId[] {
  const to = party === 0 ? 1 : 0;
  return net
    .messages(party, to)
    .flatMap((message) => (message.kind === "yes" || message.kind === "no" ? [message.candidate] : []));
}

const closingCodec = struct({ message: bytes(2 ** 21), certificate: bytes(2 ** 15) });

function decodeClosing(closing: Uint8Array): { readonly message: Uint8Array; readonly certificate: Uint8Array } {
  const decoded = decode(closingCodec, closing);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value;
}

/** Party 0 runs; the test speaks for 1, 2 and 3, with their keys. */
export class Voices {
  readonly net: AgreementNetwork;

  constructor(variant: Variant, options: NetworkOptions = {}) {
    this.net = network(variant, { scripted: [1, 2, 3], ...options });
  }

  /** The closing of a broadcast below; three parties are a broadcast quorum. */
  closing(below: string, message: Uint8Array, signers: readonly PartyId[] = [1, 2, 3]): Uint8Array {
    const statement = this.net.statement(WITNESS, this.net.suite(0).hash(message), below);
    const shares = new Map(signers.map((party) => [party, this.net.suite(party).broadcastCertifier.share(statement)]));
    return encodeClosing(message, this.net.suite(0).broadcastCertifier.combine(statement, shares));
  }

  /** The compact closing of a proposal. */
  compactClosing(sender: PartyId, signers: readonly PartyId[] = [1, 2, 3]): Uint8Array {
    const closed = decodeClosing(this.closing(`proposal/${sender}`, valueOf(sender), signers));
    return encodeCompactClosing({ digest: this.net.suite(0).hash(closed.message), certificate: closed.certificate });
  }

  /** The whole broadcast of `sender` reaches party 0. */
  broadcast(kind: "proposal" | "commit", sender: PartyId, message: Uint8Array): void {
    const below = `${kind}/${sender}`;
    const digest = this.net.suite(0).hash(message);
    const statement = this.net.statement(WITNESS, digest, below);
    const shares = new Map(
      [1, 2, 3].map((party) => [party, this.net.suite(party).broadcastCertifier.share(statement)]),
    );
    const certificate = this.net.suite(0).broadcastCertifier.combine(statement, shares);
    this.net.tellBelow(sender, 0, below, consistentBroadcastMessageCodec, { kind: "send", message });
    this.net.tellBelow(sender, 0, below, consistentBroadcastMessageCodec, { kind: "final", digest, certificate });
  }

  propose(sender: PartyId): void {
    this.broadcast("proposal", sender, valueOf(sender));
  }

  commit(sender: PartyId, named: readonly PartyId[]): void {
    this.broadcast("commit", sender, encode(partySetCodec, PartySet.of(named)));
  }

  tell(from: PartyId, message: MultivaluedAgreementMessage): void {
    this.net.tell(from, 0, message);
  }

  yes(from: PartyId, candidate: PartyId): void {
    this.tell(from, { kind: "yes", candidate, closing: this.closing(`proposal/${candidate}`, valueOf(candidate)) });
  }

  no(from: PartyId, candidate: PartyId): void {
    this.tell(from, { kind: "no", candidate });
  }

  coinShare(party: PartyId): Uint8Array {
    return this.net.suite(party).honestCoin.share(this.net.statement("order-coin", new Uint8Array(0)));
  }

  /** Π, once the coin is out. */
  get order(): readonly PartyId[] {
    const seed = this.net.suite(0).honestCoin.combine(this.net.statement("order-coin", new Uint8Array(0)), new Map());
    return permutation(this.net.suite(0), this.net.group.n, seed);
  }

  /** Party 0 answers its own proposal and commit itself; the others add their shares to `below`. */
  witness(below: string): void {
    for (const message of this.net.messagesBelow(0, below, consistentBroadcastMessageCodec, 1)) {
      if (message.kind !== "send") continue;
      const statement = this.net.statement(WITNESS, this.net.suite(0).hash(message.message), below);
      for (const party of [1, 2, 3]) {
        const share = this.net.suite(party).broadcastCertifier.share(statement);
        this.net.tellBelow(party, 0, below, consistentBroadcastMessageCodec, { kind: "share", share });
      }
    }
  }

  said<K extends MultivaluedAgreementMessage["kind"]>(
    kind: K,
  ): readonly Extract<MultivaluedAgreementMessage, { kind: K }>[] {
    return this.net
      .messages(0, 1)
      .filter((message): message is Extract<MultivaluedAgreementMessage, { kind: K }> => message.kind === kind);
  }

  /** The pre-vote of round 1 with which party 0 began to agree on `candidate`. */
  agreed(candidate: PartyId, pass = 1): { readonly value: Bit; readonly proof: Uint8Array } | undefined {
    for (const message of this.net.messagesBelow(0, `aba/${pass}/${candidate}`, binaryAgreementMessageCodec, 1)) {
      if (message.kind === "preVote" && message.vote.reason.kind === "proof") {
        return { value: message.vote.value, proof: message.vote.reason.proof };
      }
    }
    return undefined;
  }

  /** The decision message on `candidate` that the others could make if they all were corrupted. */
  decision(
    candidate: PartyId,
    value: Bit,
    proof: Uint8Array,
    pass = 1,
    voters: readonly PartyId[] = [1, 2, 3],
  ): BinaryAgreementMessage {
    const below = `aba/${pass}/${candidate}`;
    const statement = this.net.statement(MAIN_VOTE, voteBody(1, value), below);
    const shares = new Map(voters.map((party) => [party, this.net.suite(party).quorumCertifier.share(statement)]));
    const certificate = this.net.suite(0).quorumCertifier.combine(statement, shares);
    return { kind: "decision", round: 1, value, certificate, proof };
  }

  decide(from: PartyId, candidate: PartyId, value: Bit, proof: Uint8Array): void {
    const message = this.decision(candidate, value, proof);
    this.net.tellBelow(from, 0, `aba/1/${candidate}`, binaryAgreementMessageCodec, message);
  }

  rejection(candidate: PartyId): Uint8Array {
    return encode(binaryAgreementMessageCodec, this.decision(candidate, 0, new Uint8Array(0)));
  }

  acceptance(candidate: PartyId, proof: Uint8Array): Uint8Array {
    return encode(binaryAgreementMessageCodec, this.decision(candidate, 1, proof));
  }
}

/** Party 0 has its input and three proposals, its own, 1's and 2's: in `fixed` it has voted on candidate 0. */
export function proposed(variant: Variant): Voices {
  const voices = new Voices(variant);
  voices.net.input(0, valueOf(0));
  voices.witness("proposal/0");
  voices.propose(1);
  voices.propose(2);
  return voices;
}

/** As far as a quorum of commits: those of parties 0, 1 and 2, which all name 0, 1 and 2. */
export function committed(variant: Variant = "random"): Voices {
  const voices = proposed(variant);
  voices.witness("commit/0");
  voices.commit(1, [0, 1, 2]);
  voices.commit(2, [0, 1, 2]);
  return voices;
}
