export * from "./causal-broadcast.js";
export { MAX_CLIENT_BYTES, type SealedPayload, sealedLabel, sealedPayloadCodec } from "./payload.js";
