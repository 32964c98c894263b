/** The replicated state machine. */
export type { Admission } from "../../protocols/index.js";
export { answerFromChunk, cutIn, MAX_STATE_CHUNK_BYTES } from "./chunks.js";
export { Machine } from "./machine.js";
export { REJOIN_RANDOM_BYTES, rejoinNonce } from "./rejoins.js";
export { MAX_CLIENT_REPLY_BYTES, MAX_SESSIONS, SESSION_WINDOW } from "./sessions.js";
export { SnapshotError } from "./snapshot-error.js";
export type {
  Applied,
  DueDuty,
  MachineOptions,
  MachineTip,
  Outcome,
  OutcomeStatus,
  Rejoined,
  RoundInput,
} from "./types.js";
