/**
 * What a replica needs of durable storage, as a port (docs/protocols.md section 4). Implementation: `adapters/storage`.
 *
 * There is one write path: a group commit appends one record with the inputs to the log, and only when that is on disk has
 * anything happened. All else that a commit brings, the tables, follows from the inputs; it is written behind, and what a crash
 * kept from them is made again by the replay. So the tables are a second witness of what the log must lead to.
 */
import { type Pieces, equalBytes } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import type { BatchName } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";

/** One delivered payload. */
export interface LedgerEntry {
  /** Counts from 1 without gaps. */
  readonly sequence: number;
  readonly round: number;
  /** The round's time; undefined where rounds have none. */
  readonly timeMs: number | undefined;
  readonly payload: Uint8Array;
}

/** A batch that is kept for peers, and for a start from a checkpoint. */
export interface KeptBatch {
  readonly channel: Tag;
  readonly name: BatchName;
  readonly bytes: Uint8Array;
}

/** What inputs lead to. */
export interface Rows {
  readonly signed: readonly { readonly slot: string; readonly digest: Uint8Array }[];
  readonly proofs: readonly { readonly channel: Tag; readonly round: number; readonly envelope: Uint8Array }[];
  readonly ledger: readonly LedgerEntry[];
  /** Of checkpoints that a quorum has certified; the record of the checkpoint was put before. */
  readonly certificates: readonly { readonly round: number; readonly certificate: Uint8Array }[];
  /** Each takes the place of the former of its height. */
  readonly batches: readonly KeptBatch[];
}

/** Everything that one group commit makes durable. */
export interface Batch extends Rows {
  /** Encoded inputs in the order in which the engine took them. Numbered on from `lastInput`. */
  readonly inputs: readonly Pieces[];
}

/** The state after a round: what is the same everywhere in chunks, and this party's own part. */
export interface CheckpointRecord {
  readonly round: number;
  /** What a quorum certifies the digest of; names the chunks by the root of their tree. */
  readonly summary: Uint8Array;
  /** SHA-256 of each chunk, in order, one after the other: 32 bytes each. */
  readonly chunkHashes: Uint8Array;
  /** The number of the input that led to it. Replaying it means to go on with the next. */
  readonly input: number;
  /** What this party has besides: waiting payloads, early messages. */
  readonly local: Uint8Array;
  /** Undefined until a quorum's is known. */
  readonly certificate: Uint8Array | undefined;
}

/** What to forget. Nothing that the base needs: the implementation MUST refuse that. */
export interface Pruning {
  /** Checkpoints of rounds below, and all chunks that none of the others has. */
  readonly checkpointsBelow: number;
  /**
   * Hashes of chunks that stay though no checkpoint has them yet: of one that is under way, from here or from a peer. One after
   * the other, 32 bytes each.
   */
  readonly keepChunks: Uint8Array;
  /** Proofs of rounds up to this one. */
  readonly proofsUpTo: number;
  /**
   * Ledger entries up to this one; 0 for none. Who starts from a checkpoint of others forgets all entries up to the checkpoint's
   * before the next is committed: the ledger has no gaps.
   */
  readonly ledgerUpTo: number;
  /**
   * Batches of these lanes up to these heights, when entries are forgotten with them or there are none: payloads of entries may be kept in
   * them. Entries after `ledgerUpTo` come from batches above.
   */
  readonly batches: OrderedLanes;
}

/** Lanes up to these heights. */
export type OrderedLanes = readonly { readonly channel: Tag; readonly lane: PartyId; readonly upTo: number }[];

/** How the store was found when it was opened. */
export interface OpenReport {
  /** An incomplete record at the end of the log, which a crash had cut off: nothing of it was ever said. 0 when there was none. */
  readonly cutBytes: number;
  /** The engine that wrote the log, if it is another than this program's: its inputs must not be replayed. */
  readonly foreignEngine: string | undefined;
}

/** Bytes on disk. */
export interface StorageSize {
  readonly logBytes: number;
  /** Of batches that the log and the tables refer to. */
  readonly batchBytes: number;
  readonly tableBytes: number;
}

export interface Storage {
  readonly report: OpenReport;
  /** The checkpoint to start from; undefined: from nothing. */
  base(): CheckpointRecord | undefined;
  /** The number of the last input in the log; 0 before the first. */
  readonly lastInput: number;
  /** The tables have all that inputs up to this one led to. At most `lastInput`. */
  readonly appliedInput: number;
  /** The number of the input before the first of `inputs`: the base's, or greater when inputs after it were dropped. */
  readonly replayAfter: number;
  /**
   * All inputs above the base's, but those that were dropped, oldest first.
   * @throws StorageError when one is missing or damaged: it says which record; and when another engine wrote them
   */
  inputs(): Iterable<Uint8Array>;
  /** The digest of what was signed for a slot such as `notary/7/mvba/aba/1/2#pre-vote-1`. */
  signed(slot: string): Uint8Array | undefined;
  /** How many of the slots that are kept are of rounds above `round` (`roundOfSlot`). */
  signedCount(round: number): number;
  /** Of each lane of which slots are kept, the greatest height. */
  signedHeights(): ReadonlyMap<PartyId, number>;
  /** The greatest round of which anything was ever signed, also when the slot was forgotten; 0 when nothing was. */
  lastSignedRound(): number;
  /** The encoded envelope that proves the decision of `round`. */
  proof(channel: Tag, round: number): Uint8Array | undefined;
  /** The first round from which on all proofs are kept; undefined when there is none. */
  oldestProof(channel: Tag): number | undefined;
  ledgerEntry(sequence: number): LedgerEntry | undefined;
  /** From `sequence`, or the first that is kept, on, ascending. */
  ledger(sequence: number): Iterable<LedgerEntry>;
  /** Undefined when it is not kept, or another of its height is. */
  batch(channel: Tag, name: BatchName): Uint8Array | undefined;

  /**
   * Appends the inputs as one record: all of it or nothing, MUST NOT resolve before it is durable. Reads show the rows from
   * then on. After a rejection the store's state is unknown and the replica MUST stop. Commits that overlap take their turns.
   * Refused until `recover` has come to `lastInput`, and while `report.foreignEngine` is not dealt with.
   */
  commit(batch: Batch): Promise<void>;
  /** Rows of replayed inputs above `appliedInput`, up to `input`, in order; rows that are there already change nothing. */
  recover(input: number, rows: Rows): Promise<void>;
  /**
   * Forgets all inputs above the base's, and the checkpoints that they led to: the log is this program's engine's from here on.
   * What was signed, the ledger and the proofs stay.
   */
  dropInputs(): Promise<void>;

  /** Ascending by round. */
  checkpoints(): readonly CheckpointRecord[];
  checkpoint(round: number): CheckpointRecord | undefined;
  /** A chunk by its SHA-256, checked; undefined when it is not here. */
  chunk(hash: Uint8Array): Uint8Array | undefined;
  /** Those that are here already cost little. Durable when it resolves; until a checkpoint has them, see `keepChunks`. */
  putChunks(chunks: readonly { readonly hash: Uint8Array; readonly bytes: Uint8Array }[]): Promise<void>;
  /** All its chunks were put. Durable, with them, when it resolves. */
  putCheckpoint(record: CheckpointRecord): Promise<void>;
  /**
   * The replica starts from this checkpoint from now on. Then inputs up to the checkpoint's, and signed slots of rounds up to its
   * round and of what is ordered of lanes, may be forgotten, and are, file by file.
   */
  rebase(round: number, lanes: OrderedLanes): Promise<void>;
  prune(pruning: Pruning): Promise<void>;

  /** Small values by name; durable when `setMeta` resolves. Undefined removes. */
  meta(name: string): Uint8Array | undefined;
  setMeta(name: string, value: Uint8Array | undefined): Promise<void>;

  size(): StorageSize;
  /** How often it has waited for the disk since it was opened. */
  readonly syncs: number;
  /** After what was begun. */
  close(): Promise<void>;
}

/** Whether two entries of one number say the same. */
export function isSameEntry(a: Omit<LedgerEntry, "sequence">, b: Omit<LedgerEntry, "sequence">): boolean {
  return a.round === b.round && a.timeMs === b.timeMs && equalBytes(a.payload, b.payload);
}

/** The round in a slot's tag: the first number in it; 0 for a slot of a lane, whose heights have nothing to do with rounds. */
export function roundOfSlot(slot: string): number {
  return laneOfSlot(slot) === undefined ? Number(/\/([0-9]+)/.exec(slot)?.[1] ?? 0) : 0;
}

/** Which height of which lane a slot such as `notary/lane/2/7#batch` is of; undefined for others. */
export function laneOfSlot(slot: string): { readonly lane: PartyId; readonly height: number } | undefined {
  const [, lane, height] = /^[^/]+\/lane\/([0-9]+)\/([0-9]+)#/.exec(slot) ?? [];
  return lane === undefined ? undefined : { lane: Number(lane), height: Number(height) };
}

/** Whether a slot may be forgotten when the replica starts from `round` on, and these parts of lanes are ordered. */
export function isForgotten(slot: string, round: number, lanes: OrderedLanes): boolean {
  const of = laneOfSlot(slot);
  if (of === undefined) return roundOfSlot(slot) <= round;
  return lanes.some(({ lane, upTo }) => lane === of.lane && of.height <= upTo);
}
