/** A small file system under one party's directory, which can be made full at once and have room again. For root on Linux. */
import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const PAGE_BYTES = 4096;

export class SmallDisk {
  #isMounted = true;

  constructor(directory, megabytes) {
    this.directory = directory;
    this.megabytes = megabytes;
    process.on("exit", () => this.remove());
  }

  /** Under what is in `directory`, which stays; undefined where that is not allowed. */
  static async under(directory, megabytes, scratch) {
    const aside = mkdtempSync(join(scratch, "aside-"));
    cpSync(directory, aside, { recursive: true });
    try {
      await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "abcast-chaos", directory]);
    } catch {
      return undefined;
    }
    cpSync(aside, directory, { recursive: true });
    rmSync(aside, { recursive: true });
    return new SmallDisk(directory, megabytes);
  }

  async resize(size) {
    await run("mount", ["-o", `remount,size=${size}`, this.directory]);
  }

  /** Also when its replica is still ending. */
  remove() {
    if (this.#isMounted) spawnSync("umount", ["-l", this.directory]);
    this.#isMounted = false;
  }
}

/** Not one page more can be written, until the function that this resolves with is called. */
export async function fillDisk(disk) {
  // The store grows meanwhile: a size below what is used is refused.
  for (let spare = 0; ; spare++) {
    const { blocks, bfree } = statfsSync(disk.directory);
    try {
      await disk.resize((blocks - bfree + spare) * PAGE_BYTES);
      return () => disk.resize(`${disk.megabytes}m`);
    } catch (error) {
      if (spare > 64) throw error;
    }
  }
}
