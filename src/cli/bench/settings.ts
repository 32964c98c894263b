/** What is measured, and under which conditions. */
import type { DisseminationMode } from "../../protocols/index.js";

export const DURABILITIES = ["sync", "async"] as const;
export const CERTIFICATES = ["multisig", "threshold"] as const;
export const BYZANTINE_BEHAVIOURS = ["withhold", "equivocate", "bad-shares"] as const;
export type ByzantineBehaviour = (typeof BYZANTINE_BEHAVIOURS)[number];

export interface BenchSettings {
  readonly n: number;
  readonly service: string;
  /** Bytes of a payload. */
  readonly payload: number;
  /** Payloads a second; null: as many as go through. */
  readonly rate: number | null;
  readonly clients: number;
  /** What is measured, after as long a warm-up as `warmUpSeconds` says. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** `async`: replicas speak before what they say is on the disk. Nobody should. */
  readonly durability: (typeof DURABILITIES)[number];
  readonly dissemination: DisseminationMode;
  readonly certificates: (typeof CERTIFICATES)[number];
  /** So many replicas are killed after the warm-up. */
  readonly crash: number;
  /** What party 0 does to the others. */
  readonly byzantine: ByzantineBehaviour | null;
}

/** Time for engines to warm up, and for queues to fill. */
export function warmUpOf(seconds: number): number {
  return Math.min(20, Math.max(2, Math.round(seconds / 2)));
}
