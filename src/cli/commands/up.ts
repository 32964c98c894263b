/** `abcast up` and `abcast down`: all parties of a local cluster in the background. */
import type { Command } from "commander";
import { InputError } from "../../replica/input-error.js";
import { ensureServing, logFile, partyDirectories, stopParty } from "../launch.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";

const SLOW_START_MS = 5000;

interface Options {
  readonly json?: boolean;
}

export function registerUp(program: Command): void {
  program
    .command("up")
    .summary("start all local replicas in the background")
    .description(
      "Starts the replica of each DIR/party-I that does not run yet, and waits until all serve. Their logs are DIR/party-I/node.log.",
    )
    .argument("<DIR>", "the cluster's directory, as made by abcast init")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast up cluster", "abcast status --cluster cluster/client-0.json"))
    .action(up);
}

async function up(cluster: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const slow = setTimeout(() => {
    output.note("waiting: a replica replays its log before it serves; if this is interrupted, it goes on by itself");
  }, SLOW_START_MS);
  const started = await forEachParty(cluster, "did not start; those that did go on", async (directory) => {
    return { directory, ...(await ensureServing(directory)), log: logFile(directory) };
  }).finally(() => clearTimeout(slow));
  const lines = started.map(
    ({ directory, pid, wasRunning }) => `${directory}: ${wasRunning ? "runs already" : "started"}, pid ${pid}`,
  );
  output.result({ started }, lines.join("\n"));
}

export function registerDown(program: Command): void {
  program
    .command("down")
    .summary("stop all local replicas")
    .description("Stops the replica of each DIR/party-I that runs. What they have acknowledged is on disk.")
    .argument("<DIR>", "the cluster's directory")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast down cluster"))
    .action(down);
}

async function down(cluster: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const stopped = await forEachParty(cluster, "could not be stopped", async (directory) => {
    return { directory, pid: (await stopParty(directory)) ?? null };
  });
  const lines = stopped.map(({ directory, pid }) =>
    pid === null ? `${directory}: did not run` : `${directory}: stopped, pid ${pid}`,
  );
  output.result({ stopped }, lines.join("\n"));
}

/** All parties at once. Waits for every one, also when one fails, so that nothing goes on behind the message. */
async function forEachParty<T>(
  cluster: string,
  failed: string,
  action: (directory: string) => Promise<T>,
): Promise<T[]> {
  const directories = partyDirectories(cluster);
  const outcomes = await Promise.allSettled(directories.map(action));
  const failures = outcomes.flatMap((outcome, index) => {
    if (outcome.status === "fulfilled") return [];
    if (!(outcome.reason instanceof InputError)) throw outcome.reason;
    return [`${directories[index]}: ${outcome.reason.message}`];
  });
  if (failures.length > 0) {
    const count = `${failures.length} of ${directories.length} replicas ${failed}`;
    throw new InputError({ file: cluster }, `${count}:\n  ${failures.join("\n  ")}`);
  }
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
}
