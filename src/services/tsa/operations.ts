/** What the time-stamping authority is asked and answers. */
import { bytes, type Decoded, decode, encode, list, struct, u32, u64, union, type Value } from "../../core/codec.js";
import { MAX_OID_BYTES } from "../../core/der.js";
import { MAX_CHAIN_BYTES, MAX_CHAIN_LENGTH } from "./certificate.js";
import { MAX_REQUEST_BYTES } from "./request.js";

const empty = struct({});
export const chainCodec = list(bytes(MAX_CHAIN_BYTES), MAX_CHAIN_LENGTH);

const operationCodec = union({
  /** Has a TimeStampReq wait for its time. */
  request: struct({ request: bytes(MAX_REQUEST_BYTES) }),
  /** Makes the token of the request that was ordered under this number, as this operation under it, in a later round. */
  stamp: struct({ sequence: u64, index: u32 }),
  /** A party's vote for certificates of the token key. */
  install: struct({ chain: chainCodec }),
});
export type TsaOperation = Value<typeof operationCodec>;

/** TSTInfo, or SignedAttributes, with what a request and a certificate may bring. */
const MAX_PART_BYTES = MAX_REQUEST_BYTES + MAX_CHAIN_BYTES;

const replyCodec = union({
  /** The request waits. */
  waiting: empty,
  token: struct({
    info: bytes(MAX_PART_BYTES),
    signer: bytes(MAX_PART_BYTES),
    attributes: bytes(MAX_PART_BYTES),
    certificates: chainCodec,
  }),
  /** No request of this client waits under the number. */
  "not-waiting": empty,
  /** The request was ordered in the same round: it has no time yet. */
  "too-early": empty,
  /** Rounds have no time here, or one that cannot be written. */
  "no-time": empty,
  /** The vote counts; so many parties have given it. */
  vote: struct({ votes: u32 }),
  /** The certificates are in force. */
  installed: empty,
  /** Whoever asks is no party. */
  "not-a-party": empty,
  /** Its request has operations before this one: the serial numbers of two tokens would be the same. */
  "not-alone": empty,
});
export type TsaReply = Value<typeof replyCodec>;

const answerCodec = struct({
  /** An object identifier as DER. */
  policy: bytes(MAX_OID_BYTES + 2),
  accuracyMs: u32,
  /** The certificates in force, the authority's own first. */
  chain: chainCodec,
  /** Requests that wait. */
  waiting: u32,
});
/** The answer to any query. */
export type TsaAnswer = Value<typeof answerCodec>;

/** @throws EncodeError when a field is too long */
export function encodeTsaOperation(operation: TsaOperation): Uint8Array {
  return encode(operationCodec, operation);
}

export function decodeTsaOperation(operation: Uint8Array): Decoded<TsaOperation> {
  return decode(operationCodec, operation);
}

export function encodeTsaReply(reply: TsaReply): Uint8Array {
  return encode(replyCodec, reply);
}

export function decodeTsaReply(reply: Uint8Array): Decoded<TsaReply> {
  return decode(replyCodec, reply);
}

export function encodeTsaAnswer(answer: TsaAnswer): Uint8Array {
  return encode(answerCodec, answer);
}

export function decodeTsaAnswer(answer: Uint8Array): Decoded<TsaAnswer> {
  return decode(answerCodec, answer);
}
