/**
 * Tells the log of refused connections without letting strangers fill it: the first at once, then at most one line in ten
 * seconds with how many there were.
 */
const INTERVAL_MS = 10_000;

export class RefusalLog {
  readonly #log: (message: string) => void;
  readonly #nowMs: () => number;
  #untold = 0;
  #toldMs = -Infinity;

  /** `nowMs`: any clock that does not go back. */
  constructor(log: (message: string) => void, nowMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  refused(reason: string, address: string): void {
    const nowMs = this.#nowMs();
    this.#untold++;
    if (nowMs - this.#toldMs < INTERVAL_MS) return;
    const others = this.#untold === 1 ? "" : ` (and ${this.#untold - 1} since the last such line)`;
    // The reason may quote a library's message, which may have line breaks.
    this.#log(`refused a connection from ${address}: ${reason.replace(/\s+/g, " ").trim()}${others}`);
    this.#untold = 0;
    this.#toldMs = nowMs;
  }
}
