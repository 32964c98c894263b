/**
 * Takes `steps` more steps with the store in a process of its own, on a disk that strikes as planned, and says on stdout which are
 * done. Arguments: the adapter, and { directory, steps, plan?, dropEngine? } as JSON.
 */
import { writeSync } from "node:fs";
import { faultyDisk } from "./faulty-disk.mjs";
import { MIN_FILED_BYTES, recoverAll, takeStep } from "./storage-workload.mjs";

const [, , adapter, json] = process.argv;
const { openStorage, realDisk } = await import(adapter);
const { directory, steps, plan, drop = false } = JSON.parse(json);
const say = (line) => writeSync(1, `${line}\n`);

const disk = faultyDisk(realDisk, plan, (point) => say(`hit ${point}`));
const storage = await openStorage(directory, { disk, maxSegmentBytes: 2000, minFiledBytes: MIN_FILED_BYTES });
say(`cut ${storage.report.cutBytes}`);
const first = (await recoverAll(storage)) + 1;
for (let step = first; step < first + steps; step++) {
  await takeStep(storage, step);
  say(`done ${step}`);
}
if (drop) await storage.dropInputs();
await storage.close();
