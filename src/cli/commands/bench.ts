/** `abcast bench`: how much a cluster on this machine orders, how fast, and what that costs. */
import { statfsSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { SingleBar } from "cli-progress";
import { type Command, Option } from "commander";
import { MAX_PARTIES } from "../../core/party-set.js";
import { DEFAULT_DISSEMINATION, DISSEMINATIONS, type DisseminationMode } from "../../protocols/index.js";
import { checkProcessUse } from "../bench/process-use.js";
import { type BenchReport, tableOf } from "../bench/report.js";
import { type Phase, measure } from "../bench/run.js";
import {
  BYZANTINE_BEHAVIOURS,
  type BenchSettings,
  type ByzantineBehaviour,
  DURABILITIES,
  CERTIFICATES,
  warmUpOf,
} from "../bench/settings.js";
import { WORKLOADS } from "../bench/workload.js";
import { EXIT, InputError } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput, type Output } from "../output.js";
import { LOG } from "../../services/log/index.js";

const MIN_PAYLOAD_BYTES = 16;
const MAX_PAYLOAD_BYTES = 32 * 1024;
const MAX_RATE = 10_000_000;
const MAX_CLIENTS = 64;
const MAX_SECONDS = 24 * 3600;
/** Of statfs(2). */
const TMPFS_MAGIC = 0x0102_1994;

/** What can be compared, and its values. */
const COMPARED = {
  dissemination: DISSEMINATIONS,
  durability: DURABILITIES,
  certificates: CERTIFICATES,
} as const;

interface Options {
  readonly n: number;
  readonly payload: number;
  readonly rate?: number;
  readonly max?: boolean;
  readonly clients: number;
  readonly seconds: number;
  readonly durability: BenchSettings["durability"];
  readonly dissemination: DisseminationMode;
  readonly certificates: BenchSettings["certificates"];
  readonly crash: number;
  readonly byzantine?: ByzantineBehaviour;
  readonly service: string;
  readonly compare?: keyof typeof COMPARED | true;
  readonly json?: boolean;
}

export function registerBench(program: Command): void {
  program
    .command("bench")
    .summary("measure throughput, latency and what they cost")
    .description(
      "Makes a cluster of real processes on loopback, with mutual TLS and durable logs, has clients in one more process send payloads, and counts what t+1 replicas acknowledge. " +
        "Latency counts from when a payload should have been sent, whoever was late. Compares the replicas' logs at the end; exit code 1 when they differ. Leaves nothing behind.",
    )
    .option("--n <NUMBER>", "number of replicas", wholeNumber(1, MAX_PARTIES), 4)
    .option(
      "--payload <BYTES>",
      "size of a payload, which is one operation of the service",
      wholeNumber(MIN_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES),
      256,
    )
    .addOption(
      new Option("--rate <NUMBER>", "payloads a second, whatever becomes of them")
        .argParser(wholeNumber(1, MAX_RATE))
        .conflicts("max"),
    )
    .option("--max", "as many payloads as go through (default, unless --rate says how many)")
    .option("--clients <NUMBER>", "clients, each with a key and a session of its own", wholeNumber(1, MAX_CLIENTS), 8)
    .option("--seconds <NUMBER>", "how long to measure, after a warm-up", wholeNumber(1, MAX_SECONDS), 10)
    .addOption(
      new Option("--durability <MODE>", "sync: nothing is said before it is on the disk; async: for comparison only")
        .choices(DURABILITIES)
        .default("sync"),
    )
    .addOption(
      new Option("--dissemination <MODE>", "how payloads reach the replicas")
        .choices(DISSEMINATIONS)
        .default(DEFAULT_DISSEMINATION),
    )
    .addOption(
      new Option("--certificates <SCHEME>", "lists of signatures, or one threshold signature (BLS)")
        .choices(CERTIFICATES)
        .default("multisig"),
    )
    .option("--crash <NUMBER>", "kill so many replicas after the warm-up", wholeNumber(0, MAX_PARTIES), 0)
    .addOption(
      new Option("--byzantine <BEHAVIOUR>", "let one replica work against the others; in a checkout only").choices(
        BYZANTINE_BEHAVIOURS,
      ),
    )
    .addOption(
      new Option("--service <NAME>", "what the replicas execute; bidding: sealed bids, book: orders")
        .choices([...WORKLOADS.keys()])
        .default(LOG),
    )
    .addOption(
      new Option(
        "--compare [OPTION]",
        "measure with each value of this option, one after the other (default: dissemination)",
      ).choices(Object.keys(COMPARED)),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        "abcast bench",
        "abcast bench --rate 20000 --seconds 30 --json",
        "abcast bench --compare durability",
        "abcast bench --rate 1000 --crash 1",
      ),
    )
    .action(bench);
}

async function bench(options: Options): Promise<void> {
  const output = createOutput(options);
  checkProcessUse();
  const all = compared(options);
  for (const settings of all) check(settings);
  if (statfsSync(tmpdir()).type === TMPFS_MAGIC)
    output.note(`${tmpdir()} is in memory, so that no disk is waited for; TMPDIR says where else the cluster is to be`);
  const interruption = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => interruption.abort(new Interrupted(signal));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, interrupt);
  const reports: BenchReport[] = [];
  try {
    for (const settings of all) {
      const progress = new Progress(output);
      try {
        reports.push(
          await measure(settings, { signal: interruption.signal, onPhase: (phase) => progress.show(phase) }),
        );
      } finally {
        progress.end();
      }
    }
  } catch (error) {
    // As a shell reports a process that the signal has ended.
    if (error instanceof Interrupted) process.exit(128 + constants.signals[error.signal]);
    throw error;
  }
  const [first] = reports;
  const names = options.compare === undefined ? [] : valuesOf(options.compare);
  output.result(options.compare === undefined ? first : { compared: reports }, tableOf(reports, names));
  if (reports.some(({ logDigestsEqual }) => !logDigestsEqual)) process.exitCode = EXIT.invalid;
}

class Interrupted extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}

function valuesOf(compare: NonNullable<Options["compare"]>): readonly string[] {
  return COMPARED[compare === true ? "dissemination" : compare];
}

/** One for each measurement. */
function compared(options: Options): readonly BenchSettings[] {
  const { n, payload, rate, clients, seconds, durability, dissemination, certificates, crash, byzantine, service } =
    options;
  const settings: BenchSettings = {
    n,
    service,
    payload,
    rate: rate ?? null,
    clients,
    seconds,
    warmUpSeconds: warmUpOf(seconds),
    durability,
    dissemination,
    certificates,
    crash,
    byzantine: byzantine ?? null,
  };
  const { compare } = options;
  if (compare === undefined) return [settings];
  const option = compare === true ? "dissemination" : compare;
  return COMPARED[option].map((value) => Object.assign({}, settings, { [option]: value }));
}

/** @throws InputError when more replicas fail than may */
function check({ n, crash, byzantine }: BenchSettings): void {
  const t = Math.floor((n - 1) / 3);
  const failing = crash + (byzantine === null ? 0 : 1);
  if (failing <= t) return;
  const option = crash > 0 ? "--crash" : "--byzantine";
  throw new InputError(
    { option },
    `${failing} of ${n} replicas cannot fail, at most ${t}; give fewer, or a greater --n`,
  );
}

/** A live line, and a bar while it is known how long it takes; for who watches. */
class Progress {
  readonly #output: Output;
  #bar: SingleBar | undefined;
  #named = "";

  constructor(output: Output) {
    this.#output = output;
  }

  show({ name, seconds, ofSeconds, payloadsPerSecond = 0 }: Phase): void {
    const { live } = this.#output;
    if (name !== this.#named) this.end();
    this.#named = name;
    if (live === undefined) return;
    if (seconds === undefined || ofSeconds === undefined) return live.show(`${name} …`);
    this.#bar ??= startBar(name, ofSeconds);
    this.#bar.update(Math.min(seconds, ofSeconds), { rate: Math.round(payloadsPerSecond).toLocaleString("en-US") });
  }

  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#output.live?.clear();
  }
}

function startBar(name: string, ofSeconds: number): SingleBar {
  const format = `${name} [{bar}] {value} of {total} s, {rate} payloads/s`;
  const bar = new SingleBar({
    format,
    stream: process.stderr,
    clearOnComplete: true,
    formatValue: (value, _options, type) => (type === "value" || type === "total" ? value.toFixed(0) : String(value)),
  });
  bar.start(ofSeconds, 0, { rate: "0" });
  return bar;
}
