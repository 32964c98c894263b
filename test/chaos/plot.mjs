/** Panels of lines over one axis, as SVG: readable on light and on dark pages. */

const WIDTH = 860;
const PANEL_HEIGHT = 300;
const AREA = { left: 84, right: 700, top: 48, bottom: 250 };
const COLORS = ["#0969da", "#bc4c00", "#1a7f37", "#8250df", "#57606a", "#cf222e", "#9a6700"];

/**
 * @param {{ title: string, xLabel: string, panels: readonly { title: string, unit: string,
 *   lines: readonly { name: string, points: readonly { x: number, y: number }[] }[] }[] }} plot
 */
export function linePlot({ title, xLabel, panels }) {
  const height = panels.length * PANEL_HEIGHT + 20;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="t" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" fill="#1f2328">`,
    `  <title id="t">${escape(title)}</title>`,
    `  <rect x="1" y="1" width="${WIDTH - 2}" height="${height - 2}" rx="12" fill="#f6f8fa" stroke="#d0d7de" stroke-width="2"/>`,
    ...panels.flatMap((panel, index) => drawn(panel, index * PANEL_HEIGHT, xLabel)),
    "</svg>",
  ].join("\n")}\n`;
}

function drawn({ title, unit, lines }, top, xLabel) {
  const all = lines.flatMap(({ points }) => points);
  const [maxX, maxY] = [Math.max(...all.map(({ x }) => x)), Math.max(...all.map(({ y }) => y))];
  const x = (value) => round(AREA.left + ((AREA.right - AREA.left) * value) / maxX);
  const y = (value) => round(top + AREA.bottom - ((AREA.bottom - AREA.top) * value) / (1.1 * maxY));
  const yTicks = ticks(1.1 * maxY);
  return [
    `  <text x="${AREA.left}" y="${top + 32}" font-size="16" font-weight="600">${escape(title)}</text>`,
    `  <g stroke="#d0d7de">`,
    ...yTicks.map((value) => `    <path d="M${AREA.left} ${y(value)}H${AREA.right}"/>`),
    "  </g>",
    `  <g text-anchor="end">`,
    ...yTicks.map((value) => `    <text x="${AREA.left - 8}" y="${round(y(value) + 4)}">${value} ${unit}</text>`),
    "  </g>",
    `  <g text-anchor="middle">`,
    ...ticks(maxX).map(
      (value) => `    <text x="${x(value)}" y="${top + AREA.bottom + 20}">${value.toLocaleString("en")}</text>`,
    ),
    `    <text x="${(AREA.left + AREA.right) / 2}" y="${top + AREA.bottom + 40}">${escape(xLabel)}</text>`,
    "  </g>",
    ...lines.flatMap(({ name, points }, index) => [
      `  <path d="${points.map((point, at) => `${at === 0 ? "M" : "L"}${x(point.x)} ${y(point.y)}`).join("")}" fill="none" stroke="${COLORS[index % COLORS.length]}" stroke-width="1.5"/>`,
      `  <text x="${AREA.right + 16}" y="${top + AREA.top + 14 + 22 * index}" fill="${COLORS[index % COLORS.length]}">${escape(name)}</text>`,
    ]),
  ];
}

/** About five round numbers from 0 to `end`. */
function ticks(end) {
  const raw = end / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

const round = (pixels) => Math.round(10 * pixels) / 10;
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
