/** The cluster's receipt key in the forms that verifiers read. */
import { rsaPublicKeyPem } from "../crypto/rsa/key.js";
import type { ClusterPublic } from "../replica/config.js";
import { publicKeyFromPem } from "../verify/index.js";

/** PEM SubjectPublicKeyInfo: receipt-key.pem. */
export function receiptKeyPem(cluster: Pick<ClusterPublic, "keys">): string {
  return rsaPublicKeyPem(cluster.keys.receipt);
}

/** The same as DER, for `verifyReceipt`. */
export function receiptKeySpki(cluster: Pick<ClusterPublic, "keys">): Uint8Array {
  const spki = publicKeyFromPem(receiptKeyPem(cluster));
  if (spki === undefined) throw new Error("OpenSSL wrote a public key that is not PEM");
  return spki;
}
