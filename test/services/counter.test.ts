import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Value, encode, struct, u64 } from "../../src/core/codec.js";
import {
  type CounterOperation,
  type CounterReply,
  createCounter,
  decodeCounterReply,
  encodeCounterOperation,
} from "../../src/services/counter/index.js";
import type { Service } from "../../src/services/service.js";
import { applied, chunksOf, mutation, restored } from "./support/service.js";

const read = encodeCounterOperation({ kind: "read" });
const stateCodec = struct({ total: u64 });
const chunkOf = (state: Value<typeof stateCodec>) => encode(stateCodec, state);

function reply(bytes: Uint8Array): CounterReply | undefined {
  const decoded = decodeCounterReply(bytes);
  return decoded.ok ? decoded.value : undefined;
}

function ask(service: Service, operation: CounterOperation): CounterReply | undefined {
  return reply(applied(service, 1, encodeCounterOperation(operation)));
}

const anyOperation: fc.Arbitrary<CounterOperation> = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), delta: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.constant({ kind: "read" as const }),
);

describe("the counter", () => {
  it("adds up as numbers do, also when it was restored on the way", () => {
    fc.assert(
      fc.property(fc.array(anyOperation), fc.nat(), (operations, at) => {
        const counter = createCounter();
        let other = createCounter();
        let total = 0;
        for (const [index, operation] of operations.entries()) {
          if (index === at % operations.length) other = restored(createCounter, chunksOf(counter));
          if (operation.kind === "add") total += operation.delta;
          expect(ask(counter, operation)).toEqual({ kind: "total", total });
          ask(other, operation);
          if (index >= at % operations.length) expect(chunksOf(other)).toEqual(chunksOf(counter));
        }
        expect(reply(counter.query(read))).toEqual({ kind: "total", total });
      }),
    );
  });

  it("adds up to 2^53-1 and no further", () => {
    const total = Number.MAX_SAFE_INTEGER;
    const counter = restored(createCounter, [chunkOf({ total: total - 5 })]);
    expect(ask(counter, { kind: "add", delta: 6 })).toEqual({ kind: "overflow", total: total - 5 });
    expect(ask(counter, { kind: "add", delta: 5 })).toEqual({ kind: "total", total });
    expect(ask(counter, { kind: "add", delta: 1 })).toEqual({ kind: "overflow", total });
    expect(ask(counter, { kind: "read" })).toEqual({ kind: "total", total });
  });

  it("answers from its chunk what it answers itself", () => {
    const counter = createCounter();
    ask(counter, { kind: "add", delta: 7 });
    const [chunk = new Uint8Array()] = chunksOf(counter);
    expect(createCounter().answerFrom?.(chunk, read)).toEqual({ answer: counter.query(read) });
    expect(reply(counter.query(read))).toEqual({ kind: "total", total: 7 });
    expect(createCounter().answerFrom?.(chunk.subarray(1), read)).toBeUndefined();
  });

  it("answers hostile bytes, and stays as it is", () => {
    const encoded = anyOperation.map(encodeCounterOperation);
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 20 }), mutation(encoded)), (hostile) => {
        const counter = createCounter();
        ask(counter, { kind: "add", delta: 7 });
        const before = chunksOf(counter);
        const answered = reply(applied(counter, 2, hostile));
        expect(answered?.kind === "malformed").toBe(counter.validate?.(hostile) === false);
        if (answered?.kind === "malformed") expect(chunksOf(counter)).toEqual(before);

        expect(["total", "malformed"]).toContain(reply(counter.query(hostile))?.kind);
        expect(decodeCounterReply(hostile).ok).toBeTypeOf("boolean");
        const answer = counter.answerFrom?.(hostile, read);
        expect(answer === undefined).toBe(hostile.length !== 8 || hostile[0] !== 0 || (hostile[1] ?? 0) >= 0x20);
      }),
      { numRuns: 1000 },
    );
  });

  it("answers a query only that reads", () => {
    expect(reply(createCounter().query(encodeCounterOperation({ kind: "add", delta: 1 })))?.kind).toBe("malformed");
  });

  it("refuses what is no snapshot, and stays as it is", () => {
    const counter = restored(createCounter, [chunkOf({ total: 3 })]);
    const chunk = chunkOf({ total: 4 });
    for (const chunks of [[], [chunk, chunk], [chunk.subarray(1)], [new Uint8Array(9)]]) {
      expect(() => counter.restore(chunks)).toThrow("snapshot is none");
    }
    expect(reply(counter.query(read))).toEqual({ kind: "total", total: 3 });
  });
});
