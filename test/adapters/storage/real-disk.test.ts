/** The real disk writes all of what it is given, however little the system takes at a time. */
import type { FileHandle } from "node:fs/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import { realDisk } from "../../../src/adapters/storage/disk.js";
import { concat } from "../../../src/core/bytes.js";

it("writes what the system did not take at first, too", async () => {
  const anyPieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(anyPieces, fc.integer({ min: 1, max: 20 }), async (pieces, taken) => {
      const written = new Uint8Array(100 + concat(...pieces).length);
      const writev = async (
        given: readonly Uint8Array[],
        position: number,
      ): Promise<{ readonly bytesWritten: number }> => {
        const bytes = concat(...given).subarray(0, taken);
        written.set(bytes, position);
        return { bytesWritten: bytes.length };
      };
      await realDisk.write("log.append", { writev } as unknown as FileHandle, pieces, 100);
      expect(written.subarray(100)).toEqual(concat(...pieces));
    }),
  );
});
