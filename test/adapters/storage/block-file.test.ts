/** Files in blocks have what was written, and zeros up to the end of each write's last block, whichever way it goes to the disk. */
import { constants, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { BLOCK_BYTES, createBlockFile, inBlocks, writeBlocks } from "../../../src/adapters/storage/block-file.js";
import { concat } from "../../../src/core/bytes.js";

/** What the system says to a direct file: nothing, or an error's code when it is opened, or when it is written. */
const refusal = vi.hoisted((): { at: "open" | "write" | undefined; code: string } => ({ at: undefined, code: "" }));

vi.mock(import("node:fs/promises"), async (original) => {
  const real = await original();
  const { constants } = await import("node:fs");
  const refuse = (): never => {
    throw Object.assign(new Error(`${refusal.code}: refused`), { code: refusal.code });
  };
  const open: typeof real.open = async (path, flags, mode) => {
    const isDirect = typeof flags === "number" && (flags & constants.O_DIRECT) !== 0;
    if (isDirect && refusal.at === "open") refuse();
    const handle = await real.open(path, flags, mode);
    if (isDirect && refusal.at === "write") handle.writev = refuse;
    return handle;
  };
  return { ...real, open };
});

const scratch = mkdtempSync(join(tmpdir(), "abcast-blocks-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(() => void (refusal.at = undefined));

let files = 0;
const freshPath = (): string => join(scratch, String(++files));

/** One write after the other. */
async function written(path: string, writes: readonly (readonly Uint8Array[])[]): Promise<boolean> {
  const file = await createBlockFile(path);
  let position = 0;
  for (const pieces of writes) {
    await writeBlocks(file, pieces, position);
    position += inBlocks(concat(...pieces).length);
  }
  await file.handle.close();
  return file.isDirect;
}

/** What a file has after these. */
function padded(writes: readonly (readonly Uint8Array[])[]): Uint8Array {
  const blocks = writes.map((pieces) => {
    const bytes = concat(...pieces);
    return concat(bytes, new Uint8Array(inBlocks(bytes.length) - bytes.length));
  });
  return concat(...blocks);
}

const anyWrites = fc.array(
  fc.array(fc.uint8Array({ minLength: 1, maxLength: 3 * BLOCK_BYTES, size: "max" }), { minLength: 1, maxLength: 4 }),
  { minLength: 1, maxLength: 4 },
);

describe("a file in blocks", () => {
  it.each(["direct", "through the cache"])("has what was written: %s", async (way) => {
    if (way !== "direct") Object.assign(refusal, { at: "open", code: "EINVAL" });
    await fc.assert(
      fc.asyncProperty(anyWrites, async (writes) => {
        const path = freshPath();
        const isDirect = await written(path, writes);
        if (way !== "direct") expect(isDirect).toBe(false);
        expect(readFileSync(path).equals(padded(writes))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("has more than fits at once into the memory for it, also from two at a time", async () => {
    const pieces = [1, 2, 3, 4, 5].map((byte) => new Uint8Array(1024 * 1024 + byte).fill(byte));
    const paths = [freshPath(), freshPath()];
    await Promise.all(paths.map((path) => written(path, [pieces, [new Uint8Array([9])]])));
    const expected = padded([pieces, [new Uint8Array([9])]]);
    for (const path of paths) expect(readFileSync(path).equals(expected)).toBe(true);
  });

  it.each(["open", "write"] as const)(
    "goes through the cache where the %s says that it cannot be direct",
    async (at) => {
      Object.assign(refusal, { at, code: "EINVAL" });
      const path = freshPath();
      expect(await written(path, [[new Uint8Array(BLOCK_BYTES).fill(7)]])).toBe(false);
      expect(readFileSync(path).equals(new Uint8Array(BLOCK_BYTES).fill(7))).toBe(true);
    },
  );

  it.each(["open", "write"] as const)("is not made when the %s fails otherwise", async (at) => {
    Object.assign(refusal, { at, code: "EIO" });
    await expect(createBlockFile(freshPath())).rejects.toThrow("EIO");
  });

  it("is direct where the system opens such files", async () => {
    const path = freshPath();
    const isDirect = await written(path, [[new Uint8Array(1)]]);
    const opened = open(path, constants.O_RDWR | constants.O_DIRECT);
    const isPossible = await opened.then(
      async (handle) => {
        await handle.close();
        return true;
      },
      () => false,
    );
    expect(isDirect).toBe(isPossible);
  });

  it("must not be there", async () => {
    const path = freshPath();
    await written(path, [[new Uint8Array(1)]]);
    await expect(createBlockFile(path)).rejects.toThrow("EEXIST");
  });

  it("gets all of what it is given, however little the system takes at a time", async () => {
    const taken: Uint8Array = new Uint8Array(3 * BLOCK_BYTES);
    const writev = async (given: readonly Uint8Array[], position: number): Promise<{ bytesWritten: number }> => {
      const bytes = concat(...given).subarray(0, BLOCK_BYTES);
      taken.set(bytes, position);
      return { bytesWritten: bytes.length };
    };
    const content = new Uint8Array(2 * BLOCK_BYTES + 1).map((_, index) => index % 251);
    for (const isDirect of [true, false]) {
      taken.fill(99);
      await writeBlocks({ handle: { writev } as unknown as FileHandle, isDirect }, [content], 0);
      expect(Buffer.from(taken).equals(padded([[content]]))).toBe(true);
    }
  });
});
