/**
 * The engine: a synchronous, total, deterministic function from inputs to effects that runs the
 * protocol instances of one party (ARCHITECTURE.md, "The protocol core is sans-I/O").
 *
 * It routes each message to the instance that its tag names, hands messages to oneself and outputs of
 * children through one queue, and gives every instance its scope. The same engine runs in the replica,
 * in the simulator and in a browser.
 */
import { equalBytes } from "./bytes.js";
import { bytes, decode, encode, fixedBytes, struct, text } from "./codec.js";
import { type Envelope, MAX_BODY_BYTES } from "./envelope.js";
import type { Endorsement, Evidence } from "./evidence.js";
import type { Fault } from "./fault.js";
import type { Group } from "./group.js";
import type { PartyId } from "./party-set.js";
import {
  type BatchName,
  type Child,
  type Instance,
  InvariantError,
  type Protocol,
  type RootInstance,
  type Scope,
  type SendOptions,
  type SpawnOptions,
} from "./protocol.js";
import type { Suite } from "./suite.js";
import { type Tag, isWithin, tagCodec } from "./tag.js";

export type Input =
  | { readonly kind: "message"; readonly from: PartyId; readonly envelope: Envelope }
  /** A payload of a client of this party, for the channel with this tag. */
  | { readonly kind: "submit"; readonly channel: Tag; readonly payload: Uint8Array }
  /** This party's own settings for the channel, in the channel's encoding; an input, so that a replay has them, too. */
  | { readonly kind: "configure"; readonly channel: Tag; readonly settings: Uint8Array }
  /** What the host's clock shows, in milliseconds since 1970; data for the channel, which never waits for it. */
  | { readonly kind: "clock"; readonly channel: Tag; readonly nowMs: number }
  /** The digest of the host's state after `round`; 32 bytes. */
  | { readonly kind: "checkpoint"; readonly channel: Tag; readonly round: number; readonly digest: Uint8Array }
  /** This party may take part in rounds up to this one. */
  | { readonly kind: "proceed"; readonly channel: Tag; readonly round: number }
  /** This party may make its own proposal in this round. */
  | { readonly kind: "propose"; readonly channel: Tag; readonly round: number }
  /** What a peer sent as a batch that was asked for. */
  | {
      readonly kind: "batch";
      readonly from: PartyId;
      readonly channel: Tag;
      readonly name: BatchName;
      readonly bytes: Uint8Array;
    };

export type Effect<Output> =
  /** `isBulk`: as in `SendOptions`. */
  | { readonly kind: "send"; readonly to: PartyId; readonly envelope: Envelope; readonly isBulk?: true }
  | { readonly kind: "output"; readonly channel: Tag; readonly value: Output }
  | { readonly kind: "accuse"; readonly party: PartyId; readonly tag: Tag; readonly fault: Fault }
  /** Two statements of one party that contradict each other; once for each slot of it while the instance lives. */
  | { readonly kind: "evidence"; readonly evidence: Evidence }
  /** Something was signed; to be durable before any effect of this step leaves. */
  | { readonly kind: "signed"; readonly slot: string; readonly digest: Uint8Array }
  /** Unsent messages within `tag` need not be sent any more. */
  | { readonly kind: "retire"; readonly tag: Tag }
  | { readonly kind: "archive"; readonly channel: Tag; readonly round: number; readonly envelope: Envelope }
  /** The channel's state between `round`, of which the output comes just before, and the next one: from it and later inputs the rest can be had. */
  | { readonly kind: "boundary"; readonly channel: Tag; readonly round: number; readonly state: Uint8Array }
  /** A quorum has certified the digest that the host gave for `round`. */
  | {
      readonly kind: "stable";
      readonly channel: Tag;
      readonly round: number;
      readonly digest: Uint8Array;
      readonly certificate: Uint8Array;
    }
  | {
      readonly kind: "askProofs";
      readonly of: PartyId;
      readonly channel: Tag;
      readonly round: number;
      readonly decidedBelow: number;
    }
  | { readonly kind: "askRepeat"; readonly of: PartyId }
  /** To be durable before any effect of this step leaves. */
  | { readonly kind: "keepBatch"; readonly channel: Tag; readonly name: BatchName; readonly bytes: Uint8Array }
  | { readonly kind: "askBatch"; readonly of: readonly PartyId[]; readonly channel: Tag; readonly name: BatchName };

/**
 * The durable table of everything signed (docs/protocols.md section 4). It holds what earlier runs of this
 * party signed, also when the input log does not.
 */
export interface SignedTable {
  /** The digest of what was signed for `slot`, if anything was. */
  get(slot: string): Uint8Array | undefined;
}

/** A protocol that stands at the root of a tag tree and orders clients' payloads. */
export interface Channel<Message, Output, State> extends Protocol<Uint8Array, Message, Output> {
  start(scope: Scope<Message, Output>): RootInstance<Message, State>;
}

export interface EngineOptions<Message, Output, State> {
  readonly self: PartyId;
  /** 32 bytes that are unique to this cluster; bound into every statement. */
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly suite: Suite;
  readonly signed: SignedTable;
  readonly channels: Readonly<Record<Tag, Channel<Message, Output, State>>>;
}

/** Where an instance stands. */
interface Place {
  readonly channel: Tag;
  readonly tag: Tag;
  /** It, or an ancestor of it, was started muted. */
  readonly isMuted: boolean;
}

interface Node {
  receive(from: PartyId, body: Uint8Array): void;
  orphan(from: PartyId, path: string, body: Uint8Array): void;
}

const statementCodec = struct({
  domain: text(32),
  cluster: fixedBytes(32),
  tag: tagCodec,
  purpose: text(32),
  body: bytes(MAX_BODY_BYTES),
});

/** The bytes that a signature for `purpose` in the instance `tag` of `cluster` covers. */
export function statement(cluster: Uint8Array, tag: Tag, purpose: string, body: Uint8Array): Uint8Array {
  return encode(statementCodec, { domain: "abcast/1 statement", cluster, tag, purpose, body });
}

export class Engine<Message, Output, State> {
  readonly #options: EngineOptions<Message, Output, State>;
  readonly #nodes = new Map<Tag, Node>();
  readonly #roots = new Map<Tag, RootInstance<Message, State>>();
  readonly #queue: (() => void)[] = [];
  readonly #signed = new Map<string, Uint8Array>();
  /** Slots of which evidence was given, each with the guilty party before it. */
  readonly #proved = new Set<string>();
  readonly #others: readonly PartyId[];
  #effects: Effect<Output>[] = [];

  constructor(options: EngineOptions<Message, Output, State>) {
    this.#options = options;
    this.#others = options.group.parties.filter((party) => party !== options.self);
  }

  /** Starts the channels; the first call, before any `step`. */
  start(): readonly Effect<Output>[] {
    for (const [tag, channel] of Object.entries(this.#options.channels)) {
      const output = (value: Output): void => void this.#effects.push({ kind: "output", channel: tag, value });
      const protocol = {
        ...channel,
        start: (scope: Scope<Message, Output>) => this.#keepRoot(tag, channel.start(scope)),
      };
      this.#spawn({ channel: tag, tag, isMuted: false }, protocol, output);
    }
    return this.#run();
  }

  /** Never throws on a peer's message. @throws InvariantError when this party itself is broken. */
  step(input: Input): readonly Effect<Output>[] {
    if (input.kind === "message") this.#route(input.from, input.envelope.tag, input.envelope.body);
    else this.#tell(this.#root(input.channel), input);
    return this.#run();
  }

  #tell(root: RootInstance<Message, State>, input: Exclude<Input, { kind: "message" }>): void {
    if (input.kind === "submit") root.input(input.payload);
    else if (input.kind === "configure") root.configure(input.settings);
    else if (input.kind === "clock") root.clock(input.nowMs);
    else if (input.kind === "checkpoint") root.checkpoint(input.round, input.digest);
    else if (input.kind === "proceed") root.proceed?.(input.round);
    else if (input.kind === "propose") root.propose?.(input.round);
    else if (root.batch !== undefined) root.batch(input.from, input.name, input.bytes);
    else this.#accuse(input.from, input.channel, "malformed-message");
  }

  inspect(channel: Tag): State {
    return this.#root(channel).inspect();
  }

  #keepRoot(tag: Tag, root: RootInstance<Message, State>): RootInstance<Message, State> {
    this.#roots.set(tag, root);
    return root;
  }

  #root(channel: Tag): RootInstance<Message, State> {
    const root = this.#roots.get(channel);
    if (root === undefined) throw new InvariantError(`no channel ${channel}`);
    return root;
  }

  #run(): readonly Effect<Output>[] {
    for (let next = 0; next < this.#queue.length; next++) this.#queue[next]?.();
    this.#queue.length = 0;
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** To the instance itself, else to its nearest live ancestor as an orphan. */
  #route(from: PartyId, tag: Tag, body: Uint8Array): void {
    const node = this.#nodes.get(tag);
    if (node !== undefined) return node.receive(from, body);
    for (let end = tag.lastIndexOf("/"); end > 0; end = tag.lastIndexOf("/", end - 1)) {
      const ancestor = this.#nodes.get(tag.slice(0, end));
      if (ancestor !== undefined) return ancestor.orphan(from, tag.slice(end + 1), body);
    }
    this.#accuse(from, tag, "unknown-instance");
  }

  #accuse(party: PartyId, tag: Tag, fault: Fault): void {
    this.#effects.push({ kind: "accuse", party, tag, fault });
  }

  #spawn<I, M, O>(place: Place, protocol: Protocol<I, M, O>, onOutput: (value: O) => void): Instance<I, M> {
    const { tag } = place;
    if (this.#nodes.has(tag)) throw new InvariantError(`instance ${tag} started twice`);
    // Whatever it says while it starts waits in the queue, so nothing is routed to it before it is known.
    const instance = protocol.start(this.#scope(place, protocol, onOutput));
    this.#nodes.set(tag, {
      receive: (from, body) => {
        const message = decode(protocol.message, body);
        if (message.ok) instance.receive(from, message.value);
        else this.#accuse(from, tag, "malformed-message");
      },
      orphan: (from, path, body) => {
        if (instance.orphan === undefined) this.#accuse(from, `${tag}/${path}`, "unknown-instance");
        else instance.orphan(from, path, body);
      },
    });
    return instance;
  }

  #close(tag: Tag): void {
    for (const live of this.#nodes.keys()) if (isWithin(live, tag)) this.#nodes.delete(live);
    for (const slot of this.#signed.keys())
      if (isWithin(slot.slice(0, slot.indexOf("#")), tag)) this.#signed.delete(slot);
    for (const slot of this.#proved)
      if (isWithin(slot.slice(slot.indexOf(" ") + 1, slot.indexOf("#")), tag)) this.#proved.delete(slot);
  }

  #scope<I, M, O>(place: Place, protocol: Protocol<I, M, O>, onOutput: (value: O) => void): Scope<M, O> {
    const { self, cluster, group, suite } = this.#options;
    const { channel, tag, isMuted } = place;
    const statementBelow = (purpose: string, body: Uint8Array, below?: string): Uint8Array =>
      statement(cluster, below === undefined ? tag : `${tag}/${below}`, purpose, body);
    const send = (to: PartyId, envelope: Envelope, { isBulk = false }: SendOptions = {}): void => {
      if (isMuted) return;
      if (to === self) this.#queue.push(() => this.#route(self, envelope.tag, envelope.body));
      else this.#effects.push(isBulk ? { kind: "send", to, envelope, isBulk } : { kind: "send", to, envelope });
    };
    const sendTo = (parties: readonly PartyId[], message: M, how?: SendOptions): void => {
      const envelope = { tag, body: encode(protocol.message, message) };
      for (const party of parties) send(party, envelope, how);
    };
    return {
      tag,
      self,
      group,
      suite,
      isMuted,
      statement: statementBelow,
      // What is not signed is not sent either: nobody sees the empty bytes.
      endorse: (as, slot, purpose, body) =>
        isMuted ? new Uint8Array(0) : this.#endorse(as, `${tag}#${slot}`, statementBelow(purpose, body)),
      send: (to, message, how) => sendTo([to], message, how),
      broadcast: (message, how) => sendTo(group.parties, message, how),
      announce: (message, how) => sendTo(this.#others, message, how),
      // A channel's outputs are effects; what it says after one comes after it.
      output: (value) => (tag === channel ? onOutput(value) : void this.#queue.push(() => onOutput(value))),
      accuse: (party, fault) => this.#accuse(party, tag, fault),
      evidence: (party, slot, contradiction) =>
        this.#prove(`${party} ${tag}#${slot}`, { party, tag, ...contradiction }),
      spawn: <CI, CM, CO>(
        key: string,
        child: Protocol<CI, CM, CO>,
        childOutput: (value: CO) => void,
        options?: SpawnOptions,
      ): Child<CI> => {
        const childTag = `${tag}/${key}`;
        const whileLive = (value: CO): void => {
          if (this.#nodes.has(tag)) childOutput(value);
        };
        const childPlace = { channel, tag: childTag, isMuted: isMuted || options?.isMuted === true };
        const instance = this.#spawn(childPlace, child, whileLive);
        return { input: (value) => instance.input(value), close: () => this.#close(childTag) };
      },
      redeliver: (from, path, body) => void this.#queue.push(() => this.#route(from, `${tag}/${path}`, body)),
      retire: (path) => void this.#effects.push({ kind: "retire", tag: `${tag}/${path}` }),
      archive: (round, envelope) => void this.#effects.push({ kind: "archive", channel, round, envelope }),
      askProofs: (of, round, decidedBelow) =>
        void this.#effects.push({ kind: "askProofs", of, channel, round, decidedBelow }),
      askRepeat: (of) => void this.#effects.push({ kind: "askRepeat", of }),
      keepBatch: (name, bytes) => void this.#effects.push({ kind: "keepBatch", channel, name, bytes }),
      askBatch: (name, of) => void this.#effects.push({ kind: "askBatch", of, channel, name }),
      boundary: (round, state) => void this.#effects.push({ kind: "boundary", channel, round, state }),
      stable: (round, digest, certificate) =>
        void this.#effects.push({ kind: "stable", channel, round, digest, certificate }),
    };
  }

  #prove(slot: string, evidence: Evidence): void {
    const { quorumCertifier, broadcastCertifier } = this.#options.suite;
    const certifiers = { signature: undefined, quorum: quorumCertifier, broadcast: broadcastCertifier };
    if (certifiers[evidence.as]?.sharesAreSignatures === false || this.#proved.has(slot)) return;
    this.#proved.add(slot);
    this.#effects.push({ kind: "evidence", evidence });
  }

  #endorse(as: Endorsement, slot: string, signedBytes: Uint8Array): Uint8Array {
    const { suite, signed } = this.#options;
    const digest = suite.hash(signedBytes);
    const earlier = this.#signed.get(slot) ?? signed.get(slot);
    if (earlier !== undefined && !equalBytes(digest, earlier)) {
      throw new InvariantError(
        `about to contradict an earlier signature for ${slot}: the input log is not the one that led to it`,
      );
    }
    if (!this.#signed.has(slot)) {
      this.#signed.set(slot, digest);
      this.#effects.push({ kind: "signed", slot, digest });
    }
    if (as === "signature") return suite.sign(signedBytes);
    return (as === "quorum" ? suite.quorumCertifier : suite.broadcastCertifier).share(signedBytes);
  }
}
