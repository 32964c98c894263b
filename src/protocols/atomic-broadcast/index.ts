export {
  type Admission,
  AdmissionError,
  type DigestAdmissionOptions,
  MAX_REMEMBERED_PAYLOADS,
  digestAdmission,
} from "./admission.js";
export * from "./atomic-broadcast.js";
export { type AtomicBroadcastOptions, AtomicBroadcastOptionsError, vectorSizeProblem } from "./options.js";
export { type Boundary, type InstalledBoundary, boundaryAt, decodeBoundary, encodeBoundary } from "./boundary.js";
export { cutHeights, digestOfBatch } from "./certified/messages.js";
export { CLOCK_READINGS, type ClockOffset } from "./clock-watch.js";
export { roundsHaveTime } from "./round-time.js";
export { type LocalSettings, encodeSettings } from "./settings.js";
export {
  DEFAULT_DISSEMINATION,
  DISSEMINATIONS,
  type DisseminationMode,
  MAX_ENTRY_PAYLOADS,
  MAX_INLINE_PAYLOAD_BYTES,
  MAX_PAYLOAD_BYTES,
  greatestPayloadBytes,
  weightOf,
} from "./messages.js";
