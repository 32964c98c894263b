/** What the benchmark and the process of its load tell each other. */
import { z } from "zod";

export const loadSettingsSchema = z.strictObject({
  clientFiles: z.array(z.string()).min(1),
  service: z.string(),
  payloadBytes: z.int(),
  /** Auctions or books that are open. */
  listings: z.int(),
  /** Payloads a second; null: as many as go through. */
  rate: z.number().nullable(),
  /** Requests of all clients under way, when as many are sent as go through; long ones count as at replicas (`weightOf`). */
  saturatingRequests: z.int(),
  /** Of each client, in the order of the files: the replica that is handed its requests; null: each in turn. */
  homes: z.array(z.int().nullable()),
});
export type LoadSettings = z.infer<typeof loadSettingsSchema>;

/** To the load. `start` comes first; `begin` and `end` are around what is measured. */
export const toLoadSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("start"), settings: loadSettingsSchema }),
  z.strictObject({ kind: z.literal("begin") }),
  z.strictObject({ kind: z.literal("end") }),
  /** Send nothing more, and say so when all is acknowledged. */
  z.strictObject({ kind: z.literal("drain") }),
]);
export type ToLoad = z.infer<typeof toLoadSchema>;

const quantile = z.number().nullable();

export const fromLoadSchema = z.discriminatedUnion("kind", [
  /** All clients are connected, and payloads are under way. */
  z.strictObject({ kind: z.literal("started"), operationsPerRequest: z.int() }),
  z.strictObject({ kind: z.literal("progress"), acknowledged: z.int(), inFlight: z.int() }),
  z.strictObject({
    kind: z.literal("measured"),
    measured: z.strictObject({
      seconds: z.number(),
      acknowledged: z.int(),
      requests: z.int(),
      sentBytes: z.int(),
      latencyMs: z.strictObject({ p50: quantile, p99: quantile, p999: quantile }),
    }),
  }),
  z.strictObject({ kind: z.literal("drained") }),
  z.strictObject({ kind: z.literal("failed"), message: z.string() }),
]);
export type FromLoad = z.infer<typeof fromLoadSchema>;
