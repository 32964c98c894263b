/**
 * Keys as identities: a peer is the one whose TLS key is pinned. The handshake proves the key (CertificateVerify: RFC 8446, section
 * 4.4.3); the certificate around it proves nothing, so no store of trusted certificates and no date takes part.
 */
import { X509Certificate } from "node:crypto";
import type { TLSSocket, TlsOptions } from "node:tls";
import { toHex } from "../../core/bytes.js";
import { tlsKeyDigest } from "../../replica/config-tls-key.js";

/** What this end proves itself with. */
export interface TlsIdentity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/**
 * How both ends shake hands. OpenSSL asks for the peer's certificate and has it proved, and is not asked whether it trusts it: it
 * trusts nobody. Without `ca` Node would load the public authorities.
 */
export const HANDSHAKE = {
  ca: [],
  rejectUnauthorized: false,
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  // The first is as strong as the keys that prove who is who, and takes two thirds of the time of the second.
  ciphers: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
} satisfies TlsOptions;

/** The digest of the key in a certificate, in hexadecimal. @throws Error when `certificatePem` is no certificate with a key. */
export function pinOf(certificatePem: string): string {
  return toHex(tlsKeyDigest(new X509Certificate(certificatePem)));
}

/** The digest of the key that the other end proved to own, if any. */
export function provedPin(socket: Pick<TLSSocket, "getPeerX509Certificate">): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  try {
    return toHex(tlsKeyDigest(certificate));
  } catch {
    // Of a kind that cannot be written down: no pinned key is.
    return undefined;
  }
}
