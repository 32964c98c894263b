/** What the machine tells those who use it. */
import type { PartyId } from "../../core/party-set.js";
import type { Service } from "../../services/service.js";
import type { SessionId } from "../../wire/payload.js";
import type { LedgerEntry } from "../storage.js";

export interface MachineOptions {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  /** In their first state. Names are distinct. */
  readonly services: readonly Service[];
  /** Names of services that a snapshot may lack, since they came later: they begin in their first state. */
  readonly newServices?: readonly string[];
  /** SHA-256. */
  hash(bytes: Uint8Array): Uint8Array;
  /** SHA-256 of the first `sizeBytes`, and of all. */
  hashTwice(bytes: Uint8Array, sizeBytes: number): readonly [Uint8Array, Uint8Array];
  /** Whether this 32-byte Ed25519 key is a client's of this cluster. MUST be pure. */
  isClient(publicKey: Uint8Array): boolean;
  /** MUST be pure and total. */
  verifyClient(publicKey: Uint8Array, statement: Uint8Array, signature: Uint8Array): boolean;
  /** False for parties that there are not. MUST be pure and total. */
  verifyParty(party: PartyId, statement: Uint8Array, signature: Uint8Array): boolean;
}

/** What became of a number of a session. */
export interface Outcome {
  /** SHA-256 of the payload that was executed under the number: not the asker's, if another came first. */
  readonly digest: Uint8Array;
  readonly sequence: number;
  readonly round: number;
  readonly timeMs: number | undefined;
  /** Undefined when it is not kept any more, or there is none since the request was void. */
  readonly reply: Uint8Array | undefined;
  /** `calls`: the reply is that of all operations (wire/replies.ts). */
  readonly action: "call" | "calls" | "void";
  /** Empty when void. */
  readonly service: string;
}

/**
 * What is known of a number: `open` may still be executed; `closed` was acknowledged, so that its outcome is forgotten;
 * `evicted` says that the session is: nothing of it that has not been executed ever will be.
 */
export type OutcomeStatus =
  | ({ readonly kind: "done" } & Outcome)
  | { readonly kind: "open" }
  | { readonly kind: "closed" }
  | { readonly kind: "evicted" };

/** One payload of a round, executed. */
export interface Applied {
  readonly entry: LedgerEntry;
  /** Of a request. */
  readonly outcome?: {
    /** Raw public key. */
    readonly client: Uint8Array;
    readonly session: SessionId;
    readonly number: number;
    /** SHA-256 of the payload. */
    readonly digest: Uint8Array;
    readonly outcome: Outcome;
  };
  /** The party that may speak again from the next round on. */
  readonly rejoined?: PartyId;
}

/** What a party should have ordered next. */
export interface DueDuty {
  readonly number: number;
  readonly service: string;
  readonly operation: Uint8Array;
}

/** Where the machine has got to. */
export interface MachineTip {
  /** 0 before the first. */
  readonly round: number;
  /** Payloads so far. */
  readonly sequence: number;
  readonly logDigest: Uint8Array;
  /** Undefined before the first round with a time. */
  readonly timeMs: number | undefined;
}

export interface RoundInput {
  readonly round: number;
  readonly payloads: readonly Uint8Array[];
  readonly timeMs: number | undefined;
  /** What else all parties have alike after it; part of the state. */
  readonly cut?: Uint8Array | undefined;
}

/** The last time that a party lost its store: it speaks in rounds above `round`. */
export interface Rejoined {
  readonly nonce: Uint8Array;
  readonly round: number;
}
