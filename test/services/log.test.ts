import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, encode, struct, u64 } from "../../src/core/codec.js";
import { createLog } from "../../src/services/log/index.js";
import { applied, chunksOf, restored } from "./support/service.js";

const countCodec = struct({ operations: u64 });
const count = (operations: number) => encode(countCodec, { operations });

describe("the log", () => {
  it("counts whatever bytes it is given, also when it was restored on the way", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), fc.nat(), (operations, at) => {
        let log = createLog();
        for (const [index, operation] of operations.entries()) {
          if (index === at % operations.length) log = restored(createLog, chunksOf(log));
          expect(applied(log, index + 1, operation)).toEqual(new Uint8Array(0));
        }
        expect(log.query(new Uint8Array([7]))).toEqual(count(operations.length));
      }),
    );
  });

  it("answers from its chunk what it answers itself, and from nothing else", () => {
    const log = restored(createLog, [count(12)]);
    const [chunk = new Uint8Array()] = chunksOf(log);
    expect(log.answerFrom?.(chunk, new Uint8Array())).toEqual({ answer: log.query(new Uint8Array()) });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const answer = log.answerFrom?.(bytes, new Uint8Array());
        expect(answer).toEqual(decode(countCodec, bytes).ok ? { answer: bytes } : undefined);
      }),
    );
  });

  it.each([[], [count(1), count(2)], [new Uint8Array(7)]])("refuses chunks that are no snapshot", (...chunks) => {
    expect(() => createLog().restore(chunks)).toThrow("the log's snapshot is none");
  });
});
