/**
 * A process that runs command lines, one at a time, and stays: to load what a command needs takes many times longer than
 * most commands run. Each line has what a process of its own would have: environment, empty standard input, exit code.
 * And as a process, it has not ended before all is over that would keep one alive: connections, timers, files being read.
 */
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { COMMANDS } from "../../dist/cli/commands.js";
import { run } from "../../dist/cli/program.js";
import { registerKnownInit } from "./known-init.mjs";

/** Only what a line does is to keep this process waiting for the line. */
const unref = { ref: false };

// Every line listens for signals, and for the end of its output.
for (const emitter of [process, process.stdout, process.stderr]) emitter.setMaxListeners(0);

/** How many of each kind there are of what keeps a process alive. */
function alive() {
  const counts = new Map();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Resolves when there are no more than there were. */
async function end(before) {
  while ([...alive()].some(([kind, count]) => count > (before.get(kind) ?? 0))) await sleep(1, undefined, unref);
}

process.on("message", async ({ words, env, knownPrimes, mark }) => {
  const before = alive();
  process.env = env;
  process.exitCode = undefined;
  Object.defineProperty(process, "stdin", { value: Readable.from([]), configurable: true });
  const commands = knownPrimes ? { ...COMMANDS, init: async () => registerKnownInit } : COMMANDS;
  process.exitCode = await run(["node", "abcast", ...words], commands);
  await end(before);
  const code = process.exitCode;
  process.exitCode = 0;
  // What it has said is in the pipes before this, whoever wrote it.
  for (const stream of [process.stdout, process.stderr]) stream.write(mark);
  process.send(code);
});
process.on("disconnect", () => process.exit());
process.send("ready");
