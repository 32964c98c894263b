/**
 * A replica's identity on its links: an Ed25519 key with a self-signed X.509v3 certificate (RFC 5280, RFC 8410). Peers
 * pin the key, so there is no authority and nothing that a clock could invalidate; names and dates are for people.
 */
import { X509Certificate, type webcrypto, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import type * as X509 from "@peculiar/x509";
import { KeyError } from "../errors.js";

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
  if (!isDnsName(commonName)) throw new RangeError(`${JSON.stringify(commonName)} is not a DNS name`);
  const [x509, keys] = await Promise.all([loadX509(), generateKeys()]);
  const validity = { notBefore: NOT_BEFORE, notAfter: NOT_AFTER };
  const names = alternativeNames(x509, [commonName]);
  const certificate = await selfSigned(x509, { keys, subject: `CN=${commonName}`, names, ...validity });
  const privateKey = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificatePem: certificate.toString("pem"),
    privateKeyPem: x509.PemConverter.encode(privateKey, "PRIVATE KEY"),
    fingerprint256: nodeFingerprint(await certificate.getThumbprint("SHA-256")),
  };
}

export interface Renewal {
  /** The certificate of before: its subject stays. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** DNS names to stand in it; unless given those of before. */
  readonly names?: readonly string[] | undefined;
  /** Unless given valid at any time, as the first certificate. */
  readonly validity?: { readonly notBefore: Date; readonly notAfter: Date } | undefined;
}

/**
 * A new certificate of the same key and subject, in PEM.
 * @throws RangeError unless the names are DNS names of at most 64 characters
 * @throws KeyError unless the key is an Ed25519 key, and the certificate's
 */
export async function renewTlsCertificate(renewal: Renewal): Promise<string> {
  const { certificatePem, privateKeyPem, names, validity } = renewal;
  for (const name of names ?? [])
    if (!isDnsName(name)) throw new RangeError(`${JSON.stringify(name)} is not a DNS name`);
  const privateKey = createPrivateKey(privateKeyPem);
  if (privateKey.asymmetricKeyType !== "ed25519") throw new KeyError("the private key is not an Ed25519 key");
  if (!new X509Certificate(certificatePem).checkPrivateKey(privateKey))
    throw new KeyError("the private key is not that of the certificate");
  const x509 = await loadX509();
  const { subtle } = crypto;
  const algorithm = { name: "Ed25519" };
  const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const keys = {
    privateKey: await subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]),
    publicKey: await subtle.importKey("spki", spki, algorithm, true, ["verify"]),
  };
  const before = new x509.X509Certificate(certificatePem);
  const certificate = await selfSigned(x509, {
    keys,
    subject: before.subjectName,
    names: names ? alternativeNames(x509, names) : before.getExtension(x509.SubjectAlternativeNameExtension),
    notBefore: validity?.notBefore ?? NOT_BEFORE,
    notAfter: validity?.notAfter ?? NOT_AFTER,
  });
  return certificate.toString("pem");
}

/** Whether `text` may stand as a name in a certificate of ours. */
export function isDnsName(text: string): boolean {
  return DNS_NAME.test(text);
}

interface Content {
  readonly keys: webcrypto.CryptoKeyPair;
  readonly subject: string | X509.Name;
  readonly names: X509.SubjectAlternativeNameExtension | null;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

function selfSigned(x509: typeof X509, content: Content): Promise<X509.X509Certificate> {
  const { keys, subject, names, notBefore, notAfter } = content;
  return x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: subject,
    notBefore,
    notAfter,
    signingAlgorithm: { name: "Ed25519" },
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ...(names === null ? [] : [names]),
    ],
  });
}

function alternativeNames(x509: typeof X509, names: readonly string[]): X509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })));
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
