/** The load: clients that send what a pacer says is due, and how long it took until each payload was acknowledged. */
import type { Traffic } from "../../adapters/tls/index.js";
import { Histogram } from "./histogram.js";
import type { LoadClient } from "./load-client.js";
import type { Batch, Pacer } from "./pacer.js";

/** Nothing is handed to a second replica before. */
const MIN_PATIENCE_MS = 1_000;
/** Else when it has taken so many times as long as requests take of late. */
const PATIENCE = 4;
/** The weight of the latest request in how long requests take. */
const LATEST = 1 / 16;

export interface Measured {
  readonly seconds: number;
  /** Payloads. */
  readonly acknowledged: number;
  readonly requests: number;
  /** By all clients. */
  readonly sentBytes: number;
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null; readonly p999: number | null };
}

/** A client, as far as the load knows it. */
type Sender = Pick<LoadClient, "inFlight" | "hasRoom" | "send" | "widen">;

export interface LoadOptions {
  readonly clients: readonly Sender[];
  readonly maxOperations: number;
  readonly pacer: Pacer;
  readonly traffic: Traffic;
  readonly nowMs: () => number;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #latencies = new Histogram();
  #sinceMs = 0;
  #requests = 0;
  #sentBefore = 0;
  #meanMs = 0;
  #isEnding = false;
  /** Whose turn it is to take a request. */
  #turn = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.begin();
  }

  get inFlight(): number {
    return this.#options.clients.reduce((sum, client) => sum + client.inFlight, 0);
  }

  /** How long requests take of late, from when each was sent; 0 before the first is acknowledged. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /** Payloads that were acknowledged since `begin`. */
  get acknowledged(): number {
    return this.#latencies.count;
  }

  /** What is acknowledged from now on is measured. */
  begin(): void {
    this.#sinceMs = this.#options.nowMs();
    this.#requests = 0;
    this.#sentBefore = this.#options.traffic.sentBytes;
    this.#latencies.reset();
  }

  measured(): Measured {
    const quantile = (q: number): number | null => this.#latencies.quantileMs(q) ?? null;
    return {
      seconds: (this.#options.nowMs() - this.#sinceMs) / 1000,
      acknowledged: this.#latencies.count,
      requests: this.#requests,
      sentBytes: this.#options.traffic.sentBytes - this.#sentBefore,
      latencyMs: { p50: quantile(0.5), p99: quantile(0.99), p999: quantile(0.999) },
    };
  }

  /** Sends what is due and finds room. */
  send(): void {
    const { clients, maxOperations, pacer, nowMs } = this.#options;
    while (!this.#isEnding) {
      const client = this.#nextWithRoom(clients);
      const batch = client && pacer.take(nowMs(), maxOperations);
      if (batch === undefined) return;
      client?.send(batch);
    }
  }

  #nextWithRoom(clients: readonly Sender[]): Sender | undefined {
    for (let tried = 0; tried < clients.length; tried++) {
      const client = clients[this.#turn++ % clients.length];
      if (client?.hasRoom === true) return client;
    }
    return undefined;
  }

  onAcknowledged({ intendedMs, stepMs, count }: Batch, sentMs: number): void {
    const nowMs = this.#options.nowMs();
    this.#requests++;
    this.#meanMs += LATEST * (nowMs - sentMs - this.#meanMs);
    for (let index = 0; index < count; index++) this.#latencies.record(nowMs - intendedMs - index * stepMs);
    this.send();
  }

  /** What one replica does nothing with goes to another. To be called now and then. */
  widen(): void {
    const patienceMs = Math.max(MIN_PATIENCE_MS, PATIENCE * this.#meanMs);
    for (const client of this.#options.clients) client.widen(patienceMs);
  }

  /** Sends nothing more. */
  end(): void {
    this.#isEnding = true;
  }
}
