/**
 * What a party publishes about itself before a ceremony: where it is reached, and its public keys.
 *
 * Each of the card's three Ed25519 keys (signing, cosigning, and that of the TLS certificate) signs the whole card. So the card
 * is whole, and its maker holds these three secret keys: nobody puts another's key on its own card.
 *
 * Not proven: that the maker holds the X25519 keys (opening a box proves it; a key that cannot open harms its owner only), that the party is at this address, and who it is. Others must learn by another way whose card it is.
 */
import { type KeyObject, X509Certificate, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { fromBase64 } from "../../core/base64.js";
import { equalBytes } from "../../core/bytes.js";
import { EncodeError, atMost, bytes, encode, fixedBytes, refine, struct, text, u32 } from "../../core/codec.js";
import { PUBLIC_KEY_BYTES, createEd25519Signer, createEd25519Verifier } from "../ed25519/ed25519.js";
import { signedBytes } from "../ed25519/party-signatures.js";
import { KeyError } from "../errors.js";
import { type Domain, sha256 } from "../hashing.js";
import type { Ristretto } from "../ristretto/group.js";
import { SEALING_KEY_BYTES } from "./sealed-box.js";
import { X25519_KEY_BYTES, checkX25519Key } from "./x25519.js";

export interface CardContent {
  /** At most 64 bytes of UTF-8. */
  readonly name: string;
  /** At most 255 bytes of UTF-8. */
  readonly host: string;
  /** 1..65535, for replicas and clients. */
  readonly port: number;
  /** 1..65535. */
  readonly httpPort: number;
  /** Ed25519, 32 bytes: protocol messages. */
  readonly signing: Uint8Array;
  /** Ed25519, 32 bytes: cosignatures on the log. */
  readonly cosigning: Uint8Array;
  /** X25519, 32 bytes: boxes for this party (sealed-box.ts). */
  readonly sealing: Uint8Array;
  /** X25519, 32 bytes: what reaches the party over third parties (relay-keys.ts). */
  readonly relaying: Uint8Array;
  /** One self-signed X.509 certificate with an Ed25519 key. */
  readonly certificatePem: string;
}

/** The signatures, 64 bytes each, are by the keys of their names; the last is by the certificate's key. */
export interface IdentityCard extends CardContent {
  readonly signature: Uint8Array;
  readonly cosignature: Uint8Array;
  readonly certificateSignature: Uint8Array;
}

export interface CardSecrets {
  /** Seed of the signing key, 32 bytes. */
  readonly signing: Uint8Array;
  /** Seed of the cosigning key, 32 bytes. */
  readonly cosigning: Uint8Array;
  /** Of the certificate, PKCS #8. */
  readonly privateKeyPem: string;
}

const DOMAIN: Domain = "abcast/1 identity card";
const MAX_CERTIFICATE_BYTES = 8192;
const MAX_PEM_CHARACTERS = 2 * MAX_CERTIFICATE_BYTES;

const portCodec = refine(atMost(u32, 65535), (value) => (value > 0 ? undefined : "port 0"));
const cardCodec = struct({
  name: text(64),
  host: text(255),
  port: portCodec,
  httpPort: portCodec,
  signing: fixedBytes(PUBLIC_KEY_BYTES),
  cosigning: fixedBytes(PUBLIC_KEY_BYTES),
  sealing: fixedBytes(SEALING_KEY_BYTES),
  relaying: fixedBytes(X25519_KEY_BYTES),
  /** DER. */
  certificate: bytes(MAX_CERTIFICATE_BYTES),
});

/**
 * The card's 32-byte digest, which its keys sign; also a fingerprint to compare by voice.
 * @throws KeyError unless the certificate is one in PEM.
 * @throws EncodeError when a field is out of bounds.
 */
export function cardStatement(card: CardContent): Uint8Array {
  const certificate = parseCertificate(card.certificatePem);
  if (typeof certificate === "string") throw new KeyError(certificate);
  return statementOf(card, certificate);
}

function statementOf(card: CardContent, certificate: X509Certificate): Uint8Array {
  return sha256(DOMAIN, encode(cardCodec, { ...card, certificate: certificate.raw }));
}

/**
 * @throws KeyError when a secret does not belong to the card's public key, or the certificate is none.
 * @throws EncodeError when a field is out of bounds.
 */
export function signCard(content: CardContent, secrets: CardSecrets): IdentityCard {
  const { name, host, port, httpPort, signing, cosigning, sealing, relaying, certificatePem } = content;
  const message = signedBytes(DOMAIN, cardStatement(content));
  const signer = createEd25519Signer(secrets.signing);
  const cosigner = createEd25519Signer(secrets.cosigning);
  const certificateKey = privateKeyOf(secrets.privateKeyPem);
  if (!equalBytes(signer.publicKey, signing)) throw new KeyError("the signing key is not that of the card");
  if (!equalBytes(cosigner.publicKey, cosigning)) throw new KeyError("the cosigning key is not that of the card");
  if (!new X509Certificate(certificatePem).checkPrivateKey(certificateKey))
    throw new KeyError("the private key is not that of the certificate");
  return {
    name,
    host,
    port,
    httpPort,
    signing,
    cosigning,
    sealing,
    relaying,
    certificatePem,
    signature: signer.sign(message),
    cosignature: cosigner.sign(message),
    certificateSignature: new Uint8Array(sign(null, message, certificateKey)),
  };
}

/** What is wrong with the card, or undefined. Total. The form of name and host is for the file's schema to judge. */
export function checkCard(ristretto: Ristretto, card: IdentityCard): string | undefined {
  const certificate = parseCertificate(card.certificatePem);
  if (typeof certificate === "string") return certificate;
  const certificateKey = selfSignedKey(certificate);
  if (certificateKey === undefined) return "the certificate is not self-signed with an Ed25519 key";

  const { signing, cosigning, sealing, relaying } = card;
  const keys = { signing, cosigning, certificate: certificateKey };
  for (const [name, key] of Object.entries(keys)) {
    // A key of small order would verify one signature for many cards.
    if (!ristretto.isEd25519Key(key)) return `the ${name} key is not a point of the prime-order subgroup`;
  }
  if (new Set(Object.values(keys).map((key) => key.join())).size < 3) return "one key has two uses";
  for (const [name, key] of Object.entries({ sealing, relaying })) {
    const problem = checkX25519Key(key);
    if (problem !== undefined) return `the ${name} key is ${problem}`;
  }
  if (equalBytes(sealing, relaying)) return "one key has two uses";

  return checkSignatures(card, keys, certificate);
}

interface Ed25519Keys {
  readonly signing: Uint8Array;
  readonly cosigning: Uint8Array;
  readonly certificate: Uint8Array;
}

function checkSignatures(card: IdentityCard, keys: Ed25519Keys, certificate: X509Certificate): string | undefined {
  let message: Uint8Array;
  try {
    message = signedBytes(DOMAIN, statementOf(card, certificate));
  } catch (error) {
    if (error instanceof EncodeError) return `the card is malformed: ${error.message}`;
    throw error;
  }
  const isBy = (key: Uint8Array, signature: Uint8Array): boolean => createEd25519Verifier(key)(message, signature);
  if (!isBy(keys.signing, card.signature)) return "the signature is not by the signing key";
  if (!isBy(keys.cosigning, card.cosignature)) return "the cosignature is not by the cosigning key";
  return isBy(keys.certificate, card.certificateSignature)
    ? undefined
    : "the certificate's signature on the card is not by its key";
}

/** The certificate, or what is wrong. Total. Nothing may stand in the PEM that the DER, which is signed, does not say. */
function parseCertificate(pem: string): X509Certificate | string {
  const body =
    pem.length <= MAX_PEM_CHARACTERS
      ? /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE-----\n?$/.exec(pem)?.[1]
      : undefined;
  const der = body === undefined ? undefined : fromBase64(body.replaceAll("\n", ""));
  if (der === undefined) return "the certificate is not one in PEM";
  try {
    const certificate = new X509Certificate(der);
    // OpenSSL reads over bytes that follow.
    return equalBytes(certificate.raw, der) ? certificate : "the certificate is not in DER";
  } catch {
    return "the certificate is not X.509";
  }
}

/** The raw Ed25519 key under which the certificate is signed and which is in it; undefined when there is none. Total. */
function selfSignedKey(certificate: X509Certificate): Uint8Array | undefined {
  try {
    const { publicKey } = certificate;
    if (publicKey.asymmetricKeyType !== "ed25519" || !certificate.verify(publicKey)) return undefined;
    return new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-PUBLIC_KEY_BYTES));
  } catch {
    return undefined;
  }
}

function privateKeyOf(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (createPublicKey(key).asymmetricKeyType === "ed25519") return key;
  } catch {
    throw new KeyError("the certificate's private key is not one in PEM");
  }
  throw new KeyError("the certificate's private key is not an Ed25519 key");
}
