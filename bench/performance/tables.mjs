/** The measurements as tables: Markdown for docs/PERFORMANCE.md, and text for people. */
import { targetsOf, verdict } from "./targets.mjs";

const markdown = (header, rows) =>
  [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const number = (value) =>
  value === null
    ? "–"
    : value >= 100
      ? Math.round(value).toLocaleString("en-US")
      : String(Number(value.toPrecision(3)));

const COLUMNS = [
  ["measurement", ({ name }) => name],
  ["payloads/s", ({ report }) => number(report.payloadsPerSecond)],
  ["p50 ms", ({ report }) => number(report.latencyMs.p50)],
  ["p99 ms", ({ report }) => number(report.latencyMs.p99)],
  ["p99.9 ms", ({ report }) => number(report.latencyMs.p999)],
  ["CPU s/M replicas", ({ report }) => number(report.cpuSecondsPerMillion.replicas)],
  ["CPU s/M load", ({ report }) => number(report.cpuSecondsPerMillion.load)],
  ["MiB median / peak", ({ report: { residentMiB } }) => `${number(residentMiB.median)} / ${number(residentMiB.peak)}`],
  ["wire B", ({ report }) => perPayload(report, report.bytesOnWire)],
  ["disk B", ({ report }) => perPayload(report, report.bytesOnDisk)],
  ["fsyncs", ({ report }) => number(report.fsyncs)],
  ["rounds", ({ report }) => number(report.rounds)],
  ["logs", ({ report }) => (report.logDigestsEqual ? "equal" : "**differ**")],
];

const perPayload = ({ acknowledged }, bytes) => (acknowledged === 0 ? "–" : number(bytes / acknowledged));

/** What stands between the two markers in docs/PERFORMANCE.md. */
export function sections({ machine, runs, wan, seconds }) {
  const { cpu, cores, memoryGiB, node, kernel, loadBefore, date } = machine;
  const lengths = runs.map(({ report }) => report.settings.seconds);
  return [
    `Measured on ${date}, in ${Math.round(seconds / 60)} minutes: ${cores} cores (${cpu}), ${memoryGiB} GiB of memory, Linux ${kernel}, Node.js ${node}. Each measurement took ${Math.min(...lengths)} to ${Math.max(...lengths)} s. The load average of the machine before the first measurement was ${loadBefore}${loadBefore > 0.5 ? ": **others were at work on it**, and the figures say less of abcast than of sharing" : ""}.`,
    "### Targets",
    markdown(
      ["figure", "target", "measured", ""],
      targetsOf({ runs, wan }).map((target) => [
        target.name,
        `${target.relation === "<=" ? "≤" : "≥"} ${target.limit.toLocaleString("en-US")}`,
        target.value === null ? "–" : number(target.value),
        verdict(target),
      ]),
    ),
    "### Measurements",
    "Percentages are of what goes through in the first line. *Wire* and *disk* are bytes for each payload, of all replicas; fsyncs are those of all replicas.",
    markdown(
      COLUMNS.map(([title]) => title),
      runs.map((run) => COLUMNS.map(([, cell]) => cell(run))),
    ),
    "### Wide area",
    wan === null ? "Not measured." : wideArea(wan),
  ].join("\n\n");
}

function wideArea({ medianOneWayMs, alone, half, saturated, settings: { places, jitter, loss } }) {
  const row = (name, { payloadsPerSecond, latencyMs: { p50, p99 }, multiple }) => [
    name,
    number(payloadsPerSecond),
    number(p50),
    number(p99),
    multiple,
  ];
  return [
    `Replicas and clients at ${places.join(", ")}: median one-way delay ${medianOneWayMs} ms, jitter up to ${100 * jitter} %, ${100 * loss} % of segments lost. As many as go through: ${number(saturated.payloadsPerSecond)} payloads/s.`,
    "",
    markdown(
      ["", "payloads/s", "p50 ms", "p99 ms", "p50 in median one-way delays"],
      [row("alone", alone), row("half load", half)],
    ),
  ].join("\n");
}

/** For the terminal. */
export function text({ runs, wan }) {
  const lines = runs.map(({ name, report }) => {
    const { payloadsPerSecond, latencyMs, cpuSecondsPerMillion } = report;
    return `${name.padEnd(24)} ${number(payloadsPerSecond).padStart(9)}/s  p50 ${number(latencyMs.p50).padStart(7)} ms  ${number(cpuSecondsPerMillion.replicas).padStart(7)} + ${number(cpuSecondsPerMillion.load)} CPU s/M${report.logDigestsEqual ? "" : "  LOGS DIFFER"}`;
  });
  const targets = targetsOf({ runs, wan }).map(
    (target) =>
      `${verdict(target).replaceAll("*", "")}: ${target.name} ${target.relation} ${target.limit}${target.value === null ? "" : `: ${target.value}`}`,
  );
  return [...lines, "", ...targets].join("\n");
}
