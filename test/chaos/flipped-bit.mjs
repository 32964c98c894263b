/** One bit of a stopped party's store changes: it must not go on as if nothing were. */
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** @throws Error when neither `abcast fsck` nor the replica itself notices */
export async function flipBit(replica, random) {
  const files = filesOf(join(replica.directory, "store"));
  if (files.length === 0) return;
  const file = random.pick(files);
  const bytes = readFileSync(file);
  const place = random.below(bytes.length);
  bytes[place] ^= 1 << random.below(8);
  writeFileSync(file, bytes);
  const fsck = spawnSync(process.execPath, [MAIN, "fsck", replica.directory], { encoding: "utf8" });
  if (fsck.status !== 0) {
    if (fsck.stdout.length + fsck.stderr.length > 0) return;
    throw new Error(`fsck refuses a store with a flipped bit in ${file} and does not say why`);
  }
  replica.start();
  const isServing = await replica.serving();
  await replica.stop();
  if (isServing) throw new Error(`neither fsck nor the replica notices a flipped bit: byte ${place} of ${file}`);
}

/** Those whose every byte is checked: pages of the tables' database may be unused, and batches that nobody needs any more be in files with others. */
function filesOf(directory) {
  return readdirSync(directory, { recursive: true })
    .map((name) => join(directory, name))
    .filter((path) => !/\.mdb|\.batches$/.test(path) && statSync(path).isFile() && statSync(path).size > 0)
    .sort();
}
