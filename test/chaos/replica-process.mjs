/** One replica as a child process, with our modules between it and its clock and disk, and one that tells of its memory. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { clearStalePidFile, runningProcess } from "../../dist/cli/pid-file.js";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const INJECTED = ["clock", "disk", "memory"].map((name) => new URL(`injected/${name}.mjs`, import.meta.url).href);
const POLL_MS = 25;
/** Only violations take so long. */
const STOP_MS = 120_000;

export class ReplicaProcess {
  #files;
  #child;
  #maxSegmentBytes;
  #nodeOptions;
  #wasKilled = false;
  /** By write point, how often it was the end. */
  hits = new Map();
  /** Of the logs that it has lost. */
  lostEntries = [];
  #ended = Promise.resolve({ code: null, signal: null });

  /** `scratch`: a directory for what our modules are told and tell. `nodeOptions`: for Node. */
  constructor({ party, directory, scratch, maxSegmentBytes, nodeOptions = [] }) {
    this.#nodeOptions = nodeOptions;
    this.#maxSegmentBytes = maxSegmentBytes;
    this.party = party;
    this.directory = directory;
    mkdirSync(scratch, { recursive: true });
    const file = (name) => join(scratch, `${party}-${name}`);
    this.#files = {
      clock: file("clock"),
      marker: file("marker"),
      memory: file("memory"),
      log: file("log"),
    };
    writeFileSync(this.#files.clock, "0");
  }

  get pid() {
    return this.#child?.pid;
  }

  get isRunning() {
    return this.#child !== undefined;
  }

  /** Begins; `kill`, { point, count, moment }: to die at the count-th time of that write point, "before", in the "middle" or "after". */
  start({ kill } = {}) {
    if (this.#child !== undefined) throw new Error(`party ${this.party} runs already`);
    clearStalePidFile(this.directory);
    const { clock, marker, memory, log } = this.#files;
    const output = openSync(log, "a");
    const disk = JSON.stringify({
      marker,
      maxSegmentBytes: this.#maxSegmentBytes,
      plan: kill && { ...kill, fate: "kill" },
    });
    const imports = INJECTED.flatMap((module) => ["--import", module]);
    const child = spawn(process.execPath, [...this.#nodeOptions, ...imports, MAIN, "node", this.directory], {
      stdio: ["ignore", output, output],
      env: { ...process.env, CHAOS_CLOCK: clock, CHAOS_DISK: disk, CHAOS_MEMORY: memory },
    });
    closeSync(output);
    this.#child = child;
    this.#wasKilled = false;
    this.#ended = new Promise((resolve, reject) => {
      child.on("error", reject).on("exit", (code, signal) => {
        this.#child = undefined;
        // Nobody else has killed it.
        if (signal === "SIGKILL" && !this.#wasKilled && kill !== undefined)
          this.hits.set(kill.point, (this.hits.get(kill.point) ?? 0) + 1);
        resolve({ code, signal });
      });
    });
  }

  /** Resolves with how it ended, at once when it does not run. */
  get ended() {
    return this.#ended;
  }

  /** Whether it came to serve; false when it ended before. */
  async serving() {
    const child = this.#child;
    if (child === undefined) return false;
    while (this.#child === child) {
      if (runningProcess(this.directory)?.serving === true) return true;
      await sleep(POLL_MS);
    }
    return false;
  }

  signal(name) {
    if (name === "SIGKILL") this.#wasKilled = true;
    this.#child?.kill(name);
  }

  /** Whether a write was under way when it was killed; undefined when it did not run. */
  async killNow() {
    if (this.#child === undefined) return undefined;
    this.signal("SIGKILL");
    await this.#ended;
    return readFileSync(this.#files.marker)[0] === 1;
  }

  /** In order; insists after a while. */
  async stop() {
    if (this.#child === undefined) return this.#ended;
    this.#child.kill("SIGCONT");
    this.#child.kill("SIGTERM");
    const insist = setTimeout(() => this.signal("SIGKILL"), STOP_MS);
    const ended = await this.#ended;
    clearTimeout(insist);
    return ended;
  }

  /** Its clock is off by so much from now on. */
  setClock(offsetMs) {
    writeFileSync(this.#files.clock, String(offsetMs));
    // Before it serves it might not have the handler, and the signal would end it; it reads the file when it starts.
    if (runningProcess(this.directory)?.serving === true) this.signal("SIGUSR2");
  }

  get log() {
    return readFileSync(this.#files.log, "utf8");
  }

  /** What was in use after its last full garbage collection (injected/memory.mjs). It has started. */
  get usedMemory() {
    return JSON.parse(readFileSync(this.#files.memory, "utf8"));
  }

  /** Its disk is gone: what it has but for its keys and configuration. */
  wipe() {
    rmSync(join(this.directory, "store"), { recursive: true, force: true });
  }
}
