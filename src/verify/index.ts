/** Offline verification of receipts; runs in Node and in a browser. */
export { publicKeyFromPem } from "./pem.js";
export { formatReceipt, MAX_RECEIPT_BYTES, parseReceipt, type Receipt, receiptOf } from "./receipt.js";
export { sha256 } from "./sha256.js";
export { checkStatement, type ReceiptCheck, ReceiptKeyError, type Verdict, verifyReceipt } from "./verify-receipt.js";
