/**
 * Loaded into a replica's process before anything else (`node --import`): the disk under its store is one on which the process
 * dies at the place that it was told. CHAOS_DISK is JSON:
 *
 *     marker   a file; its first byte is 1 while the store writes, so that whoever kills from outside knows
 *     plan     as in test/support/faulty-disk.mjs, or left out
 *     maxSegmentBytes   when a segment of the log is full: small ones are begun, and removed, often; or left out
 */
import { openSync, writeSync } from "node:fs";
import { openStorage, realDisk } from "../../../dist/adapters/storage/index.js";
import { REAL_PORTS } from "../../../dist/cli/node-process.js";
import { faultyDisk } from "../../support/faulty-disk.mjs";

const settings = process.env.CHAOS_DISK;
if (settings !== undefined) install(JSON.parse(settings));

function install({ marker, plan, maxSegmentBytes }) {
  if (maxSegmentBytes !== undefined)
    REAL_PORTS.openStorage = (directory, options) => openStorage(directory, { ...options, maxSegmentBytes });
  const marking = openSync(marker, "w");
  let underWay = 0;
  const mark = (change) => {
    underWay += change;
    writeSync(marking, Buffer.from([underWay > 0 ? 1 : 0]), 0, 1, 0);
  };
  mark(0);
  const faulty = faultyDisk({ ...realDisk }, plan);
  for (const [name, operation] of Object.entries(faulty)) {
    realDisk[name] = async (...args) => {
      mark(1);
      try {
        return await operation(...args);
      } finally {
        mark(-1);
      }
    };
  }
}
