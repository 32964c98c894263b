/**
 * Eyes and hands of an adversary of binary agreement that is the whole network: it sees every message on its way, coin shares
 * too, delivers which it likes, and speaks for the corrupted parties with their keys. Certificates and coins it makes of the shares that it has seen
 * and of its own, as anybody could. What honest parties do with a message is the production code's affair.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import { InvariantError } from "../core/protocol.js";
import type { BinaryAgreementMessage, BinaryDecision, BinaryInput, Bit } from "../protocols/binary-agreement/index.js";
import {
  ABSTAIN,
  COIN,
  MAIN_VOTE,
  type MainValue,
  type MainVote,
  PRE_VOTE,
  type PreVote,
  coinBody,
  messageCodec,
  voteBody,
} from "../protocols/binary-agreement/messages.js";
import type { ProtocolNetwork } from "./protocol-network.js";

interface InFlight {
  readonly from: PartyId;
  readonly to: PartyId;
  readonly envelope: Envelope;
  readonly message: BinaryAgreementMessage;
}

/** What honest parties have said in a round. */
class Said {
  readonly preVotes = new Map<PartyId, PreVote>();
  readonly mainVotes = new Map<PartyId, MainVote>();
  readonly coinShares = new Map<PartyId, Uint8Array>();
}

/** Which messages: of one kind and round, for main-votes also of one value. */
export interface Wanted {
  readonly kind: "preVote" | "mainVote" | "coin";
  readonly round: number;
  readonly value?: MainValue;
}

export interface FullInformationOptions {
  readonly net: ProtocolNetwork<BinaryInput, BinaryAgreementMessage, BinaryDecision>;
  readonly corrupted: readonly PartyId[];
  /** A ρ for each value: the corrupted parties have both. */
  readonly proofs: Readonly<Record<Bit, Uint8Array>>;
}

export class FullInformation {
  readonly #net: FullInformationOptions["net"];
  readonly #corrupted: readonly PartyId[];
  readonly #proofs: FullInformationOptions["proofs"];
  readonly #said = new Map<number, Said>();
  readonly #trace = sha256.create();
  #inFlight: InFlight[] = [];
  #read: { readonly envelope: Envelope; readonly message: BinaryAgreementMessage } | undefined;

  constructor({ net, corrupted, proofs }: FullInformationOptions) {
    this.#net = net;
    this.#corrupted = corrupted;
    this.#proofs = proofs;
    this.#look();
  }

  /** SHA-256 over all that arrived at honest parties, in order, so that runs can be compared; the last call. */
  traceSha256(): string {
    return toHex(this.#trace.digest());
  }

  preVoteOf(party: PartyId, round: number): Bit | undefined {
    return this.#in(round).preVotes.get(party)?.value;
  }

  /** Undefined as long as the shares that were said, and the own ones, do not suffice. */
  coin(round: number): Bit | undefined {
    if (round === 1) return 1;
    const shares = new Map(this.#in(round).coinShares);
    for (const party of this.#corrupted) shares.set(party, this.#coinShare(party, round));
    const { quorumCoin } = this.#net.suite(this.#speaker);
    if (!quorumCoin.suffices(PartySet.of(shares.keys()))) return undefined;
    return ((quorumCoin.combine(this.#coinName(round), shares)[0] ?? 0) & 1) as Bit;
  }

  /** Whether some party, if only a corrupted one, can justify a main-vote for `value`. */
  canMainVote(round: number, value: Bit): boolean {
    return this.#certificate(PRE_VOTE, round, value) !== undefined;
  }

  canPreVote(round: number, value: Bit): boolean {
    return this.#preVoteReason(round, value) !== undefined;
  }

  /** Delivers to `to` what `senders` said to it, in their order. */
  deliver(to: PartyId, senders: readonly PartyId[], { kind, round, value }: Wanted): void {
    for (const from of senders) {
      this.#deliverAll(
        (flight) =>
          flight.from === from &&
          flight.to === to &&
          flight.message.kind === kind &&
          flight.message.round === round &&
          (value === undefined || (flight.message.kind === "mainVote" && flight.message.value === value)),
      );
    }
  }

  /** Delivers all that is older than `round`, which nobody there needs any more. */
  deliverOlderThan(round: number): void {
    this.#deliverAll(({ message }) => message.round < round);
    for (const old of this.#said.keys()) if (old < round - 1) this.#said.delete(old);
  }

  /** Delivers everything, in random order, until there is nothing left to deliver. */
  letGo(): void {
    while (this.#inFlight.length > 0) {
      const [flight] = this.#inFlight.splice(this.#net.random.below(this.#inFlight.length), 1);
      if (flight !== undefined) this.#arrive(flight.from, flight.to, flight.envelope);
    }
  }

  /** All corrupted parties pre-vote so towards `to`, if that can be justified. */
  preVote(to: PartyId, round: number, value: Bit): void {
    for (const party of this.#corrupted) {
      const vote = this.#preVote(party, round, value);
      if (vote !== undefined) this.#tell(party, to, { kind: "preVote", round, vote });
    }
  }

  /** All corrupted parties main-vote so towards `to`, if that can be justified. */
  mainVote(to: PartyId, round: number, value: MainValue): void {
    const reason = this.#mainVoteReason(round, value);
    if (reason === undefined) return;
    for (const party of this.#corrupted) {
      const share = this.#voteShare(party, MAIN_VOTE, round, value);
      this.#tell(party, to, { kind: "mainVote", round, value, reason, share });
    }
  }

  /** All corrupted parties give `to` their shares of the coin. */
  giveCoin(to: PartyId, round: number): void {
    for (const party of this.#corrupted)
      this.#tell(party, to, { kind: "coin", round, share: this.#coinShare(party, round) });
  }

  /** Any of the corrupted parties, where it does not matter which. */
  get #speaker(): PartyId {
    return this.#corrupted[0] ?? 0;
  }

  #in(round: number): Said {
    let said = this.#said.get(round);
    if (said === undefined) this.#said.set(round, (said = new Said()));
    return said;
  }

  #deliverAll(isMeant: (flight: InFlight) => boolean): void {
    const meant = this.#inFlight.filter(isMeant);
    this.#inFlight = this.#inFlight.filter((flight) => !isMeant(flight));
    for (const { from, to, envelope } of meant) this.#arrive(from, to, envelope);
  }

  #tell(from: PartyId, to: PartyId, message: BinaryAgreementMessage): void {
    this.#arrive(from, to, { tag: this.#net.tag, body: encode(messageCodec, message) });
  }

  #arrive(from: PartyId, to: PartyId, envelope: Envelope): void {
    this.#trace.update(Uint8Array.of(from, to)).update(envelope.body);
    this.#net.deliver(from, to, envelope);
    this.#look();
  }

  /** Takes what is new in flight; what is for corrupted parties has arrived by that. */
  #look(): void {
    for (const { from, to, envelope } of this.#net.flights.splice(0)) {
      const message = this.#decode(envelope);
      this.#learn(from, message);
      if (!this.#corrupted.includes(to)) this.#inFlight.push({ from, to, envelope, message });
    }
  }

  /** What is said to all comes once for each of them. */
  #decode(envelope: Envelope): BinaryAgreementMessage {
    if (this.#read?.envelope === envelope) return this.#read.message;
    const decoded = decode(messageCodec, envelope.body);
    if (!decoded.ok) throw new InvariantError(`an honest party said what is no message: ${decoded.error}`);
    this.#read = { envelope, message: decoded.value };
    return decoded.value;
  }

  #learn(from: PartyId, message: BinaryAgreementMessage): void {
    const said = this.#in(message.round);
    if (message.kind === "preVote") said.preVotes.set(from, message.vote);
    else if (message.kind === "mainVote") said.mainVotes.set(from, message);
    else if (message.kind === "coin") said.coinShares.set(from, message.share);
  }

  #voteShare(party: PartyId, purpose: string, round: number, value: MainValue): Uint8Array {
    return this.#net.suite(party).quorumCertifier.share(this.#net.statement(purpose, voteBody(round, value)));
  }

  #coinName(round: number): Uint8Array {
    return this.#net.statement(COIN, coinBody(round));
  }

  #coinShare(party: PartyId, round: number): Uint8Array {
    return this.#net.suite(party).quorumCoin.share(this.#coinName(round));
  }

  /** From the honest parties that voted so and all corrupted ones, if they are a quorum. */
  #certificate(purpose: typeof PRE_VOTE | typeof MAIN_VOTE, round: number, value: MainValue): Uint8Array | undefined {
    const votes = purpose === PRE_VOTE ? this.#in(round).preVotes : this.#in(round).mainVotes;
    const shares = new Map<PartyId, Uint8Array>();
    for (const [party, vote] of votes) if (vote.value === value) shares.set(party, vote.share);
    for (const party of this.#corrupted) shares.set(party, this.#voteShare(party, purpose, round, value));
    if (!this.#net.group.isQuorum(PartySet.of(shares.keys()))) return undefined;
    const statement = this.#net.statement(purpose, voteBody(round, value));
    return this.#net.suite(this.#speaker).quorumCertifier.combine(statement, shares);
  }

  #preVote(party: PartyId, round: number, value: Bit): PreVote | undefined {
    const reason = this.#preVoteReason(round, value);
    return reason && { value, reason, share: this.#voteShare(party, PRE_VOTE, round, value) };
  }

  #preVoteReason(round: number, value: Bit): PreVote["reason"] | undefined {
    if (round === 1) return { kind: "proof", proof: this.#proofs[value] };
    for (const vote of this.#in(round).preVotes.values()) if (vote.value === value) return vote.reason;
    const preVotes = this.#certificate(PRE_VOTE, round - 1, value);
    if (preVotes !== undefined) return { kind: "preVotes", certificate: preVotes };
    const abstentions = this.coin(round - 1) === value ? this.#certificate(MAIN_VOTE, round - 1, ABSTAIN) : undefined;
    return abstentions && { kind: "coin", certificate: abstentions };
  }

  #mainVoteReason(round: number, value: MainValue): MainVote["reason"] | undefined {
    if (value !== ABSTAIN) {
      const certificate = this.#certificate(PRE_VOTE, round, value);
      return certificate && { kind: "preVotes", certificate };
    }
    const [zero, one] = [this.#quote(round, 0), this.#quote(round, 1)];
    return zero && one && { kind: "conflict", zeroBy: zero.by, zero: zero.vote, oneBy: one.by, one: one.vote };
  }

  /** Somebody's pre-vote for `value`. */
  #quote(round: number, value: Bit): { readonly by: PartyId; readonly vote: PreVote } | undefined {
    for (const [by, vote] of this.#in(round).preVotes) if (vote.value === value) return { by, vote };
    const own = this.#preVote(this.#speaker, round, value);
    return own && { by: this.#speaker, vote: own };
  }
}
