/** A receipt of a cluster that is none, and what of its public file it is checked with. */
import { toBase64 } from "../../src/core/base64.js";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { createRsaScheme } from "../../src/crypto/rsa/threshold.js";
import { encodeStatement } from "../../src/services/notary/index.js";
import { formatReceipt, receiptOf } from "../../src/verify/index.js";
import { RECEIPT_KEY, sha256, sharer } from "../client/receipt-parties.js";

const CLUSTER = new Uint8Array(32).fill(7);

export const DOCUMENT = utf8("I owe you a cake.\n");
export const DIGEST = toHex(sha256(DOCUMENT));

/** Of the document with this digest, 32 bytes. */
export function receiptText(digest: Uint8Array = sha256(DOCUMENT)): string {
  const client = new Uint8Array(32).fill(8);
  const content = {
    cluster: CLUSTER,
    sequence: 3,
    round: 2,
    timeMs: 1_764_396_000_123,
    client,
    digest: { algorithm: "sha256", value: digest },
  } as const;
  const statement = encodeStatement(content);
  const shares = new Map([0, 1].map((party) => [party, sharer(party).share(statement)]));
  const receipt = receiptOf(statement, createRsaScheme(RECEIPT_KEY).combine(statement, shares));
  if (!receipt.ok) throw new Error(receipt.error);
  return formatReceipt(receipt.value);
}

/** As much of public.json as a verifier reads. */
export const PUBLIC = {
  cluster: toHex(CLUSTER),
  keys: { receipt: { modulus: toBase64(RECEIPT_KEY.modulus), exponent: RECEIPT_KEY.exponent } },
};
