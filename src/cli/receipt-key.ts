/** The cluster's RSA keys in the forms that verifiers read. */
import type { PublicKeys } from "../crypto/keys.js";
import { rsaPublicKeyPem } from "../crypto/rsa/key.js";
import type { ClusterPublic } from "../replica/config.js";
import { publicKeyFromPem } from "../verify/index.js";

/** PEM SubjectPublicKeyInfo: receipt-key.pem. */
export function receiptKeyPem(cluster: Pick<ClusterPublic, "keys">): string {
  return rsaPublicKeyPem(cluster.keys.receipt);
}

/** PEM SubjectPublicKeyInfo: token-key.pem. */
export function tokenKeyPem(cluster: Pick<ClusterPublic, "keys">): string {
  return rsaPublicKeyPem(cluster.keys.token);
}

/** The receipt key as DER, for `verifyReceipt`. */
export function receiptKeySpki(cluster: Pick<ClusterPublic, "keys">): Uint8Array {
  return spkiOf(receiptKeyPem(cluster));
}

/** The token key as DER, as it stands in its certificates. */
export function tokenKeySpki(cluster: { readonly keys: Pick<PublicKeys, "token"> }): Uint8Array {
  return spkiOf(rsaPublicKeyPem(cluster.keys.token));
}

function spkiOf(pem: string): Uint8Array {
  const spki = publicKeyFromPem(pem);
  if (spki === undefined) throw new Error("OpenSSL wrote a public key that is not PEM");
  return spki;
}
