/** A space–time diagram as lines of text: a column for each party, a line for each event. */
import type { Arrow, Diagram } from "./diagram.js";

const COLUMN = 4;

/** One line for each message that arrives or is lost, for each mark and for each band, in order. */
export function listDiagram({ parties, corrupted, length, arrows, marks, bands }: Diagram): readonly string[] {
  const lines = new Map<number, string[]>();
  const add = (at: number, line: string): void => {
    const atOnce = lines.get(at) ?? [];
    lines.set(at, atOnce);
    atOnce.push(`${String(at).padStart(6)}  ${line}`);
  };
  for (const { at, text } of bands) add(at, `${rail(parties, "┄")}  ${text}`);
  for (const arrow of arrows) {
    if (arrow.end === "under way") continue;
    const note = arrow.end === "lost" ? ", lost" : "";
    add(
      arrow.endedAt,
      `${arrowRail(parties, arrow)}  ${arrow.from} → ${arrow.to} ${arrow.text} (sent at ${arrow.sentAt}${note})`,
    );
  }
  for (const { party, at, text } of marks) add(at, `${markRail(parties, party)}  ${party} ${text}`);
  const columns = Array.from({ length: parties }, (_, party) => `${party}${corrupted.includes(party) ? "!" : ""}`);
  const head = ` event  ${columns.map((name) => name.padEnd(COLUMN)).join("")}  (!: corrupted)`;
  return [head, ...Array.from({ length: length + 1 }, (_, at) => lines.get(at) ?? []).flat()];
}

function rail(parties: number, sign: string): string {
  return sign.padEnd(COLUMN, " ").repeat(parties);
}

function markRail(parties: number, party: number): string {
  return Array.from({ length: parties }, (_, column) => (column === party ? "●" : "│").padEnd(COLUMN)).join("");
}

/** `│   ◀───────●   │`: a line between the two columns, with its head at the receiver; × in place of it for what is lost. */
function arrowRail(parties: number, { from, to, end }: Arrow): string {
  const [left, right] = from < to ? [from, to] : [to, from];
  const head = end === "lost" ? "×" : from < to ? "▶" : "◀";
  const columns = Array.from({ length: parties }, (_, column) => {
    const isWithin = column >= left && column < right;
    const sign = column === to ? head : column === from ? "●" : isWithin && column > left ? "┼" : "│";
    return sign.padEnd(COLUMN, isWithin ? "─" : " ");
  });
  return columns.join("");
}
