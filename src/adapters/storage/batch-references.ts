/** Inputs as the log has them: with the place of a batch that is in a file where the input has its bytes. */
import { type Pieces } from "../../core/bytes.js";
import type { PlacedBatch } from "./batch-files.js";
import type { LogInput } from "./log-format.js";

/** A batch is found in an input when both are views of the same memory. */
export function withReferences(inputs: readonly Pieces[], batches: readonly PlacedBatch[]): readonly LogInput[] {
  const byMemory = new Map<ArrayBufferLike, PlacedBatch[]>();
  for (const batch of batches) {
    const { buffer } = batch.bytes;
    if (batch.filed !== undefined) byMemory.set(buffer, [...(byMemory.get(buffer) ?? []), batch]);
  }
  return inputs.map((input) => withReference(input, byMemory));
}

function withReference(input: Pieces, byMemory: ReadonlyMap<ArrayBufferLike, readonly PlacedBatch[]>): LogInput {
  for (const [index, piece] of input.entries()) {
    const found = byMemory.get(piece.buffer)?.find(({ bytes }) => isPartOf(piece, bytes));
    if (found === undefined) continue;
    const start = found.bytes.byteOffset - piece.byteOffset;
    return {
      before: [...input.slice(0, index), piece.subarray(0, start)],
      batch: found.filed,
      after: [piece.subarray(start + found.bytes.length), ...input.slice(index + 1)],
    };
  }
  return { before: input, batch: undefined, after: [] };
}

function isPartOf(whole: Uint8Array, { byteOffset, length }: Uint8Array): boolean {
  return byteOffset >= whole.byteOffset && byteOffset + length <= whole.byteOffset + whole.length;
}
