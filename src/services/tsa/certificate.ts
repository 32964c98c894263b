/** What the time-stamping authority needs of X.509 certificates (RFC 5280): who is named, which key, for which use. Signatures are for others to check. */
import { equalBytes } from "../../core/bytes.js";
import type { Decoded } from "../../core/codec.js";
import { constructed, type DerReader, oid, primitive, readDer, sequence, TAG } from "../../core/der.js";

/** All certificates of a chain: each reply for which they are asked has them. */
export const MAX_CHAIN_BYTES = 6 * 1024;
export const MAX_CHAIN_LENGTH = 4;
const MAX_SERIAL_BYTES = 21;

export const KEY_USAGE = oid("2.5.29.15");
export const EXTENDED_KEY_USAGE = oid("2.5.29.37");
export const TIME_STAMPING = oid("1.3.6.1.5.5.7.3.8");

/** Elements of a certificate, as DER. */
export interface Certificate {
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
}

interface Extension {
  readonly id: Uint8Array;
  readonly isCritical: boolean;
  /** DER. */
  readonly value: Uint8Array;
}

/** Total. */
export function readCertificate(bytes: Uint8Array): Decoded<Certificate> {
  return readDer(bytes, (reader) =>
    reader.within(TAG.sequence, (certificate) => {
      const signed = certificate.within(TAG.sequence, readSigned);
      certificate.element(TAG.sequence);
      certificate.element(TAG.bitString);
      return signed;
    }),
  );
}

function readSigned(reader: DerReader): Certificate {
  const isTagged = reader.isNext(constructed(0));
  const [version] = isTagged ? reader.within(constructed(0), (inner) => inner.integer(1)) : [];
  if (version !== 2) reader.fail("a certificate that is not of version 3");
  const serial = reader.element(TAG.integer);
  if (serial.length > 2 + MAX_SERIAL_BYTES) reader.fail("a serial number that is too long");
  reader.element(TAG.sequence);
  const issuer = reader.element(TAG.sequence);
  reader.element(TAG.sequence);
  const subject = reader.element(TAG.sequence);
  const publicKey = reader.element(TAG.sequence);
  for (const unique of [1, 2]) if (reader.isNext(primitive(unique))) reader.element();
  const extensions = reader.within(constructed(3), (inner) => inner.within(TAG.sequence, readExtensions));
  return { serial, issuer, subject, publicKey, extensions };
}

function readExtensions(reader: DerReader): Extension[] {
  const extensions: Extension[] = [];
  while (!reader.isAtEnd) {
    extensions.push(
      reader.within(TAG.sequence, (inner) => {
        const id = inner.oid();
        const isCritical = inner.isNext(TAG.boolean) && inner.boolean();
        return { id, isCritical, value: inner.content(TAG.octetString) };
      }),
    );
  }
  return extensions;
}

/**
 * What is wrong with a chain of certificates for the tokens of `publicKey`, a SubjectPublicKeyInfo; undefined if nothing is. The first is
 * the authority's own, and each is followed by its issuer's.
 */
export function chainProblem(chain: readonly Uint8Array[], publicKey: Uint8Array): string | undefined {
  const sizeBytes = chain.reduce((sum, { length }) => sum + length, 0);
  if (chain.length === 0) return "there is no certificate";
  if (chain.length > MAX_CHAIN_LENGTH) return `${chain.length} certificates, at most ${MAX_CHAIN_LENGTH} are taken`;
  if (sizeBytes > MAX_CHAIN_BYTES) return `${sizeBytes} bytes of certificates, at most ${MAX_CHAIN_BYTES} are taken`;
  const read: Certificate[] = [];
  for (const [index, bytes] of chain.entries()) {
    const certificate = readCertificate(bytes);
    if (!certificate.ok) return `certificate ${index} is none: ${certificate.error}`;
    const before = read.at(-1);
    if (before !== undefined && !equalBytes(before.issuer, certificate.value.subject)) {
      return `certificate ${index} is not of the issuer of the one before it`;
    }
    read.push(certificate.value);
  }
  const [own] = read;
  return own === undefined ? "there is no certificate" : ownProblem(own, publicKey);
}

/** RFC 3161, section 2.3; and what OpenSSL wants of the key's use. */
function ownProblem({ publicKey: own, extensions }: Certificate, publicKey: Uint8Array): string | undefined {
  if (!equalBytes(own, publicKey)) return "the certificate is not of the cluster's token key";
  const withId = (id: Uint8Array): readonly Extension[] =>
    extensions.filter((extension) => equalBytes(extension.id, id));
  const [purposes, ...further] = withId(EXTENDED_KEY_USAGE);
  const isForTimeStamping = purposes !== undefined && equalBytes(purposes.value, sequence(TIME_STAMPING));
  if (!isForTimeStamping || !purposes.isCritical || further.length > 0) {
    return "the certificate has no critical extendedKeyUsage with timeStamping alone";
  }
  return withId(KEY_USAGE).every(({ value }) => isForSignatures(value))
    ? undefined
    : "the certificate's keyUsage has more than digitalSignature and nonRepudiation";
}

/** A BIT STRING with no other than the first two bits. */
function isForSignatures(value: Uint8Array): boolean {
  const read = readDer(value, (reader) => reader.content(TAG.bitString));
  return read.ok && read.value.length === 2 && ((read.value[1] ?? 0xff) & 0x3f) === 0;
}
