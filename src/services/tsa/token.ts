/**
 * Time-stamp tokens and responses (RFC 3161, sections 2.4.2; RFC 5652; RFC 5816), each a function of what stands in it: every replica makes
 * the same bytes.
 */
import {
  constructed,
  der,
  integer,
  namedBit,
  NULL,
  octetString,
  oid,
  primitive,
  sequence,
  setOf,
  TRUE,
  utf8String,
} from "../../core/der.js";
import type { Certificate } from "./certificate.js";
import { generalizedTime } from "./gen-time.js";
import { type Failure, FAILURES, type TimeStampRequest } from "./request.js";

const SIGNED_DATA = oid("1.2.840.113549.1.7.2");
const TST_INFO = oid("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE = oid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE_V2 = oid("1.2.840.113549.1.9.16.2.47");
const SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"), NULL);
const RSA_ENCRYPTION = sequence(oid("1.2.840.113549.1.1.1"), NULL);

export interface TokenContent extends TimeStampRequest {
  /** An object identifier as DER. */
  readonly policy: Uint8Array;
  readonly serial: number;
  readonly genTimeMicros: number;
  readonly accuracyMs: number;
}

/** TSTInfo. */
export function encodeInfo({ policy, imprint, serial, genTimeMicros, accuracyMs, nonce }: TokenContent): Uint8Array {
  return sequence(
    integer(1),
    policy,
    imprint,
    integer(serial),
    generalizedTime(genTimeMicros),
    accuracy(accuracyMs),
    TRUE, // ordering
    ...(nonce === undefined ? [] : [nonce]),
  );
}

function accuracy(accuracyMs: number): Uint8Array {
  const [seconds, millis] = [Math.floor(accuracyMs / 1000), accuracyMs % 1000];
  return sequence(
    ...(seconds === 0 ? [] : [integer(seconds)]),
    ...(millis === 0 ? [] : [integer(millis, primitive(0))]),
  );
}

/**
 * SignedAttributes: what is signed of a token, as the SET that a signature is on (RFC 5652, section 5.4). `digest`s are SHA-256, which
 * ESSCertIDv2 (RFC 5035) does not say since it is the default. There is no signing time: genTime is.
 */
export function encodeAttributes(
  infoDigest: Uint8Array,
  { issuer, serial, digest }: Pick<Certificate, "issuer" | "serial"> & { readonly digest: Uint8Array },
): Uint8Array {
  const issuerSerial = sequence(sequence(der(constructed(4), issuer)), serial);
  return setOf([
    attribute(CONTENT_TYPE, TST_INFO),
    attribute(MESSAGE_DIGEST, octetString(infoDigest)),
    attribute(SIGNING_CERTIFICATE_V2, sequence(sequence(sequence(octetString(digest), issuerSerial)))),
  ]);
}

function attribute(type: Uint8Array, value: Uint8Array): Uint8Array {
  return sequence(type, setOf([value]));
}

export interface TokenParts {
  /** TSTInfo. */
  readonly info: Uint8Array;
  /** IssuerAndSerialNumber of the signer's certificate. */
  readonly signer: Uint8Array;
  /** SignedAttributes, as signed. */
  readonly attributes: Uint8Array;
  /** Those that go into the token. */
  readonly certificates: readonly Uint8Array[];
}

/** The token: a ContentInfo with SignedData. `signature`: RSASSA-PKCS1-v1_5 with SHA-256 on the attributes. */
export function encodeToken({ info, signer, attributes, certificates }: TokenParts, signature: Uint8Array): Uint8Array {
  const signerInfo = sequence(
    integer(1),
    signer,
    SHA256,
    retagged(attributes, constructed(0)),
    RSA_ENCRYPTION,
    octetString(signature),
  );
  const signedData = sequence(
    integer(3),
    setOf([SHA256]),
    sequence(TST_INFO, der(constructed(0), octetString(info))),
    ...(certificates.length === 0 ? [] : [setOf(certificates, constructed(0))]),
    setOf([signerInfo]),
  );
  return sequence(SIGNED_DATA, der(constructed(0), signedData));
}

function retagged(element: Uint8Array, tag: number): Uint8Array {
  const copy = element.slice();
  copy[0] = tag;
  return copy;
}

/** TimeStampResp with a token. */
export function encodeGranted(token: Uint8Array): Uint8Array {
  return sequence(sequence(integer(0)), token);
}

/** TimeStampResp without. */
export function encodeRejection(failure: Failure, reason: string): Uint8Array {
  return sequence(sequence(integer(2), sequence(utf8String(reason)), namedBit(FAILURES[failure])));
}
