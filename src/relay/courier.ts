/**
 * What one party says to its peers and hears of them, from end to end: numbered, acknowledged, repeated, and over third parties where
 * the direct link is silent (the source's link failures: a link may delete messages for ever, and look connected). As long as the
 * working directed links keep the honest parties strongly connected, nothing is lost between them.
 *
 * The courier has no connection and no clock: its host carries direct items as the link takes them (`nextAfter`), hands in what comes
 * (`hear`, `heard`, `relayed`), says when that is durable (`settle`) and when time passes (`tick`).
 *
 * What it says to a peer stands in two lines (wire/peer-frames.ts): bulk waits until the peer has taken what is before it, and never
 * delays the rest.
 *
 * As an origin it relays what a peer does not acknowledge: signed, encrypted to the peer, to all neighbours. As a relay it hands on
 * what it has not seen and what its origin signed, once to each other neighbour. So a relayed frame makes at most
 * (n-1) + (n-2)² copies. As the peer it acknowledges on the way on which it was spoken to, at most once a tick.
 */
import { type Pieces, concat, equalBytes } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { RelayKeys } from "../core/relay-keys.js";
import type { Tag } from "../core/tag.js";
import {
  type Heard,
  type Item,
  type Line,
  type PerLine,
  type Relayed,
  type StateItem,
  isItem,
  lineOf,
  peerFrameCodec,
  relayHeaderCodec,
  relayStatementCodec,
} from "../wire/peer-frames.js";
import { Hearing } from "./hearing.js";
import { type ChannelBatch, type ChunkName, Outbox, type OutboxEntry } from "./outbox.js";
import { Pacing } from "./pacing.js";
import { Seen } from "./seen.js";
import { Serving, type ServingOptions } from "./serving.js";

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

export interface CourierOptions extends ServingOptions {
  readonly self: PartyId;
  /** 32 bytes. */
  readonly cluster: Uint8Array;
  /** All, with this one. */
  readonly parties: Iterable<PartyId>;
  /** Without keys nothing is relayed. */
  readonly keys: RelayKeys | undefined;
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
  /** For the host, in this order. */
  readonly state: readonly StateItem[];
  readonly accused?: { readonly party: PartyId; readonly fault: CourierFault };
}

interface Taken {
  readonly envelopes: Envelope[];
  readonly state: StateItem[];
}

/** What was said in one line. */
interface Speech {
  readonly outbox: Outbox;
  readonly pacing: Pacing;
}

interface Peer {
  readonly party: PartyId;
  readonly said: PerLine<Speech>;
  readonly serving: Serving;
  /** Of its latest run that is known; of run 0 before any. */
  run: number;
  hearing: PerLine<Hearing>;
  /** Ways on which it has said something since it was acknowledged on them. */
  readonly owed: Set<Way>;
  /** Relayed frames so far, to it. */
  relayed: number;
}

/** Bulk that is sent to a peer and not acknowledged, at most; a single larger item is let through. */
export const BULK_WINDOW_BYTES = 8 * 1024 * 1024;

const NOTHING = { envelopes: [], state: [] };

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
      const said = { prompt: newSpeech(), bulk: newSpeech() };
      const serving = new Serving(options, { prompt: said.prompt.outbox, bulk: said.bulk.outbox });
      const rest = { run: 0, hearing: newHearing(), owed: new Set<Way>(), relayed: 0 };
      this.#peers.set(party, { party, said, serving, ...rest });
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
    const { prompt, bulk } = this.#peer(peer).said;
    return prompt.outbox.sizeBytes + bulk.outbox.sizeBytes;
  }

  post(to: PartyId, envelope: Envelope, line: Line = "prompt"): void {
    this.#say(to, (said) => said[line].outbox.push({ kind: "message", envelope }));
  }

  #say(to: PartyId, say: (said: PerLine<Speech>) => void): void {
    const peer = this.#peer(to);
    say(peer.said);
    this.#relayDue(peer);
  }

  retire(tag: Tag): void {
    for (const { said } of this.#peers.values()) {
      said.prompt.outbox.retire(tag);
      said.bulk.outbox.retire(tag);
    }
  }

  askProofs(of: PartyId, channel: Tag, round: number): void {
    this.#say(of, ({ prompt }) => prompt.outbox.ask({ kind: "askProofs", channel, round }));
  }

  askRepeat(of: PartyId): void {
    this.#say(of, ({ prompt }) => prompt.outbox.ask({ kind: "askRepeat" }));
  }

  askChunk(of: PartyId, chunk: ChunkName): void {
    this.#say(of, ({ prompt }) => prompt.outbox.request({ kind: "askChunk", ...chunk }));
  }

  /** The chunk is not needed any more, or not of this peer. */
  withdrawChunk(of: PartyId, chunk: ChunkName): void {
    this.#peer(of).said.prompt.outbox.withdraw({ kind: "askChunk", ...chunk });
  }

  askBatch(of: PartyId, batch: ChannelBatch): void {
    this.#say(of, ({ prompt }) => prompt.outbox.request({ kind: "askBatch", ...batch }));
  }

  /** The batch is here, or not needed any more. */
  withdrawBatch(of: PartyId, batch: ChannelBatch): void {
    this.#peer(of).said.prompt.outbox.withdraw({ kind: "askBatch", ...batch });
  }

  /** Asks `peer` to have an encoded rejoin payload ordered, in the place of an earlier one. */
  askRejoin(of: PartyId, payload: Uint8Array): void {
    this.#say(of, ({ prompt }) => prompt.outbox.ask({ kind: "rejoin", payload }));
  }

  /** The first item of the line for `peer` above `number`, as a frame for the direct link; undefined while there is none to be sent. */
  nextAfter(
    party: PartyId,
    number: number,
    line: Line = "prompt",
  ): { readonly number: number; readonly frame: Pieces } | undefined {
    const { said, serving } = this.#peer(party);
    const { outbox } = said[line];
    for (;;) {
      const entry = outbox.firstAfter(number);
      if (entry === undefined || (line === "bulk" && !hasRoom(outbox, entry, number))) return undefined;
      const frame = serving.isCurrent(entry) ? serving.frame(entry, line) : undefined;
      if (frame !== undefined) return { number: entry.number, frame };
    }
  }

  /** Where to go on with a peer that has heard this run up to these numbers; undefined when that cannot be. */
  resume(peer: PartyId, upTo: PerLine<number>): PerLine<number> | undefined {
    const { prompt, bulk } = this.#peer(peer).said;
    if (upTo.prompt > prompt.outbox.lastNumber || upTo.bulk > bulk.outbox.lastNumber) return undefined;
    return { prompt: resumeLine(prompt, upTo.prompt), bulk: resumeLine(bulk, upTo.bulk) };
  }

  /** Where `peer` is to go on that greets in `run`; undefined when it is an earlier run than one that is known. */
  meet(peer: PartyId, run: number): PerLine<number> | undefined {
    const hearing = this.#hearing(this.#peer(peer), run);
    return hearing && { prompt: hearing.prompt.upTo, bulk: hearing.bulk.upTo };
  }

  /** `peer` is in `round`. */
  position(party: PartyId, channel: Tag, round: number): CourierFault | undefined {
    return this.#peer(party).serving.position(channel, round);
  }

  /** An item that `party` said in `run`, on the direct link. */
  hear(party: PartyId, run: number, item: Item, sizeBytes: number): Received {
    return this.#hear(this.#peer(party), run, item, sizeBytes, "direct");
  }

  #hear(peer: Peer, run: number, item: Item, sizeBytes: number, way: Way): Received {
    const heard: Taken = { envelopes: [], state: [] };
    let fault: CourierFault | undefined;
    const hearing = this.#hearing(peer, run);
    if (hearing !== undefined) peer.owed.add(way);
    for (const due of hearing?.[lineOf(item)].hear(item, sizeBytes) ?? []) {
      const its = this.#take(peer, due, heard);
      fault ??= its;
    }
    this.#relayDue(peer);
    return received(peer.party, fault, heard);
  }

  #take({ serving, said }: Peer, item: Item, { envelopes, state }: Taken): CourierFault | undefined {
    if (item.kind === "askProofs") return serving.position(item.channel, item.round, true);
    if (item.kind === "askChunk") return serving.asked(item.channel, item.round, item.index);
    if (item.kind === "askBatch") return serving.askedBatch(item);
    if (item.kind === "message" || item.kind === "bulk") envelopes.push(item.envelope);
    else if (item.kind === "askRepeat") {
      said.prompt.outbox.repeat();
      said.bulk.outbox.repeat();
    } else if ("channel" in item && this.#options.round(item.channel) === undefined) return "unknown-channel";
    else state.push(item);
    return undefined;
  }

  /** The hearing of `peer` in `run`; undefined when that is over. */
  #hearing(peer: Peer, run: number): PerLine<Hearing> | undefined {
    if (run < peer.run) return undefined;
    if (run > peer.run) {
      peer.run = run;
      peer.hearing = newHearing();
      peer.serving.restarted();
      this.#options.onRestart(peer.party);
    }
    return peer.hearing;
  }

  /** `party` says on the direct link how far it has heard. */
  heard(party: PartyId, heard: Heard): CourierFault | undefined {
    return this.#heard(this.#peer(party), heard, "direct");
  }

  #heard(peer: Peer, { run, upTo, bulkUpTo }: Heard, way: Way): CourierFault | undefined {
    // Of an earlier run of this party: too late to matter.
    if (run !== this.#run) return undefined;
    const { prompt, bulk } = peer.said;
    if (upTo > prompt.outbox.lastNumber || bulkUpTo > bulk.outbox.lastNumber) return "impossible-resume";
    acknowledged(prompt, upTo, way);
    acknowledged(bulk, bulkUpTo, way);
    this.#relayDue(peer);
    return undefined;
  }

  /** All that was heard so far is durable, or was dropped for good: it may be acknowledged. */
  settle(): void {
    for (const { hearing } of this.#peers.values()) {
      hearing.prompt.settle();
      hearing.bulk.settle();
    }
  }

  /** Some time has passed. @throws InvariantError when the archive lacks a proof */
  tick(): void {
    for (const peer of this.#peers.values()) {
      this.#acknowledge(peer);
      peer.said.prompt.pacing.tick();
      peer.said.bulk.pacing.tick();
      this.#relayDue(peer);
    }
  }

  #acknowledge(peer: Peer): void {
    const { party, run, hearing, owed } = peer;
    if (owed.size === 0) return;
    const { prompt, bulk } = hearing;
    const frame = encode(peerFrameCodec, { kind: "heard", run, upTo: prompt.durable, bulkUpTo: bulk.durable });
    if (owed.has("direct")) this.#options.acknowledge(party, frame);
    if (owed.has("relay")) this.#relay(peer, [frame]);
    // The rest follows when it is durable.
    if (prompt.durable === prompt.upTo && bulk.durable === bulk.upTo) owed.clear();
  }

  /** A frame of `via` that says to be relayed; `frame` is its encoding. */
  relayed(via: PartyId, relayed: Relayed, frame: Uint8Array): Received {
    const { self, keys } = this.#options;
    const { origin, to, run, number } = relayed;
    if (keys === undefined) return received(via);
    // Nobody hands on to the origin.
    if (origin === to || origin === self || !this.#isParty(origin) || !this.#isParty(to))
      return received(via, "forged-relay");
    const seen = this.#seenOf(origin, to);
    if (!seen.isNew(run, number)) return received(via);
    if (!keys.verify(origin, this.#statement(relayed, relayed.sealed), relayed.signature))
      return received(via, "forged-relay");
    seen.add(run, number);
    if (to === self) return this.#open(keys, this.#peer(origin), relayed);
    for (const neighbour of this.#peers.keys())
      if (neighbour !== via && neighbour !== origin) this.#options.relay(neighbour, origin, frame);
    return received(via);
  }

  #open(keys: RelayKeys, peer: Peer, relayed: Relayed): Received {
    const { origin, run, sealed } = relayed;
    const header = this.#header(relayed);
    const text = keys.open(sealed);
    // Without the header inside, a party could sign what another has sealed, and pass it for its own.
    const isBound = text !== undefined && equalBytes(text.subarray(0, header.length), header);
    const frame = isBound ? decode(peerFrameCodec, text.subarray(header.length)) : undefined;
    if (frame === undefined || !frame.ok) return received(origin, "malformed-relay");
    if (isItem(frame.value)) return this.#hear(peer, run, frame.value, sealed.length, "relay");
    if (frame.value.kind === "heard") return received(origin, this.#heard(peer, frame.value, "relay"));
    return received(origin, "malformed-relay");
  }

  #relayDue(peer: Peer): void {
    if (this.#options.keys === undefined) return;
    for (const line of ["prompt", "bulk"] as const) {
      const { pacing } = peer.said[line];
      for (let entry = pacing.next(); entry !== undefined; entry = pacing.next()) {
        const frame = peer.serving.isCurrent(entry) ? peer.serving.frame(entry, line) : undefined;
        if (frame !== undefined) this.#relay(peer, frame);
      }
    }
  }

  /** To all neighbours: the peer itself may hear this party, and not be able to say so. */
  #relay(peer: Peer, content: Pieces): void {
    const { self, keys } = this.#options;
    if (keys === undefined) return;
    const name = { origin: self, to: peer.party, run: this.#run, number: ++peer.relayed };
    const header = this.#header(name);
    const sealed = keys.seal(peer.party, concat(header, ...content));
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

function newSpeech(): Speech {
  const outbox = new Outbox();
  return { outbox, pacing: new Pacing(outbox) };
}

function newHearing(): PerLine<Hearing> {
  return { prompt: new Hearing(), bulk: new Hearing() };
}

/** Whether `entry` may be sent after what was sent up to `number`, or must wait until the peer has taken some of that. */
function hasRoom(outbox: Outbox, entry: OutboxEntry, number: number): boolean {
  const flying = outbox.between(outbox.acknowledged, number);
  const sum = flying.reduce((total, { sizeBytes }) => total + sizeBytes, entry.sizeBytes);
  return flying.length === 0 || sum <= BULK_WINDOW_BYTES;
}

function resumeLine({ outbox }: Speech, number: number): number {
  // What is durable at the peer it has, also when it has started anew since.
  const cursor = Math.max(number, outbox.acknowledged);
  outbox.unsend(cursor);
  return cursor;
}

/** The peer has all of a line up to `upTo`. */
function acknowledged({ outbox, pacing }: Speech, upTo: number, way: Way): void {
  const isNew = outbox.acknowledge(upTo);
  const isAll = outbox.firstAfter(outbox.acknowledged) === undefined;
  if (isNew || (isAll && way === "direct")) pacing.progressed(way);
}

function received(party: PartyId, fault?: CourierFault, heard: Omit<Received, "from" | "accused"> = NOTHING): Received {
  return fault === undefined ? { from: party, ...heard } : { from: party, ...heard, accused: { party, fault } };
}
