/** Brings `dist` up to date once before the tests: those of the command line run what is built. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export default function build(): void {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const { status, stdout, stderr, error } = spawnSync(process.execPath, ["bin/abcast.mjs", "--version"], {
    cwd: root,
    encoding: "utf8",
  });
  if (status === 0) return;
  const failure = `the build failed (node bin/abcast.mjs --version)\n${error?.message ?? ""}${stdout}${stderr}`;
  // Someone who runs a few files by name wants their results also while another folder does not compile.
  if (!process.argv.some((argument) => argument.startsWith("test/"))) throw new Error(failure);
  process.stderr.write(`${failure}\n`);
}
