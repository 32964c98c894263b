/** Time that passes when a test says so, for what waits (`Timing`). */
export class VirtualTime {
  nowMs = 1000;
  turns = 0;
  timers: { readonly atMs: number; readonly action: () => void }[] = [];

  readonly timing = {
    nowMs: () => this.nowMs,
    later: (delayMs: number, action: () => void) => void this.timers.push({ atMs: this.nowMs + delayMs, action }),
    onTurn: () => void this.turns++,
  };

  pass(ms: number): void {
    this.nowMs += ms;
    const due = this.timers.filter(({ atMs }) => atMs <= this.nowMs);
    this.timers = this.timers.filter((timer) => !due.includes(timer));
    for (const { action } of due) action();
  }
}
