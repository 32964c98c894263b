#!/usr/bin/env node
/**
 * Starts the command line. In a checkout (src/ is there) it first brings dist/ up to date, so that
 * `npm ci && npm start` needs no build step; in an installed package dist/ is simply there.
 *
 * Plain JavaScript without dependencies, because it runs before anything is built.
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

// realpath: npm starts this file through a symbolic link in node_modules/.bin.
const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const source = join(root, "src");
const dist = join(root, "dist");
const entry = join(dist, "cli", "main.js");
/** In dist: which state of the sources it was built from. */
const STAMP = ".built-from";
const scratch = join(root, "build");
const lock = join(scratch, "lock");
const LOCK_WAIT_MS = 5 * 60_000;
const EXIT_INPUT = 2;
/** Whoever asks for JSON reads stderr too: an error there is one line of it (src/cli/output.ts). */
const json = process.argv.includes("--json");

class BuildError extends Error {}

function* files(directory) {
  for (const item of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, item.name);
    if (item.isDirectory()) yield* files(path);
    else yield path;
  }
}

/** Name, size and time of everything that the build reads: changes also when a file is removed or replaced by an older one. */
function sourceState() {
  const inputs = [
    ...files(source),
    ...["tsconfig.json", "tsconfig.build.json", "package.json"].map((name) => join(root, name)),
  ];
  const hash = createHash("sha256");
  let newestMs = 0;
  for (const path of inputs.toSorted((a, b) => (a < b ? -1 : 1))) {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) continue;
    hash.update(`${relative(root, path)}\0${status.size}\0${status.mtimeMs}\0`);
    newestMs = Math.max(newestMs, status.mtimeMs);
  }
  return { digest: hash.digest("hex"), newestMs };
}

function isFresh() {
  const built = statSync(entry, { throwIfNoEntry: false });
  if (built === undefined) return false;
  const state = sourceState();
  try {
    return readFileSync(join(dist, STAMP), "utf8") === state.digest;
  } catch {
    // Built by `npm run build`, which leaves no stamp.
    return built.mtimeMs > state.newestMs;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * True when this process now holds the lock, false when another one does. The lock only saves work: a build goes to a
 * directory of its own and is swapped in whole, so two builds at once would be harmless.
 */
function takeLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  try {
    const holder = Number(readFileSync(lock, "utf8"));
    const ageMs = Date.now() - statSync(lock).mtimeMs;
    // An empty lock was made this instant, or by a process that died on the spot.
    const abandoned = holder === 0 ? ageMs > 2000 : !isAlive(holder) || ageMs > LOCK_WAIT_MS;
    if (abandoned) rmSync(lock, { force: true });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  return false;
}

async function compile(outDir) {
  const compiler = join(root, "node_modules", "typescript", "lib", "tsc.js");
  if (!existsSync(compiler)) {
    throw new BuildError(`cannot build: typescript is not installed; run \`npm ci\` in ${root}`);
  }
  await runNode(compiler, "-p", join(root, "tsconfig.build.json"), "--outDir", outDir);
  const pages = join(source, "web", "build.mjs");
  if (existsSync(pages)) await runNode(pages, join(outDir, "web"));
}

function runNode(...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("error", (error) => reject(new BuildError(`cannot build: ${error.message}`)));
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new BuildError(`the build failed:\n${output.trimEnd()}`));
    });
  });
}

/** By renames: a starting process sees the old build or the new one, never a mixture. */
function swapIn(outDir, spare) {
  if (existsSync(dist)) renameSync(dist, spare);
  try {
    renameSync(outDir, dist);
  } catch (error) {
    // Another process was faster, with a build that is as good as ours.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  }
}

async function build() {
  if (!json) process.stderr.write("building…\n");
  const id = randomBytes(6).toString("hex");
  const outDir = join(scratch, `new-${id}`);
  const spare = join(scratch, `old-${id}`);
  const cleanUp = () => {
    for (const path of [outDir, spare, lock]) rmSync(path, { recursive: true, force: true });
  };
  const stop = (signal) => {
    cleanUp();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    // Read before compiling: a file that changes meanwhile makes this build stale at once.
    const { digest } = sourceState();
    await compile(outDir);
    writeFileSync(join(outDir, STAMP), digest);
    swapIn(outDir, spare);
  } finally {
    process.removeListener("SIGINT", stop).removeListener("SIGTERM", stop);
    cleanUp();
  }
}

async function bringUpToDate() {
  if (isFresh()) return;
  mkdirSync(scratch, { recursive: true });
  while (!takeLock()) {
    await sleep(50);
    if (!existsSync(lock) && isFresh()) return;
  }
  // Somebody may have built between our look and our lock.
  if (isFresh()) rmSync(lock, { force: true });
  else await build();
}

try {
  if (existsSync(source)) await bringUpToDate();
  else if (!existsSync(entry)) throw new BuildError(`${root} contains neither src nor dist: install abcast again`);
} catch (error) {
  const reason = error instanceof BuildError ? error.message : `cannot build in ${root}: ${error.message}`;
  process.stderr.write(
    json ? `${JSON.stringify({ error: { code: "build", message: reason } })}\n` : `abcast: ${reason}\n`,
  );
  if (process.env.ABCAST_DEBUG) process.stderr.write(`${error.stack}\n`);
  process.exit(EXIT_INPUT);
}
await import(pathToFileURL(entry).href);
