/**
 * A page of the map: the entries of one range of keys, in the order of their keys' bytes, with the range.
 *
 * A page is its encoding, which never changes, and is a chunk of the snapshot as it stands. A change of an entry makes
 * another page: some KiB are copied, which takes less time than to decode them. Because the range is in
 * it, a page proves also that a key is absent.
 */
import { concat } from "../../core/bytes.js";
import { bytes, decode, encode, list, Reader, refine, struct, u32, u64, type Value } from "../../core/codec.js";

export const MAX_KEY_BYTES = 256;
export const MAX_VALUE_BYTES = 32 * 1024;
/** A page with more bytes of entries is split, unless it has one entry. */
export const PAGE_BYTES = 8 * 1024;
/** Neighbours that have no more than this together become one page. */
export const JOIN_BYTES = 4 * 1024;

export const keyCodec = refine(bytes(MAX_KEY_BYTES), (key) => (key.length > 0 ? undefined : "a key without bytes"));
/** A key, or no bytes for the start, or end, of all keys. */
export const boundCodec = bytes(MAX_KEY_BYTES);
export const valueCodec = bytes(MAX_VALUE_BYTES);

export const entryCodec = struct({
  key: keyCodec,
  /** The sequence number of the operation that wrote it. */
  version: u64,
  value: valueCodec,
});
export type Entry = Value<typeof entryCodec>;

const range = {
  /** The first key that may be here; no bytes: there is no page before. */
  from: boundCodec,
  /** The first key that is not here any more; no bytes: there is no page after. */
  to: boundCodec,
};
const headerCodec = struct({ ...range, count: u32 });
const pageCodec = struct({ ...range, entries: list(entryCodec, PAGE_BYTES) });

export interface Page {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  /** How many entries. */
  readonly count: number;
  /** Where they start in the chunk; they go to its end. */
  readonly entriesAt: number;
  readonly chunk: Uint8Array;
}

/** The place of an entry in its page's chunk; `start` is `end` where there is none. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

const NO_BYTES = new Uint8Array();
/** Of a map without entries. */
export const EMPTY_PAGE = makePage(NO_BYTES, NO_BYTES, 0, NO_BYTES);

function makePage(from: Uint8Array, to: Uint8Array, count: number, ...entries: readonly Uint8Array[]): Page {
  const header = encode(headerCodec, { from, to, count });
  return pageOf(concat(header, ...entries), from.length, to.length, count);
}

/** The page in a well-formed chunk. */
function pageOf(chunk: Uint8Array, fromBytes: number, toBytes: number, count: number): Page {
  const toAt = 4 + fromBytes + 4;
  return {
    from: chunk.subarray(4, 4 + fromBytes),
    to: chunk.subarray(toAt, toAt + toBytes),
    count,
    entriesAt: toAt + toBytes + 4,
    chunk,
  };
}

/** Total; the page keeps `chunk`. */
export function decodePage(chunk: Uint8Array): Page | undefined {
  const decoded = decode(pageCodec, chunk);
  if (!decoded.ok) return undefined;
  const { from, to, entries } = decoded.value;
  const page = pageOf(chunk, from.length, to.length, entries.length);
  if (entries.length === 0) return from.length === 0 && to.length === 0 ? page : undefined;
  if (entryBytes(page) > PAGE_BYTES && entries.length > 1) return undefined;
  const keys = entries.map(({ key }) => key);
  const isSorted = keys.every((key, index) => index === 0 || compareKeys(keys[index - 1] ?? NO_BYTES, key) < 0);
  return isSorted && keys.every((key) => sideOf(page, key) === "inside") ? page : undefined;
}

/** Where a key is when seen from this page. */
export function sideOf({ from, to }: Page, key: Uint8Array): "before" | "inside" | "after" {
  if (compareKeys(key, from) < 0) return "before";
  return to.length > 0 && compareKeys(key, to) >= 0 ? "after" : "inside";
}

export function entryBytes({ chunk, entriesAt }: Page): number {
  return chunk.length - entriesAt;
}

/** The place of the entry with this key, or where it would be. */
export function placeOf({ chunk, entriesAt }: Page, key: Uint8Array): Place {
  let start = entriesAt;
  while (start < chunk.length) {
    const order = compareKeyAt(chunk, start, key);
    if (order === 0) return { start, end: endOfEntry(chunk, start) };
    if (order > 0) break;
    start = endOfEntry(chunk, start);
  }
  return { start, end: start };
}

/** The entry there. */
export function entryAt({ chunk }: Page, { start, end }: Place): Entry | undefined {
  return start === end ? undefined : entryCodec.read(new Reader(chunk.subarray(start, end)));
}

/** Up to `limit` entries with keys from this one on, and the key to go on from; no bytes when these are the last of all. */
export function entriesFrom(
  page: Page,
  from: Uint8Array,
  limit: number,
): { readonly entries: readonly Entry[]; readonly next: Uint8Array } {
  const { chunk, to } = page;
  const entries: Entry[] = [];
  let { start } = placeOf(page, from);
  while (start < chunk.length && entries.length < limit) {
    const end = endOfEntry(chunk, start);
    const entry = entryAt(page, { start, end });
    if (entry !== undefined) entries.push(entry);
    start = end;
  }
  return { entries, next: start < chunk.length ? keyAt(chunk, start) : to };
}

/** The page with `entry`, or nothing, at that place. */
export function replaceEntry(page: Page, { start, end }: Place, entry: Entry | undefined): Page {
  const { from, to, count, entriesAt, chunk } = page;
  const written = entry === undefined ? NO_BYTES : encode(entryCodec, entry);
  const newCount = count - (start === end ? 0 : 1) + (entry === undefined ? 0 : 1);
  return makePage(from, to, newCount, chunk.subarray(entriesAt, start), written, chunk.subarray(end));
}

/** As many pages as it takes, none of them too large. */
export function splitPage(page: Page): readonly Page[] {
  const { from, to, count, entriesAt, chunk } = page;
  if (entryBytes(page) <= PAGE_BYTES || count === 1) return [page];
  // Between the two entries that are next to the middle, the first of them being on the left in any case.
  const middle = entriesAt + entryBytes(page) / 2;
  let cut = endOfEntry(chunk, entriesAt);
  let countOnTheLeft = 1;
  for (let end = endOfEntry(chunk, cut); end <= middle; end = endOfEntry(chunk, end)) {
    cut = end;
    countOnTheLeft++;
  }
  const border = keyAt(chunk, cut);
  const left = makePage(from, border, countOnTheLeft, chunk.subarray(entriesAt, cut));
  const right = makePage(border, to, count - countOnTheLeft, chunk.subarray(cut));
  return [...splitPage(left), ...splitPage(right)];
}

/** Whether these neighbours have to be one page. */
export function areOne(left: Page, right: Page): boolean {
  return left.count === 0 || right.count === 0 || entryBytes(left) + entryBytes(right) <= JOIN_BYTES;
}

export function joinPages(left: Page, right: Page): Page {
  const entries = [left.chunk.subarray(left.entriesAt), right.chunk.subarray(right.entriesAt)];
  return makePage(left.from, right.to, left.count + right.count, ...entries);
}

/** The order of bytes; of two keys that start the same, the shorter is first. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let index = 0; index < common; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** `compareKeys` of the key of the entry at `start` and another, without a view for each. */
function compareKeyAt(chunk: Uint8Array, start: number, key: Uint8Array): number {
  const keyBytes = u32At(chunk, start);
  const common = Math.min(keyBytes, key.length);
  for (let index = 0; index < common; index++) {
    const difference = (chunk[start + 4 + index] ?? 0) - (key[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return keyBytes - key.length;
}

function keyAt(chunk: Uint8Array, start: number): Uint8Array {
  return chunk.subarray(start + 4, start + 4 + u32At(chunk, start));
}

/** As `entryCodec` writes it: the key and its length, eight bytes, the value and its length. */
function endOfEntry(chunk: Uint8Array, start: number): number {
  const valueAt = start + 4 + u32At(chunk, start) + 8;
  return valueAt + 4 + u32At(chunk, valueAt);
}

/** Below 2^24, as all lengths are. */
function u32At(chunk: Uint8Array, offset: number): number {
  return ((chunk[offset + 1] ?? 0) << 16) | ((chunk[offset + 2] ?? 0) << 8) | (chunk[offset + 3] ?? 0);
}
