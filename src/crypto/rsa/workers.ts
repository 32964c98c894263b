/**
 * Threshold RSA on worker threads: a share costs one exponentiation, a proof two more for each leaf, and checking what others sent the
 * same for each of them. That is up to 40 ms at 4096 bits, and more for parties with several leaves, in which an event loop would
 * do nothing else.
 *
 * Tasks start in the order in which they came. A thread is started when there is a task and no idle thread, and does one
 * task at a time. One that dies fails the task that it had, and the next task starts another: so a key that no
 * thread can open fails every task, and nothing loops. Idle threads do not keep the process alive.
 *
 * The secret is copied to each thread (there the copy is wiped once opened) and kept here for threads to come, until `close`.
 */
import { Worker } from "node:worker_threads";
import type { PartyId } from "../../core/party-set.js";
import type { RsaPublicKey } from "../keys.js";
import type { Combination } from "../scheme.js";

export interface RsaWorkersOptions {
  readonly publicKey: RsaPublicKey;
  /** Both or none: without them there is only `combine`. */
  readonly party?: PartyId;
  /** As for `createRsaSharer`. */
  readonly secret?: Uint8Array;
  /** At most so many at once, >= 1. Default 1. */
  readonly threads?: number;
}

/** Each call rejects with an RsaWorkerError when its thread dies, as it does when the key does not fit or has no secret, or is closed. */
export interface RsaWorkers {
  share(message: Uint8Array): Promise<Uint8Array>;
  /** The proven share: a share of the same message, then its proof. */
  prove(message: Uint8Array): Promise<Uint8Array>;
  /** As `combineRobustly`. */
  combine(message: Uint8Array, shares: ReadonlyMap<PartyId, Uint8Array>): Promise<Combination<Uint8Array>>;
  /** Rejects what is not done, wipes the secret, and resolves when all threads have ended. */
  close(): Promise<void>;
}

export class RsaWorkerError extends Error {
  override readonly name = "RsaWorkerError";
}

/** What a thread starts with. */
export interface RsaWorkerData {
  readonly publicKey: RsaPublicKey;
  readonly holder: { readonly party: PartyId; readonly secret: Uint8Array } | undefined;
}

export type RsaTask =
  | { readonly kind: "share" | "prove"; readonly message: Uint8Array }
  | { readonly kind: "combine"; readonly message: Uint8Array; readonly shares: ReadonlyMap<PartyId, Uint8Array> };

interface Results {
  readonly share: Uint8Array;
  readonly prove: Uint8Array;
  readonly combine: Combination<Uint8Array>;
}

interface Job {
  readonly task: RsaTask;
  done(result: unknown): void;
  fail(error: Error): void;
}

/** @throws RangeError when `threads` is no positive integer, or only one of `party` and `secret` is given. */
export function createRsaWorkers({ publicKey, party, secret, threads = 1 }: RsaWorkersOptions): RsaWorkers {
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`${threads} threads`);
  if ((party === undefined) !== (secret === undefined)) throw new RangeError("a party without secret, or the reverse");
  const holder = party === undefined || secret === undefined ? undefined : { party, secret: Uint8Array.from(secret) };
  const waiting: Job[] = [];
  /** By thread what it is at; undefined: idle. */
  const pool = new Map<Worker, Job | undefined>();
  const endings = new Set<Promise<void>>();
  let isClosed = false;

  const start = (): Worker => {
    const data: RsaWorkerData = { publicKey, holder };
    // Not the process's own flags: some of them, such as --input-type, are for its main file.
    const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: data, execArgv: [] });
    let cause: unknown;
    worker.on("message", (result: unknown) => {
      pool.get(worker)?.done(result);
      pool.set(worker, undefined);
      worker.unref();
      dispatch();
    });
    worker.on("error", (error) => (cause = error));
    const ended = new Promise<void>((resolve) => {
      worker.on("exit", (code) => {
        const reason = cause instanceof Error ? cause.message : `exit code ${code}`;
        pool.get(worker)?.fail(new RsaWorkerError(`the RSA worker died: ${reason}`, { cause }));
        pool.delete(worker);
        endings.delete(ended);
        resolve();
        dispatch();
      });
    });
    endings.add(ended);
    return worker;
  };

  const idleWorker = (): Worker | undefined => {
    for (const [worker, job] of pool) if (job === undefined) return worker;
    return pool.size < threads ? start() : undefined;
  };

  const dispatch = (): void => {
    while (waiting.length > 0) {
      const worker = idleWorker();
      const job = worker === undefined ? undefined : waiting.shift();
      if (worker === undefined || job === undefined) return;
      pool.set(worker, job);
      worker.ref();
      worker.postMessage(job.task, []);
    }
  };

  const run = <Kind extends keyof Results>(task: RsaTask & { readonly kind: Kind }): Promise<Results[Kind]> =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(new RsaWorkerError("the RSA workers are closed"));
      // The thread answers each kind with its own result (worker.ts).
      waiting.push({ task, done: (result) => resolve(result as Results[Kind]), fail: reject });
      dispatch();
    });

  return {
    share: (message) => run({ kind: "share", message }),
    prove: (message) => run({ kind: "prove", message }),
    combine: (message, shares) => run({ kind: "combine", message, shares }),
    async close() {
      isClosed = true;
      holder?.secret.fill(0);
      const error = new RsaWorkerError("the RSA workers were closed");
      for (const job of waiting.splice(0)) job.fail(error);
      for (const [worker, job] of pool) {
        job?.fail(error);
        worker.ref();
        worker.postMessage("close", []);
      }
      await Promise.all(endings);
    },
  };
}
