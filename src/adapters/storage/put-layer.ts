/** Writes the rows of a layer into the tables, in the transaction that is under way. */
import { encode } from "../../core/codec.js";
import type { FiledBatch } from "./batch-format.js";
import { signedKey } from "./reader.js";
import { type Tables, batchCodec, batchKey, ledgerHeadCodec } from "./tables.js";
import type { Layer } from "./write-behind.js";

/** `midway`: called between two of them. Returns batches in files of which the rows are no more. */
export function putLayer(tables: Tables, layer: Layer, midway: () => void): readonly FiledBatch[] {
  // Before anything is changed: reading may find damage.
  const replaced = [
    ...layer.replaced,
    ...filedIn(
      tables,
      [...layer.batches.values()].map(({ channel, name }) => batchKey(channel, name)),
    ),
  ];
  for (const [slot, digest] of layer.signed) tables.signed.put(signedKey(slot), digest);
  for (const { channel, round, envelope } of layer.proofs.values()) tables.proofs.put([round, channel], envelope);
  midway();
  for (const { sequence, payload, ...row } of layer.ledger.values())
    tables.ledger.put(sequence, encode(ledgerHeadCodec, { ...row, payloadBytes: payload.length }), payload);
  for (const { channel, name, row } of layer.batches.values())
    tables.batches.put(batchKey(channel, name), encode(batchCodec, row));
  for (const [round, certificate] of layer.certificates) tables.certificates.put(round, certificate);
  return replaced;
}

/** Those batches of the rows with these keys that are in files. */
export function filedIn(tables: Tables, keys: readonly [number, string][]): readonly FiledBatch[] {
  return keys.flatMap((key) => {
    const value = tables.batches.get(key);
    const row = value === undefined ? undefined : tables.batches.decode(batchCodec, key, value);
    return row?.kind === "filed" ? [row] : [];
  });
}
