/** A space–time diagram as a picture: SVG text that any browser shows, with what each message says as a tooltip. */
import type { PartyId } from "../core/party-set.js";
import type { MessageClass } from "./describe.js";
import type { Arrow, Diagram, Mark } from "./diagram.js";

const COLUMN = 130;
const ROW = 9;
const LEFT = 70;
const TOP = 64;
const LEGEND_COLUMN = 165;

const COLORS: Readonly<Record<MessageClass, string>> = {
  queue: "#0072b2",
  broadcast: "#009e73",
  vote: "#cc79a7",
  binary: "#d55e00",
  control: "#666666",
  garbage: "#999999",
};

const LEGEND: readonly (readonly [MessageClass, string])[] = [
  ["queue", "queue entries"],
  ["broadcast", "proposals and commits"],
  ["vote", "votes on candidates"],
  ["binary", "binary agreement"],
  ["control", "catching up"],
];

const MARKS: Readonly<Record<Mark["kind"], readonly [shape: string, color: string]>> = {
  submitted: ["▸", "#333333"],
  delivered: ["●", "#0072b2"],
  crashed: ["✕", "#c00000"],
  restarted: ["↻", "#009e73"],
  stopped: ["■", "#c00000"],
  corrupted: ["☠", "#c00000"],
  attacked: ["!", "#c00000"],
  accused: ["⚑", "#d55e00"],
};

/** Events from `from` to `to`; all unless given. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export function drawDiagram(diagram: Diagram, title: string, window: Window = { from: 0, to: diagram.length }): string {
  const x = (party: PartyId): number => LEFT + party * COLUMN;
  const y = (at: number): number => TOP + (at - window.from) * ROW;
  const isShown = (from: number, to: number): boolean => to >= window.from && from <= window.to;
  const width = Math.max(LEFT + (diagram.parties - 1) * COLUMN + LEFT + 60, LEGEND.length * LEGEND_COLUMN);
  const height = TOP + (window.to - window.from) * ROW + 20;
  const parties = Array.from({ length: diagram.parties }, (_, party) => party);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="11">`,
    `<title>${escape(title)}</title>`,
    `<rect width="100%" height="100%" fill="white"/>`,
    legend(),
    ...parties.map((party) => lifeline(party, x(party), y(window.to), diagram.corrupted.includes(party))),
    ...diagram.bands.filter(({ at }) => isShown(at, at)).map(({ at, text }) => band(text, y(at), width)),
    ...diagram.arrows.filter(({ sentAt, endedAt }) => isShown(sentAt, endedAt)).map((one) => arrow(one, window, x, y)),
    ...diagram.marks.filter(({ at }) => isShown(at, at)).map((one) => mark(one, x(one.party), y(one.at))),
    "</svg>",
    "",
  ].join("\n");
}

function legend(): string {
  const items = LEGEND.map(([kind, text], index) => {
    const left = 10 + index * LEGEND_COLUMN;
    return `<line x1="${left}" y1="12" x2="${left + 18}" y2="12" stroke="${COLORS[kind]}" stroke-width="2"/><text x="${left + 22}" y="16">${text}</text>`;
  });
  const marks = Object.entries(MARKS).map(
    ([kind, [shape, color]], index) => `<tspan x="${10 + index * 90}" fill="${color}">${shape}</tspan> ${kind}`,
  );
  return `${items.join("")}<text y="34">${marks.join("")}</text>`;
}

function lifeline(party: PartyId, x: number, bottom: number, isCorrupted: boolean): string {
  const color = isCorrupted ? "#c00000" : "#333333";
  const name = `party ${party}${isCorrupted ? " (corrupted)" : ""}`;
  return `<text x="${x}" y="${TOP - 10}" text-anchor="middle" fill="${color}">${name}</text><line x1="${x}" y1="${TOP}" x2="${x}" y2="${bottom}" stroke="${color}"/>`;
}

function band(text: string, y: number, width: number): string {
  return `<line x1="0" y1="${y}" x2="${width}" y2="${y}" stroke="#c00000" stroke-dasharray="2 3"/><text x="4" y="${y - 2}" fill="#c00000">${escape(text)}</text>`;
}

/** Of the plane: where, and when. */
interface Point {
  readonly x: number;
  readonly at: number;
}

/** The part of an arrow that the window shows, with its tip if that is there. */
function arrow(one: Arrow, window: Window, x: (party: PartyId) => number, y: (at: number) => number): string {
  const { end, class: kind, from, to, sentAt, endedAt } = one;
  const start: Point = { x: x(from), at: sentAt };
  const isLost = end === "lost";
  // What is lost stops half-way.
  const stop: Point = isLost ? { x: (x(from) + x(to)) / 2, at: (sentAt + endedAt) / 2 } : { x: x(to), at: endedAt };
  const xAt = (at: number): number =>
    at === stop.at ? stop.x : Math.round(start.x + ((stop.x - start.x) * (at - start.at)) / (stop.at - start.at));
  const first = start.at >= window.from ? start : { x: xAt(window.from), at: window.from };
  const last = stop.at <= window.to ? stop : { x: xAt(window.to), at: window.to };
  if (first.at > last.at) return "";
  const color = COLORS[kind];
  const [endX, endY] = [last.x, y(last.at)];
  const lostTip = `<text x="${endX}" y="${endY + 4}" text-anchor="middle" fill="${color}">×</text>`;
  const tip = isLost ? lostTip : `<circle cx="${endX}" cy="${endY}" r="2" fill="${color}"/>`;
  const style = end === "received" ? "" : ` stroke-dasharray="4 3"`;
  const title = `<title>${escape(`${from} → ${to} ${one.text}${end === "received" ? "" : ` (${end})`}`)}</title>`;
  const line = `<line x1="${first.x}" y1="${y(first.at)}" x2="${endX}" y2="${endY}" stroke="${color}"${style}/>`;
  return `<g class="${kind}">${title}${line}${last === stop ? tip : ""}</g>`;
}

function mark({ kind, text }: Mark, x: number, y: number): string {
  const [shape, color] = MARKS[kind];
  const side = kind === "accused" || kind === "attacked" ? -1 : 1;
  return `<text class="${kind}" x="${x + side * 5}" y="${y + 4}" text-anchor="${side < 0 ? "end" : "start"}" fill="${color}" font-weight="bold">${shape}<title>${escape(text)}</title></text>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
