/** The measurements as tables: Markdown for docs/cost.md, and text for people. */
import { AGREEMENT, seriesOf, variantName } from "../../dist/sim/cost/index.js";

/** @param {import("../../dist/sim/cost/index.js").Target} target */
export function judged({ name, relation, limit, value, ok }) {
  return `${ok === null ? "not measured" : ok ? "ok" : "missed"}: ${name} ${relation} ${limit}${value === null ? "" : `: ${value}`}`;
}

const SIGNIFICANT = 3;

/** Three significant digits, and thousands as k, M or G. */
export function short(value) {
  const rounded = Number(value.toPrecision(SIGNIFICANT));
  const [unit, letter] =
    rounded >= 1e9 ? [1e9, " G"] : rounded >= 1e6 ? [1e6, " M"] : rounded >= 1e4 ? [1e3, " k"] : [1, ""];
  return `${Number((value / unit).toPrecision(SIGNIFICANT))}${letter}`;
}

const markdown = (header, rows) =>
  [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** What stands between the two markers in docs/cost.md. */
export function sections({ rows, growth, targets }) {
  const series = seriesOf(rows);
  const sizes = [...new Set(rows.map(({ n }) => n))].sort((a, b) => a - b);
  const bySize = (chosen, cell, columns = [], extra = () => []) =>
    markdown(
      ["protocol or variant", "adversary", ...sizes.map((n) => `n=${n}`), ...columns],
      chosen.map((one) => [
        one.protocol === AGREEMENT ? one.variant : `${one.protocol}: ${one.variant}`,
        `\`${one.adversary}\``,
        ...sizes.map((n) => {
          const row = one.rows.find((candidate) => candidate.n === n);
          return row === undefined ? "–" : cell(row);
        }),
        ...extra(one),
      ]),
    );
  const exponents = (what, last) => (one) => {
    const found = growth.find(
      (fit) => fit.protocol === one.protocol && fit.variant === one.variant && fit.adversary === one.adversary,
    );
    return found === undefined ? ["–", "–"] : [found[what].toFixed(2), found[last].toFixed(2)];
  };
  const fitted = ["exponent", "last step"];
  const messages = (chosen) =>
    bySize(chosen, (row) => short(row.messages), fitted, exponents("messages", "lastMessages"));
  const bytes = (chosen) => bySize(chosen, (row) => short(row.bytes), fitted, exponents("bytes", "lastBytes"));
  const agreement = series.filter(({ protocol }) => protocol === AGREEMENT);
  const main = agreement.filter(({ variant }) =>
    ["fixed", "random", "adaptive"].some((order) => variant === variantName({ order })),
  );
  const binary = series.filter(({ protocol }) => protocol === "binary agreement");
  const others = series.filter((one) => !agreement.includes(one) && !binary.includes(one));
  const tries = (row) => (row.tries === null ? "–" : `${row.tries}${row.triesError ? ` ± ${row.triesError}` : ""}`);
  const operations = ({ signatures, signatureChecks, certificateChecks, shares, shareChecks }) =>
    [signatures, signatureChecks, certificateChecks, shares, shareChecks].map(short).join(" / ");
  return [
    "### Targets",
    markdown(
      ["figure", "target", "measured", ""],
      targets.map(({ name, relation, limit, value, ok }) => [
        name,
        `${relation === "<=" ? "≤" : "≥"} ${limit}`,
        value ?? "–",
        ok === null ? "not measured" : ok ? "ok" : "**missed**",
      ]),
    ),
    "### Candidates tried in one agreement",
    "Mean over coins, with its standard error.",
    bySize(main, tries),
    "### Messages of one agreement",
    messages(agreement),
    "### Bytes of one agreement",
    bytes(agreement),
    "### Asynchronous rounds of one agreement",
    bySize(main, (row) => short(row.rounds)),
    "### Operations of one agreement",
    "Signatures made / checked / certificates checked / coin shares made / checked, at all honest parties together.",
    bySize(main, operations),
    "### Binary agreement by itself",
    "Messages:",
    messages(binary),
    "Bytes:",
    bytes(binary),
    "Asynchronous rounds:",
    bySize(binary, (row) => short(row.rounds)),
    "### Broadcasts",
    "Messages:",
    messages(others),
    "Bytes:",
    bytes(others),
    "Asynchronous rounds:",
    bySize(others, (row) => short(row.rounds)),
  ].join("\n\n");
}

/** For the terminal. */
export function text({ rows, growth, targets }) {
  const lines = seriesOf(rows).flatMap((one) => {
    const fit = growth.find(
      (found) => found.protocol === one.protocol && found.variant === one.variant && found.adversary === one.adversary,
    );
    const exponents = fit === undefined ? "" : `; messages ~ n^${fit.messages}, bytes ~ n^${fit.bytes}`;
    const title = `\n${one.protocol}, ${one.variant}, ${one.adversary}${exponents}`;
    return [title].concat(one.rows.map(rowText));
  });
  return lines.concat("", targets.map(judged)).join("\n").trimStart();
}

function rowText({ n, messages, bytes, rounds, signatures, tries }) {
  const tried = tries === null ? "" : `, candidates ${tries}`;
  return `  n=${n}: messages ${short(messages)}, bytes ${short(bytes)}, rounds ${rounds}, signatures ${short(signatures)}${tried}`;
}
