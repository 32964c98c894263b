/** The process of the load, as the benchmark sees it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Measured } from "./load.js";
import { type FromLoad, type LoadSettings, type ToLoad, fromLoadSchema } from "./load-messages.js";

const PROGRAM = fileURLToPath(new URL("load-process.js", import.meta.url));

type Told<K extends FromLoad["kind"]> = Extract<FromLoad, { readonly kind: K }>;

export interface LoadProgress {
  /** Payloads since the last `begin`. */
  readonly acknowledged: number;
  /** Requests. */
  readonly inFlight: number;
}

export class LoadHandle {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<FromLoad["kind"], (message: FromLoad) => void>();
  /** Rejects when the load cannot go on. */
  readonly #failed: Promise<never>;
  progress: LoadProgress = { acknowledged: 0, inFlight: 0 };

  constructor() {
    this.#child = fork(PROGRAM, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#failed = new Promise((_, reject) => {
      this.#child.on("error", reject);
      this.#child.on("exit", (code, signal) => reject(new Error(`the load has ended (${signal ?? `code ${code}`})`)));
      this.#child.on("message", (json) => {
        const message = fromLoadSchema.parse(json);
        if (message.kind === "progress") this.progress = message;
        else if (message.kind === "failed") reject(new Error(message.message));
        else this.#waiting.get(message.kind)?.(message);
      });
    });
    // Who waits for something sees it; between that nobody does.
    this.#failed.catch(() => undefined);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("the load's process could not be started");
    return this.#child.pid;
  }

  /** Resolves when all clients are connected, and payloads are under way; the operations that one request has room for. */
  async start(settings: LoadSettings): Promise<number> {
    const { operationsPerRequest } = await this.#ask({ kind: "start", settings }, "started");
    return operationsPerRequest;
  }

  /** Measures from now on. */
  begin(): void {
    this.progress = { acknowledged: 0, inFlight: 0 };
    this.#tell({ kind: "begin" });
  }

  async end(): Promise<Measured> {
    return (await this.#ask({ kind: "end" }, "measured")).measured;
  }

  /** Resolves when all that was sent is acknowledged. */
  async drain(): Promise<void> {
    await this.#ask({ kind: "drain" }, "drained");
  }

  /** Rejects as soon as the load cannot go on. */
  async during<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failed]);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exit;
  }

  #ask<K extends FromLoad["kind"]>(question: ToLoad, answer: K): Promise<Told<K>> {
    const answered = new Promise<Told<K>>((resolve) => {
      this.#waiting.set(answer, (message) => resolve(message as Told<K>));
    });
    this.#tell(question);
    return this.during(answered);
  }

  #tell(message: ToLoad): void {
    this.#child.send(message);
  }
}
