/** Times operations, and how long each keeps the event loop from anything else. */

/**
 * @typedef {object} Operation
 * @property {string} scheme
 * @property {string} operation
 * @property {number} [n] 1, unless given: an operation of one party.
 * @property {number} [threshold]
 * @property {string} [reference] The operation of one signer of the same scheme that this one is compared with.
 * @property {boolean} [counted] Whether a server does this on its event loop. False where workers do it, and for references.
 *
 * @typedef {Required<Omit<Operation, "reference">> & {
 *   reference: string | null, medianMs: number, minMs: number, ratio: number | null, blockMs: number }} Row
 */

const WARM_UP_RUNS = 3;
/** A slow operation has fewer runs than asked for: no more start after so long. */
const TIME_LIMIT_MS = 1000;
const MIN_RUNS = 7;
const PAIRS_PER_RUN = 4;

export const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** To four significant digits. */
export const round = (number) => Number(number.toPrecision(4));

/** @param {{ runs: number, onProgress: (row: Operation) => void }} options */
export function createBench({ runs, onProgress }) {
  /** @type {Row[]} */
  const rows = [];

  const record = ({ scheme, operation, n = 1, threshold = 1, reference, counted = true }, timesMs, blocksMs) => {
    const medianMs = median(timesMs);
    const referenceMs =
      reference === operation
        ? medianMs
        : rows.find((row) => row.scheme === scheme && row.operation === reference)?.medianMs;
    if (reference !== undefined && referenceMs === undefined) throw new Error(`${scheme} has no ${reference}`);
    rows.push({
      scheme,
      operation,
      n,
      threshold,
      reference: reference ?? null,
      counted,
      medianMs: round(medianMs),
      minMs: round(Math.min(...timesMs)),
      ratio: referenceMs === undefined ? null : round(medianMs / referenceMs),
      blockMs: round(median(blocksMs)),
    });
  };

  const isEnough = (count, startedMs) =>
    count >= runs || (count >= MIN_RUNS && performance.now() - startedMs > TIME_LIMIT_MS);

  return {
    rows,
    runs,

    /**
     * A synchronous operation: it blocks as long as it takes.
     * @template Input
     * @param {Operation} operation
     * @param {(input: Input) => unknown} run
     * @param {() => Input} [prepare] Not timed.
     */
    measure(operation, run, prepare = () => undefined) {
      onProgress(operation);
      for (let i = 0; i < Math.min(runs, WARM_UP_RUNS); i++) run(prepare());
      const timesMs = [];
      for (const startedMs = performance.now(); !isEnough(timesMs.length, startedMs);) {
        const input = prepare();
        const beforeMs = performance.now();
        run(input);
        timesMs.push(performance.now() - beforeMs);
      }
      record(operation, timesMs, timesMs);
    },

    /**
     * An operation that does its work in pieces or elsewhere: how long it takes, and the longest piece.
     * @template Input
     * @param {Operation} operation
     * @param {(input: Input) => Promise<unknown>} run
     * @param {() => Input} [prepare] Not timed.
     * @param {{ warmUp?: boolean }} [options]
     */
    async measureAsync(operation, run, prepare = () => undefined, { warmUp = true } = {}) {
      onProgress(operation);
      if (warmUp) await run(prepare());
      const [timesMs, blocksMs] = [[], []];
      for (const startedMs = performance.now(); !isEnough(timesMs.length, startedMs);) {
        const input = prepare();
        const { timeMs, blockMs } = await watchingTheLoop(() => run(input));
        timesMs.push(timeMs);
        blocksMs.push(blockMs);
      }
      record(operation, timesMs, blocksMs);
    },

    /**
     * The median of one/other, run in turns, so that a change in the machine's load falls on both. `times`: how many of the other take
     * about as long as one, since what takes longer is interrupted more often.
     */
    pairedRatio(one, other, times) {
      const timed = (run, count) => {
        const beforeMs = performance.now();
        for (let i = 0; i < count; i++) run();
        return performance.now() - beforeMs;
      };
      const ratio = () => (times * timed(one, 1)) / timed(other, times);
      for (let i = 0; i < Math.min(runs, WARM_UP_RUNS); i++) ratio();
      return round(median(Array.from({ length: PAIRS_PER_RUN * runs }, ratio)));
    },
  };
}

const TICK_MS = 1;

/**
 * A timer ticks: the longest gap between two ticks bounds how long something blocked the event loop, and is at most a tick too
 * long. A loop that never sleeps would be more exact, but takes a core from the threads that do the work.
 */
async function watchingTheLoop(run) {
  const startedMs = performance.now();
  let lastMs = startedMs;
  let longestMs = 0;
  const tick = () => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  };
  const timer = setInterval(tick, TICK_MS);
  try {
    await run();
    // What came last may have blocked too.
    tick();
    return { timeMs: lastMs - startedMs, blockMs: longestMs };
  } finally {
    clearInterval(timer);
  }
}
