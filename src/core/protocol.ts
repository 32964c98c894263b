/**
 * The shape of every protocol: a value that starts instances. An instance is a synchronous state
 * machine; its scope is all that it may touch. There is no clock, no I/O and no randomness in reach.
 *
 * Three kinds of failure (ARCHITECTURE.md): a peer's fault is a value (`accuse`), the caller's
 * misuse is a typed error, our own broken invariant is an `InvariantError` that stops the replica.
 */
import type { Codec } from "./codec.js";
import type { Envelope } from "./envelope.js";
import type { Endorsement, Evidence } from "./evidence.js";
import type { Fault } from "./fault.js";
import type { Group } from "./group.js";
import type { PartyId } from "./party-set.js";
import type { Suite } from "./suite.js";
import type { Tag } from "./tag.js";

/** Something that cannot happen in a correct implementation within the adversary structure. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** This party has said what it does not know of: its store is a copy, or older than its last run. */
export class StaleStoreError extends InvariantError {}

export interface Protocol<Input, Message, Output> {
  readonly message: Codec<Message>;
  start(scope: Scope<Message, Output>): Instance<Input, Message>;
}

export interface Instance<Input, Message> {
  input(value: Input): void;
  /** `from` is authenticated by the link; votes are keyed by it, never by a field of the message. */
  receive(from: PartyId, message: Message): void;
  /**
   * A message below this instance for a child that is not live, with `path` relative to this tag.
   * Without this method such a message accuses its sender.
   */
  orphan?(from: PartyId, path: string, body: Uint8Array): void;
}

/** The greatest encoded batch. */
export const MAX_BATCH_BYTES = 1024 * 1024 + 64 * 1024;

/** A batch of a party's lane; 32 bytes of digest. Where payloads are not disseminated in batches there are none. */
export interface BatchName {
  readonly lane: PartyId;
  /** Counts from 1 in its lane. */
  readonly height: number;
  readonly digest: Uint8Array;
}

/** The root of a channel: takes clients' payloads and its host's settings, and shows its state to the host. */
export interface RootInstance<Message, State> extends Instance<Uint8Array, Message> {
  /** `settings` in the channel's own encoding. */
  configure(settings: Uint8Array): void;
  /** What the host's clock shows. */
  clock(nowMs: number): void;
  /** The digest of the host's state after `round`. */
  checkpoint(round: number, digest: Uint8Array): void;
  /**
   * This party may take part in rounds up to this one: so hosts set the pace. Each round's turn comes, sooner or later. Without this
   * method it may in all.
   */
  proceed?(round: number): void;
  /**
   * This party may make its own proposal in this round, where `inspect` says that it has one and waits. It comes, sooner or later, unless the
   * round is decided before. Without this method nothing waits.
   */
  propose?(round: number): void;
  /** What `from` sent as a batch that was asked for: anything. */
  batch?(from: PartyId, name: BatchName, bytes: Uint8Array): void;
  inspect(): State;
}

/** A child as its parent holds it. */
export interface Child<Input> {
  input(value: Input): void;
  /** Ends the child and everything below it. */
  close(): void;
}

/** How a message travels. */
export interface SendOptions {
  /**
   * A large one that others need not wait for: on each link all others may overtake it, and it waits until the peer has taken
   * those before it. Order holds among bulk, and among all else.
   */
  readonly isBulk?: boolean;
}

export interface SpawnOptions {
  /**
   * The child and all below it run in full, but nothing that they send leaves, to oneself neither, and nothing is signed: they
   * follow what others decide.
   */
  readonly isMuted?: boolean;
}

export interface Scope<Message, Output> {
  readonly tag: Tag;
  readonly self: PartyId;
  readonly group: Group;
  readonly suite: Suite;
  /**
   * Nothing that this instance says leaves. The party may have spoken here in a life that it has forgotten: answers to what it does not
   * know to have said prove nothing.
   */
  readonly isMuted: boolean;
  /** The bytes to sign for `purpose` in this instance, or in the descendant that `below` names. */
  statement(purpose: string, body: Uint8Array, below?: string): Uint8Array;
  /**
   * Signs the statement. `slot` names what may be signed only once in this instance; a second, different
   * statement for it stops the replica before the signature exists (docs/protocols.md section 4).
   */
  endorse(as: Endorsement, slot: string, purpose: string, body: Uint8Array): Uint8Array;
  send(to: PartyId, message: Message, options?: SendOptions): void;
  /** To all parties including this one; the own copy comes through the queue, never by recursion. */
  broadcast(message: Message, options?: SendOptions): void;
  /** To all other parties. */
  announce(message: Message, options?: SendOptions): void;
  output(value: Output): void;
  accuse(party: PartyId, fault: Fault): void;
  /**
   * Shows that `party` signed two different bodies for one `slot` of this instance; both were verified. Comes to nothing where
   * a share is no proof that its party made it (`Certifier.sharesAreSignatures`).
   */
  evidence(party: PartyId, slot: string, contradiction: Pick<Evidence, "as" | "purpose" | "first" | "second">): void;
  spawn<I, M, O>(
    key: string,
    protocol: Protocol<I, M, O>,
    onOutput: (value: O) => void,
    options?: SpawnOptions,
  ): Child<I>;
  /** Routes a kept orphan again, after its instance has started. */
  redeliver(from: PartyId, path: string, body: Uint8Array): void;
  /** Nothing under `path` needs to be sent or sent again. */
  retire(path: string): void;
  /** Keeps `envelope`, the transferable proof that decides `round`, for parties that are behind. */
  archive(round: number, envelope: Envelope): void;
  /**
   * Asks `party`, which must have decided all rounds below `decidedBelow`, for the proofs of rounds from `round` on. May be
   * said again and again: the host knows what is under way on the link and what was lost with it.
   */
  askProofs(party: PartyId, round: number, decidedBelow: number): void;
  /** Asks `party` to send again what it has said in live instances. */
  askRepeat(party: PartyId): void;
  /** Keeps a batch for peers that ask for it, until the host forgets its round. Given again it takes the place of the former of its height. */
  keepBatch(name: BatchName, bytes: Uint8Array): void;
  /**
   * Asks for a batch until it is there: first `of`, among whom is an honest party that has it, if need be all. Comes back by
   * `RootInstance.batch`; nothing comes from this party's own store.
   */
  askBatch(name: BatchName, of: readonly PartyId[]): void;
  /** Hands the channel's state between `round` and the next one to the host. */
  boundary(round: number, state: Uint8Array): void;
  /** A quorum has certified `digest`, the host's own, for `round`. */
  stable(round: number, digest: Uint8Array, certificate: Uint8Array): void;
}
