/** Makes a directory with its content, or leaves nothing: what is half written never has the final name. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { chmod, mkdir, readdir, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InputError, systemProblem } from "../replica/input-error.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The directory to make and the option that named it. */
export interface Target {
  readonly option: string;
  readonly path: string;
}

/**
 * Lets `fill` write into a hidden sibling of `target.path`, then renames that. When `fill` rejects, or the
 * process is told to stop, the sibling is removed.
 * @throws InputError when the target exists and is not an empty directory, or cannot be made
 */
export async function createDirectoryAtOnce<T>(target: Target, fill: (directory: string) => Promise<T>): Promise<T> {
  const place = { option: target.option, file: target.path };
  const final = await refusing(place, freeDirectory(target));
  const parent = dirname(final);
  const temporary = join(parent, `.${basename(final)}.${randomBytes(6).toString("hex")}.tmp`);
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
    await chmod(temporary, 0o755);
    // Replaces an empty directory, and fails if something was put there meanwhile.
    await refusing(place, rename(temporary, final));
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  } finally {
    for (const name of SIGNALS) process.removeListener(name, stop);
  }
}

/** The absolute path to make. */
async function freeDirectory({ option, path }: Target): Promise<string> {
  const place = { option, file: path };
  if (path === "") throw new InputError({ option }, "is empty; name a directory");
  try {
    if ((await readdir(path)).length > 0)
      throw new InputError(place, "exists and is not empty; nothing was changed, choose another directory");
    // A symbolic link to an empty directory: that directory is replaced, not the link.
    return await realpath(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return resolve(path);
    if (code === "ENOTDIR")
      throw new InputError(place, "exists or lies below something that is no directory; choose another");
    throw error;
  }
}

async function refusing<T>(place: { readonly option: string; readonly file: string }, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    const problem = systemProblem(error);
    throw problem === undefined ? error : new InputError(place, problem);
  }
}
