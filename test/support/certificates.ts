/** Certificates that no command of ours makes, for hostile tests. */
import "reflect-metadata";
import { X509Certificate as NodeCertificate, createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import { X509CertificateGenerator } from "@peculiar/x509";

export interface Identity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

const ED25519 = { name: "Ed25519" };
const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate of the subject's key, signed with the issuer's; both have Ed25519 keys. `name` as "CN=...". */
export async function issue(parts: {
  readonly subject: Identity;
  readonly issuer: Identity;
  readonly name?: string;
}): Promise<string> {
  const { subject, issuer, name = nameOf(subject) } = parts;
  const { subtle } = webcrypto;
  const signingKey = createPrivateKey(issuer.privateKeyPem).export({ format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(subject.privateKeyPem).export({ format: "der", type: "spki" });
  const certificate = await X509CertificateGenerator.create({
    subject: name,
    issuer: subject === issuer ? name : nameOf(issuer),
    notBefore: new Date("2000-01-01"),
    notAfter: new Date("2999-01-01"),
    signingAlgorithm: ED25519,
    signingKey: await subtle.importKey("pkcs8", signingKey, ED25519, false, ["sign"]),
    publicKey: await subtle.importKey("spki", publicKey, ED25519, true, ["verify"]),
  });
  return certificate.toString("pem");
}

function nameOf({ certificatePem }: Identity): string {
  return new NodeCertificate(certificatePem).subject;
}

/** The signature is at the end of a certificate. */
export function withLastBitFlipped(certificatePem: string): string {
  const der = Buffer.from(new NodeCertificate(certificatePem).raw);
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
  return new NodeCertificate(der).toString();
}

/** The object identifier of Ed25519 in its key becomes that of Ed448, for which the key has the wrong length. */
export function withUnknownKey(certificatePem: string): string {
  const der = Buffer.from(new NodeCertificate(certificatePem).raw);
  der[der.lastIndexOf(Buffer.from("06032b6570032100", "hex")) + 4] = 0x71;
  return new NodeCertificate(der).toString();
}

/**
 * A party with a key on P-256; and one who shows the same certificate, with another private key. OpenSSL takes it for the
 * certificate's: the file of a key on a curve has the public key, too (RFC 5915, section 3), which is what it compares.
 */
export async function ellipticPair(): Promise<[Identity, Identity]> {
  const { subtle } = webcrypto;
  const keys = await subtle.generateKey(P256, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=elliptic",
    signingAlgorithm: P256,
    keys,
  });
  const own = await sec1(keys.privateKey);
  const others = await sec1((await subtle.generateKey(P256, true, ["sign", "verify"])).privateKey);
  // The uncompressed point, the last 65 bytes, is the public key.
  const forged = Buffer.concat([others.subarray(0, -65), own.subarray(-65)]);
  const certificatePem = certificate.toString("pem");
  return [own, forged].map((key) => ({ certificatePem, privateKeyPem: pemOf(key) })) as [Identity, Identity];
}

async function sec1(key: webcrypto.CryptoKey): Promise<Buffer> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }).export({ format: "der", type: "sec1" });
}

function pemOf(sec1Key: Buffer): string {
  return `-----BEGIN EC PRIVATE KEY-----\n${sec1Key.toString("base64")}\n-----END EC PRIVATE KEY-----\n`;
}
