/** What a replica does at its start: restores its base checkpoint, and replays the log, which must lead where the tables say it led. */
import { equalBytes } from "../core/bytes.js";
import type { Tag } from "../core/tag.js";
import { cutHeights } from "../protocols/index.js";
import { decodeSummary, type CheckpointSummary } from "./checkpoint-summary.js";
import { type Consequences, type Execution, newConsequences } from "./execution.js";
import { decodeInput } from "./input-log.js";
import type { Machine } from "./machine/index.js";
import {
  type CheckpointRecord,
  type LedgerEntry,
  type OrderedLanes,
  type Rows,
  type Storage,
  isSameEntry,
  roundOfSlot,
} from "./storage.js";

/** Inputs between two turns of the event loop, and between two writes of what the tables lack. */
const STRETCH = 1000;

/** The state of a checkpoint whose chunks are in the store. @throws Error when it is not what the summary says */
export function restoreMachine(
  machine: Machine,
  storage: Pick<Storage, "chunk">,
  { summary, chunkHashes }: Pick<CheckpointRecord, "summary" | "chunkHashes">,
): CheckpointSummary {
  const decoded = decodeSummary(summary);
  if (!decoded.ok) throw new Error(`the summary of a checkpoint is damaged: ${decoded.error}`);
  machine.restore(chunksOf(storage, chunkHashes));
  const { round, sequence, logDigest } = decoded.value;
  const { tip } = machine;
  if (tip.round !== round || tip.sequence !== sequence || !equalBytes(tip.logDigest, logDigest))
    throw new Error(`the checkpoint of round ${round} holds the state of another round`);
  return decoded.value;
}

function* chunksOf(storage: Pick<Storage, "chunk">, hashes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < hashes.length; start += 32) {
    const chunk = storage.chunk(hashes.subarray(start, start + 32));
    if (chunk === undefined) throw new Error(`chunk ${start / 32} of a checkpoint is missing from the store`);
    yield chunk;
  }
}

/** Of what came before a base that was fetched, nothing reaches up to it: neither proofs nor the ledger may have a gap. */
export async function forgetBefore(
  storage: Pick<Storage, "prune">,
  channel: Tag,
  { tip, cut }: Pick<Machine, "tip" | "cut">,
  keepChunks: Uint8Array,
): Promise<void> {
  const { round, sequence } = tip;
  const batches = lanesUpTo(channel, cut);
  await storage.prune({ checkpointsBelow: round, keepChunks, proofsUpTo: round, ledgerUpTo: sequence, batches });
}

/** The batches that are ordered with the cut and before; none without one. */
export function lanesUpTo(channel: Tag, cut: Uint8Array | undefined): OrderedLanes {
  return cut === undefined ? [] : cutHeights(cut).map((upTo, lane) => ({ channel, lane, upTo }));
}

/**
 * Replays the log from the base on, through an execution that stands there; yields what the start and each input lead to. `speaksFrom`: in earlier
 * rounds nothing is signed any more, whatever the tables have of them.
 * @throws Error when the log leads elsewhere than the tables
 */
export async function* replay(
  storage: Storage,
  execution: Execution,
  speaksFrom: number,
): AsyncGenerator<Consequences, void, void> {
  const base = storage.base();
  const checkedFrom = Math.max(base?.round ?? 0, speaksFrom - 1);
  let number = storage.replayAfter;
  let signedCount = 0;
  let consequences = newConsequences();
  let missing = newConsequences().rows;
  const { appliedInput } = storage;
  const count = (): void => {
    signedCount += consequences.rows.signed.filter(({ slot }) => roundOfSlot(slot) > checkedFrom).length;
    if (number <= appliedInput) for (const entry of consequences.rows.ledger) checkEntry(storage, entry);
  };
  execution.start(consequences, number);
  count();
  // What a fetched base has this replica sign comes into the tables with the first input after it.
  const unwritten = appliedInput === number ? unwrittenRows(storage, consequences.rows) : newConsequences().rows;
  missing.signed.push(...unwritten.signed);
  yield consequences;
  for (const record of storage.inputs()) {
    // A digest that is due is the next input: the log has it.
    const { due } = consequences;
    consequences = newConsequences();
    consequences.due.push(...due);
    execution.step(consequences, decodeInput(record), ++number);
    count();
    if (number > appliedInput) {
      for (const name of ["signed", "proofs", "ledger", "batches"] as const)
        (missing[name] as unknown[]).push(...consequences.rows[name]);
    }
    yield consequences;
    if (number % STRETCH !== 0) continue;
    if (number > appliedInput) {
      await storage.recover(number, missing);
      missing = newConsequences().rows;
    }
    // Lets other events in now and then, so that a long replay can be interrupted.
    await new Promise((resume) => setImmediate(resume));
  }
  if (consequences.due.length > 0)
    throw new Error("the log ends in the middle of a batch: the digest of a state is missing");
  if (number > appliedInput) await storage.recover(number, missing);
  else signedCount -= unwritten.signed.filter(({ slot }) => roundOfSlot(slot) > checkedFrom).length;
  if (storage.signedCount(checkedFrom) !== signedCount) {
    throw new Error(
      `the table of signatures has ${storage.signedCount(checkedFrom)} entries of rounds above ${checkedFrom}, the log leads to ${signedCount}: inputs are missing, and going on would contradict what was said`,
    );
  }
  checkLane(storage, execution);
  const { sequence } = execution.machine.tip;
  // Of a state that was taken back to the base, the ledger may tell what will be delivered again.
  const isBehindItself = speaksFrom > (base?.round ?? 0) + 1;
  if (!isBehindItself && storage.ledgerEntry(sequence + 1) !== undefined)
    throw new Error(`the ledger has more entries than the ${sequence} that the log leads to`);
}

/** Signatures that the tables do not have. */
export function unwrittenRows(
  storage: Pick<Storage, "signed">,
  { signed }: Pick<Rows, "signed">,
): Consequences["rows"] {
  return { ...newConsequences().rows, signed: signed.filter(({ slot }) => storage.signed(slot) === undefined) };
}

/** The own one: what is signed twice in others' lanes does no harm (docs/protocols.md, "Lanes"). */
function checkLane(storage: Storage, { self, state }: Execution): void {
  const height = storage.signedHeights().get(self) ?? 0;
  const acknowledged = state.acknowledged()[self] ?? 0;
  if (height <= acknowledged) return;
  throw new Error(
    `the table of signatures has height ${height} of the own lane, the log leads to ${acknowledged}: inputs are missing, and going on would contradict what was said`,
  );
}

function checkEntry(storage: Storage, entry: LedgerEntry): void {
  const stored = storage.ledgerEntry(entry.sequence);
  if (stored === undefined || !isSameEntry(stored, entry))
    throw new Error(`the log leads to another ledger entry ${entry.sequence} than the one stored`);
}
