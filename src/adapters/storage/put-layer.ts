/** Writes the rows of a layer into the tables, in the transaction that is under way. */
import { encode } from "../../core/codec.js";
import { signedKey } from "./reader.js";
import { type Tables, batchHeadCodec, batchKey, ledgerHeadCodec } from "./tables.js";
import type { Layer } from "./write-behind.js";

/** `midway`: called between two of them. */
export function putLayer(tables: Tables, layer: Layer, midway: () => void): void {
  for (const [slot, digest] of layer.signed) tables.signed.put(signedKey(slot), digest);
  for (const { channel, round, envelope } of layer.proofs.values()) tables.proofs.put([round, channel], envelope);
  midway();
  for (const { sequence, payload, ...row } of layer.ledger.values())
    tables.ledger.put(sequence, encode(ledgerHeadCodec, { ...row, payloadBytes: payload.length }), payload);
  for (const { channel, name, bytes } of layer.batches.values()) {
    const head = encode(batchHeadCodec, { digest: name.digest, sizeBytes: bytes.length });
    tables.batches.put(batchKey(channel, name), head, bytes);
  }
  for (const [round, certificate] of layer.certificates) tables.certificates.put(round, certificate);
}
