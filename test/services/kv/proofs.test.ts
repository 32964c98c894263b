import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/core/bytes.js";
import { createKv, encodeKvQuery, type KvEntry, type KvQuery, PAGE_BYTES } from "../../../src/services/kv/index.js";
import type { ChunkAnswer, Service } from "../../../src/services/service.js";
import { chunksOf, mutation, shown } from "../support/service.js";
import { answerOf, anyIntent, anyKey, ask, chunkWith, kvWith, Model, NO_BYTES } from "./support.js";

const reader = createKv();

function answerFrom(chunk: Uint8Array, query: KvQuery): ChunkAnswer | undefined {
  return reader.answerFrom?.(chunk, encodeKvQuery(query));
}

const anyState: fc.Arbitrary<Service> = fc.array(anyIntent, { maxLength: 100, size: "max" }).map((intents) => {
  const kv = createKv();
  const model = new Model();
  for (const [index, intent] of intents.entries()) {
    const operation = model.operationFor(intent);
    model.apply(index, operation);
    ask(kv, index, operation);
  }
  return kv;
});

const anyQuery: fc.Arbitrary<KvQuery> = fc.oneof(
  anyKey.map((key) => ({ kind: "get" as const, key })),
  fc.record({
    kind: fc.constant("range" as const),
    from: fc.oneof(anyKey, fc.constant(NO_BYTES)),
    limit: fc.integer({ min: 1, max: 10 }),
  }),
);

/** As a client looks for the chunk that answers; how many it asked for. */
function search(chunks: readonly Uint8Array[], query: KvQuery): { answer: Uint8Array | undefined; asked: number } {
  let low = 0;
  let high = chunks.length - 1;
  for (let asked = 1; low <= high; asked++) {
    const middle = (low + high) >>> 1;
    const found = answerFrom(chunks[middle] ?? NO_BYTES, query);
    if (typeof found === "object") return { answer: found.answer, asked };
    if (found === "before") high = middle - 1;
    else low = middle + 1;
  }
  return { answer: undefined, asked: 0 };
}

describe("a chunk", () => {
  it("answers what its service answers, if it is the one, and else says where that is", () => {
    fc.assert(
      fc.property(anyState, fc.array(anyQuery, { minLength: 1 }), (kv, queries) => {
        const chunks = chunksOf(kv);
        for (const query of queries) {
          const found = chunks.map((chunk) => answerFrom(chunk, query));
          const at = found.findIndex((answer) => typeof answer === "object");
          expect(shown(found)).toEqual(
            chunks.map((_, index) => {
              if (index === at) return shown({ answer: kv.query(encodeKvQuery(query)) });
              return index < at ? "after" : "before";
            }),
          );
          expect(at).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is found by halving", () => {
    const keys = Array.from({ length: 1000 }, (_, index) => utf8(`key ${String(index).padStart(4, "0")}`));
    const kv = kvWith(
      keys.filter((_, index) => index % 2 === 0),
      200,
    );
    const chunks = chunksOf(kv);
    expect(chunks.length).toBeGreaterThan(10);
    for (const key of keys) {
      const { answer, asked } = search(chunks, { kind: "get", key });
      expect(shown(answer)).toBe(shown(kv.query(encodeKvQuery({ kind: "get", key }))));
      expect(asked).toBeLessThanOrEqual(Math.ceil(Math.log2(chunks.length + 1)));
    }
  });

  it("answers nothing when it is not as this service makes chunks", () => {
    const [a, b, c, d] = ["a", "b", "c", "d"].map((key): KvEntry => ({ key: utf8(key), version: 1, value: utf8("v") }));
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error("four keys");
    const large = (entry: KvEntry, valueBytes: number): KvEntry => ({ ...entry, value: new Uint8Array(valueBytes) });
    const query: KvQuery = { kind: "get", key: b.key };
    const accepted: readonly [string, Uint8Array][] = [
      ["two entries", chunkWith(b.key, d.key, [b, c])],
      ["as much as a page has", chunkWith(NO_BYTES, NO_BYTES, [large(a, PAGE_BYTES - 35), b])],
      ["one large entry", chunkWith(NO_BYTES, NO_BYTES, [large(b, 32 * 1024)])],
      ["no entries at all", chunkWith(NO_BYTES, NO_BYTES, [])],
    ];
    for (const [name, chunk] of accepted) expect(answerFrom(chunk, query), name).toBeTypeOf("object");
    const refused: readonly [string, Uint8Array][] = [
      ["a key before the range", chunkWith(b.key, d.key, [a, b])],
      ["a key after the range", chunkWith(a.key, c.key, [b, c])],
      ["keys out of order", chunkWith(NO_BYTES, NO_BYTES, [c, b])],
      ["a key twice", chunkWith(NO_BYTES, NO_BYTES, [b, b])],
      ["a range without entries", chunkWith(a.key, c.key, [])],
      ["the first range without entries", chunkWith(NO_BYTES, c.key, [])],
      ["the last range without entries", chunkWith(a.key, NO_BYTES, [])],
      ["more than a page has", chunkWith(NO_BYTES, NO_BYTES, [large(a, PAGE_BYTES - 34), b])],
      ["a key without bytes", chunkWith(NO_BYTES, NO_BYTES, [{ ...a, key: NO_BYTES }, b])],
      ["a key that is too long", chunkWith(NO_BYTES, NO_BYTES, [{ ...c, key: new Uint8Array(257).fill(0x63) }])],
      ["a value that is too large", chunkWith(NO_BYTES, NO_BYTES, [large(b, 32 * 1024 + 1)])],
      ["a bound that is too long", chunkWith(NO_BYTES, new Uint8Array(257).fill(0xff), [b])],
      ["one byte more", Uint8Array.of(...chunkWith(b.key, d.key, [b, c]), 0)],
      ["nothing", NO_BYTES],
    ];
    for (const [name, chunk] of refused) expect(answerFrom(chunk, query), name).toBeUndefined();
  });

  it("answers no bytes that are no query", () => {
    const [chunk = NO_BYTES] = chunksOf(createKv());
    expect(reader.answerFrom?.(chunk, NO_BYTES)).toBeUndefined();
    expect(reader.answerFrom?.(chunk, Uint8Array.of(7))).toBeUndefined();
  });

  it("is read whatever bytes it has", () => {
    const [chunk = NO_BYTES] = chunksOf(kvWith([utf8("a"), utf8("b"), utf8("c")], 10));
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 60 }), mutation(fc.constant(chunk))),
        anyQuery,
        (hostile, query) => {
          const found = answerFrom(hostile, query);
          if (typeof found === "object")
            expect(["absent", "present", "entries"]).toContain(answerOf(found.answer).kind);
          else expect(["before", "after", undefined]).toContain(found);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
