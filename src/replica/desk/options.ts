/** What a desk is given by its host. */
import type { Service, StatementKey } from "../../services/service.js";
import type { PartyState, ProofFrame } from "../../wire/client-frames.js";
import type { SessionId } from "../../wire/payload.js";
import type { OutcomeStatus } from "../machine/types.js";

/** A query's answer that proves itself, but for the identifier. */
export type ChunkProof = Omit<ProofFrame, "kind" | "id">;

/** A document that was notarised, as the log has it. */
export interface ArchivedDocument {
  /** SHA-256 of the payload. */
  readonly digest: Uint8Array;
  readonly round: number;
  /** What its receipt says. */
  readonly statement: Uint8Array;
}

export interface ShareMaker {
  /** Bytes of a share. */
  readonly shareBytes: number;
  share(statement: Uint8Array): Uint8Array;
  /** The share, then the proof that it is right, or undefined when it cannot be made. `done` may be called later: it takes long. */
  prove(statement: Uint8Array, done: (proven: Uint8Array | undefined) => void): void;
}

export interface DeskOptions {
  readonly cluster: Uint8Array;
  /** Of the payloads that the cluster orders. */
  readonly maxPayloadBytes: number;
  hash(bytes: Uint8Array): Uint8Array;
  /** The raw Ed25519 public key of the client at this index of the public file. */
  clientKey(client: number): Uint8Array | undefined;
  /** SHA-256 of a payload, which `isValid` then has. */
  digestOf(payload: Uint8Array): Uint8Array;
  /** Whether the payload may be ordered in some state (`Admission.identify`). */
  isValid(payload: Uint8Array): boolean;
  /** Hands a valid payload to atomic broadcast. */
  submit(payload: Uint8Array): "taken" | "busy" | "not-ready";
  outcome(client: Uint8Array, session: SessionId, number: number): OutcomeStatus;
  service(name: string): Service | undefined;
  /** Where this replica's state is; undefined while others have rounds that it knows it lacks. */
  position(): { readonly sequence: number; readonly round: number } | undefined;
  /** Whether all that the services have executed is. What a crash may undo, nobody is told. */
  isDurable(): boolean;
  /** Operation `index` of the payload in the ledger, durable, where that has a document notarised; undefined when it does not, or is kept no more. */
  document(sequence: number, index: number): ArchivedDocument | undefined;
  /** Where the first document with this digest is, durable; undefined when none is known here. */
  find(digest: Uint8Array): { readonly sequence: number; readonly index: number } | undefined;
  /** From the latest certified checkpoint; undefined when there is none or no chunk of it shows the answer. */
  proof(service: string, query: Uint8Array): ChunkProof | undefined;
  /** What makes this party's shares of signatures with the key. */
  signer(key: StatementKey): ShareMaker;
  state(): PartyState;
  /** Calls `work` when other events have had their turn. */
  later(work: () => void): void;
}
