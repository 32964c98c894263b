/** Line plots as SVG: readable on light and on dark pages, and without colours. */

const [WIDTH, HEIGHT] = [860, 430];
const PLOT = { left: 84, top: 58, right: 560, bottom: 372 };
const COLORS = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#57606a", "#cf222e"];
const DASHES = ["", "7 4", "2 4", "10 4 2 4", "14 5", "4 2"];
const LEGEND = { left: 584, top: 74, lineHeight: 40 };

/**
 * Both axes logarithmic, with a tick at each n.
 * @param {{ title: string, description: string, yLabel: string, xLabel?: string,
 *   lines: readonly { name: readonly [string, string], points: readonly { n: number, value: number }[] }[] }} plot
 */
export function logPlot({ xLabel = "parties n", ...plot }) {
  const points = plot.lines.flatMap((line) => line.points);
  const sizes = [...new Set(points.map(({ n }) => n))].sort((a, b) => a - b);
  const range = extent(points.map(({ value }) => value));
  return drawing({
    ...plot,
    x: { label: xLabel, ticks: sizes, at: scale(extent(sizes), [PLOT.left + 12, PLOT.right - 12]) },
    y: {
      label: plot.yLabel,
      ticks: ticks(range),
      at: scale([range[0] / 1.2, range[1] * 1.2], [PLOT.bottom, PLOT.top]),
    },
  });
}

/** Both axes linear, from 0. Lines as for `logPlot`. */
export function linearPlot({ xLabel, ...plot }) {
  const points = plot.lines.flatMap((line) => line.points);
  const [xs, ys] = [points.map(({ n }) => n), points.map(({ value }) => value)].map(evenTicks);
  return drawing({
    ...plot,
    x: { label: xLabel, ticks: xs, at: linearScale(xs.at(-1), [PLOT.left, PLOT.right]) },
    y: { label: plot.yLabel, ticks: ys, at: linearScale(ys.at(-1), [PLOT.bottom, PLOT.top]) },
  });
}

const extent = (values) => [Math.min(...values), Math.max(...values)];

/** From 0 to pixels. */
function linearScale(to, [start, end]) {
  return (value) => round(start + ((end - start) * value) / to);
}

/** From 0 to above all of `values`, a few round numbers apart. */
function evenTicks(values) {
  const greatest = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(greatest));
  const step = [0.2, 0.5, 1, 2].map((factor) => factor * power).find((size) => greatest / size <= 6);
  return Array.from({ length: Math.ceil(greatest / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

function drawing({ title, description, x, y, lines }) {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="t d" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" fill="#1f2328">`,
    `  <title id="t">${escape(title)}</title>`,
    `  <desc id="d">${escape(description)}</desc>`,
    `  <rect x="1" y="1" width="${WIDTH - 2}" height="${HEIGHT - 2}" rx="12" fill="#f6f8fa" stroke="#d0d7de" stroke-width="2"/>`,
    `  <text x="${PLOT.left}" y="34" font-size="16" font-weight="600">${escape(title)}</text>`,
    ...axes(x, y),
    ...lines.flatMap((line, index) => drawn(line, index, x.at, y.at)),
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

function axes(x, y) {
  const middle = (PLOT.top + PLOT.bottom) / 2;
  return [
    `  <g stroke="#d0d7de">`,
    ...y.ticks.map((value) => `    <path d="M${PLOT.left} ${y.at(value)}H${PLOT.right}"/>`),
    ...x.ticks.map((n) => `    <path d="M${x.at(n)} ${PLOT.top}V${PLOT.bottom}"/>`),
    "  </g>",
    `  <path d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}" fill="none" stroke="#57606a" stroke-width="1.5"/>`,
    `  <g text-anchor="end">`,
    ...y.ticks.map((value) => `    <text x="${PLOT.left - 8}" y="${round(y.at(value) + 4)}">${short(value)}</text>`),
    "  </g>",
    `  <g text-anchor="middle">`,
    ...x.ticks.map((n) => `    <text x="${x.at(n)}" y="${PLOT.bottom + 20}">${short(n)}</text>`),
    `    <text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 42}">${escape(x.label)}</text>`,
    `    <text transform="translate(22 ${middle}) rotate(-90)">${escape(y.label)}</text>`,
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
