/**
 * What a party or client is known by on its connections: the public key in its TLS certificate, which the handshake proves. All
 * else that a certificate says (names, dates, who signed it) is looked at by nobody, so that its owner may make it anew.
 */
import { createHash, type X509Certificate } from "node:crypto";

/**
 * SHA-256 of the certificate's SubjectPublicKeyInfo in DER (the pin of RFC 7469, section 2.4), 32 bytes.
 * @throws Error when the key is none that OpenSSL knows
 */
export function tlsKeyDigest(certificate: X509Certificate): Uint8Array {
  const key = certificate.publicKey.export({ format: "der", type: "spki" });
  return new Uint8Array(createHash("sha256").update(key).digest());
}
