/** The time-stamping authority: a service, and the standard's requests, tokens and responses. */
export {
  chainProblem,
  EXTENDED_KEY_USAGE,
  KEY_USAGE,
  MAX_CHAIN_BYTES,
  MAX_CHAIN_LENGTH,
  TIME_STAMPING,
} from "./certificate.js";
export {
  decodeTsaAnswer,
  decodeTsaReply,
  encodeTsaOperation,
  type TsaAnswer,
  type TsaOperation,
  type TsaReply,
} from "./operations.js";
export { type Failure, judgeRequest, type JudgedRequest, MAX_REQUEST_BYTES } from "./request.js";
export { encodeGranted, encodeRejection, encodeToken, type TokenParts } from "./token.js";
export { createTsa, MAX_ACCURACY_MS, MIN_ACCURACY_MS, TSA_SERVICE, type TsaOptions } from "./tsa.js";
