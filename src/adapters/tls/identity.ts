/** Certificates as identities: a peer is the one whose certificate equals the pinned one, byte for byte. */
import { createHash, X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

/** What this end proves itself with. */
export interface TlsIdentity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** SHA-256 of a certificate's DER encoding. @throws when `certificatePem` is no certificate. */
export function fingerprintOfPem(certificatePem: string): string {
  return fingerprint(new X509Certificate(certificatePem));
}

/** The fingerprint of the certificate that the other end proved to own, if any. */
export function peerFingerprint(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? undefined : fingerprint(certificate);
}

function fingerprint(certificate: X509Certificate): string {
  return createHash("sha256").update(certificate.raw).digest("hex");
}
