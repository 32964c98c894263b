/** A cluster for chaos: made by `abcast init`, its links through proxies, its replicas children of this process. */
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { WRITE_POINTS } from "../../dist/adapters/storage/index.js";
import { openClient } from "../../dist/cli/cluster-client.js";
import { reservePorts } from "../../dist/cli/ports.js";
import { DEFAULT_DISSEMINATION } from "../../dist/protocols/index.js";
import { Links } from "./links.mjs";
import { ReplicaProcess } from "./replica-process.mjs";

/** Searches no primes. */
const INIT = fileURLToPath(new URL("../support/init.mjs", import.meta.url));
const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const execute = promisify(execFile);
const STATUS_MS = 10_000;
const POLL_MS = 250;
const MAX_OUTPUT_BYTES = 1024 ** 3;

/** Runs our command line; its standard output. @throws Error with what it said on standard error */
export async function abcast(...words) {
  const { stdout } = await execute(process.execPath, [MAIN, ...words], { maxBuffer: MAX_OUTPUT_BYTES });
  return stdout;
}

/** For `create`: checkpoints and segments come often, since their writes are to be met, too. */
export const TORMENTED = { init: ["--checkpoint-interval", "32"], maxSegmentBytes: 256 * 1024 };

export class ChaosCluster {
  #directory;
  #observer;

  /** @param {{ directory: string, n: number, clients: number, init?: readonly string[], dissemination?: string, limits?: object, maxSegmentBytes?: number, nodeOptions?: (party: number) => readonly string[], withLinks?: boolean }} options */
  static async create({
    directory,
    n,
    clients,
    init = [],
    dissemination = DEFAULT_DISSEMINATION,
    limits = {},
    maxSegmentBytes,
    nodeOptions,
    withLinks = true,
  }) {
    const cluster = new ChaosCluster();
    cluster.#directory = join(directory, "cluster");
    const base = await reservePorts(2 * n);
    const words = [
      "--n",
      String(n),
      "--clients",
      String(clients),
      "--base-port",
      String(base),
      "--out",
      cluster.#directory,
      "--dissemination",
      dissemination,
    ];
    await execute(process.execPath, [INIT, "init", ...words, ...init]);
    cluster.entries = readJson(cluster.publicFile).parties;
    cluster.replicas = cluster.entries.map(
      ({ party }) =>
        new ReplicaProcess({
          party,
          directory: cluster.party(party),
          scratch: join(directory, "scratch"),
          maxSegmentBytes,
          nodeOptions: nodeOptions?.(party),
        }),
    );
    for (const { party } of cluster.entries) {
      const file = join(cluster.party(party), "config.json");
      const json = readJson(file);
      writeFileSync(file, JSON.stringify({ ...json, limits: { ...json.limits, ...limits } }));
    }
    // However this process ends: its replicas must not stay behind.
    process.on("exit", () => cluster.killAll());
    if (withLinks) await cluster.#putLinks();
    return cluster;
  }

  /** Names and addresses are each party's own affair: they say where this party connects. */
  async #putLinks() {
    this.links = await Links.open(this.entries.map(({ port }) => port));
    for (const { party } of this.entries) {
      const file = join(this.party(party), "public.json");
      const json = readJson(file);
      for (const other of json.parties) if (other.party !== party) other.port = this.links.portOf(party, other.party);
      writeFileSync(file, JSON.stringify(json));
    }
  }

  get n() {
    return this.replicas.length;
  }

  get parties() {
    return this.replicas.map(({ party }) => party);
  }

  /** By write point, how often it was the end of a replica. */
  hits() {
    const sum = (point) => this.replicas.reduce((total, { hits }) => total + (hits.get(point) ?? 0), 0);
    return Object.fromEntries(WRITE_POINTS.map((point) => [point, sum(point)]));
  }

  get publicFile() {
    return join(this.#directory, "public.json");
  }

  party(party) {
    return join(this.#directory, `party-${party}`);
  }

  clientFile(client) {
    return join(this.#directory, `client-${client}.json`);
  }

  async start() {
    for (const replica of this.replicas) replica.start();
    for (const replica of this.replicas) {
      if (!(await replica.serving()))
        throw new Error(`party ${replica.party} did not start: ${replica.log.slice(-2000)}`);
    }
    this.#observer = (await openClient(this.clientFile(0))).client;
  }

  /** By party: its own account of itself, or in a string why there is none. */
  status() {
    return this.#observer.status(STATUS_MS);
  }

  /** Waits until `party` may speak. @throws Error when it does not within the time */
  async speaking(party, timeoutMs) {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const state = (await this.status()).get(party);
      if (typeof state !== "string" && state.state !== "learner") return;
      if (performance.now() > deadlineMs)
        throw new Error(`it must be silent still: ${typeof state === "string" ? state : `round ${state.round}`}`);
      await sleep(POLL_MS);
    }
  }

  /** Waits until all of `parties` have the same log; what each then says. @throws Error when they do not within the time */
  async agreed(parties, timeoutMs) {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const all = await this.status();
      const states = parties.map((party) => all.get(party));
      const said = states.map((state) =>
        typeof state === "string" ? state : `${state.sequence} ${toHex(state.logDigest)}`,
      );
      if (states.every((state) => typeof state !== "string" && state.state === "active") && new Set(said).size === 1)
        return states;
      if (performance.now() > deadlineMs)
        throw new Error(
          `the parties do not agree: ${parties.map((party, index) => `${party}: ${said[index]}`).join("; ")}`,
        );
      await sleep(POLL_MS);
    }
  }

  /** Ends every process that it has started. */
  async stop() {
    this.#observer?.close();
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    this.links?.close();
  }

  /** For whoever is interrupted. */
  killAll() {
    for (const replica of this.replicas) replica.signal("SIGKILL");
  }

  remove() {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));
const toHex = (bytes) => Buffer.from(bytes).toString("hex");
