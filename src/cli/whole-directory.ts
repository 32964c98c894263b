/** Makes a directory with its content, or leaves nothing: what is half written never has the final name. */
import { randomBytes } from "node:crypto";
import { readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InputError, type InputPlace, systemProblem } from "../replica/input-error.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The directory to make and the option that named it. */
export interface Target {
  readonly option: string;
  readonly path: string;
}

/**
 * Lets `fill` write into a hidden directory beside `target.path`, then gives that the final name. Where the target
 * exists (and is empty), the hidden directory is inside it and its entries move up at once: a directory that somebody works in,
 * or a mount point, is not replaced. When `fill` rejects, or the process is told to stop, nothing is left.
 * @throws InputError when the target exists and is not an empty directory, or cannot be made
 */
export async function createDirectoryAtOnce<T>(target: Target, fill: (directory: string) => Promise<T>): Promise<T> {
  const place = { option: target.option, file: target.path };
  const { final, exists } = await refusing(place, inspect(target));
  const parent = exists ? final : dirname(final);
  const temporary = join(parent, `.abcast-${randomBytes(6).toString("hex")}.tmp`);
  await refusing(place, mkdir(parent, { recursive: true }));
  await refusing(place, mkdir(temporary, { mode: 0o700 }));

  const stop = (signal: NodeJS.Signals): void => {
    rmSync(temporary, { recursive: true, force: true });
    // Again, now with nobody listening: the process ends as if it had not listened at all.
    for (const name of SIGNALS) process.removeListener(name, stop);
    process.kill(process.pid, signal);
  };
  for (const name of SIGNALS) process.on(name, stop);
  try {
    const result = await fill(temporary);
    if (exists) moveUp(temporary, final, place);
    else {
      await chmod(temporary, 0o755);
      // Fails if something was put there meanwhile.
      await refusing(place, rename(temporary, final));
    }
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  } finally {
    for (const name of SIGNALS) process.removeListener(name, stop);
  }
}

/** Synchronous, so that no signal handler runs in between. */
function moveUp(temporary: string, final: string, place: InputPlace): void {
  if (readdirSync(final).some((name) => name !== basename(temporary))) {
    throw new InputError(place, "is no longer empty: something was put there meanwhile; nothing was changed");
  }
  for (const name of readdirSync(temporary)) renameSync(join(temporary, name), join(final, name));
  rmdirSync(temporary);
}

async function inspect({ option, path }: Target): Promise<{ readonly final: string; readonly exists: boolean }> {
  const place = { option, file: path };
  if (path === "") throw new InputError({ option }, "is empty; name a directory");
  try {
    const entries = await readdir(path);
    if (entries.length === 0) return { final: resolve(path), exists: true };
    throw new InputError(place, "exists and is not empty; nothing was changed, choose another directory");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return { final: resolve(path), exists: false };
    if (code === "ENOTDIR") throw new InputError(place, "is a file, or lies below one; choose another directory");
    throw error;
  }
}

async function refusing<T>(place: InputPlace, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    const problem = systemProblem(error);
    throw problem === undefined ? error : new InputError(place, problem);
  }
}
