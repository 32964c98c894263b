/**
 * How a message gets to all parties: as it is, or in fragments. Either way the sender gives each party a *piece*, and every
 * piece names the *root*, the digest that stands for the message in votes.
 */
import { type Codec, type Value, bytes, fixedBytes, list, struct } from "../../core/codec.js";
import type { PartyId } from "../../core/party-set.js";

export const ROOT_BYTES = 32;

/** The bytes of a piece, and the Merkle path that leads from them to the root; empty for a whole message. */
export type Piece = Value<ReturnType<typeof pieceCodec>>;

export function pieceCodec(
  maxBytes: number,
  maxPathLength: number,
): Codec<{ readonly bytes: Uint8Array; readonly path: readonly Uint8Array[] }> {
  return struct({ bytes: bytes(maxBytes), path: list(fixedBytes(ROOT_BYTES), maxPathLength) });
}

export interface Dissemination {
  /** So many pieces of one root give its message. */
  readonly needed: number;
  /** A piece for each party. */
  split(message: Uint8Array): readonly Piece[];
  /** The root to which `piece` belongs as the piece of `party`; undefined when it can be no party's piece of anything. */
  rootOf(party: PartyId, piece: Piece): Uint8Array | undefined;
  /**
   * The message with this root, from `needed` pieces of it; undefined when there is none. Which pieces these are makes no
   * difference to the outcome.
   */
  join(root: Uint8Array, pieces: ReadonlyMap<PartyId, Uint8Array>): Uint8Array | undefined;
}
