/** A cluster of real processes for a test file: made by `abcast init`, on free ports, gone afterwards whatever happens. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { PartyStatus } from "../../src/cli/party-status.js";
import { reservePorts } from "../../src/cli/ports.js";
import { type Finished, lastingDirectory, runCli, runInit } from "./run-cli.js";

const CATCH_UP_MS = 20_000;

export class LocalCluster {
  readonly n: number;
  readonly #work = lastingDirectory();

  constructor(n = 4) {
    this.n = n;
  }

  /** For documents and receipts. */
  get work(): string {
    return this.#work.path;
  }

  get directory(): string {
    return join(this.work, "cluster");
  }

  get publicFile(): string {
    return join(this.directory, "public.json");
  }

  party(party: number): string {
    return join(this.directory, `party-${party}`);
  }

  client(client = 0): string {
    return join(this.directory, `client-${client}.json`);
  }

  async init(...options: readonly string[]): Promise<void> {
    const ports = ["--base-port", String(await reservePorts(2 * this.n))];
    const made = await runInit("--n", String(this.n), "--out", this.directory, ...ports, ...options);
    expect(made.code, made.stderr).toBe(0);
  }

  /** The command's exit code must be 0. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runCli(args);
    expect(code, `${args.join(" ")}: ${stderr}`).toBe(0);
    return stdout;
  }

  /** With a number of its own each time, also when the document is known. */
  notarize(document: string, receipt: string, ...more: readonly string[]): Promise<Finished> {
    return runCli(["notarize", document, "--new", "--cluster", this.client(), "-o", receipt, ...more]);
  }

  async status(): Promise<readonly PartyStatus[]> {
    const stdout = await this.ok("status", "--cluster", this.client(), "--json", "--timeout", "2");
    return (JSON.parse(stdout) as { readonly parties: readonly PartyStatus[] }).parties;
  }

  /** The states, once all parties have the same log of `sequence` entries. */
  async settled(sequence: number): Promise<readonly PartyStatus[]> {
    const deadlineMs = performance.now() + CATCH_UP_MS;
    for (;;) {
      const parties = await this.status();
      const digests = new Set(parties.map(({ logDigest }) => logDigest));
      if (digests.size === 1 && parties.every((party) => party.sequence === sequence)) return parties;
      if (performance.now() > deadlineMs) throw new Error(`the logs differ: ${JSON.stringify(parties)}`);
      await sleep(100);
    }
  }

  pid(party: number): number {
    return Number(/^\d+/.exec(readFileSync(join(this.party(party), "node.pid"), "utf8"))?.[0]);
  }

  async killNow(party: number): Promise<void> {
    const pid = this.pid(party);
    process.kill(pid, "SIGKILL");
    while (this.processes().includes(pid)) await sleep(20);
  }

  /** Everything that runs on this cluster's directory; where there is no /proc, what the pid files say. */
  processes(): readonly number[] {
    if (existsSync("/proc/self/cmdline")) {
      return readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
        .filter((name) => commandLine(name).includes(this.work))
        .map(Number);
    }
    const parties = Array.from({ length: this.n }, (_, party) => party);
    return parties.filter((party) => existsSync(join(this.party(party), "node.pid"))).map((party) => this.pid(party));
  }

  /** For `afterAll`. */
  remove(): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone by itself.
      }
    }
    this.#work.remove();
  }
}

/** Empty for a process that is gone, or has ended and not been waited for. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
