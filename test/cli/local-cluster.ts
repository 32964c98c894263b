/** A cluster of real processes for a test file: made by `abcast init`, on free ports, gone afterwards whatever happens. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { PartyStatus } from "../../src/cli/party-status.js";
import { reservePorts } from "../../src/cli/ports.js";
import { type Finished, lastingDirectory, runCli, runInit } from "./run-cli.js";

/** The exit code where nobody answers. */
const UNREACHABLE = 3;
/** For commands that succeed at some time, on however busy a machine. */
export const LONG_S = "600";

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
    const words = ["notarize", document, "--new", "--cluster", this.client(), "-o", receipt, "--timeout", LONG_S];
    return runCli([...words, ...more]);
  }

  /** What each party tells of itself, as soon as it is so. */
  async states(hold: (parties: readonly PartyStatus[]) => boolean): Promise<readonly PartyStatus[]> {
    // Who is gone is waited for until the end; on a busy machine, who is there takes longer, too.
    for (let seconds = 2; ; seconds = Math.min(2 * seconds, 60)) {
      const parties = await this.#status(seconds);
      if (hold(parties)) return parties;
      await sleep(100);
    }
  }

  /** Once all answer. */
  status(): Promise<readonly PartyStatus[]> {
    return this.states((parties) => parties.length > 0 && parties.every(({ state }) => state !== "unreachable"));
  }

  /** Empty when nobody answers. */
  async #status(seconds: number): Promise<readonly PartyStatus[]> {
    const words = ["status", "--cluster", this.client(), "--json", "--timeout", String(seconds)];
    const { code, stdout, stderr } = await runCli(words);
    if (code === UNREACHABLE) return [];
    expect(code, stderr).toBe(0);
    return (JSON.parse(stdout) as { readonly parties: readonly PartyStatus[] }).parties;
  }

  /** The states, once all parties have the same log, of `sequence` entries if that is given. */
  settled(sequence?: number): Promise<readonly PartyStatus[]> {
    return this.states((parties) => {
      const [first] = parties;
      const expected = sequence ?? first?.sequence ?? undefined;
      return (
        expected !== undefined &&
        parties.every((party) => party.sequence === expected && party.logDigest === first?.logDigest)
      );
    });
  }

  /**
   * What `abcast log --json` prints of a party, once it has on disk what all have told of: a replica that runs writes its rows a
   * moment later.
   */
  async log(party: number): Promise<string> {
    const sequence = (await this.settled())[party]?.sequence ?? 0;
    for (;;) {
      const log = await this.ok("log", this.party(party), "--json");
      const last = log.trimEnd().split("\n").at(-1) ?? "";
      if (sequence === 0 || (last !== "" && (JSON.parse(last) as { readonly sequence: number }).sequence >= sequence))
        return log;
      await sleep(50);
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
