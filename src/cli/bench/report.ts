/** What a measurement says: as JSON for machines, as a table for people. */
import type { PartyId } from "../../core/party-set.js";
import type { Measured } from "./load.js";
import type { ProcessUse } from "./process-use.js";
import type { ReplicaCounts } from "./replica-metrics.js";
import type { BenchSettings } from "./settings.js";

export interface Sample {
  /** Since the beginning of the window. */
  readonly seconds: number;
  readonly payloadsPerSecond: number;
  /** Of each replica. */
  readonly residentMiB: readonly number[];
  readonly loadMiB: number;
}

export interface BenchReport {
  /** Acknowledged by replicas of which one is honest. */
  readonly payloadsPerSecond: number;
  /** From when a payload should have been sent until it is acknowledged; null when none was. */
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null; readonly p999: number | null };
  /** Of all replicas together, and of the load; null when nothing was acknowledged. */
  readonly cpuSecondsPerMillion: { readonly replicas: number | null; readonly load: number | null };
  readonly cpuSeconds: { readonly replicas: number; readonly load: number };
  /** Of one replica: the median over time and replicas, and the most that one ever had; of the load the most. */
  readonly residentMiB: { readonly median: number; readonly peak: number; readonly load: number };
  /** Sent by all replicas and the load's clients together, before encryption. */
  readonly bytesOnWire: number;
  /** Written by all replicas, in whole pages. */
  readonly bytesOnDisk: number;
  /** Of all replicas. */
  readonly fsyncs: number;
  readonly rounds: number;
  /** Payloads, in the window. */
  readonly acknowledged: number;
  readonly logDigestsEqual: boolean;
  /** Four a second. */
  readonly samples: readonly Sample[];
  readonly settings: BenchSettings & { readonly operationsPerRequest: number };
}

export interface Counts {
  readonly processes: ReadonlyMap<PartyId, ProcessUse>;
  readonly load: ProcessUse;
  readonly replicas: ReadonlyMap<PartyId, ReplicaCounts>;
}

export interface Findings {
  readonly settings: BenchReport["settings"];
  readonly measured: Measured;
  readonly before: Counts;
  readonly after: Counts;
  readonly samples: readonly Sample[];
  readonly logDigestsEqual: boolean;
}

export function reportOf({ settings, measured, before, after, samples, logDigestsEqual }: Findings): BenchReport {
  const { acknowledged, seconds, latencyMs, sentBytes } = measured;
  const parties = [...after.processes.keys()];
  const sum = (value: (party: PartyId) => number): number => parties.reduce((total, party) => total + value(party), 0);
  const process = (of: keyof ProcessUse): number =>
    sum((party) => (after.processes.get(party)?.[of] ?? 0) - (before.processes.get(party)?.[of] ?? 0));
  const count = (party: PartyId, of: keyof ReplicaCounts): number =>
    (after.replicas.get(party)?.[of] ?? 0) - (before.replicas.get(party)?.[of] ?? 0);
  const perMillion = (cpuSeconds: number): number | null =>
    acknowledged === 0 ? null : rounded((1e6 * cpuSeconds) / acknowledged, 2);
  const [replicaCpu, loadCpu] = [process("cpuSeconds"), after.load.cpuSeconds - before.load.cpuSeconds];
  const residents = samples.flatMap(({ residentMiB }) => residentMiB).sort((a, b) => a - b);
  return {
    payloadsPerSecond: rounded(acknowledged / seconds, 1),
    latencyMs,
    cpuSecondsPerMillion: {
      replicas: perMillion(replicaCpu),
      load: perMillion(loadCpu),
    },
    cpuSeconds: { replicas: rounded(replicaCpu, 2), load: rounded(loadCpu, 2) },
    residentMiB: {
      median: rounded(residents[residents.length >> 1] ?? 0, 1),
      peak: rounded(residents.at(-1) ?? 0, 1),
      load: rounded(Math.max(0, ...samples.map(({ loadMiB }) => loadMiB)), 1),
    },
    bytesOnWire: sentBytes + sum((party) => count(party, "sentBytes")),
    bytesOnDisk: process("diskBytes"),
    fsyncs: sum((party) => count(party, "syncs")),
    rounds: Math.max(0, ...parties.map((party) => count(party, "round"))),
    acknowledged,
    logDigestsEqual,
    samples: samples.map((sample) => ({
      seconds: rounded(sample.seconds, 2),
      payloadsPerSecond: rounded(sample.payloadsPerSecond, 0),
      residentMiB: sample.residentMiB.map((value) => rounded(value, 1)),
      loadMiB: rounded(sample.loadMiB, 1),
    })),
    settings,
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const ROWS: readonly (readonly [string, (report: BenchReport) => string])[] = [
  ["payloads/s", ({ payloadsPerSecond }) => grouped(Math.round(payloadsPerSecond))],
  ["latency p50 / p99 / p99.9, ms", ({ latencyMs: { p50, p99, p999 } }) => [p50, p99, p999].map(short).join(" / ")],
  [
    "CPU s per million, replicas / load",
    ({ cpuSecondsPerMillion: { replicas, load } }) => [replicas, load].map(short).join(" / "),
  ],
  [
    "resident MiB, median / peak / load",
    ({ residentMiB: { median, peak, load } }) => [median, peak, load].map(short).join(" / "),
  ],
  ["bytes on the wire, a payload", (report) => perPayload(report, report.bytesOnWire)],
  ["bytes on disk, a payload", (report) => perPayload(report, report.bytesOnDisk)],
  ["fsyncs, all replicas", ({ fsyncs }) => grouped(fsyncs)],
  ["rounds", ({ rounds }) => grouped(rounds)],
  ["acknowledged", ({ acknowledged }) => grouped(acknowledged)],
  ["logs equal", ({ logDigestsEqual }) => (logDigestsEqual ? "yes" : "NO")],
];

/** One column for each report; `names`: what they are called, unless there is one only. */
export function tableOf(reports: readonly BenchReport[], names: readonly string[] = []): string {
  const rows = ROWS.map(([name, cell]) => [name].concat(reports.map(cell)));
  const lines = reports.length > 1 ? [["", ...names], ...rows] : rows;
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

function perPayload({ acknowledged }: BenchReport, total: number): string {
  return acknowledged === 0 ? "-" : short(total / acknowledged);
}

function short(value: number | null): string {
  if (value === null) return "-";
  return value >= 100 ? grouped(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
