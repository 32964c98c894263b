/** Writes the rows of a layer into the tables, in the transaction that is under way. */
import { encode } from "../../core/codec.js";
import { signedKey } from "./reader.js";
import { type Tables, batchCodec, batchKey, ledgerCodec } from "./tables.js";
import type { Layer } from "./write-behind.js";

/** `midway`: called between two of them. */
export function putLayer(tables: Tables, layer: Layer, midway: () => void): void {
  for (const [slot, digest] of layer.signed) tables.signed.put(signedKey(slot), digest);
  for (const { channel, round, envelope } of layer.proofs.values()) tables.proofs.put([round, channel], envelope);
  midway();
  for (const entry of layer.ledger.values()) tables.ledger.put(entry.sequence, encode(ledgerCodec, entry));
  for (const { channel, name, bytes } of layer.batches.values())
    tables.batches.put(batchKey(channel, name), encode(batchCodec, { digest: name.digest, bytes }));
  for (const [round, certificate] of layer.certificates) tables.certificates.put(round, certificate);
}
