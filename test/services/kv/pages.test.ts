import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/core/bytes.js";
import {
  createKv,
  ENTRY_OVERHEAD_BYTES,
  JOIN_BYTES,
  type KvEntry,
  MAX_STATE_BYTES,
  MAX_VALUE_BYTES,
  PAGE_BYTES,
} from "../../../src/services/kv/index.js";
import { decodePage, entryBytes, type Page } from "../../../src/services/kv/page.js";
import type { Service } from "../../../src/services/service.js";
import { chunksOf, restored, shown } from "../support/service.js";
import { anyIntent, ask, chunkWith, kvWith, Model, NO_BYTES } from "./support.js";

const none = { kind: "none" } as const;
const keys = Array.from({ length: 300 }, (_, index) => utf8(`key ${String(index).padStart(3, "0")}`));

function pagesOf(kv: Service): readonly Page[] {
  return chunksOf(kv).map((chunk) => {
    const page = decodePage(chunk);
    if (page === undefined) throw new Error("a chunk that is no page");
    return page;
  });
}

describe("pages", () => {
  it("are neither too large nor too small, and neighbours meet, whatever happens", () => {
    fc.assert(
      fc.property(fc.array(anyIntent, { maxLength: 60, size: "max" }), (intents) => {
        const kv = createKv();
        const model = new Model();
        for (const [index, intent] of intents.entries()) {
          const operation = model.operationFor(intent);
          model.apply(index, operation);
          ask(kv, index, operation);
          const pages = pagesOf(kv);
          for (const [at, page] of pages.entries()) {
            expect(entryBytes(page) <= PAGE_BYTES || page.count === 1).toBe(true);
            const previous = pages[at - 1];
            expect(shown(page.from)).toBe(shown(previous?.to ?? NO_BYTES));
            if (previous === undefined) continue;
            expect(Math.min(page.count, previous.count)).toBeGreaterThan(0);
            expect(entryBytes(page) + entryBytes(previous)).toBeGreaterThan(JOIN_BYTES);
          }
          expect(pages.at(-1)?.to.length).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("are few again when the entries are gone, in any order", () => {
    for (const order of [
      keys,
      keys.toReversed(),
      keys.filter((_, i) => i % 2 === 0).concat(keys.filter((_, i) => i % 2 === 1)),
    ]) {
      const kv = kvWith(keys, 100);
      expect(chunksOf(kv).length).toBeGreaterThan(3);
      for (const key of order) expect(ask(kv, 1000, { kind: "delete", key, condition: none }).kind).toBe("deleted");
      expect(shown(chunksOf(kv))).toEqual(shown(chunksOf(createKv())));
    }
  });
});

describe("a snapshot of the map", () => {
  const chunks = chunksOf(kvWith(keys, 100));
  const [first = NO_BYTES, second = NO_BYTES, third = NO_BYTES] = chunks;
  const last = chunks.at(-1) ?? NO_BYTES;
  const b = utf8("b");
  const whole = (key: string, valueBytes = 4000): KvEntry => ({
    key: utf8(key),
    version: 1,
    value: new Uint8Array(valueBytes),
  });

  it.each<[string, string, Iterable<Uint8Array>]>([
    ["nothing", "the map's last chunk is missing", []],
    ["all but the last", "the map's last chunk is missing", chunks.slice(0, -1)],
    ["all but the first", "chunk 0 of the map is not the first", chunks.slice(1)],
    ["all but the second", "chunk 1 of the map does not start where the one before ends", [first, third]],
    ["the first twice", "chunk 1 of the map does not start where the one before ends", [first, first]],
    ["two in the wrong order", "chunk 1 of the map does not start where the one before ends", [first, third, second]],
    ["one after the last", `chunk ${chunks.length} of the map comes after the last`, [...chunks, last]],
    [
      "two that are all",
      "chunk 1 of the map comes after the last",
      [chunkWith(NO_BYTES, NO_BYTES, [whole("a")]), chunkWith(NO_BYTES, NO_BYTES, [whole("c")])],
    ],
    ["what is no page", "chunk 1 of the map is no page", [first, second.subarray(1)]],
    [
      "two that should be one",
      "chunk 1 of the map is one with the one before",
      [chunkWith(NO_BYTES, b, [whole("a", 100)]), chunkWith(b, NO_BYTES, [whole("c", 100)])],
    ],
  ])("is refused, and changes nothing: %s", (_, problem, hostile) => {
    const kv = restored(createKv, chunks);
    expect(() => kv.restore(hostile)).toThrow(problem);
    expect(shown(chunksOf(kv))).toEqual(shown(chunks));
  });

  it("is taken when it is whole", () => {
    expect(shown(chunksOf(restored(createKv, chunks)))).toEqual(shown(chunks));
    const two = [chunkWith(NO_BYTES, b, [whole("a")]), chunkWith(b, NO_BYTES, [whole("c")])];
    expect(shown(chunksOf(restored(createKv, two)))).toEqual(shown(two));
  });
});

describe("the state", () => {
  const KEY_BYTES = 4;
  const LARGEST = KEY_BYTES + ENTRY_OVERHEAD_BYTES + MAX_VALUE_BYTES;
  const key = (index: number): Uint8Array => Uint8Array.of(1, index >>> 16, index >>> 8, index);
  const count = Math.floor(MAX_STATE_BYTES / LARGEST);
  const rest = MAX_STATE_BYTES - count * LARGEST - KEY_BYTES - ENTRY_OVERHEAD_BYTES;
  const value = new Uint8Array(MAX_VALUE_BYTES);

  /** As many of the largest entries as there is room for, and one that takes the rest and `more`; made while they are read. */
  function* chunksWith(more: number): Iterable<Uint8Array> {
    for (let index = 0; index < count; index++) {
      yield chunkWith(index === 0 ? NO_BYTES : key(index), key(index + 1), [{ key: key(index), version: 1, value }]);
    }
    yield chunkWith(key(count), NO_BYTES, [{ key: key(count), version: 1, value: new Uint8Array(rest + more) }]);
  }

  it("has a bound, and takes no write that would exceed it", () => {
    const kv = createKv();
    kv.restore(chunksWith(0));
    const put = (name: Uint8Array, bytes: number) =>
      ask(kv, 5, { kind: "put", key: name, condition: none, value: new Uint8Array(bytes) }).kind;
    expect(put(Uint8Array.of(0), 0)).toBe("full");
    expect(ask(kv, 6, { kind: "get", key: Uint8Array.of(0) })).toEqual({ kind: "absent" });
    expect(put(key(count), rest + 1)).toBe("full");
    expect(put(key(0), MAX_VALUE_BYTES)).toBe("written");
    expect(put(key(0), MAX_VALUE_BYTES - 100)).toBe("written");
    expect(put(key(count), rest + 101)).toBe("full");
    expect(put(key(count), rest + 100)).toBe("written");
    expect(ask(kv, 7, { kind: "delete", key: key(0), condition: none }).kind).toBe("deleted");
    expect(put(Uint8Array.of(0), MAX_VALUE_BYTES - 100)).toBe("written");
    expect(() => createKv().restore(chunksWith(1))).toThrow(`the map has more than ${MAX_STATE_BYTES} bytes`);
  });
});
