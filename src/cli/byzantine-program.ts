/** The corrupted replica of the tests: exists in a checkout, not in the published package. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../test/byzantine/replica.mjs", import.meta.url));

/** Its command, to which the party's directory is appended; undefined outside of a checkout. `accomplice`: a client's file. */
export function byzantineCommand(accomplice: string, ...options: readonly string[]): readonly string[] | undefined {
  return existsSync(PROGRAM) ? [PROGRAM, "--client", accomplice, ...options] : undefined;
}
