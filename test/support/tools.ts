/** Programs of the machine that some tests check against. */
import { spawnSync } from "node:child_process";

/**
 * Whether `name` can be run: for `test.runIf(requireTool("openssl"))`. Says so when a test is skipped; where CI
 * is set nothing may be skipped, so there a missing program is an error.
 */
export function requireTool(name: string): boolean {
  const { error } = spawnSync(name, ["--version"], { stdio: "ignore" });
  const isMissing = error !== undefined && "code" in error && error.code === "ENOENT";
  if (!isMissing) return true;
  if (process.env.CI !== undefined && process.env.CI !== "") throw new Error(`${name} is not installed`);
  process.stdout.write(`skipped: ${name} is not installed\n`);
  return false;
}
