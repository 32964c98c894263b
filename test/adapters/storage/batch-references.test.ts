import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlacedBatch } from "../../../src/adapters/storage/batch-files.js";
import { withReferences } from "../../../src/adapters/storage/batch-references.js";
import { BEGINNING, encodeRecord, inputsOfBody } from "../../../src/adapters/storage/log-format.js";
import { concat } from "../../../src/core/bytes.js";

const memory = Uint8Array.from({ length: 100 }, (_, index) => index);

function placed(start: number, end: number, of = memory, isFiled = true): PlacedBatch {
  const digest = new Uint8Array(32).fill(start);
  const filed = { digest, file: 1, offset: 44 + start, sizeBytes: end - start, crc: 7 };
  return {
    channel: "abc",
    name: { lane: 2, height: 1 + start, digest },
    bytes: of.subarray(start, end),
    filed: isFiled ? filed : undefined,
  };
}

const head = new Uint8Array([200, 201]);

describe("an input", () => {
  it("has the place of a batch instead of the bytes of which the batch is a view", () => {
    const [first, second] = [placed(20, 60), placed(60, 90)];
    const inputs = [[head, memory.subarray(10, 70), head], [memory.subarray(60, 90)]];
    expect(withReferences(inputs, [first, second])).toEqual([
      { before: [head, memory.subarray(10, 20)], batch: first.filed, after: [memory.subarray(60, 70), head] },
      { before: [memory.subarray(60, 60)], batch: second.filed, after: [memory.subarray(90, 90)] },
    ]);
  });

  it("stays as it is where a batch is beside it, across its ends, elsewhere, or in no file", () => {
    const inputs = [[head, memory.subarray(10, 50)]];
    const others = [
      placed(60, 70),
      placed(5, 20),
      placed(40, 51),
      placed(20, 30, memory.slice()),
      placed(20, 30, memory, false),
    ];
    for (const other of others)
      expect(withReferences(inputs, [other])).toEqual([{ before: inputs[0], batch: undefined, after: [] }]);
  });

  it("comes out of a record as it went in", () => {
    const bytes = fc.uint8Array({ maxLength: 20 });
    const batch = fc.record({
      digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      file: fc.nat(),
      offset: fc.nat(),
      sizeBytes: fc.nat({ max: 1000 }),
      crc: fc.nat(),
    });
    const input = fc.oneof(
      fc.record({ before: fc.array(bytes), batch: fc.constant(undefined), after: fc.constant([]) }),
      fc.record({ before: fc.array(bytes), batch, after: fc.array(bytes) }),
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 5 }), (inputs) => {
        const { pieces } = encodeRecord(new Uint8Array(16), BEGINNING, inputs);
        const body = concat(...pieces).subarray(64);
        const read = inputsOfBody(body, inputs.length);
        expect(read?.map(({ before, batch: found, after }) => [concat(...before), found, concat(...after)])).toEqual(
          inputs.map(({ before, batch: found, after }) => [concat(...before), found, concat(...after)]),
        );
        expect(inputsOfBody(body, inputs.length + 1)).toBeUndefined();
        if (inputs.length > 0) expect(inputsOfBody(body, inputs.length - 1)).toBeUndefined();
      }),
    );
  });

  it("that neither has a batch nor has none is no input", () => {
    expect(inputsOfBody(new Uint8Array([0, 0, 0, 0, 0]), 1)).toHaveLength(1);
    expect(inputsOfBody(new Uint8Array([0, 0, 0, 0, 2]), 1)).toBeUndefined();
  });
});
