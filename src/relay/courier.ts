/**
 * What one party says to its peers and hears of them, from end to end: numbered, acknowledged, repeated, and over third parties where
 * the direct link is silent (the source's link failures: a link may delete messages for ever, and look connected). As long as the
 * working directed links keep the honest parties strongly connected, nothing is lost between them.
 *
 * The courier has no connection and no clock: its host carries direct items as the link takes them (`nextAfter`), hands in what comes
 * (`hear`, `heard`, `relayed`), says when that is durable (`settle`) and when time passes (`tick`).
 *
 * As an origin it relays what a peer does not acknowledge: signed, encrypted to the peer, to all neighbours. As a relay it hands on
 * what it has not seen and what its origin signed, once to each other neighbour. So a relayed frame makes at most
 * (n-1) + (n-2)² copies. As the peer it acknowledges on the way on which it was spoken to, at most once a tick.
 */
import { equalBytes } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { RelayKeys } from "../core/relay-keys.js";
import type { Tag } from "../core/tag.js";
import {
  type Heard,
  type Item,
  type PeerFrame,
  type Relayed,
  isItem,
  peerFrameCodec,
  relayHeaderCodec,
  relayStatementCodec,
} from "../wire/peer-frames.js";
import { Hearing } from "./hearing.js";
import { Outbox, type OutboxEntry } from "./outbox.js";
import { Pacing } from "./pacing.js";
import { Seen } from "./seen.js";

/** What only a faulty party does. */
export type CourierFault =
  /** It claims to have heard what was never said. */
  | "impossible-resume"
  /** A request about a channel that does not exist. */
  | "unknown-channel"
  /** It hands on what its origin did not sign, or what nobody hands to this party. */
  | "forged-relay"
  /** It signed a relayed frame that its peer cannot read. */
  | "malformed-relay";

export type Way = "direct" | "relay";

export interface CourierOptions {
  readonly self: PartyId;
  /** 32 bytes. */
  readonly cluster: Uint8Array;
  /** All, with this one. */
  readonly parties: Iterable<PartyId>;
  /** Without keys nothing is relayed. */
  readonly keys: RelayKeys | undefined;
  /** Decided rounds that a peer in some round is sent at a time. */
  readonly proofsPerRequest: number;
  /** This party's round in `channel`, or undefined when there is no such channel. */
  round(channel: Tag): number | undefined;
  /** The proof of a decided round. */
  proof(channel: Tag, round: number): Envelope;
  /** Hands an encoded `relay` of `origin` to the link to `neighbour`, which may drop it. */
  relay(neighbour: PartyId, origin: PartyId, frame: Uint8Array): void;
  /** Says an encoded `heard` on the connection that `peer` dialled. */
  acknowledge(peer: PartyId, frame: Uint8Array): void;
  /** `peer` has started anew: what it was asked for it does not know. */
  onRestart(peer: PartyId): void;
}

/** What came of a peer's frame. */
export interface Received {
  readonly from: PartyId;
  /** For the engine, in this order. */
  readonly envelopes: readonly Envelope[];
  readonly accused?: { readonly party: PartyId; readonly fault: CourierFault };
}

interface Peer {
  readonly party: PartyId;
  readonly outbox: Outbox;
  readonly pacing: Pacing;
  /** Of its latest run that is known; of run 0 before any. */
  hearing: Hearing;
  /** Ways on which it has said something since it was acknowledged on them. */
  readonly owed: Set<Way>;
  /** The round that it was in when it last told. */
  readonly positions: Map<Tag, number>;
  /** Relayed frames so far, to it. */
  relayed: number;
}

export class Courier {
  readonly #options: CourierOptions;
  readonly #peers = new Map<PartyId, Peer>();
  /** By origin and receiver. */
  readonly #seen = new Map<string, Seen>();
  #run = 0;

  constructor(options: CourierOptions) {
    this.#options = options;
    for (const party of options.parties) {
      if (party === options.self) continue;
      const outbox = new Outbox();
      const pacing = new Pacing(outbox);
      const rest = { hearing: new Hearing(0), owed: new Set<Way>(), positions: new Map<Tag, number>(), relayed: 0 };
      this.#peers.set(party, { party, outbox, pacing, ...rest });
    }
  }

  /** Before anything is sent or heard. `run` is greater than in every earlier run of this party; 1 or more. */
  begin(run: number): void {
    this.#run = run;
  }

  get run(): number {
    return this.#run;
  }

  /** Bytes of live messages to `peer`. */
  heldBytes(peer: PartyId): number {
    return this.#peer(peer).outbox.sizeBytes;
  }

  post(to: PartyId, envelope: Envelope): void {
    const peer = this.#peer(to);
    peer.outbox.push({ kind: "message", envelope });
    this.#relayDue(peer);
  }

  retire(tag: Tag): void {
    for (const { outbox } of this.#peers.values()) outbox.retire(tag);
  }

  askProofs(of: PartyId, channel: Tag, round: number): void {
    const peer = this.#peer(of);
    peer.outbox.ask({ kind: "askProofs", channel, round });
    this.#relayDue(peer);
  }

  askRepeat(of: PartyId): void {
    const peer = this.#peer(of);
    peer.outbox.ask({ kind: "askRepeat" });
    this.#relayDue(peer);
  }

  /** The first item for `peer` above `number`, as a frame for the direct link. */
  nextAfter(party: PartyId, number: number): { readonly number: number; readonly frame: Uint8Array } | undefined {
    const peer = this.#peer(party);
    const entry = peer.outbox.firstAfter(number);
    return entry && { number: entry.number, frame: this.#frame(peer, entry) };
  }

  /** Where to go on with a peer that has heard this run up to `number`; undefined when that cannot be. */
  resume(peer: PartyId, number: number): number | undefined {
    const { outbox } = this.#peer(peer);
    if (number > outbox.lastNumber) return undefined;
    // What is durable at the peer it has, also when it has started anew since.
    const cursor = Math.max(number, outbox.acknowledged);
    outbox.unsend(cursor);
    return cursor;
  }

  /** Where `peer` is to go on that greets in `run`; undefined when it is an earlier run than one that is known. */
  meet(peer: PartyId, run: number): number | undefined {
    return this.#hearing(this.#peer(peer), run)?.upTo;
  }

  /** `peer` is in `round`: it lacks the proofs from there on. The last decided round and the current one are live. */
  position(party: PartyId, channel: Tag, round: number): CourierFault | undefined {
    const { positions, outbox } = this.#peer(party);
    const own = this.#options.round(channel);
    if (own === undefined) return "unknown-channel";
    // A position that came late tells nothing: rounds only grow.
    if (round >= own || round < (positions.get(channel) ?? 0)) return undefined;
    positions.set(channel, round);
    outbox.serve(channel, Math.max(round, 1), Math.min(round + this.#options.proofsPerRequest, own));
    return undefined;
  }

  /** An item that `party` said in `run`, on the direct link. */
  hear(party: PartyId, run: number, item: Item, sizeBytes: number): Received {
    return this.#hear(this.#peer(party), run, item, sizeBytes, "direct");
  }

  #hear(peer: Peer, run: number, item: Item, sizeBytes: number, way: Way): Received {
    const envelopes: Envelope[] = [];
    let fault: CourierFault | undefined;
    const hearing = this.#hearing(peer, run);
    if (hearing !== undefined) peer.owed.add(way);
    for (const due of hearing?.hear(item, sizeBytes) ?? []) {
      if (due.kind === "message") envelopes.push(due.envelope);
      else if (due.kind === "askRepeat") peer.outbox.repeat();
      else fault ??= this.position(peer.party, due.channel, due.round);
    }
    this.#relayDue(peer);
    return received(peer.party, envelopes, fault);
  }

  /** The hearing of `peer` in `run`; undefined when that is over. */
  #hearing(peer: Peer, run: number): Hearing | undefined {
    if (run < peer.hearing.run) return undefined;
    if (run > peer.hearing.run) {
      peer.hearing = new Hearing(run);
      this.#options.onRestart(peer.party);
    }
    return peer.hearing;
  }

  /** `party` says on the direct link how far it has heard. */
  heard(party: PartyId, heard: Heard): CourierFault | undefined {
    return this.#heard(this.#peer(party), heard, "direct");
  }

  #heard(peer: Peer, { run, upTo }: Heard, way: Way): CourierFault | undefined {
    // Of an earlier run of this party: too late to matter.
    if (run !== this.#run) return undefined;
    const { outbox, pacing } = peer;
    if (upTo > outbox.lastNumber) return "impossible-resume";
    const isNew = outbox.acknowledge(upTo);
    const isAll = outbox.firstAfter(outbox.acknowledged) === undefined;
    if (isNew || (isAll && way === "direct")) pacing.progressed(way);
    this.#relayDue(peer);
    return undefined;
  }

  /** All that was heard so far is durable, or was dropped for good: it may be acknowledged. */
  settle(): void {
    for (const { hearing } of this.#peers.values()) hearing.settle();
  }

  /** Some time has passed. @throws InvariantError when the archive lacks a proof */
  tick(): void {
    for (const peer of this.#peers.values()) {
      this.#acknowledge(peer);
      peer.pacing.tick();
      this.#relayDue(peer);
    }
  }

  #acknowledge(peer: Peer): void {
    const { party, hearing, owed } = peer;
    if (owed.size === 0) return;
    const frame = encode(peerFrameCodec, { kind: "heard", run: hearing.run, upTo: hearing.durable });
    if (owed.has("direct")) this.#options.acknowledge(party, frame);
    if (owed.has("relay")) this.#relay(peer, frame);
    // The rest follows when it is durable.
    if (hearing.durable === hearing.upTo) owed.clear();
  }

  /** A frame of `via` that says to be relayed; `frame` is its encoding. */
  relayed(via: PartyId, relayed: Relayed, frame: Uint8Array): Received {
    const { self, keys } = this.#options;
    const { origin, to, run, number } = relayed;
    if (keys === undefined) return received(via, []);
    // Nobody hands on to the origin.
    if (origin === to || origin === self || !this.#isParty(origin) || !this.#isParty(to))
      return received(via, [], "forged-relay");
    const seen = this.#seenOf(origin, to);
    if (!seen.isNew(run, number)) return received(via, []);
    if (!keys.verify(origin, this.#statement(relayed, relayed.sealed), relayed.signature))
      return received(via, [], "forged-relay");
    seen.add(run, number);
    if (to === self) return this.#open(keys, this.#peer(origin), relayed);
    for (const neighbour of this.#peers.keys())
      if (neighbour !== via && neighbour !== origin) this.#options.relay(neighbour, origin, frame);
    return received(via, []);
  }

  #open(keys: RelayKeys, peer: Peer, relayed: Relayed): Received {
    const { origin, run, sealed } = relayed;
    const header = this.#header(relayed);
    const text = keys.open(sealed);
    // Without the header inside, a party could sign what another has sealed, and pass it for its own.
    const isBound = text !== undefined && equalBytes(text.subarray(0, header.length), header);
    const frame = isBound ? decode(peerFrameCodec, text.subarray(header.length)) : undefined;
    if (frame === undefined || !frame.ok) return received(origin, [], "malformed-relay");
    if (isItem(frame.value)) return this.#hear(peer, run, frame.value, sealed.length, "relay");
    if (frame.value.kind === "heard") return received(origin, [], this.#heard(peer, frame.value, "relay"));
    return received(origin, [], "malformed-relay");
  }

  #relayDue(peer: Peer): void {
    if (this.#options.keys === undefined) return;
    for (let entry = peer.pacing.next(); entry !== undefined; entry = peer.pacing.next())
      this.#relay(peer, this.#frame(peer, entry));
  }

  /** To all neighbours: the peer itself may hear this party, and not be able to say so. */
  #relay(peer: Peer, content: Uint8Array): void {
    const { self, keys } = this.#options;
    if (keys === undefined) return;
    const name = { origin: self, to: peer.party, run: this.#run, number: ++peer.relayed };
    const header = this.#header(name);
    const text = new Uint8Array(header.length + content.length);
    text.set(header);
    text.set(content, header.length);
    const sealed = keys.seal(peer.party, text);
    const signature = keys.sign(this.#statement(name, sealed));
    const frame = encode(peerFrameCodec, { kind: "relay", ...name, sealed, signature });
    for (const neighbour of this.#peers.keys()) this.#options.relay(neighbour, self, frame);
  }

  #header({ origin, to, run, number }: Pick<Relayed, "origin" | "to" | "run" | "number">): Uint8Array {
    return encode(relayHeaderCodec, { cluster: this.#options.cluster, origin, to, run, number });
  }

  #statement(name: Pick<Relayed, "origin" | "to" | "run" | "number">, sealed: Uint8Array): Uint8Array {
    const { origin, to, run, number } = name;
    const header = { cluster: this.#options.cluster, origin, to, run, number };
    return encode(relayStatementCodec, { header, sealed });
  }

  #frame({ outbox }: Peer, entry: OutboxEntry): Uint8Array {
    const item = { number: entry.number, after: outbox.before(entry) };
    const { said } = entry;
    outbox.sent(entry);
    return encode(peerFrameCodec, this.#content(item, said));
  }

  #content(item: { readonly number: number; readonly after: number }, said: OutboxEntry["said"]): PeerFrame {
    if (said.kind !== "proof") return { ...item, ...said };
    return { ...item, kind: "message", envelope: this.#options.proof(said.channel, said.round) };
  }

  #isParty(party: PartyId): boolean {
    return party === this.#options.self || this.#peers.has(party);
  }

  #seenOf(origin: PartyId, to: PartyId): Seen {
    const key = `${origin}>${to}`;
    const seen = this.#seen.get(key) ?? new Seen();
    this.#seen.set(key, seen);
    return seen;
  }

  #peer(party: PartyId): Peer {
    const peer = this.#peers.get(party);
    if (peer === undefined) throw new RangeError(`no peer ${party}`);
    return peer;
  }
}

function received(from: PartyId, envelopes: readonly Envelope[], fault?: CourierFault): Received {
  return fault === undefined ? { from, envelopes } : { from, envelopes, accused: { party: from, fault } };
}
