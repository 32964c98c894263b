/** Line plots on logarithmic axes, as SVG: readable on light and on dark pages, and without colours. */

const [WIDTH, HEIGHT] = [860, 430];
const PLOT = { left: 84, top: 58, right: 560, bottom: 372 };
const COLORS = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#57606a", "#cf222e"];
const DASHES = ["", "7 4", "2 4", "10 4 2 4", "14 5", "4 2"];
const LEGEND = { left: 584, top: 74, lineHeight: 40 };

/**
 * @param {{ title: string, description: string, yLabel: string,
 *   lines: readonly { name: readonly [string, string], points: readonly { n: number, value: number }[] }[] }} plot
 */
export function logPlot({ title, description, yLabel, lines }) {
  const points = lines.flatMap((line) => line.points);
  const sizes = [...new Set(points.map(({ n }) => n))].sort((a, b) => a - b);
  const x = scale([sizes[0], sizes.at(-1)], [PLOT.left + 12, PLOT.right - 12]);
  const range = [Math.min(...points.map(({ value }) => value)), Math.max(...points.map(({ value }) => value))];
  const y = scale([range[0] / 1.2, range[1] * 1.2], [PLOT.bottom, PLOT.top]);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="t d" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" fill="#1f2328">`,
    `  <title id="t">${escape(title)}</title>`,
    `  <desc id="d">${escape(description)}</desc>`,
    `  <rect x="1" y="1" width="${WIDTH - 2}" height="${HEIGHT - 2}" rx="12" fill="#f6f8fa" stroke="#d0d7de" stroke-width="2"/>`,
    `  <text x="${PLOT.left}" y="34" font-size="16" font-weight="600">${escape(title)}</text>`,
    ...axes(sizes, ticks(range), x, y, yLabel),
    ...lines.flatMap((line, index) => drawn(line, index, x, y)),
    "</svg>",
  ].join("\n")}\n`;
}

/** From a logarithmic range to pixels. */
function scale([from, to], [start, end]) {
  const slope = (end - start) / (Math.log(to) - Math.log(from));
  return (value) => round(start + slope * (Math.log(value) - Math.log(from)));
}

const round = (pixels) => Math.round(10 * pixels) / 10;

/** 1, 2, 5, 10, … as long as they are few; else powers of ten. */
function ticks([from, to]) {
  const within = (value) => value >= from / 1.2 && value <= to * 1.2;
  const powers = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
  const all = powers.flatMap((power) => [power, 2 * power, 5 * power]).filter(within);
  return all.length <= 8 ? all : powers.filter(within);
}

function axes(sizes, values, x, y, yLabel) {
  const middle = (PLOT.top + PLOT.bottom) / 2;
  return [
    `  <g stroke="#d0d7de">`,
    ...values.map((value) => `    <path d="M${PLOT.left} ${y(value)}H${PLOT.right}"/>`),
    ...sizes.map((n) => `    <path d="M${x(n)} ${PLOT.top}V${PLOT.bottom}"/>`),
    "  </g>",
    `  <path d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}" fill="none" stroke="#57606a" stroke-width="1.5"/>`,
    `  <g text-anchor="end">`,
    ...values.map((value) => `    <text x="${PLOT.left - 8}" y="${round(y(value) + 4)}">${short(value)}</text>`),
    "  </g>",
    `  <g text-anchor="middle">`,
    ...sizes.map((n) => `    <text x="${x(n)}" y="${PLOT.bottom + 20}">${n}</text>`),
    `    <text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 42}">parties n</text>`,
    `    <text transform="translate(22 ${middle}) rotate(-90)">${escape(yLabel)}</text>`,
    "  </g>",
  ];
}

function drawn({ name: [first, second], points }, index, x, y) {
  const [color, dash] = [COLORS[index % COLORS.length], DASHES[index % DASHES.length]];
  const stroke = `stroke="${color}" stroke-width="2"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`;
  const path = points.map(({ n, value }) => `${x(n)} ${y(value)}`).join(" ");
  const legendY = LEGEND.top + index * LEGEND.lineHeight;
  return [
    `  <path d="M${path}" fill="none" ${stroke}/>`,
    `  <g fill="${color}">${points.map(({ n, value }) => `<circle cx="${x(n)}" cy="${y(value)}" r="3"/>`).join("")}</g>`,
    `  <path d="M${LEGEND.left} ${legendY - 4}h34" ${stroke}/>`,
    `  <text x="${LEGEND.left + 44}" y="${legendY}">${escape(first)}</text>`,
    `  <text x="${LEGEND.left + 44}" y="${legendY + 16}" fill="#57606a">${escape(second)}</text>`,
  ];
}

const UNITS = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

function short(value) {
  const [unit, letter] = UNITS.find(([size]) => value >= size) ?? [1, ""];
  return `${value / unit}${letter}`;
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
