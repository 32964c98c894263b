/** One measurement: a cluster, a load, a warm-up, a window in which everything is counted, and whether the logs agree afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import type { PartyId } from "../../core/party-set.js";
import { listingsOf, openListings } from "./bidding-load.js";
import { BenchCluster } from "./cluster.js";
import { LoadHandle } from "./load-handle.js";
import type { Measured } from "./load.js";
import { processUse, residentMiB } from "./process-use.js";
import { replicaCounts } from "./replica-metrics.js";
import { type BenchReport, type Counts, type Sample, reportOf } from "./report.js";
import type { BenchSettings } from "./settings.js";

const SAMPLE_MS = 250;
const MAX_DRAIN_MS = 60_000;
/** Under way at once, long ones counted as at replicas (`weightOf`), when as many are sent as go through: a round of more replicas takes longer, and has room for more. */
const SATURATING_REQUESTS_PER_REPLICA = 32;

export interface Phase {
  readonly name: "making keys" | "starting replicas" | "warming up" | "measuring" | "comparing logs";
  /** How far it is, where that is known. */
  readonly seconds?: number;
  readonly ofSeconds?: number;
  readonly payloadsPerSecond?: number;
}

export interface RunOptions {
  readonly onPhase: (phase: Phase) => void;
  readonly signal: AbortSignal;
  /** Called when all files are there and nothing runs yet: to put something between the processes. */
  readonly prepare?: (cluster: BenchCluster) => Promise<void>;
  /** Of each client of the load: the replica that is handed its requests. Each in turn unless given. */
  readonly homes?: readonly PartyId[];
}

/** @throws InputError; Error when the load cannot go on; what `signal` is aborted with */
export async function measure(settings: BenchSettings, options: RunOptions): Promise<BenchReport> {
  const cluster = new BenchCluster(settings);
  let load: LoadHandle | undefined;
  const clear = async (): Promise<void> => {
    await load?.stop();
    await cluster.clear();
  };
  try {
    return await untilAborted(options.signal, async () => {
      options.onPhase({ name: "making keys" });
      await cluster.deal();
      await options.prepare?.(cluster);
      options.onPhase({ name: "starting replicas" });
      await cluster.start();
      await openListings(settings, cluster.ownerFiles);
      load = new LoadHandle();
      return new Measurement(settings, cluster, load, options).run();
    });
  } finally {
    await clear();
  }
}

function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    void work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

class Measurement {
  readonly #settings: BenchSettings;
  readonly #cluster: BenchCluster;
  readonly #load: LoadHandle;
  readonly #options: RunOptions;
  readonly #samples: Sample[] = [];

  constructor(settings: BenchSettings, cluster: BenchCluster, load: LoadHandle, options: RunOptions) {
    this.#settings = settings;
    this.#cluster = cluster;
    this.#load = load;
    this.#options = options;
  }

  async run(): Promise<BenchReport> {
    const { n, service, payload, rate, warmUpSeconds, crash, clients } = this.#settings;
    const { homes = [] } = this.#options;
    const operationsPerRequest = await this.#load.start({
      clientFiles: [...this.#cluster.clientFiles],
      service,
      listings: listingsOf(this.#settings),
      payloadBytes: payload,
      rate,
      saturatingRequests: n * SATURATING_REQUESTS_PER_REPLICA,
      homes: Array.from({ length: clients }, (_, client) => homes[client] ?? null),
    });
    this.#load.begin();
    await this.#wait("warming up", warmUpSeconds);
    if (crash > 0) await this.#cluster.crash(crash);
    const { before, after, measured } = await this.#window();
    this.#options.onPhase({ name: "comparing logs" });
    const drained = await this.#drain();
    return reportOf({
      settings: { ...this.#settings, operationsPerRequest },
      measured,
      before,
      after,
      samples: this.#samples,
      logDigestsEqual: drained && (await this.#load.during(this.#cluster.logsAgree())),
    });
  }

  async #window(): Promise<{ readonly before: Counts; readonly after: Counts; readonly measured: Measured }> {
    // Replicas that are busy take their time to answer; what they have used is read at the window's edges.
    const countsBefore = await this.#replicaCounts();
    this.#load.begin();
    const usedBefore = this.#used();
    await this.#wait("measuring", this.#settings.seconds);
    const measured = await this.#load.end();
    const used = this.#used();
    return {
      before: { ...usedBefore, replicas: countsBefore },
      after: { ...used, replicas: await this.#replicaCounts() },
      measured,
    };
  }

  /** False when something is not acknowledged though everybody has had time. */
  #drain(): Promise<boolean> {
    const done = this.#load.drain().then(() => true);
    return Promise.race([done, sleep(MAX_DRAIN_MS, false, { ref: false })]);
  }

  #used(): Omit<Counts, "replicas"> {
    const { pids } = this.#cluster;
    return {
      processes: new Map([...pids].map(([party, pid]) => [party, processUse(pid)])),
      load: processUse(this.#load.pid),
    };
  }

  async #replicaCounts(): Promise<Counts["replicas"]> {
    const counts = [...this.#cluster.pids.keys()].map(
      async (party) => [party, await replicaCounts(this.#cluster.httpPort(party))] as const,
    );
    return new Map(await Promise.all(counts));
  }

  async #wait(name: "warming up" | "measuring", seconds: number): Promise<void> {
    const startMs = performance.now();
    let [lastMs, lastCount] = [startMs, 0];
    for (let index = 1; (index * SAMPLE_MS) / 1000 <= seconds; index++) {
      await this.#load.during(sleep(Math.max(0, startMs + index * SAMPLE_MS - performance.now())));
      const { acknowledged } = this.#load.progress;
      const nowMs = performance.now();
      // What was told before `begin` is of another count.
      const isNewCount = acknowledged < lastCount;
      const payloadsPerSecond = isNewCount ? 0 : (1000 * (acknowledged - lastCount)) / (nowMs - lastMs);
      [lastMs, lastCount] = [nowMs, acknowledged];
      const elapsed = (nowMs - startMs) / 1000;
      this.#options.onPhase({ name, seconds: elapsed, ofSeconds: seconds, payloadsPerSecond });
      if (name === "warming up") continue;
      const residents = [...this.#cluster.pids.values()].map(residentMiB);
      this.#samples.push({
        seconds: elapsed,
        payloadsPerSecond,
        residentMiB: residents,
        loadMiB: residentMiB(this.#load.pid),
      });
    }
  }
}
