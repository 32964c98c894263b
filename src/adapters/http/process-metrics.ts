/** What a Node.js process costs: CPU, memory, and how late its event loop is. The names are those that exporters use. */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { counter, gauge, type MetricFamily } from "./exposition.js";

/** Between two looks at the event loop: each wakes an idle replica. */
const LOOP_RESOLUTION_MS = 100;

/** How long the event loop is watched for one report. */
const WINDOW_MS = 60_000;

/** How late the event loop was, in seconds. */
interface Lag {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export class ProcessMetrics {
  readonly #startSeconds = Date.now() / 1000 - process.uptime();
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #windows: NodeJS.Timeout;
  /** In the last whole window, so that reading it changes nothing for other readers. */
  #lastLag: Lag | undefined;

  constructor() {
    this.#loop.enable();
    this.#windows = setInterval(() => {
      this.#lastLag = lagOf(this.#loop);
      this.#loop.reset();
    }, WINDOW_MS).unref();
  }

  families(): readonly MetricFamily[] {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    const lag = Object.entries(this.#lastLag ?? lagOf(this.#loop));
    return [
      counter("process_cpu_user_seconds_total", "CPU time in user mode.", { value: user / 1e6 }),
      counter("process_cpu_system_seconds_total", "CPU time in system mode.", { value: system / 1e6 }),
      counter("process_cpu_seconds_total", "CPU time.", { value: (user + system) / 1e6 }),
      gauge("process_start_time_seconds", "When the process started, since 1970.", { value: this.#startSeconds }),
      gauge("process_resident_memory_bytes", "Resident memory.", { value: rss }),
      gauge("nodejs_heap_size_used_bytes", "Used heap of JavaScript.", { value: heapUsed }),
      gauge("nodejs_heap_size_total_bytes", "Heap of JavaScript.", { value: heapTotal }),
      gauge("nodejs_external_memory_bytes", "Memory outside of the heap.", { value: external }),
      ...lag.map(([name, value]) =>
        gauge(`nodejs_eventloop_lag_${name}_seconds`, "How late the event loop was, in the last whole minute.", {
          value,
        }),
      ),
    ];
  }

  close(): void {
    clearInterval(this.#windows);
    this.#loop.disable();
  }
}

function lagOf(loop: IntervalHistogram): Lag {
  return {
    p50: lagSeconds(loop.percentile(50)),
    p90: lagSeconds(loop.percentile(90)),
    p99: lagSeconds(loop.percentile(99)),
    max: lagSeconds(loop.max),
  };
}

/** The histogram has the time between two looks, which is never less than the resolution; 0 before there is any. */
function lagSeconds(intervalNs: number): number {
  return Math.max(0, intervalNs / 1e6 - LOOP_RESOLUTION_MS) / 1000;
}
