/**
 * The shape of every protocol: a value that starts instances. An instance is a synchronous state
 * machine; its scope is all that it may touch. There is no clock, no I/O and no randomness in reach.
 *
 * Three kinds of failure (ARCHITECTURE.md): a peer's fault is a value (`accuse`), the caller's
 * misuse is a typed error, our own broken invariant is an `InvariantError` that stops the replica.
 */
import type { Codec } from "./codec.js";
import type { Envelope } from "./envelope.js";
import type { Fault } from "./fault.js";
import type { Group } from "./group.js";
import type { PartyId } from "./party-set.js";
import type { Suite } from "./suite.js";
import type { Tag } from "./tag.js";

/** Something that cannot happen in a correct implementation within the adversary structure. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** What is signed: a share towards a certificate, or an ordinary signature. */
export type Endorsement = "signature" | "quorum" | "broadcast";

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

/** The root of a channel: takes clients' payloads and its host's settings, and shows its state to the host. */
export interface RootInstance<Message, State> extends Instance<Uint8Array, Message> {
  /** `settings` in the channel's own encoding. */
  configure(settings: Uint8Array): void;
  inspect(): State;
}

/** A child as its parent holds it. */
export interface Child<Input> {
  input(value: Input): void;
  /** Ends the child and everything below it. */
  close(): void;
}

export interface Scope<Message, Output> {
  readonly tag: Tag;
  readonly self: PartyId;
  readonly group: Group;
  readonly suite: Suite;
  /** The bytes to sign for `purpose` in this instance, or in the descendant that `below` names. */
  statement(purpose: string, body: Uint8Array, below?: string): Uint8Array;
  /**
   * Signs the statement. `slot` names what may be signed only once in this instance; a second, different
   * statement for it stops the replica before the signature exists (docs/protocols.md section 4).
   */
  endorse(as: Endorsement, slot: string, purpose: string, body: Uint8Array): Uint8Array;
  send(to: PartyId, message: Message): void;
  /** To all parties including this one; the own copy comes through the queue, never by recursion. */
  broadcast(message: Message): void;
  output(value: Output): void;
  accuse(party: PartyId, fault: Fault): void;
  spawn<I, M, O>(key: string, protocol: Protocol<I, M, O>, onOutput: (value: O) => void): Child<I>;
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
}
