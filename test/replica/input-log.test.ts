import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat } from "../../src/core/bytes.js";
import { EncodeError } from "../../src/core/codec.js";
import type { Input } from "../../src/core/engine.js";
import { MAX_PAYLOAD_BYTES } from "../../src/protocols/index.js";
import { decodeInput, encodeInput } from "../../src/replica/input-log.js";

fc.configureGlobal({ seed: 20 });

const tag = fc.constantFrom("abc", "abc/1", "abc/7/mvba/aba/1/2");
const body = fc.uint8Array({ maxLength: 300 });
const anyInput: fc.Arbitrary<Input> = fc.oneof(
  fc.record({ kind: fc.constant("message" as const), from: fc.nat(255), envelope: fc.record({ tag, body }) }),
  fc.record({ kind: fc.constant("submit" as const), channel: tag, payload: body }),
  fc.record({ kind: fc.constant("configure" as const), channel: tag, settings: body }),
  fc.record({ kind: fc.constant("clock" as const), channel: tag, nowMs: fc.maxSafeNat() }),
  fc.record({
    kind: fc.constant("checkpoint" as const),
    channel: tag,
    round: fc.maxSafeNat(),
    digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  }),
);

const recordOf = (input: Input): Uint8Array => concat(...encodeInput(input));

describe("the input log's records", () => {
  it("give back what was written", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        expect(decodeInput(recordOf(input))).toEqual(input);
      }),
    );
  });

  it("are refused when damaged: an error that says so, or another record that is written exactly so", () => {
    const damage = fc.record({ at: fc.nat(), value: fc.nat(255), cut: fc.option(fc.nat()) });
    fc.assert(
      fc.property(anyInput, damage, (input, { at, value, cut }) => {
        const record = recordOf(input);
        record[at % record.length] = value;
        const damaged = cut === null ? record : record.subarray(0, cut % record.length);
        let read: Input;
        try {
          read = decodeInput(damaged);
        } catch (error) {
          expect(String(error)).toMatch(/a record of the input log is damaged/);
          return;
        }
        expect(recordOf(read)).toEqual(damaged);
      }),
      { numRuns: 500 },
    );
  });

  it("hold the greatest payload and nothing above it", () => {
    const submit = (sizeBytes: number): Input => ({
      kind: "submit",
      channel: "abc",
      payload: new Uint8Array(sizeBytes),
    });
    expect(decodeInput(recordOf(submit(MAX_PAYLOAD_BYTES)))).toEqual(submit(MAX_PAYLOAD_BYTES));
    expect(() => encodeInput(submit(MAX_PAYLOAD_BYTES + 1))).toThrow(EncodeError);
  });
});
