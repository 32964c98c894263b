/** The demo's cluster: its directory, its processes, its client; everything is gone when the curtain falls. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openReader } from "../../adapters/storage/index.js";
import { createRejoining } from "../../adapters/storage/backup.js";
import type { Client } from "../../client/index.js";
import { toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import type { Receipt } from "../../verify/index.js";
import { byzantineCommand } from "../byzantine-program.js";
import { openClient } from "../cluster-client.js";
import { ownerIn } from "../store-directory.js";
import { partyStatus, type PartyStatus } from "../party-status.js";
import { hashDocument } from "../document.js";
import { kill, launch, NODE_COMMAND } from "../launch.js";
import { reservePorts } from "../ports.js";
import { storeDirectory } from "../store-directory.js";

/** Replicas take a moment for each; a machine with other work may take minutes, which is no failure. */
const NOTARIZE_TIMEOUT_MS = 300_000;
const CATCH_UP_POLLS = 3_000;
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
  #clearing: Promise<void> | undefined;
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
    return this.#byzantineCommand !== undefined;
  }

  get #byzantineCommand(): readonly string[] | undefined {
    return byzantineCommand(join(this.clusterDirectory, "client-1.json"));
  }

  partyDirectory(party: PartyId): string {
    return join(this.clusterDirectory, `party-${party}`);
  }

  /** The dealer, as a process of its own; on a terminal it shows its progress while it looks for primes. */
  async deal(showProgress: boolean): Promise<void> {
    const main = NODE_COMMAND[0] ?? "";
    const port = await reservePorts(2 * this.n);
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
    if (this.#byzantineCommand === undefined) throw new Error("there is no corrupted replica outside of a checkout");
    return this.#launch(party, this.#byzantineCommand);
  }

  async #launch(party: PartyId, command: readonly string[]): Promise<number> {
    if (this.#clearing !== undefined) throw new Error("the demo has ended");
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
    const { receipt, faulty } = await client.notarize(digest, NOTARIZE_TIMEOUT_MS);
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

  /**
   * Entries 1 to `last` of the logs on the disks of `parties`, a line each. A replica that runs writes to its log a
   * moment after it has said what it delivered: what is not there yet is waited for, until waiting is given up.
   */
  async logs(parties: readonly PartyId[], last: number): Promise<readonly (readonly string[])[]> {
    for (let poll = 1; ; poll++) {
      const logs = await Promise.all(parties.map((party) => this.#log(party, last)));
      if (poll === CATCH_UP_POLLS || logs.every(({ length }) => length === last)) return logs;
      await sleep(POLL_MS);
    }
  }

  async #log(party: PartyId, last: number): Promise<readonly string[]> {
    const store = openReader(storeDirectory(this.partyDirectory(party)));
    try {
      const lines: string[] = [];
      for (const { sequence, round, payload } of store.ledger(1)) {
        if (sequence > last) break;
        lines.push(`${sequence} ${round} ${toHex(payload)}`);
      }
      return lines;
    } finally {
      await store.close();
    }
  }

  /** The party begins with an empty store, as `abcast rejoin` makes it. */
  async loseStore(party: PartyId): Promise<void> {
    const store = storeDirectory(this.partyDirectory(party));
    await rm(store, { recursive: true });
    await createRejoining(store, await ownerIn(this.partyDirectory(party)));
  }

  /** Resolves when the party takes part again, or waiting is given up. */
  async active(party: PartyId): Promise<void> {
    for (let poll = 1; poll <= CATCH_UP_POLLS; poll++) {
      const states = await this.status();
      if (states.find((state) => state.party === party)?.state === "active") return;
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

  /** Whatever happens, also in the middle of a start, and however often it is asked: no process and no file left behind. */
  clear(): Promise<void> {
    return (this.#clearing ??= this.#clear());
  }

  async #clear(): Promise<void> {
    if (this.#dealer !== undefined) {
      this.#dealer.kill();
      await once(this.#dealer, "close");
    }
    await Promise.allSettled(this.#starting);
    await this.stopAll();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
