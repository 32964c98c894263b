/**
 * The ordered map, in pages. A read takes O(log pages + page); so does a write, but where it splits pages or makes two one.
 *
 * Where a page ends depends on what happened before, and is the same at all replicas that went through the same, since the
 * chunks of a snapshot say it, too.
 */
import { equalBytes } from "../../core/bytes.js";
import {
  areOne,
  decodePage,
  EMPTY_PAGE,
  type Entry,
  entryAt,
  entryBytes,
  joinPages,
  type Page,
  placeOf,
  replaceEntry,
  sideOf,
  splitPage,
} from "./page.js";

/** What all entries may take: each its key, its value and `ENTRY_OVERHEAD_BYTES`. */
export const MAX_STATE_BYTES = 256 * 1024 * 1024;
export const ENTRY_OVERHEAD_BYTES = 16;

export class Pages {
  /** At least one; their ranges are all keys, without gaps. No two neighbours `areOne`. */
  readonly #pages: Page[];
  #sizeBytes: number;

  private constructor(pages: Page[], sizeBytes: number) {
    this.#pages = pages;
    this.#sizeBytes = sizeBytes;
  }

  static empty(): Pages {
    return new Pages([EMPTY_PAGE], 0);
  }

  /** Copies the chunks. @throws Error when they are not those of one state */
  static of(chunks: Iterable<Uint8Array>): Pages {
    const pages: Page[] = [];
    let sizeBytes = 0;
    for (const chunk of chunks) {
      const page = decodePage(chunk.slice());
      const problem = page === undefined ? "is no page" : misplaced(pages.at(-1), page);
      if (page === undefined || problem !== undefined) throw new Error(`chunk ${pages.length} of the map ${problem}`);
      sizeBytes += entryBytes(page);
      if (sizeBytes > MAX_STATE_BYTES) throw new Error(`the map has more than ${MAX_STATE_BYTES} bytes`);
      pages.push(page);
    }
    if (pages.at(-1)?.to.length !== 0) throw new Error("the map's last chunk is missing");
    return new Pages(pages, sizeBytes);
  }

  get(key: Uint8Array): Entry | undefined {
    const page = this.pageOf(key);
    return entryAt(page, placeOf(page, key));
  }

  /** The page in whose range this key is; without bytes: the first. */
  pageOf(key: Uint8Array): Page {
    return this.#at(this.#indexOf(key));
  }

  /** Whether it was possible: false, and nothing is changed, when the state would become too large. */
  put(entry: Entry): boolean {
    return this.#replace(entry.key, entry);
  }

  delete(key: Uint8Array): void {
    this.#replace(key, undefined);
  }

  /** One for each page, in order; they never change. */
  chunks(): readonly Uint8Array[] {
    return this.#pages.map(({ chunk }) => chunk);
  }

  #replace(key: Uint8Array, entry: Entry | undefined): boolean {
    const index = this.#indexOf(key);
    const page = this.#at(index);
    const changed = replaceEntry(page, placeOf(page, key), entry);
    const sizeBytes = this.#sizeBytes - entryBytes(page) + entryBytes(changed);
    if (sizeBytes > MAX_STATE_BYTES) return false;
    this.#sizeBytes = sizeBytes;

    const first = Math.max(index - 1, 0);
    const neighbours = this.#pages.slice(first, index + 2);
    const pages = neighbours.flatMap((neighbour) => (neighbour === page ? splitPage(changed) : neighbour));
    this.#pages.splice(first, neighbours.length, ...joined(pages));
    return true;
  }

  #at(index: number): Page {
    const page = this.#pages[index];
    if (page === undefined) throw new Error(`the map has no page ${index}`);
    return page;
  }

  #indexOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#pages.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (sideOf(this.#at(middle), key) === "before") high = middle - 1;
      else low = middle;
    }
    return low;
  }
}

/** Why a page may not come after `previous`, or not first. */
function misplaced(previous: Page | undefined, page: Page): string | undefined {
  if (previous === undefined) return page.from.length === 0 ? undefined : "is not the first";
  if (previous.to.length === 0) return "comes after the last";
  if (!equalBytes(previous.to, page.from)) return "does not start where the one before ends";
  return areOne(previous, page) ? "is one with the one before" : undefined;
}

function joined(pages: readonly Page[]): Page[] {
  const result: Page[] = [];
  for (const page of pages) {
    const previous = result.at(-1);
    if (previous !== undefined && areOne(previous, page)) result[result.length - 1] = joinPages(previous, page);
    else result.push(page);
  }
  return result;
}
