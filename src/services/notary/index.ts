/** The notary service: requests, statements, the state machine. */
export { type DocumentDigest, documentDigestCodec, SHA256_BYTES } from "./digest.js";
export { createNotary, type NotaryEntry, type NotaryOptions } from "./notary.js";
export {
  CLIENT_KEY_BYTES,
  CLIENT_SIGNATURE_BYTES,
  CLUSTER_ID_BYTES,
  decodeRequest,
  encodeRequest,
  MAX_REQUEST_BYTES,
  NONCE_BYTES,
  type NotaryRequest,
  requestStatement,
  type UnsignedRequest,
} from "./payload.js";
export {
  decodeStatement,
  encodeStatement,
  MAX_STATEMENT_BYTES,
  RECEIPT_FORMAT,
  type ReceiptStatement,
} from "./statement.js";
