/**
 * What every protocol costs as a function of n, in the simulator: messages, bytes, operations of the cryptography, rounds and
 * candidates. Prints tables, or JSON with --json; writes cost.json, img/cost-*.svg and the tables of cost.md into docs/. The exit
 * code is 1 when a target is missed, 2 when the options are wrong. The same bytes in every run.
 *
 *     node bench/cost.mjs [--max-n 100] [--out DIRECTORY] [--render] [--json]
 *
 * With a smaller --max-n nothing is written unless --out says where. --render measures nothing and renders cost.json again.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COINS, SIZES, VALUE_BYTES, jobsOf, summarize } from "../dist/sim/cost/index.js";
import { parseOptions, usageError } from "../test/support/usage.mjs";
import { plots } from "./cost/plots.mjs";
import { sections, text } from "./cost/tables.mjs";

const DOCS = fileURLToPath(new URL("../docs", import.meta.url));
const [BEGIN, END] = ["<!-- begin: npm run bench:cost -->", "<!-- end: npm run bench:cost -->"];

const SCRIPT = "bench/cost.mjs";
const { values } = parseOptions(SCRIPT, {
  options: {
    "max-n": { type: "string", default: String(SIZES.at(-1)) },
    out: { type: "string" },
    render: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const greatest = Number(values["max-n"]);
const sizes = SIZES.filter((n) => n <= greatest);
// How a cost grows shows from two sizes on.
if (sizes.length < 2) usageError(SCRIPT, `--max-n is "${values["max-n"]}"`, `give a number from ${SIZES[1]} on`);
const out = values.out ?? (sizes.length === SIZES.length ? DOCS : undefined);

function measure() {
  const jobs = sizes.flatMap((n) => jobsOf(n));
  return jobs.map((job, index) => {
    const { n, protocol, variant, adversary } = job;
    const line = `${index + 1}/${jobs.length} n=${n}: ${protocol}, ${variant}, ${adversary}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
    else if (jobs[index - 1]?.n !== n) process.stderr.write(`${line} …\n`);
    return job.measure();
  });
}

/** A row on a line, so that changes show. */
function encode({ settings, rows, growth, targets }) {
  const list = (items) => `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(",\n")}\n  ]`;
  return `{\n  "settings": ${JSON.stringify(settings)},\n  "rows": ${list(rows)},\n  "growth": ${list(growth)},\n  "targets": ${list(targets)}\n}\n`;
}

function write(directory, report) {
  mkdirSync(join(directory, "img"), { recursive: true });
  writeFileSync(join(directory, "cost.json"), encode(report));
  for (const [name, svg] of Object.entries(plots(report.rows))) writeFileSync(join(directory, "img", name), svg);
  const page = join(directory, "cost.md");
  if (!existsSync(page)) return;
  const before = readFileSync(page, "utf8");
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${page} has no place for the tables`);
  writeFileSync(page, `${before.slice(0, begin)}${BEGIN}\n\n${sections(report)}\n\n${before.slice(end)}`);
}

const rows = values.render ? JSON.parse(readFileSync(join(out ?? DOCS, "cost.json"), "utf8")).rows : measure();
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
const measuredSizes = [...new Set(rows.map(({ n }) => n))];
const report = {
  settings: { n: measuredSizes, valueBytes: VALUE_BYTES, coins: COINS },
  rows,
  ...summarize(rows),
};
if (out !== undefined) write(out, report);
console.log(values.json ? JSON.stringify(report) : text(report));
if (report.targets.some(({ ok }) => ok === false)) process.exitCode = 1;
