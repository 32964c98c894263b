/** The worker thread of workers.ts: one task after the other. Any exception ends it, which its owner takes for its death. */
import { parentPort, workerData } from "node:worker_threads";
import { combineRobustly } from "../scheme.js";
import { createRsaScheme, createRsaSharer } from "./threshold.js";
import type { RsaTask, RsaWorkerData } from "./workers.js";

const port = parentPort;
if (port === null) throw new Error("this file is for a worker thread");

const { publicKey, holder }: RsaWorkerData = workerData;
const scheme = createRsaScheme(publicKey);
const sharer = holder === undefined ? undefined : createRsaSharer(publicKey, holder.party, holder.secret);
// Its copy of the secret; the sharer has its own.
holder?.secret.fill(0);

port.on("message", (task: RsaTask | "close") => {
  if (task === "close") {
    sharer?.destroy();
    port.close();
    return;
  }
  port.postMessage(perform(task));
});

function perform(task: RsaTask): unknown {
  if (task.kind === "combine") return combineRobustly(scheme, task.message, task.shares);
  if (sharer === undefined) throw new TypeError("these workers have no secret key");
  return task.kind === "share" ? sharer.share(task.message) : sharer.prove(task.message);
}
