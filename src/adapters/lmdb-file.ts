/** Is this an LMDB file at all? The library does not ask: it crashes the process on one that is empty, cut off or overwritten. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** A database begins with two meta pages; each has the magic number and the page size at these offsets (lmdb 3.5). */
const MAGIC = 0xbeefc0de;
const MAGIC_OFFSET = 24;
const PAGE_SIZE_OFFSET = 48;
const META_BYTES = 256;

/** Looks at the two meta pages only: damage further on shows when it is read. */
export function beginsLikeLmdb(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const meta = Buffer.alloc(META_BYTES);
    const hasMagicAt = (offset: number): boolean =>
      readSync(file, meta, 0, META_BYTES, offset) === META_BYTES && meta.readUInt32LE(MAGIC_OFFSET) === MAGIC;
    if (!hasMagicAt(0)) return false;
    const pageBytes = meta.readUInt32LE(PAGE_SIZE_OFFSET);
    return fstatSync(file).size >= 2 * pageBytes && hasMagicAt(pageBytes);
  } finally {
    closeSync(file);
  }
}
