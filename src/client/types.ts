/** What a client is made of, and what it is asked and answers. */
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { RsaPublicKey } from "../crypto/keys.js";
import type { Service, StatementKey } from "../services/service.js";
import type { ProofChecker } from "./checkpoint-proof.js";
import type { CallHandle } from "./handle.js";
import type { Fanout } from "./ordering.js";
import type { Answered } from "./queries.js";
import type { ReplicaLinkOptions } from "./replica-link.js";
import type { Signed } from "./share-collector.js";

/** Whose equal answers end a call: a set with an honest party, or a quorum, which later reads by quorum then see. */
export type Acknowledgements = "honest" | "quorum";

export interface ClientOptions {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  readonly group: Group;
  /** What replies are signed with. */
  readonly keys: Readonly<Record<StatementKey, RsaPublicKey>>;
  /** This client's raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Signs with the client's key. */
  sign(statement: Uint8Array): Uint8Array;
  /** SHA-256. */
  hash(bytes: Uint8Array): Uint8Array;
  readonly dial: ReplicaLinkOptions["dial"];
  /** Of the payloads that the cluster orders; what is longer is not sent. */
  readonly maxPayloadBytes: number;
  /** What this client knows of a service: how it says what is signed. */
  service?(name: string): Pick<Service, "statement" | "shared" | "statementKey"> | undefined;
  /** What proofs are checked with. */
  readonly proofs: Omit<ProofChecker, "hash">;
  readonly fanout?: Fanout;
  /** At least; longer while calls take long. */
  readonly widenAfterMs?: readonly [number, number];
  readonly acknowledgements?: Acknowledgements;
  /** The replica that is asked first, where one is nearer than others; each in turn unless given. */
  readonly home?: PartyId;
}

export interface CallOptions {
  readonly timeoutMs?: number;
  /** `signed`: with the group's signature on the reply. */
  readonly reply?: "matching" | "signed";
  readonly fanout?: Fanout;
  readonly acknowledgements?: Acknowledgements;
  readonly signal?: AbortSignal;
  /** Before anything is sent: what to keep so that the outcome can be asked for whatever happens. */
  readonly onHandle?: (handle: CallHandle) => void | Promise<void>;
}

export interface Called {
  readonly reply: Uint8Array;
  /** The call's number in the cluster's log. */
  readonly sequence: number;
  readonly round: number;
  /** When it was executed, by the replicas' clocks; undefined when rounds have no time. */
  readonly timeMs: number | undefined;
  /** Parties that answered as no honest one does, as far as it mattered. */
  readonly faulty: readonly PartyId[];
  readonly signature?: Signed;
}

export interface CalledAll extends Omit<Called, "reply"> {
  /** In the order of the operations; shorter than these where the replies had no room in 64 KiB: the last ones are left out. */
  readonly replies: readonly Uint8Array[];
}

export type CallOutcome =
  | {
      readonly committed: true;
      readonly sequence: number;
      readonly round: number;
      readonly timeMs: number | undefined;
      /** Undefined when it is kept no more. */
      readonly reply: Uint8Array | undefined;
    }
  | { readonly committed: false };

export type Consistency = "any" | "quorum" | "ordered";

export interface ClientQueryOptions {
  readonly consistency?: Consistency;
  /** The answer must be from a state that has at least so many payloads. Left out: as many as that of an earlier answer of the same kind. */
  readonly minSequence?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A client, as helpers for one service see it. */
export interface Caller {
  readonly cluster: Uint8Array;
  readonly publicKey: Uint8Array;
  call(service: string, operation: Uint8Array, options?: CallOptions): Promise<Called>;
  callAll(service: string, operations: readonly Uint8Array[], options?: CallOptions): Promise<CalledAll>;
  query(service: string, query: Uint8Array, options?: ClientQueryOptions): Promise<Answered>;
}
