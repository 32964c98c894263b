/** A cluster to measure: made by `abcast init` in a directory of its own, each replica a process, gone afterwards whatever happens. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PartyState } from "../../client/index.js";
import { toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { byzantineCommand } from "../byzantine-program.js";
import { openClient } from "../cluster-client.js";
import { InputError } from "../errors.js";
import { kill, launch, NODE_COMMAND } from "../launch.js";
import { reservePorts } from "../ports.js";
import { ownersOf } from "./bidding-load.js";
import type { BenchSettings } from "./settings.js";

/** The one that `byzantine` corrupts. */
export const CORRUPTED: PartyId = 0;
const SERVICES = "bidding,counter,kv,log,notary";
const STATUS_MS = 5_000;
const SETTLE_MS = 60_000;
const POLL_MS = 100;

type ClusterSettings = Omit<BenchSettings, "payload" | "crash">;

export class BenchCluster {
  readonly #settings: ClusterSettings;
  readonly #directory = mkdtempSync(join(tmpdir(), "abcast-bench-"));
  readonly #pids = new Map<PartyId, number>();
  readonly #starting = new Set<Promise<number>>();
  #dealer: ChildProcess | undefined;
  #basePort = 0;
  #isCleared = false;

  constructor(settings: ClusterSettings) {
    this.#settings = settings;
  }

  get #home(): string {
    return join(this.#directory, "cluster");
  }

  /** Those of the load; one more belongs to the adversary, and one to who looks on. */
  get clientFiles(): readonly string[] {
    return Array.from({ length: this.#settings.clients }, (_, client) => this.#clientFile(client));
  }

  /** Those whose auctions and books the load's clients bid and trade in. */
  get ownerFiles(): readonly string[] {
    const first = this.#settings.clients + 2;
    return Array.from({ length: ownersOf(this.#settings) }, (_, owner) => this.#clientFile(first + owner));
  }

  #clientFile(client: number): string {
    return join(this.#home, `client-${client}.json`);
  }

  /** Where the party listens. */
  port(party: PartyId): number {
    return this.#basePort + party;
  }

  httpPort(party: PartyId): number {
    return this.#basePort + this.#settings.n + party;
  }

  /** Of each file that says where replicas are: whose it is, a party's or a client's of the load. */
  get publicFiles(): readonly { readonly party?: PartyId; readonly client?: number; readonly file: string }[] {
    const parties = Array.from({ length: this.#settings.n }, (_, party) => ({
      party,
      file: join(this.#home, `party-${party}`, "public.json"),
    }));
    return [...parties, ...this.clientFiles.map((file, client) => ({ client, file }))];
  }

  /** The processes that serve, by party. */
  get pids(): ReadonlyMap<PartyId, number> {
    return this.#pids;
  }

  /** The parties that run and are not corrupted. */
  get honest(): readonly PartyId[] {
    return [...this.#pids.keys()].filter((party) => this.#settings.byzantine === null || party !== CORRUPTED);
  }

  /** Makes keys and files. @throws InputError with what the dealer says against it */
  async deal(): Promise<void> {
    const { n, clients, dissemination, certificates } = this.#settings;
    const owners = ownersOf(this.#settings);
    this.#basePort = await reservePorts(2 * n);
    const numbers = { n, clients: clients + 2 + owners, "base-port": this.#basePort };
    const options = [
      ...Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]),
      "--services",
      SERVICES,
      "--certificates",
      certificates === "threshold" ? "bls" : "multisig",
      "--dissemination",
      dissemination,
    ];
    const [main = ""] = NODE_COMMAND;
    if (this.#isCleared) throw new Error("the benchmark has ended");
    const dealer = spawn(process.execPath, [main, "init", ...options, "--out", this.#home], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#dealer = dealer;
    let complaint = "";
    dealer.stderr.on("data", (text: Buffer) => (complaint += text.toString()));
    const [status] = await once(dealer, "close");
    this.#dealer = undefined;
    if (status !== 0) throw new InputError({}, `the cluster could not be made: ${complaint.trim()}`);
  }

  /** Starts all replicas. @throws InputError */
  async start(): Promise<void> {
    const { n } = this.#settings;
    await Promise.all(Array.from({ length: n }, (_, party) => this.#start(party)));
  }

  async #start(party: PartyId): Promise<void> {
    if (this.#isCleared) throw new Error("the benchmark has ended");
    const starting = launch(join(this.#home, `party-${party}`), this.#command(party));
    this.#starting.add(starting);
    this.#pids.set(party, await starting);
    this.#starting.delete(starting);
  }

  /** @throws InputError when there is no corrupted replica to be had */
  #command(party: PartyId): readonly string[] {
    const { byzantine, durability, clients } = this.#settings;
    if (byzantine === null || party !== CORRUPTED) {
      return durability === "sync" ? NODE_COMMAND : [...NODE_COMMAND, "--unsafe-speak-before-sync"];
    }
    const command = byzantineCommand(this.#clientFile(clients), "--behaviour", byzantine);
    if (command !== undefined) return command;
    throw new InputError(
      { option: "--byzantine" },
      "needs the corrupted replica of the tests, which is not part of the package; run it in a checkout",
    );
  }

  /** Kills the last `count` parties without a word. */
  async crash(count: number): Promise<void> {
    const parties = [...this.#pids.keys()].sort((a, b) => b - a).slice(0, count);
    await Promise.all(
      parties.map(async (party) => {
        const pid = this.#pids.get(party);
        this.#pids.delete(party);
        if (pid !== undefined) await kill(pid, "SIGKILL");
      }),
    );
  }

  /** Whether the honest parties have the same log, once they are all at the same place in it, or waiting is given up. */
  async logsAgree(): Promise<boolean> {
    const { client } = await openClient(this.#clientFile(this.#settings.clients + 1));
    try {
      const deadlineMs = performance.now() + SETTLE_MS;
      for (;;) {
        const states = await client.status(STATUS_MS);
        if (agree(this.honest.map((party) => states.get(party)))) return true;
        if (performance.now() > deadlineMs) return false;
        await sleep(POLL_MS);
      }
    } finally {
      client.close();
    }
  }

  /** Also in the middle of a start. */
  async clear(): Promise<void> {
    this.#isCleared = true;
    if (this.#dealer !== undefined) {
      const closed = once(this.#dealer, "close");
      this.#dealer.kill();
      await closed;
    }
    await Promise.allSettled(this.#starting);
    await Promise.all([...this.#pids.values()].map((pid) => kill(pid, "SIGTERM")));
    this.#pids.clear();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** What a replica says of itself, or why it says nothing. */
type Said = PartyState | string | undefined;

function agree(states: readonly Said[]): boolean {
  const logs = states.map((state) =>
    typeof state === "object" ? `${state.sequence} ${toHex(state.logDigest)}` : undefined,
  );
  return logs[0] !== undefined && logs.every((log) => log === logs[0]);
}
