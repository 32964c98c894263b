/**
 * What the replica and the client need of a transport, as a port: authenticated, ordered, framed
 * connections with back-pressure. Implementations: `adapters/tls` (mutual TLS 1.3, pinned keys).
 *
 * A connection delivers a prefix of the frames that were sent on it, in order and unaltered. When it
 * breaks, frames may be lost; whoever needs them at the other end sends them again on the next one.
 */
import type { Pieces } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";

/** Who is at the other end: proved by the TLS handshake, never by what a frame says. */
export type Peer =
  | { readonly kind: "party"; readonly party: PartyId }
  /** `client` is the index of the client in the cluster's public file. */
  | { readonly kind: "client"; readonly client: number };

export interface Connection {
  readonly peer: Peer;
  /**
   * Queues a frame, which may come in several pieces. False when the send buffer is full: the caller MUST stop until `onWritable`.
   * A closed connection swallows frames: `onClose` has been or will be called.
   */
  send(...frame: Pieces): boolean;
  /** Stops reading from the network; frames already read may still arrive. */
  pause(): void;
  resume(): void;
  /** Closes in order after what was sent; `onClose` follows. */
  close(): void;
}

export interface ConnectionHandlers {
  onFrame(frame: Uint8Array): void;
  /** The send buffer has room again. */
  onWritable(): void;
  /** Called exactly once. `reason` is for logs. */
  onClose(reason: string): void;
}

/** Called for each authenticated connection; returns what handles it, or undefined to refuse it. */
export type Acceptor = (connection: Connection) => ConnectionHandlers | undefined;

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Keeps one connection to a peer up: connects, and connects again after each break, until closed. */
export interface Dialer {
  close(): void;
}
