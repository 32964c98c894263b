/** The targets, and whether what was measured meets them. */

/**
 * @param {{ runs: readonly { name: string, report: import("../../dist/cli/bench/report.js").BenchReport }[], wan: object | null }} figures
 * @returns {{ name: string, relation: "<=" | ">=", limit: number, value: number | null, ok: boolean | null }[]}
 */
export function targetsOf({ runs, wan }) {
  const of = (name) => runs.find((run) => run.name === name)?.report;
  const [most, sustained, offered, alone] = [
    "as many as go through",
    "sustained",
    "100,000/s offered",
    "one client alone",
  ].map(of);
  const share = (report) => report && most && (100 * report.payloadsPerSecond) / most.payloadsPerSecond;
  const byzantine = runs.filter(({ name }) => name.startsWith("Byzantine")).map(({ report }) => share(report));
  const idle = of("idle");
  const atLeast = (name, limit, value) => judged(name, ">=", limit, value);
  const atMost = (name, limit, value) => judged(name, "<=", limit, value);
  return [
    atLeast("payloads/s, sustained", 250_000, sustained?.payloadsPerSecond),
    atMost("p50 meanwhile, ms", 200, sustained?.latencyMs.p50),
    atMost("p99 meanwhile, ms", 500, sustained?.latencyMs.p99),
    atMost("resident MiB of a replica meanwhile", 400, sustained?.residentMiB.peak),
    atMost("CPU seconds per million meanwhile, replicas", 7, sustained?.cpuSecondsPerMillion.replicas),
    atMost("CPU seconds per million meanwhile, load", 1, sustained?.cpuSecondsPerMillion.load),
    atMost("CPU seconds per million at 100,000/s offered, replicas", 12, offered?.cpuSecondsPerMillion.replicas),
    atMost("p50 of one client alone, ms", 5, alone?.latencyMs.p50),
    atLeast("throughput with one replica crashed, % of that without", 90, share(of("one crashed"))),
    atLeast(
      "throughput with one Byzantine replica, %, the worst",
      60,
      byzantine.length === 0 ? undefined : Math.min(...byzantine),
    ),
    atLeast("payloads/s at n=16", 20_000, of("n=16")?.payloadsPerSecond),
    atMost("wide area: p50 alone, median one-way delays", 12, wan?.alone.multiple),
    atMost("wide area: p50 at half load, median one-way delays", 18, wan?.half.multiple),
    atMost(
      "CPU seconds of an idle cluster in 10 s",
      0.2,
      idle && (10 * idle.cpuSeconds.replicas) / idle.settings.seconds,
    ),
  ];
}

function judged(name, relation, limit, measured) {
  const value = measured === undefined || measured === null ? null : Number(measured.toPrecision(3));
  return {
    name,
    relation,
    limit,
    value,
    ok: value === null ? null : relation === "<=" ? value <= limit : value >= limit,
  };
}

/** "met", or by how much it is missed. */
export function verdict({ relation, limit, value, ok }) {
  if (value === null || ok === null) return "not measured";
  if (ok) return "met";
  const factor = relation === "<=" ? value / limit : limit / value;
  if (factor === Infinity) return "**missed**";
  return factor < 2
    ? `**missed by ${Math.round(100 * (relation === "<=" ? factor - 1 : 1 - value / limit))} %**`
    : `**missed by a factor of ${Number(factor.toPrecision(2))}**`;
}
