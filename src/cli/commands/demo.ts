/** `abcast demo`: the whole way through once, with real processes, a crash and a traitor. */
import { constants } from "node:os";
import type { Command } from "commander";
import { playDemo } from "../demo/demo.js";
import { Stage } from "../demo/stage.js";
import { EXIT } from "../errors.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";

interface Options {
  readonly keep?: boolean;
  readonly json?: boolean;
}

export function registerDemo(program: Command): void {
  program
    .command("demo")
    .summary("see it work: four replicas, a crash, a traitor")
    .description(
      "Makes a cluster of four replica processes on loopback, notarises real files, kills one replica, replaces another by a corrupted one, and checks what it promises. Takes less than a minute and leaves nothing behind.",
    )
    .option("--keep", "leave the cluster running, and say how to use it")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast demo"))
    .action(demo);
}

async function demo({ keep = false, json }: Options): Promise<void> {
  const output = createOutput({ json });
  const say = (line: string): void => {
    if (!output.json) process.stdout.write(`${line}\n`);
  };
  const stage = new Stage();
  let finished = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    // As a shell reports a process that the signal has ended.
    const leave = (): never => process.exit(128 + constants.signals[signal]);
    if (finished) leave();
    stage.clear().then(leave, leave);
  };
  // Each time: a second one that ended the process would leave others and files behind.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  try {
    const report = await playDemo(stage, { keep, tells: !output.json, say });
    finished = keep && report.ok;
    const failed = report.checks.filter(({ ok }) => !ok);
    const summary = report.ok
      ? `All ${report.checks.length} checks held, in ${report.seconds} s.`
      : `${failed.length} of ${report.checks.length} checks FAILED.`;
    output.result(report, `\n${summary}${finished ? howToUse(stage) : ""}`);
    if (!report.ok) process.exitCode = EXIT.invalid;
  } finally {
    if (finished) stage.leave();
    else await stage.clear();
  }
}

function howToUse({ clusterDirectory, clientFile, publicFile }: Stage): string {
  return [
    "",
    `The cluster is still up, in ${clusterDirectory}. Try:`,
    "",
    `  npx abcast notarize README.md --cluster ${clientFile} -o README.receipt`,
    `  npx abcast verify README.md README.receipt --public ${publicFile}`,
    `  npx abcast status --cluster ${clientFile}`,
    `  npx abcast log ${clusterDirectory}/party-1`,
    `  npx abcast down ${clusterDirectory}`,
  ].join("\n");
}
