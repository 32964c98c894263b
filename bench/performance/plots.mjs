/** The plots of docs/PERFORMANCE.md, by file name. */
import { linearPlot, logPlot } from "../cost/svg.mjs";

/** @param {readonly { name: string, report: import("../../dist/cli/bench/report.js").BenchReport }[]} runs */
export function plots(runs) {
  const steady = runs.filter(({ name }) => /^at [0-9.]+ %$/.test(name)).map(({ report }) => report);
  const most = runs.find(({ name }) => name === "as many as go through")?.report;
  const of = (chosen, x, value) =>
    chosen
      .map((report) => ({ n: x(report), value: value(report) }))
      .filter((point) => point.value > 0)
      .sort((a, b) => a.n - b.n);
  const rate = ({ payloadsPerSecond }) => Math.round(payloadsPerSecond);
  const cpu =
    (who) =>
    ({ cpuSecondsPerMillion }) =>
      cpuSecondsPerMillion[who];
  const sizes = [most, ...runs.filter(({ name }) => name.startsWith("n=")).map(({ report }) => report)].filter(Boolean);
  const payloads = [most, ...runs.filter(({ name }) => name.endsWith(" bytes")).map(({ report }) => report)].filter(
    Boolean,
  );
  const n = ({ settings }) => settings.n;
  const payload = ({ settings }) => settings.payload;
  const sustained = runs.find(({ name }) => name === "sustained")?.report ?? most;
  const samples = sustained?.samples ?? [];
  const memory = (party) => samples.map(({ seconds, residentMiB }) => ({ n: seconds, value: residentMiB[party] }));
  return {
    "performance-latency.svg": linearPlot({
      title: "Latency at a given throughput",
      description: "Median and 99th percentile of the latency at shares of what goes through.",
      xLabel: "payloads/s",
      yLabel: "ms",
      lines: [
        { name: ["p50", "256 bytes, n=4"], points: of(steady, rate, ({ latencyMs }) => latencyMs.p50) },
        { name: ["p99", "256 bytes, n=4"], points: of(steady, rate, ({ latencyMs }) => latencyMs.p99) },
      ],
    }),
    "performance-cpu.svg": linearPlot({
      title: "CPU for a million payloads",
      description: "CPU seconds of all replicas, and of the load, at shares of what goes through.",
      xLabel: "payloads/s",
      yLabel: "CPU seconds per million",
      lines: [
        { name: ["replicas", "all together"], points: of(steady, rate, cpu("replicas")) },
        { name: ["load", "one process"], points: of(steady, rate, cpu("load")) },
      ],
    }),
    "performance-n.svg": logPlot({
      title: "Payloads a second with n replicas on one machine",
      description: "As many as go through, all replicas sharing the machine.",
      yLabel: "payloads/s",
      lines: [{ name: ["as many as go through", "256 bytes"], points: of(sizes, n, rate) }],
    }),
    "performance-payload.svg": logPlot({
      title: "Payloads a second by their size",
      description: "As many as go through, with payloads from 64 bytes to 16 KiB.",
      xLabel: "bytes of a payload",
      yLabel: "payloads/s",
      lines: [{ name: ["as many as go through", "n=4"], points: of(payloads, payload, rate) }],
    }),
    "performance-memory.svg": linearPlot({
      title: "Resident memory over time",
      description: "Of each replica in the longest measurement.",
      xLabel: "seconds",
      yLabel: "MiB",
      lines: (samples[0]?.residentMiB ?? []).map((_, party) => ({
        name: [`replica ${party}`, "sustained"],
        points: memory(party),
      })),
    }),
  };
}
