/**
 * A request for notarisation, as the payload that is ordered.
 *
 * The client signs the request, so no replica can notarise anything in a client's name. The cluster is
 * part of it, so a request cannot be replayed to another cluster; the nonce makes two requests for the same document
 * two payloads.
 */
import { concat, utf8 } from "../../core/bytes.js";
import { decode, type Decoded, encode, fixedBytes, struct } from "../../core/codec.js";
import { type DocumentDigest, documentDigestCodec } from "./digest.js";

export const CLUSTER_ID_BYTES = 32;
export const CLIENT_KEY_BYTES = 32;
export const NONCE_BYTES = 16;
export const CLIENT_SIGNATURE_BYTES = 64;

/** What the client signs. */
export interface UnsignedRequest {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  /** The client's raw Ed25519 public key, 32 bytes. */
  readonly client: Uint8Array;
  /** 16 bytes that the client does not use twice. */
  readonly nonce: Uint8Array;
  readonly digest: DocumentDigest;
}

export interface NotaryRequest extends UnsignedRequest {
  /** The client's Ed25519 signature on `requestStatement`, 64 bytes. */
  readonly signature: Uint8Array;
}

const unsigned = {
  cluster: fixedBytes(CLUSTER_ID_BYTES),
  client: fixedBytes(CLIENT_KEY_BYTES),
  nonce: fixedBytes(NONCE_BYTES),
  digest: documentDigestCodec,
};
const unsignedCodec = struct(unsigned);
const requestCodec = struct({ ...unsigned, signature: fixedBytes(CLIENT_SIGNATURE_BYTES) });

/** The one size of an encoded request. */
export const MAX_REQUEST_BYTES = CLUSTER_ID_BYTES + CLIENT_KEY_BYTES + NONCE_BYTES + 33 + CLIENT_SIGNATURE_BYTES;

const DOMAIN = utf8("abcast/1 notary request\n");

/**
 * The bytes that the client signs: a fixed domain line, then the fixed-size fields.
 * @throws EncodeError when a field has the wrong size.
 */
export function requestStatement(request: UnsignedRequest): Uint8Array {
  return concat(DOMAIN, encode(unsignedCodec, request));
}

/**
 * The payload, `MAX_REQUEST_BYTES` long.
 * @throws EncodeError when a field has the wrong size.
 */
export function encodeRequest(request: NotaryRequest): Uint8Array {
  return encode(requestCodec, request);
}

/** Total and canonical; does not check the signature. The fields are views of `bytes`, not copies. */
export function decodeRequest(bytes: Uint8Array): Decoded<NotaryRequest> {
  return decode(requestCodec, bytes);
}
