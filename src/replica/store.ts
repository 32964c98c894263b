/**
 * What a replica needs of durable storage, as a port (docs/protocols.md section 4). Implementation:
 * `adapters/lmdb-store`.
 */
import type { Tag } from "../core/tag.js";

/** One delivered payload. */
export interface LedgerEntry {
  /** Counts from 1 without gaps. */
  readonly sequence: number;
  readonly round: number;
  readonly payload: Uint8Array;
}

/** Everything that one group commit makes durable. */
export interface Batch {
  /** Encoded inputs in the order in which the engine took them. */
  readonly inputs: readonly Uint8Array[];
  readonly signed: readonly { readonly slot: string; readonly digest: Uint8Array }[];
  readonly proofs: readonly { readonly channel: Tag; readonly round: number; readonly envelope: Uint8Array }[];
  readonly ledger: readonly LedgerEntry[];
}

export interface Store {
  /** All inputs, oldest first. */
  inputs(): Iterable<Uint8Array>;
  signed(slot: string): Uint8Array | undefined;
  /** How many slots have been signed. */
  signedCount(): number;
  /** The encoded envelope that proves the decision of `round`. */
  proof(channel: Tag, round: number): Uint8Array | undefined;
  ledgerEntry(sequence: number): LedgerEntry | undefined;
  /** From `sequence` on, ascending. */
  ledger(sequence: number): Iterable<LedgerEntry>;
  /**
   * Appends `batch`: all of it or nothing, MUST NOT resolve before it is durable. After a rejection the store's state is
   * unknown and the replica MUST stop.
   */
  commit(batch: Batch): Promise<void>;
  close(): Promise<void>;
}
