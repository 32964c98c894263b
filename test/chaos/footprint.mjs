/** What a process takes of the machine, as Linux counts it. */
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export { cpuSeconds } from "../../dist/cli/bench/process-use.js";

const BLOCK_BYTES = 512;

/**
 * Resident memory. `anonymousBytes` are the process's own: heap, buffers, stacks. `fileBytes` are pages of mapped files, the program and
 * the tables of the store, which the kernel takes away when it wants to.
 */
export function residentMemory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytesOf = (field) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)[1]);
  return { anonymousBytes: bytesOf("RssAnon"), fileBytes: bytesOf("RssFile") + bytesOf("RssShmem") };
}

/** What the files occupy: the tables' database is sparse. */
export function diskBytes(path) {
  let bytes = 0;
  for (const name of readdirSync(path, { recursive: true })) {
    // A file may go while we count.
    bytes += BLOCK_BYTES * (statSync(join(path, name), { throwIfNoEntry: false })?.blocks ?? 0);
  }
  return bytes;
}
