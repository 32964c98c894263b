/** What of the rows that a commit or a replay brings is not in the store yet. */
import { equalBytes, toHex } from "../../core/bytes.js";
import { type Rows, isSameEntry } from "../../replica/storage.js";
import { StorageError } from "./errors.js";
import type { Reader } from "./reader.js";
import { MAX_LEDGER_PAYLOAD_BYTES } from "./tables.js";

/** @throws StorageError on what contradicts what is there. @param lastSequence of the ledger; 0: it is empty */
export function newRows(reader: Reader, lastSequence: number, rows: Rows): Rows {
  const signed = rows.signed.filter(({ slot, digest }) => {
    const earlier = reader.signed(slot);
    if (earlier !== undefined && !equalBytes(earlier, digest)) {
      throw new StorageError(`slot ${slot} signed twice: ${toHex(earlier)} and ${toHex(digest)}`);
    }
    return earlier === undefined;
  });
  let last = lastSequence;
  const ledger = rows.ledger.filter((entry) => {
    const { sequence, payload } = entry;
    if (last === 0 || sequence === last + 1) {
      // Before anything is written.
      if (payload.length > MAX_LEDGER_PAYLOAD_BYTES)
        throw new StorageError(`ledger entry ${sequence} has ${payload.length} bytes, above the bound`);
      last = sequence;
      return true;
    }
    const earlier = reader.ledgerEntry(sequence);
    const isSame = earlier === undefined || isSameEntry(earlier, entry);
    if (sequence > last || !isSame) throw new StorageError(`ledger entry ${sequence} after ${last}`);
    return false;
  });
  return { ...rows, signed, ledger };
}
