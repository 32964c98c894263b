/** `abcast up` and `abcast down`: all parties of a local cluster in the background. */
import type { Command } from "commander";
import { kill, launch, logFile, partyDirectories } from "../launch.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { removePidFile, runningPid } from "../pid-file.js";

interface Options {
  readonly json?: boolean;
}

export function registerUp(program: Command): void {
  program
    .command("up")
    .summary("start all local replicas in the background")
    .description("Starts the replica of each DIR/party-I that does not run yet, and waits until all serve. Their logs are DIR/party-I/node.log.")
    .argument("<DIR>", "the cluster's directory, as made by abcast init")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast up cluster", "abcast status --cluster cluster/client-0.json"))
    .action(up);
}

async function up(cluster: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const started = await Promise.all(
    partyDirectories(cluster).map(async (directory) => {
      const running = runningPid(directory);
      return { directory, pid: running ?? (await launch(directory)), wasRunning: running !== undefined, log: logFile(directory) };
    }),
  );
  const lines = started.map(({ directory, pid, wasRunning }) => `${directory}: ${wasRunning ? "runs already" : "started"}, pid ${pid}`);
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
  const stopped = await Promise.all(
    partyDirectories(cluster).map(async (directory) => {
      const pid = runningPid(directory);
      if (pid !== undefined) await kill(pid, "SIGTERM");
      removePidFile(directory);
      return { directory, pid: pid ?? null };
    }),
  );
  const lines = stopped.map(({ directory, pid }) => (pid === null ? `${directory}: did not run` : `${directory}: stopped, pid ${pid}`));
  output.result({ stopped }, lines.join("\n"));
}
