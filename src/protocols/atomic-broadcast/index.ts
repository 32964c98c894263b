export * from "./atomic-broadcast.js";
export { type LocalSettings, encodeSettings } from "./settings.js";
export { MAX_ENTRY_PAYLOADS, MAX_PAYLOAD_BYTES } from "./messages.js";
