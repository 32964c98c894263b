/** How far a replica is behind. */
import type { TransferProgress } from "./transfer.js";

/** Peers are often a round ahead for a moment. */
const USUAL_ROUNDS = 2;

export interface CatchUp {
  /** The round that is to be reached, as far as known. */
  readonly targetRound: number;
  /** Of the checkpoint that is being fetched, if one is; else 0. */
  readonly chunks: number;
  readonly receivedChunks: number;
}

/**
 * Undefined when `round`, the last decided one, is up to date. `seenRound`: one that parties with an honest one among them have
 * come to.
 */
export function catchUpOf(
  round: number,
  seenRound: number,
  transfer: TransferProgress | undefined,
): CatchUp | undefined {
  // One that has come, or is not needed any more, is not forgotten at once.
  const ahead = transfer !== undefined && transfer.round > round ? transfer : undefined;
  if (ahead === undefined && seenRound <= round + USUAL_ROUNDS) return undefined;
  return {
    targetRound: Math.max(seenRound - 1, ahead?.round ?? 0),
    chunks: ahead?.chunkCount ?? 0,
    receivedChunks: ahead?.chunks ?? 0,
  };
}
