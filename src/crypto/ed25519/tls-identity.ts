/**
 * A replica's identity on its links: an Ed25519 key with a self-signed X.509v3 certificate (RFC 5280, RFC 8410). Peers
 * pin the certificate itself, so there is no authority and nothing that a clock could invalidate.
 */
import { type webcrypto, randomBytes } from "node:crypto";
import type * as X509 from "@peculiar/x509";

export interface TlsIdentity {
  readonly certificatePem: string;
  /** PKCS #8. Secret. */
  readonly privateKeyPem: string;
  /** SHA-256 of the certificate in the form of node:tls, "AB:CD:…", 95 characters. */
  readonly fingerprint256: string;
}

const NOT_BEFORE = new Date("2000-01-01T00:00:00Z");
/** "No well-defined expiration date" (RFC 5280, section 4.1.2.5). */
const NOT_AFTER = new Date("9999-12-31T23:59:59Z");
/** A DNS name (RFC 1123): what may be an SAN and needs no escaping in a distinguished name. */
const DNS_NAME = /^(?=.{1,64}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** A new identity for both ends of node:tls 1.3. @throws RangeError unless `commonName` is a DNS name of at most 64 characters. */
export async function createTlsIdentity(commonName: string): Promise<TlsIdentity> {
  if (!DNS_NAME.test(commonName)) throw new RangeError(`${JSON.stringify(commonName)} is not a DNS name`);
  const [x509, keys] = await Promise.all([loadX509(), generateKeys()]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: `CN=${commonName}`,
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    signingAlgorithm: { name: "Ed25519" },
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: commonName }]),
    ],
  });
  const privateKey = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificatePem: certificate.toString("pem"),
    privateKeyPem: x509.PemConverter.encode(privateKey, "PRIVATE KEY"),
    fingerprint256: nodeFingerprint(await certificate.getThumbprint("SHA-256")),
  };
}

/** Loaded on demand: it takes a tenth of a second or more, and only who makes keys needs it. */
async function loadX509(): Promise<typeof X509> {
  await import("reflect-metadata"); // The library's decorators need it to be there first.
  return import("@peculiar/x509");
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  const keys = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  if (!("privateKey" in keys)) throw new Error("Ed25519 made no key pair");
  return keys;
}

/** 127 random bits: positive and at most 20 octets (RFC 5280, section 4.1.2.2), and never zero in its first byte. */
function randomSerial(): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.toString("hex");
}

function nodeFingerprint(digest: ArrayBuffer): string {
  return Buffer.from(digest)
    .toString("hex")
    .toUpperCase()
    .replace(/..(?=.)/g, "$&:");
}
