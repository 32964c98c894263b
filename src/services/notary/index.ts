/** The notary service: operations, statements, the state machine. */
export { type Logged, readAttachment } from "./attachment.js";
export { type DocumentDigest, documentDigestCodec, SHA256_BYTES } from "./digest.js";
export { MAX_RECENT_DOCUMENTS } from "./documents.js";
export { decodeLogHead, encodeLogHead, LOG_HEAD_FORMAT, type LogHead, MAX_LOG_HEAD_BYTES } from "./log-head.js";
export { createNotaryService, decodeNotaryAnswer, encodeNotaryOperation, type NotaryState } from "./notary-service.js";
export {
  decodeStatement,
  encodeStatement,
  MAX_STATEMENT_BYTES,
  readStatement,
  RECEIPT_FORMAT,
  type ReceiptStatement,
} from "./statement.js";
