/** What the measurements come to: the figures by scheme, the targets, and a table for people. */

/** Of figures at these sizes only. */
const TARGETS = [
  { name: "RSA share / private exponentiation", atMost: 1.3, of: ({ rsa }) => rsa.shareRatio },
  { name: "RSA proven share / private exponentiation", atMost: 4, of: ({ rsa }) => rsa.proveRatio },
  { name: "RSA proofs checked while all are honest", atMost: 0, of: ({ rsa }) => rsa.proofsChecked },
  { name: "BLS combine 43 of 64, ms", atMost: 6.5, of: ({ bls }) => bls.combineMs["43of64"] },
  { name: "DH coin combine 11 of 16, ms", atMost: 1.5, of: ({ coin }) => coin.combineMs["11of16"] },
  {
    name: "longest block of the event loop at n=64, ms",
    atMost: 20,
    of: ({ settings, maxBlockMs }) => (settings.n.at(-1) === 64 ? maxBlockMs : undefined),
  },
];

/** @param {{ machine: object, settings: { n: number[] }, operations: import("./measure.mjs").Row[], rsa: object }} measured */
export function summarize({ machine, settings, operations, rsa }) {
  const largest = settings.n.at(-1);
  const blocking = operations.filter(({ n, counted }) => counted && (n === largest || n === 1));
  const worst = blocking.reduce((most, row) => (row.blockMs > most.blockMs ? row : most));
  const summary = {
    machine,
    settings,
    operations,
    rsa: { ...rsa, combineMs: combineMs(operations, "rsa") },
    bls: { combineMs: combineMs(operations, "bls") },
    coin: { combineMs: combineMs(operations, "coin dh") },
    maxBlockMs: worst.blockMs,
    worstBlock: `${worst.scheme} ${worst.operation}`,
  };
  return { ...summary, targets: TARGETS.map((target) => judged(target, summary)) };
}

/** Not measured at other sizes: null. */
function judged({ name, atMost, of }, summary) {
  const value = of(summary) ?? null;
  return { name, atMost, value, ok: value === null ? null : value <= atMost };
}

/** "43of64": of any parties; "43of64, first parties"; "43of64 (Protocol 2)". */
function combineMs(operations, scheme) {
  const combining = operations.filter((row) => row.scheme === scheme && /^combine(?! robustly)/.test(row.operation));
  return Object.fromEntries(
    combining.map(({ operation, n, threshold, medianMs }) => [
      `${threshold}of${n}${operation.slice("combine".length)}`,
      medianMs,
    ]),
  );
}

const COLUMNS = [
  { title: "operation", of: ({ operation }) => operation, left: true },
  { title: "of", of: ({ n, threshold }) => (n === 1 ? "1" : `${threshold} of ${n}`) },
  { title: "median ms", of: ({ medianMs }) => formatMs(medianMs) },
  { title: "min ms", of: ({ minMs }) => formatMs(minMs) },
  { title: "blocks ms", of: ({ blockMs, counted }) => `${formatMs(blockMs)}${counted ? " " : "*"}` },
  { title: "ratio", of: ({ ratio }) => (ratio === null ? "" : ratio.toFixed(2)) },
  { title: "to", of: ({ reference }) => reference ?? "", left: true },
];

export function table({ machine, settings, operations, rsa, maxBlockMs, worstBlock, targets }) {
  const { cpu, cores, node, load } = machine;
  const schemes = [...new Set(operations.map(({ scheme }) => scheme))];
  return [
    `${cpu}, ${cores} cores, load ${load} at the start, Node ${node}; RSA of ${settings.bits} bits; ${settings.runs} runs`,
    ...schemes.flatMap((scheme) => ["", scheme].concat(lines(operations.filter((row) => row.scheme === scheme)))),
    "",
    "* not counted as blocking: workers do it for a server, or it is only there to compare with",
    "",
    `In turns with a private exponentiation: RSA share ${rsa.shareRatio}, proven share ${rsa.proveRatio}`,
    `Proofs while all are honest: ${rsa.proofsMade} made, ${rsa.proofsChecked} checked`,
    `Longest block: ${maxBlockMs} ms, ${worstBlock}`,
    "",
    ...targets.map(
      ({ name, atMost, value, ok }) =>
        `${ok === null ? "not measured" : ok ? "ok" : "missed"}: ${name} <= ${atMost}${ok === null ? "" : `: ${value}`}`,
    ),
  ].join("\n");
}

function lines(rows) {
  const cells = [COLUMNS.map(({ title }) => title), ...rows.map((row) => COLUMNS.map(({ of }) => of(row)))];
  const widths = COLUMNS.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const pad = (text, column) => (COLUMNS[column].left ? text.padEnd(widths[column]) : text.padStart(widths[column]));
  return cells.map((line) => `  ${line.map(pad).join("  ")}`.trimEnd());
}

function formatMs(ms) {
  return ms.toFixed(ms < 10 ? 3 : 1);
}
