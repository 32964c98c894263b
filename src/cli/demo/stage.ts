/** The demo's cluster: its directory, its processes, its client; everything is gone when the curtain falls. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Client } from "../../client/index.js";
import type { PartyId } from "../../core/party-set.js";
import type { Receipt } from "../../verify/index.js";
import { openClient } from "../cluster-client.js";
import { partyStatus, type PartyStatus } from "../commands/status.js";
import { hashDocument } from "../document.js";
import { kill, launch, NODE_COMMAND } from "../launch.js";

/** Exists in a checkout, not in the published package. */
const BYZANTINE_PROGRAM = fileURLToPath(new URL("../../../test/byzantine/replica.mjs", import.meta.url));

const NOTARIZE_TIMEOUT_MS = 30_000;
const CATCH_UP_POLLS = 200;
const POLL_MS = 100;

/** A document and what it got. */
export interface Notarization {
  readonly document: string;
  readonly receipt: Receipt;
  readonly latencyMs: number;
  readonly faulty: readonly PartyId[];
}

export class Stage {
  readonly n = 4;
  readonly directory = mkdtempSync(join(tmpdir(), "abcast-demo-"));
  readonly #pids = new Map<PartyId, number>();
  /** Processes that are being started. */
  readonly #starting = new Set<Promise<number>>();
  #dealer: ChildProcess | undefined;
  #cleared = false;
  #client: Client | undefined;

  get clusterDirectory(): string {
    return join(this.directory, "cluster");
  }

  get clientFile(): string {
    return join(this.clusterDirectory, "client-0.json");
  }

  get publicFile(): string {
    return join(this.clusterDirectory, "public.json");
  }

  get hasByzantineProgram(): boolean {
    return existsSync(BYZANTINE_PROGRAM);
  }

  partyDirectory(party: PartyId): string {
    return join(this.clusterDirectory, `party-${party}`);
  }

  /** The dealer, as a process of its own; on a terminal it shows its progress while it looks for primes. */
  async deal(showProgress: boolean): Promise<void> {
    const main = NODE_COMMAND[0] ?? "";
    const port = await freePorts(2 * this.n);
    // Candidates in random order, so that there are commits to lie in. The second client belongs to the adversary.
    const options = ["--n", String(this.n), "--clients", "2", "--order", "random", "--base-port", String(port)];
    const progress = showProgress && process.stderr.isTTY ? "inherit" : "pipe";
    const dealer = spawn(process.execPath, [main, "init", ...options, "--out", this.clusterDirectory], {
      stdio: ["ignore", "ignore", progress],
    });
    let complaint = "";
    dealer.stderr?.on("data", (text: Buffer) => (complaint += text.toString()));
    this.#dealer = dealer;
    const [status] = await once(dealer, "close");
    this.#dealer = undefined;
    if (status !== 0) throw new Error(`the dealer failed: ${complaint}`);
  }

  start(party: PartyId): Promise<number> {
    return this.#launch(party, NODE_COMMAND);
  }

  /** The corrupted replica takes the place of an honest one, with its keys and its store. */
  startByzantine(party: PartyId): Promise<number> {
    return this.#launch(party, [BYZANTINE_PROGRAM, "--client", join(this.clusterDirectory, "client-1.json")]);
  }

  async #launch(party: PartyId, command: readonly string[]): Promise<number> {
    if (this.#cleared) throw new Error("the demo has ended");
    const starting = launch(this.partyDirectory(party), command);
    this.#starting.add(starting);
    try {
      const pid = await starting;
      this.#pids.set(party, pid);
      return pid;
    } finally {
      this.#starting.delete(starting);
    }
  }

  async stop(party: PartyId, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const pid = this.#pids.get(party);
    if (pid === undefined) return;
    this.#pids.delete(party);
    await kill(pid, signal);
  }

  async client(): Promise<Client> {
    this.#client ??= (await openClient(this.clientFile)).client;
    return this.#client;
  }

  async notarize(document: string): Promise<Notarization> {
    const client = await this.client();
    const { digest } = await hashDocument(document);
    const startedMs = performance.now();
    const { receipt, faulty } = await client.notarize(digest, new Uint8Array(randomBytes(16)), NOTARIZE_TIMEOUT_MS);
    return { document, receipt, faulty, latencyMs: performance.now() - startedMs };
  }

  async status(): Promise<readonly PartyStatus[]> {
    const states = await (await this.client()).status(5000);
    return [...states].sort(([a], [b]) => a - b).map(([party, state]) => partyStatus(party, state));
  }

  /** The states of `parties` once they agree on log and round, or what they were when waiting was given up. */
  async settled(
    parties: readonly PartyId[],
  ): Promise<{ readonly equal: boolean; readonly states: readonly PartyStatus[] }> {
    for (let poll = 1; ; poll++) {
      const states = (await this.status()).filter(({ party }) => parties.includes(party));
      const first = states[0];
      const equal = states.every(
        ({ logDigest, sequence }) =>
          logDigest !== null && logDigest === first?.logDigest && sequence === first.sequence,
      );
      if (equal || poll === CATCH_UP_POLLS) return { equal, states };
      await sleep(POLL_MS);
    }
  }

  async stopAll(): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    await Promise.all([...this.#pids.keys()].map((party) => this.stop(party, "SIGTERM")));
  }

  /** Leaves processes and files as they are; only the own client goes. */
  leave(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#pids.clear();
  }

  /** Whatever happens, also in the middle of a start: no process and no file left behind. */
  async clear(): Promise<void> {
    this.#cleared = true;
    if (this.#dealer !== undefined) {
      this.#dealer.kill();
      await once(this.#dealer, "close");
    }
    await Promise.allSettled(this.#starting);
    await this.stopAll();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * The first of `count` neighbouring ports of 127.0.0.1 that are free now; below those that the system gives to outgoing
 * connections, so that they still are when the replicas start.
 */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const base = randomInt(10_000, 32_000 - count);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(base + index)));
    if (free.every(Boolean)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
