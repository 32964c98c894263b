/** TimeStampReq (RFC 3161, section 2.4.1): what a request asks for, or why it gets no token. */
import { type DerReader, NULL, oid, readDer, TAG, constructed } from "../../core/der.js";
import { equalBytes, toHex } from "../../core/bytes.js";

/** A request without extensions, which nobody may ask for, is shorter. */
export const MAX_REQUEST_BYTES = 512;
const MAX_NONCE_BYTES = 64;
const MAX_DIGEST_BYTES = 64;

/** PKIFailureInfo: the numbers of its bits. */
export const FAILURES = {
  badAlg: 0,
  badRequest: 2,
  badDataFormat: 5,
  timeNotAvailable: 14,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
  systemFailure: 25,
} as const;
export type Failure = keyof typeof FAILURES;

/** The fields of a request that stand in its token: DER, as they came. */
export interface TimeStampRequest {
  readonly imprint: Uint8Array;
  readonly nonce: Uint8Array | undefined;
  /** Whether the certificate is to be in the token. */
  readonly certReq: boolean;
}

export type JudgedRequest =
  | { readonly ok: true; readonly request: TimeStampRequest }
  | { readonly ok: false; readonly failure: Failure; readonly reason: string };

/** Digests that are taken, by object identifier in hexadecimal, and how long they are. SHA-1 and MD5 are broken. */
const DIGEST_BYTES: ReadonlyMap<string, number> = new Map(
  (
    [
      ["2.16.840.1.101.3.4.2.1", 32], // SHA-256
      ["2.16.840.1.101.3.4.2.2", 48], // SHA-384
      ["2.16.840.1.101.3.4.2.3", 64], // SHA-512
      ["2.16.840.1.101.3.4.2.6", 32], // SHA-512/256
      ["2.16.840.1.101.3.4.2.8", 32], // SHA3-256
      ["2.16.840.1.101.3.4.2.9", 48], // SHA3-384
      ["2.16.840.1.101.3.4.2.10", 64], // SHA3-512
    ] as const
  ).map(([algorithm, sizeBytes]) => [toHex(oid(algorithm)), sizeBytes]),
);

/** Total. `policy`: the one that there is, an object identifier as DER. Depends on nothing else. */
export function judgeRequest(bytes: Uint8Array, policy: Uint8Array): JudgedRequest {
  if (bytes.length > MAX_REQUEST_BYTES) {
    return refused("badRequest", `the request has ${bytes.length} bytes, at most ${MAX_REQUEST_BYTES} are taken`);
  }
  const read = readDer(bytes, (reader) => reader.within(TAG.sequence, readFields));
  if (!read.ok) return refused("badDataFormat", `the request is no TimeStampReq in DER: ${read.error}`);
  const { version, imprint, imprinted, asked, nonce, certReq, hasExtensions } = read.value;
  if (version !== 1) return refused("badRequest", "the request is not of version 1");
  const digestBytes = DIGEST_BYTES.get(toHex(imprinted.algorithm));
  if (digestBytes === undefined || !imprinted.isPlain) {
    return refused("badAlg", "the digest's algorithm is not taken: SHA-256, SHA-384, SHA-512, SHA-512/256 or SHA-3");
  }
  if (imprinted.digest.length !== digestBytes) {
    return refused("badDataFormat", `a digest of ${imprinted.digest.length} bytes, its algorithm makes ${digestBytes}`);
  }
  if (asked !== undefined && !equalBytes(asked, policy)) {
    return refused("unacceptedPolicy", "tokens are not issued under the policy that is asked for");
  }
  if (hasExtensions) return refused("unacceptedExtension", "no extension is known");
  return { ok: true, request: { imprint, nonce, certReq } };
}

function refused(failure: Failure, reason: string): JudgedRequest {
  return { ok: false, failure, reason };
}

function readFields(reader: DerReader) {
  const [version, ...more] = reader.integer(4);
  const imprint = reader.element(TAG.sequence);
  return {
    version: more.length === 0 ? version : undefined,
    imprint,
    imprinted: imprintedIn(reader, imprint),
    asked: reader.isNext(TAG.oid) ? reader.oid() : undefined,
    nonce: reader.isNext(TAG.integer) ? integerElement(reader) : undefined,
    // DEFAULT FALSE, which some write all the same.
    certReq: reader.isNext(TAG.boolean) ? reader.boolean() : false,
    hasExtensions: reader.isNext(constructed(0)) && reader.element().length > 0,
  };
}

/** What is in a MessageImprint. */
function imprintedIn(outer: DerReader, element: Uint8Array) {
  const read = readDer(element, (reader) =>
    reader.within(TAG.sequence, (imprint) => {
      const algorithm = imprint.within(TAG.sequence, (identifier) => {
        const name = identifier.oid();
        // Absent or NULL; both are in use (RFC 5754, section 2).
        const isPlain = identifier.isAtEnd || equalBytes(identifier.element(), NULL);
        return { algorithm: name, isPlain };
      });
      const digest = imprint.content(TAG.octetString);
      if (digest.length > MAX_DIGEST_BYTES) imprint.fail(`a digest of ${digest.length} bytes`);
      return { ...algorithm, digest };
    }),
  );
  return read.ok ? read.value : outer.fail(read.error);
}

function integerElement(reader: DerReader): Uint8Array {
  const element = reader.element(TAG.integer);
  const read = readDer(element, (inner) => inner.integer(MAX_NONCE_BYTES));
  return read.ok ? element : reader.fail(read.error);
}
