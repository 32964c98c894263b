/** Writes a file whole or not at all, and finds out beforehand whether it can be written. */
import { randomBytes } from "node:crypto";
import { lstat, rename, rm, stat, writeFile } from "node:fs/promises";
import { InputError, type InputPlace, naming } from "../replica/input-error.js";

/** Where a file is to go. */
export interface TargetFile extends InputPlace {
  readonly file: string;
}

/**
 * Whether `writeWhole` will be able to write `target.file`, as far as can be known.
 * @param replace whether an existing file may be replaced
 * @param keep files that must not be, whatever name they are given
 * @throws InputError
 */
export async function checkTarget(
  target: TargetFile,
  { replace, keep }: { readonly replace: boolean; readonly keep: readonly string[] },
): Promise<void> {
  const { file } = target;
  if (file === "") throw new InputError(target, "is empty; name a file");
  if (!replace && (await lstat(file).catch(() => undefined)) !== undefined) {
    throw new InputError({ file }, "exists already; name another file with --out");
  }
  const existing = await stat(file).catch(() => undefined);
  if (existing?.isDirectory()) throw new InputError(target, "is a directory; name a file in it");
  // Renaming onto a device would put a file in its place.
  if (existing !== undefined && !existing.isFile()) throw new InputError(target, "is not a regular file");
  for (const path of keep) {
    const other = await stat(path).catch(() => undefined);
    if (existing !== undefined && other?.dev === existing.dev && other.ino === existing.ino) {
      throw new InputError(target, `is the file ${path}, which would be lost; name another one`);
    }
  }
  // The one sure test of a directory's permissions, a read-only file system and a full disk's last inode.
  const probe = temporaryName(file);
  await naming(file, writeFile(probe, "", { flag: "wx" }));
  await rm(probe, { force: true });
}

/** @throws InputError naming `file` */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = temporaryName(file);
  try {
    await naming(file, writeFile(temporary, text, { flag: "wx" }));
    await naming(file, rename(temporary, file));
  } finally {
    await rm(temporary, { force: true });
  }
}

function temporaryName(file: string): string {
  return `${file}.${randomBytes(6).toString("hex")}.tmp`;
}
