/** Gives a file that a replica or a client lives on another content. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { InputError, systemProblem } from "../replica/input-error.js";

/**
 * At once: a crash leaves the old file or the new one. Without a pause, so that no signal of the terminal comes between; a
 * temporary file has a name of its own, so that what a crash leaves is in nobody's way. Its owner and its mode stay.
 * @throws InputError naming `file`
 */
export function replaceFile(file: string, text: string): void {
  try {
    // Of a link the file that it leads to: replacing the link would leave that as it was.
    replaceTarget(realpathSync(file), text);
  } catch (error) {
    const problem = systemProblem(error);
    throw problem === undefined ? error : new InputError({ file }, `cannot be replaced: ${problem}`);
  }
}

function replaceTarget(target: string, text: string): void {
  const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const before = statSync(target);
    const mode = before.mode & 0o777;
    const handle = openSync(temporary, "wx", mode);
    try {
      const made = fstatSync(handle);
      // Root replaces it for a service's user, say.
      if (made.uid !== before.uid || made.gid !== before.gid) fchownSync(handle, before.uid, before.gid);
      // The process's umask may have taken some.
      fchmodSync(handle, mode);
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
