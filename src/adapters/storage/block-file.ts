/**
 * Files that are written in whole blocks and, where the file system can, past its cache: nobody reads what was just written to them, and
 * a copy in the cache costs more than the writing itself, in memory that has to be found for it each time.
 *
 * A device reads such a write from memory that begins with a page. Node.js gives no such memory but that of WebAssembly, to which what is
 * written is copied. Where a file system knows no direct writes (EINVAL), or the platform has none, the same blocks go through the cache.
 */
import { constants, writevSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type Pieces, piecesAfter, sizeOfPieces } from "../../core/bytes.js";

/** A multiple of what devices write at once. */
export const BLOCK_BYTES = 4096;

/** Written at once; more takes several writes. */
const STAGING_BYTES = 2 * 1024 * 1024;
const WASM_PAGE_BYTES = 65_536;
const NO_BYTES = new Uint8Array(BLOCK_BYTES);

export interface BlockFile {
  readonly handle: FileHandle;
  /** Whether writes go past the cache. */
  readonly isDirect: boolean;
}

/** As far as it is used here: the types of Node.js leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => {
    readonly buffer: ArrayBuffer;
  };
};

/** Memory for writes that nobody uses now. */
const stagings: Uint8Array[] = [];

/** Makes the file, which must not exist. */
export async function createBlockFile(path: string): Promise<BlockFile> {
  const handle = await open(path, "wx+", 0o600);
  try {
    const direct = await openDirect(path);
    if (direct === undefined) return { handle, isDirect: false };
    await handle.close();
    return { handle: direct, isDirect: true };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Undefined where writes cannot go past the cache: some file systems say so when a file is opened, others when it is written. */
async function openDirect(path: string): Promise<FileHandle | undefined> {
  // Of Linux only.
  if (!("O_DIRECT" in constants)) return undefined;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDWR | constants.O_DIRECT);
    await writeDirect(handle, [NO_BYTES], 0);
    return handle;
  } catch (error) {
    await handle?.close();
    if ((error as NodeJS.ErrnoException).code === "EINVAL") return undefined;
    throw error;
  }
}

/** How many bytes these take in whole blocks. */
export function inBlocks(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** All of `pieces`, and zeros to the end of a block. `position`: where one begins. */
export async function writeBlocks(file: BlockFile, pieces: Pieces, position: number): Promise<void> {
  const sizeBytes = sizeOfPieces(pieces);
  const padded = [...pieces, NO_BYTES.subarray(0, inBlocks(sizeBytes) - sizeBytes)];
  await (file.isDirect ? writeDirect : writeAll)(file.handle, padded, position);
}

async function writeDirect(handle: FileHandle, pieces: Pieces, position: number): Promise<void> {
  const staging = stagings.pop() ?? newStaging();
  try {
    const sizeBytes = sizeOfPieces(pieces);
    for (let done = 0; done < sizeBytes;) {
      const filled = fill(staging, piecesAfter(pieces, done));
      await writeAll(handle, [staging.subarray(0, filled)], position + done);
      done += filled;
    }
  } finally {
    stagings.push(staging);
  }
}

function newStaging(): Uint8Array {
  const pages = STAGING_BYTES / WASM_PAGE_BYTES;
  return new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer);
}

/** How much of `pieces` fits. */
function fill(staging: Uint8Array, pieces: Pieces): number {
  let filled = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, staging.length - filled);
    staging.set(part, filled);
    filled += part.length;
    if (filled === staging.length) break;
  }
  return filled;
}

/** However little the system takes at a time. */
export async function writeAll(handle: FileHandle, pieces: Pieces, position: number): Promise<void> {
  let done = 0;
  for (let rest = pieces; rest.length > 0; rest = piecesAfter(pieces, done)) {
    const { bytesWritten } = await handle.writev(rest, position + done);
    done += bytesWritten;
  }
}

/** The same, before it returns. */
export function writeAllAtOnce({ fd }: FileHandle, pieces: Pieces, position: number): void {
  let done = 0;
  for (let rest = pieces; rest.length > 0; rest = piecesAfter(pieces, done))
    done += writevSync(fd, rest, position + done);
}
