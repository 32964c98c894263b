/** How values are shown. */

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

export function sizeText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const digits = power === 0 ? 0 : 1;
  return `${(bytes / 1024 ** power).toFixed(digits)} ${UNITS[power] ?? ""}`;
}

/** Milliseconds since 1970, in the reader's zone; nothing where there is no time. */
export function timeText(timeMs: number | undefined | null): string {
  if (timeMs === undefined || timeMs === null || timeMs === 0) return "";
  return new Date(timeMs).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

const MOMENT = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;

/** The same without the year, where there is little room. */
export function shortTimeText(timeMs: number | undefined): string {
  return timeMs === undefined || timeMs === 0 ? "" : new Date(timeMs).toLocaleString(undefined, MOMENT);
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** The beginning of a long hexadecimal name. */
export function shortHex(hex: string, digits = 16): string {
  return hex.length <= digits ? hex : `${hex.slice(0, digits)}…`;
}

/** Roughly how long: in the greatest unit of which there is at least one, by what the next smaller one is rounded to. */
export function durationText(milliseconds: number): string {
  const units = [
    [86_400_000, 3_600_000, "day"],
    [3_600_000, 60_000, "hour"],
    [60_000, 1000, "minute"],
    [1000, 1, "second"],
  ] as const;
  for (const [unitMs, smallerMs, name] of units) {
    const rounded = Math.round(milliseconds / smallerMs) * smallerMs;
    if (rounded >= unitMs) return countText(Math.round(rounded / unitMs), name);
  }
  return `${Math.round(milliseconds)} ms`;
}
