/**
 * What a party does to its store, as a function of the step's number, so that whoever opens the store afterwards knows what
 * must be there. A step commits one batch; each fifth one also makes a checkpoint, starts from it, and prunes.
 */
import { createHash } from "node:crypto";

export const CYCLE = 5;

const utf8 = (text) => new TextEncoder().encode(text);
export const sha256 = (bytes) => Uint8Array.from(createHash("sha256").update(bytes).digest());

export function inputsOf(step) {
  return 1 + (step % 3);
}

/** The number of the last input of `step`. */
export function inputAfter(step) {
  let input = 0;
  for (let number = 1; number <= step; number++) input += inputsOf(number);
  return input;
}

const lanesUpTo = (upTo) => [0, 1, 2].map((lane) => ({ channel: "abc", lane, upTo }));

/** For stores in which most of the batches below are in files. */
export const MIN_FILED_BYTES = 200;
const MESSAGE_HEAD = "message: ";

/** Each step keeps a batch of some lane, with one payload: a view of a part of the message that has it. */
export function laneBatchOf(step) {
  const payload = utf8(`batch ${step} `.padEnd(30 + ((step * 101) % 900), "b"));
  // The place of its parent, 40 bytes, and the number of payloads; then each with its length.
  const head = Buffer.alloc(48);
  head.writeUInt32BE(1, 40);
  head.writeUInt32BE(payload.length, 44);
  const message = Uint8Array.from(Buffer.concat([utf8(MESSAGE_HEAD), head, payload, utf8(" end")]));
  const bytes = message.subarray(MESSAGE_HEAD.length, MESSAGE_HEAD.length + head.length + payload.length);
  const digest = sha256(Buffer.concat([head.subarray(0, 44), sha256(payload)]));
  return { channel: "abc", name: { lane: step % 3, height: step, digest }, bytes };
}

/** Some rounds have none, and the first one is at the beginning of time. */
const timeOf = (step) => (step % 3 === 0 ? undefined : 1000 * (step - 1));

/** An input is the message with the batch, unless that is of lane 0, which is made here. */
const hasMessage = (step) => step % 3 !== 0;

/** Step `step` is of round `step` and delivers entry `step`. Of every other step the payload is a part of its lane's batch. */
export function batchOf(step) {
  const laneBatch = laneBatchOf(step);
  const text = (kind, index) => utf8(`${kind} ${step}.${index} `.padEnd(20 + ((step * 37) % 300), "x"));
  const payload = step % 2 === 0 ? laneBatch.bytes.subarray(3, 25) : text("payload", 0);
  return {
    inputs: Array.from({ length: inputsOf(step) }, (_, index) =>
      index === 0 && hasMessage(step)
        ? [text("input", index), new Uint8Array(laneBatch.bytes.buffer)]
        : [text("input", index)],
    ),
    signed: [
      { slot: `abc/${step}#slot`, digest: text("digest", 0) },
      { slot: `abc/lane/${step % 3}/${step}#batch`, digest: text("lane", 0) },
    ],
    proofs: [{ channel: "abc", round: step, envelope: text("proof", 0) }],
    ledger: [{ sequence: step, round: step, timeMs: timeOf(step), payload }],
    certificates: [],
    batches: [laneBatch],
  };
}

/** One chunk that all checkpoints have, one that two neighbours share, one of its own. */
export function chunksOf(round) {
  return ["always", `shared ${Math.floor(round / CYCLE / 2)}`, `own ${round}`].map((text) => {
    const bytes = utf8(text.padEnd(1000, "."));
    return { hash: sha256(bytes), bytes };
  });
}

export function checkpointOf(round) {
  const chunkHashes = new Uint8Array(96);
  for (const [index, { hash }] of chunksOf(round).entries()) chunkHashes.set(hash, 32 * index);
  return {
    round,
    summary: utf8(`summary ${round}`),
    chunkHashes,
    input: inputAfter(round),
    local: utf8(`local ${round}`),
    certificate: utf8(`certificate ${round}`),
  };
}

export async function takeStep(storage, step) {
  await storage.commit(batchOf(step));
  if (step % CYCLE !== 0) return;
  await storage.setMeta("step", utf8(String(step)));
  await storage.putChunks(chunksOf(step));
  await storage.putCheckpoint(checkpointOf(step));
  // Of lanes less is ordered than there is.
  await storage.rebase(step, lanesUpTo(step - 2));
  const before = Math.max(0, step - CYCLE);
  await storage.prune({
    checkpointsBelow: before,
    keepChunks: new Uint8Array(),
    proofsUpTo: before,
    ledgerUpTo: before,
    batches: lanesUpTo(before),
  });
}

/** As a replica does at its start: makes what the tables lack from the inputs. Returns the number of the last step. */
export async function recoverAll(storage) {
  let step = storage.base()?.round ?? 0;
  if (storage.report.foreignEngine !== undefined) return step;
  const inputs = [...storage.inputs()].map((bytes) => new TextDecoder().decode(bytes));
  while (inputs.length > 0) {
    step++;
    for (const expected of batchOf(step).inputs) {
      const input = inputs.shift();
      if (input !== Buffer.concat(expected).toString()) throw new Error(`step ${step} has input ${input}`);
    }
    if (inputAfter(step) > storage.appliedInput) await storage.recover(inputAfter(step), batchOf(step));
  }
  return step;
}

/** What is wrong with a store in which `step` steps were taken, the last of them perhaps but for its checkpoint. */
export function differences(storage, step) {
  const found = [];
  const same = (what, actual, expected) => {
    if (actual === undefined || Buffer.compare(actual, expected) !== 0) found.push(what);
  };
  const base = storage.base();
  const baseRound = base?.round ?? 0;
  if (baseRound > step || baseRound < step - 2 * CYCLE + 1) found.push(`base ${baseRound}`);
  const inputs = [...storage.inputs()];
  for (let number = baseRound + 1; number <= step; number++) {
    const { inputs: expected, signed } = batchOf(number);
    for (const input of expected) same(`input of ${number}`, inputs.shift(), Buffer.concat(input));
    same(`lane ${number}`, storage.signed(`abc/lane/${number % 3}/${number}#batch`), signed[1].digest);
    same(`signed ${number}`, storage.signed(`abc/${number}#slot`), signed[0].digest);
  }
  if (inputs.length > 0) found.push(`${inputs.length} inputs too many`);
  const first = [...storage.ledger(1)][0]?.sequence ?? step + 1;
  if (first > Math.max(1, baseRound - CYCLE + 1)) found.push(`ledger from ${first}`);
  for (let number = first; number <= step; number++) {
    const { proofs, ledger } = batchOf(number);
    same(`entry ${number}`, storage.ledgerEntry(number)?.payload, ledger[0].payload);
    if (storage.ledgerEntry(number)?.timeMs !== ledger[0].timeMs) found.push(`time of entry ${number}`);
    const { channel, name, bytes } = laneBatchOf(number);
    same(`batch ${number}`, storage.batch(channel, name), bytes);
    same(`proof ${number}`, storage.proof("abc", number), proofs[0].envelope);
  }
  if ([...storage.ledger(1)].length !== step + 1 - first) found.push("gaps in the ledger");
  if (storage.signedCount(baseRound) !== step - baseRound) found.push(`signed ${storage.signedCount(baseRound)}`);
  if (step > 0 && Math.max(...storage.signedHeights().values()) !== step) found.push("heights of lanes");
  if (baseRound > 2 && storage.signed(`abc/lane/${(baseRound - 2) % 3}/${baseRound - 2}#batch`) !== undefined)
    found.push("ordered heights of lanes");
  if (storage.lastSignedRound() !== step) found.push(`last signed ${storage.lastSignedRound()}`);
  for (const { round, summary, chunkHashes, input, local, certificate } of storage.checkpoints()) {
    const expected = checkpointOf(round);
    same(`summary ${round}`, summary, expected.summary);
    same(`local ${round}`, local, expected.local);
    same(`hashes ${round}`, chunkHashes, expected.chunkHashes);
    same(`certificate ${round}`, certificate, expected.certificate);
    if (input !== expected.input) found.push(`input of checkpoint ${round}`);
    for (const { hash, bytes } of chunksOf(round)) same(`chunk of ${round}`, storage.chunk(hash), bytes);
  }
  return found;
}
