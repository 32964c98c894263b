/** What a load is made of (workload.ts has them). */
import type { SharedPublicKey } from "../../crypto/keys.js";

export interface Workload {
  readonly service: string;
  readonly template: Uint8Array;
  /** From where to where the template's bytes give way to random ones; ascending. */
  readonly random: readonly (readonly [number, number])[];
  /** Of operations that depend on each other: a client's requests are then sent one after the other. */
  readonly commands?: Commands;
}

export interface Commands {
  /** In one request, whatever finds room in it: where more would take replicas so long that the measurement is of a few requests. */
  readonly maxPerRequest?: number;
  /** Writes the next operation over the template's bytes. @throws Error when there are no more */
  write(operation: Uint8Array): void;
  /** @throws Error when the reply to one of them is not that it was done */
  readonly check: (reply: Uint8Array) => void;
}

export interface WorkloadOptions {
  /** How long what the client gives is, where the service leaves that open. */
  readonly payloadBytes: number;
  readonly cluster: Uint8Array;
  /** The client's public key. */
  readonly client: Uint8Array;
  /** The group's. */
  readonly encryptionKey: SharedPublicKey;
  /** So many auctions or books are open, from number 1 on. */
  readonly listings: number;
}
