import type { Disk, WritePoint } from "../../src/adapters/storage/index.js";

export interface Fault {
  readonly point: WritePoint;
  /** Which operation at the point, from 1. */
  readonly count: number;
  readonly moment: "before" | "middle" | "after";
  readonly fate: "kill" | "fail";
}

export function faultyDisk(disk: Disk, plan: Fault | undefined, onHit?: (point: WritePoint) => void): Disk;
