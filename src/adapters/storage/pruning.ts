/** Which rows a pruning takes from the tables, and how they go. */
import { toHex } from "../../core/bytes.js";
import type { CheckpointRecord, OrderedLanes, Pruning } from "../../replica/storage.js";
import type { FiledBatch } from "./batch-format.js";
import { filedIn } from "./put-layer.js";
import { hashesIn } from "./reader.js";
import type { Tables } from "./tables.js";

/** Keys of what goes, by table. */
export interface Losses {
  readonly checkpoints: readonly number[];
  readonly certificates: readonly number[];
  readonly chunks: readonly string[];
  readonly proofs: readonly [number, string][];
  readonly ledger: readonly number[];
  readonly batches: readonly [number, string][];
}

/** `checkpoints`: all that there are. */
export function lossesOf(
  tables: Tables,
  checkpoints: readonly CheckpointRecord[],
  { checkpointsBelow, keepChunks, proofsUpTo, ledgerUpTo, batches: lanes }: Pruning,
): Losses {
  // Payloads of the entries that are kept are in them; entries up to `ledgerUpTo` are in those up to `lanes`.
  const areFree = ledgerUpTo > 0 || tables.ledger.lastKey() === undefined;
  const kept = checkpoints.filter(({ round }) => round >= checkpointsBelow);
  return {
    checkpoints: [...tables.checkpoints.keys(checkpointsBelow)],
    certificates: [...tables.certificates.keys(checkpointsBelow)],
    chunks: chunksWithout(tables, [keepChunks, ...kept.map(({ chunkHashes }) => chunkHashes)]),
    proofs: [...tables.proofs.keys([proofsUpTo + 1])],
    ledger: [...tables.ledger.keys(ledgerUpTo + 1)],
    batches: areFree ? [...keysUpTo(tables, lanes)] : [],
  };
}

/** Names of the chunks that are in none of these lists. */
function chunksWithout(tables: Tables, lists: readonly Uint8Array[]): readonly string[] {
  const kept = new Set<string>();
  for (const list of lists) for (const hash of hashesIn(list)) kept.add(toHex(hash));
  return [...tables.chunks.keys()].filter((name) => !kept.has(name));
}

/** Of the batches of these lanes up to these heights. */
function* keysUpTo(tables: Tables, lanes: OrderedLanes): Iterable<[number, string]> {
  const ends = new Map(lanes.map(({ channel, lane, upTo }) => [`${channel}/${lane}`, upTo]));
  const last = Math.max(0, ...ends.values());
  for (const key of tables.batches.keys([last + 1])) if (key[0] <= (ends.get(key[1]) ?? 0)) yield key;
}

/** Within a transaction. Returns those batches that are in files. */
export function removeLosses(tables: Tables, losses: Losses, midway: () => void): readonly FiledBatch[] {
  // Before anything is changed: reading may find damage.
  const filed = filedIn(tables, losses.batches);
  for (const round of losses.checkpoints) tables.checkpoints.remove(round);
  for (const round of losses.certificates) tables.certificates.remove(round);
  for (const chunk of losses.chunks) tables.chunks.remove(chunk);
  midway();
  for (const key of losses.proofs) tables.proofs.remove(key);
  for (const sequence of losses.ledger) tables.ledger.remove(sequence);
  for (const key of losses.batches) tables.batches.remove(key);
  return filed;
}
