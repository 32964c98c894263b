/**
 * A replica as a library: one's own services, replicated. The package exports this module as `abcast`; docs/replica.md has an example.
 */
import type { ReplicaState } from "../replica/replica.js";
import { type PassphraseSource, loadParty } from "../replica/config-files.js";
import type { Sealing } from "../services/bidding/index.js";
import type { Service } from "../services/service.js";
import { startNode } from "./node-process.js";

export { InputError, type InputPlace } from "../replica/input-error.js";
export type { PassphraseSource } from "../replica/config-files.js";
export type { Accusation } from "../replica/accusations.js";
export type { CatchUp } from "../replica/catch-up.js";
export type { ReplicaState } from "../replica/replica.js";
export {
  type ApplyContext,
  type ChunkAnswer,
  type Debtor,
  type Duties,
  type DutyContext,
  MAX_CHUNK_BYTES,
  MAX_OPERATION_BYTES,
  MAX_REPLY_BYTES,
  type Service,
} from "../services/service.js";
export { createBidding, type KeySignatures, type Sealing } from "../services/bidding/index.js";
export { createCounter } from "../services/counter/index.js";
export { createKv } from "../services/kv/index.js";
export { createLog } from "../services/log/index.js";

export interface CreateReplicaOptions {
  /** The party's directory, as `abcast init` or `abcast unseal` made it. */
  readonly directory: string;
  /**
   * In their first state; the names are those of `channel.services` in public.json. A function is given what services check and open
   * bids with, for `createBidding`: the replica itself has the party's part of the key, and makes the shares that a service's
   * `duties` are due.
   */
  readonly services: readonly Service[] | ((sealing: Sealing) => readonly Service[]);
  /** Asked when keys.json is under a passphrase. */
  readonly passphrase?: PassphraseSource;
  /** What there is to say, a line at a time; nothing is written unless given. */
  readonly onLog?: (message: string) => void;
  /** The replica has stopped because it cannot go on. Unless given the process ends, with the error. */
  readonly onFatal?: (error: Error) => void;
}

export interface RunningReplica {
  readonly state: ReplicaState;
  /** In order: what is being written is finished. */
  stop(): Promise<void>;
}

/**
 * Runs the replica of the party in `directory`. Resolves when it has replayed its log and serves.
 * @throws InputError when a file, an address or the services do not fit; StorageError when its store does not
 */
export async function createReplica(options: CreateReplicaOptions): Promise<RunningReplica> {
  const { directory, services, passphrase, onLog = () => undefined } = options;
  const rethrow = (error: Error): never => {
    throw error;
  };
  const party = await loadParty(directory, passphrase);
  const createServices = typeof services === "function" ? services : () => services;
  return startNode({ party, createServices, onLog, onFatal: options.onFatal ?? rethrow });
}
