/**
 * The corrupted voter that keeps binary agreement from deciding for as long as it can: it gathers every certificate that
 * honest parties show, and as soon as it can justify a vote it tells half of the parties one thing and half another. With
 * quorums of n-t it takes part in most of them, so that main-votes stay split round after round.
 */
import type { PartyId } from "../../src/core/party-set.js";
import type {
  BinaryAgreementMessage,
  BinaryDecision,
  BinaryInput,
  Bit,
} from "../../src/protocols/binary-agreement/index.js";
import {
  ABSTAIN,
  COIN,
  MAIN_VOTE,
  type MainVote,
  PRE_VOTE,
  type PreVote,
  coinBody,
  messageCodec,
  voteBody,
} from "../../src/protocols/binary-agreement/messages.js";
import { decode, encode } from "../../src/core/codec.js";
import type { Flight } from "../../src/sim/network.js";
import type { ProtocolNetwork } from "../../src/sim/protocol-network.js";

type Net = ProtocolNetwork<BinaryInput, BinaryAgreementMessage, BinaryDecision>;

export class VoteSplitter {
  readonly #self: PartyId;
  readonly #net: () => Net;
  /** By round and value: a reason for a pre-vote, a certificate for a main-vote, somebody's pre-vote to quote. */
  readonly #reasons = new Map<string, PreVote["reason"]>();
  readonly #certificates = new Map<string, Uint8Array>();
  readonly #quotes = new Map<string, { readonly by: PartyId; readonly vote: PreVote }>();
  readonly #done = new Set<string>();
  #greatest = 0;

  constructor(self: PartyId, net: () => Net, proofs: { readonly 0: Uint8Array; readonly 1: Uint8Array }) {
    this.#self = self;
    this.#net = net;
    this.#reasons.set("1/0", { kind: "proof", proof: proofs[0] });
    this.#reasons.set("1/1", { kind: "proof", proof: proofs[1] });
  }

  receive({ from, envelope }: Flight): void {
    const decoded = decode(messageCodec, envelope.body);
    if (!decoded.ok || decoded.value.kind === "decision") return;
    const message = decoded.value;
    if (message.kind === "preVote") this.#learnPreVote(from, message.round, message.vote);
    else if (message.kind === "mainVote") this.#learnMainVote(message.round, message);
    this.#greatest = Math.max(this.#greatest, message.round);
    for (let round = 1; round <= this.#greatest; round++) this.#vote(round);
  }

  #learnPreVote(from: PartyId, round: number, vote: PreVote): void {
    this.#quotes.set(`${round}/${vote.value}`, { by: from, vote });
    if (vote.reason.kind !== "proof") this.#reasons.set(`${round}/${vote.value}`, vote.reason);
  }

  #learnMainVote(round: number, { value, reason }: MainVote): void {
    if (reason.kind === "preVotes") {
      this.#certificates.set(`${round}/${value}`, reason.certificate);
      this.#reasons.set(`${round + 1}/${value}`, { kind: "preVotes", certificate: reason.certificate });
    } else {
      this.#quotes.set(`${round}/0`, { by: reason.zeroBy, vote: reason.zero });
      this.#quotes.set(`${round}/1`, { by: reason.oneBy, vote: reason.one });
    }
  }

  /** Pre-votes of both values and main-votes of all, one of each kind to each party, and the coin. */
  #vote(round: number): void {
    const net = this.#net();
    for (const to of net.running) {
      const preferred = ((to + round) % 2) as Bit;
      const preVote = this.#preVote(round, preferred);
      if (preVote !== undefined) this.#once(to, `pre/${round}`, { kind: "preVote", round, vote: preVote });
      const mainVote = this.#mainVote(round, preferred);
      if (mainVote !== undefined) this.#once(to, `main/${round}`, { kind: "mainVote", round, ...mainVote });
      const share = net.suite(this.#self).quorumCoin.share(net.statement(COIN, coinBody(round)));
      if (round > 1) this.#once(to, `coin/${round}`, { kind: "coin", round, share });
    }
  }

  #once(to: PartyId, what: string, message: BinaryAgreementMessage): void {
    const key = `${to}/${what}`;
    if (this.#done.has(key)) return;
    this.#done.add(key);
    this.#net().post(this.#self, to, { tag: this.#net().tag, body: encode(messageCodec, message) });
  }

  #share(purpose: string, round: number, value: 0 | 1 | 2): Uint8Array {
    const net = this.#net();
    return net.suite(this.#self).quorumCertifier.share(net.statement(purpose, voteBody(round, value)));
  }

  #preVote(round: number, value: Bit): PreVote | undefined {
    const reason = this.#reasons.get(`${round}/${value}`);
    return reason && { value, reason, share: this.#share(PRE_VOTE, round, value) };
  }

  #mainVote(round: number, preferred: Bit): MainVote | undefined {
    const certificate = this.#certificates.get(`${round}/${preferred}`);
    if (certificate !== undefined) {
      return {
        value: preferred,
        reason: { kind: "preVotes", certificate },
        share: this.#share(MAIN_VOTE, round, preferred),
      };
    }
    const zero = this.#quotes.get(`${round}/0`);
    const one = this.#quotes.get(`${round}/1`);
    if (zero === undefined || one === undefined) return undefined;
    const reason = { kind: "conflict", zeroBy: zero.by, zero: zero.vote, oneBy: one.by, one: one.vote } as const;
    return { value: ABSTAIN, reason, share: this.#share(MAIN_VOTE, round, ABSTAIN) };
  }
}
