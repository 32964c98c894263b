/** Milliseconds since 1970 as people read them: UTC, and to the millisecond. What no calendar has is shown as the number. */
export function timeText(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms since 1970` : date.toISOString();
}
