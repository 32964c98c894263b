/** Offline verification of receipts and awards; runs in Node and in a browser. */
export {
  type AwardCheck,
  type AwardFile,
  type AwardVerdict,
  formatAward,
  MAX_AWARD_FILE_BYTES,
  parseAward,
  verifyAward,
} from "./award.js";
export { publicKeyFromPem } from "./pem.js";
export { MAX_PUBLIC_FILE_BYTES, readVerificationKey, type VerificationKey } from "./public-file.js";
export {
  formatReceipt,
  LOGGED_RECEIPT_FORMAT,
  type LoggedReceipt,
  MAX_RECEIPT_BYTES,
  parseReceipt,
  type PlainReceipt,
  type Receipt,
  receiptOf,
} from "./receipt.js";
export { sha256 } from "./sha256.js";
export { ReceiptKeyError } from "./receipt-key.js";
export { checkStatement, type ReceiptCheck, type Verdict, verifyReceipt } from "./verify-receipt.js";
