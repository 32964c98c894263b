/**
 * How fast abcast is on this machine: throughput and latency, CPU, memory, scaling with n and payloads, failures, wide area. Prints
 * tables, or JSON with --json; writes performance.json, img/performance-*.svg and the tables of PERFORMANCE.md into docs/. The exit
 * code is 1 when logs differ, 2 when the options are wrong.
 *
 *     npm run bench:performance [-- [--short] [--only PATTERN] [--out DIRECTORY] [--render] [--json]]
 *
 * --only takes measurements whose names match, and the first, to which others are compared. The short form takes little time and
 * writes nothing unless --out says where. --render renders performance.json again.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measure } from "../dist/cli/bench/run.js";
import { parseOptions } from "../test/support/usage.mjs";
import { FORMS, plan } from "./performance/plan.mjs";
import { plots } from "./performance/plots.mjs";
import { sections, text } from "./performance/tables.mjs";
import { interruption, watch } from "./performance/watch.mjs";
import { measureWan } from "./wan/measure.mjs";

const DOCS = fileURLToPath(new URL("../docs", import.meta.url));
const [BEGIN, END] = ["<!-- begin: npm run bench:performance -->", "<!-- end: npm run bench:performance -->"];

const { values } = parseOptions("bench/performance.mjs", {
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    out: { type: "string" },
    render: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const form = values.short ? FORMS.short : FORMS.full;
const out = values.out ?? (values.short ? undefined : DOCS);
const only = patternOf(values.only);
const signal = interruption();

function patternOf(text) {
  try {
    return new RegExp(text);
  } catch (error) {
    console.error(`bench/performance.mjs: --only: ${error.message}`);
    return process.exit(2);
  }
}

function machineNow() {
  const [{ model }] = cpus();
  return {
    cpu: model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    kernel: release(),
    loadBefore: Number(loadavg()[0].toFixed(1)),
    date: new Date().toISOString().slice(0, 10),
  };
}

async function measureAll() {
  const startedMs = performance.now();
  const machine = machineNow();
  const runs = [];
  const steps = plan(form).filter(({ name }, index) => index === 0 || only.test(name));
  for (const [index, { name, settings }] of steps.entries()) {
    const most = runs[0]?.report.payloadsPerSecond ?? 0;
    const onPhase = watch(`${index + 1}/${steps.length} ${name}`);
    const report = await measure(settings(most), { onPhase, signal });
    // Memory over time is shown of the longest only.
    const samples = report.settings.seconds === Math.max(form.sustainedSeconds, form.seconds) ? report.samples : [];
    runs.push({ name, report: { ...report, samples } });
  }
  const { seconds, warmUpSeconds } = form;
  const wan = form.isShort
    ? null
    : await measureWan({ seconds, warmUpSeconds, dissemination: "certified", onPhase: watch("wide area"), signal });
  return { machine, seconds: Math.round((performance.now() - startedMs) / 1000), runs, wan };
}

/** A measurement on a line, so that changes show. */
function encode({ machine, seconds, runs, wan }) {
  const list = runs.map((run) => `    ${JSON.stringify(run)}`).join(",\n");
  return `{\n  "machine": ${JSON.stringify(machine)},\n  "seconds": ${seconds},\n  "runs": [\n${list}\n  ],\n  "wan": ${JSON.stringify(wan)}\n}\n`;
}

function write(directory, report) {
  mkdirSync(join(directory, "img"), { recursive: true });
  writeFileSync(join(directory, "performance.json"), encode(report));
  for (const [name, svg] of Object.entries(plots(report.runs))) writeFileSync(join(directory, "img", name), svg);
  const page = join(directory, "PERFORMANCE.md");
  if (!existsSync(page)) return;
  const before = readFileSync(page, "utf8");
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${page} has no place for the tables`);
  writeFileSync(page, `${before.slice(0, begin)}${BEGIN}\n\n${sections(report)}\n\n${before.slice(end)}`);
}

const report = values.render
  ? JSON.parse(readFileSync(join(out ?? DOCS, "performance.json"), "utf8"))
  : await measureAll();
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
if (out !== undefined) write(out, report);
console.log(values.json ? JSON.stringify(report) : text(report));
if (report.runs.some(({ report: { logDigestsEqual } }) => !logDigestsEqual)) process.exitCode = 1;
