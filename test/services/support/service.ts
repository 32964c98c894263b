/** What the tests of services share. */
import fc from "fast-check";
import { expect } from "vitest";
import { concat, equalBytes } from "../../../src/core/bytes.js";
import { type ApplyContext, MAX_CHUNK_BYTES, MAX_REPLY_BYTES, type Service } from "../../../src/services/service.js";

export function contextAt(sequence: number, client: Uint8Array = new Uint8Array(32)): ApplyContext {
  return { sequence, index: 0, round: sequence, roundTimeMs: undefined, client };
}

/** Applies, and checks what the contract says of any operation: the reply's size, and that the bytes may be reused. */
export function applied(service: Service, sequence: number, operation: Uint8Array): Uint8Array {
  const buffer = operation.slice();
  const reply = service.apply(contextAt(sequence), buffer);
  expect(equalBytes(buffer, operation)).toBe(true);
  buffer.fill(0xee);
  expect(reply.length).toBeLessThanOrEqual(MAX_REPLY_BYTES);
  return reply.slice();
}

export function chunksOf(service: Service): readonly Uint8Array[] {
  const chunks = [...service.snapshot()];
  for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(MAX_CHUNK_BYTES);
  return chunks;
}

/** Another service in the same state. The chunks that it was restored from are not its own. */
export function restored(create: () => Service, chunks: Iterable<Uint8Array>): Service {
  const service = create();
  const copies = [...chunks].map((chunk) => chunk.slice());
  service.restore(copies);
  for (const copy of copies) copy.fill(0xee);
  return service;
}

/** Bytes that are near an encoding: the interesting ones for a decoder. */
export function mutation(encoded: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) });
  return fc.tuple(encoded, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([start, edits]) =>
    edits.reduce((current, { at, remove, insert }) => {
      const offset = at % (current.length + 1);
      return concat(current.subarray(0, offset), insert, current.subarray(offset + remove));
    }, start),
  );
}

/** The value with digits for its byte strings, because to compare these byte by byte takes vitest minutes. */
export function shown(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shown(field)]));
}
