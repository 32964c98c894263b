/**
 * What is ordered. A payload is a client's request in a session, what a replica has ordered for a service, or the word of a replica
 * that lost its store.
 *
 * A request is signed by its client and bound to cluster, session and number, so that no replica can make one up, and
 * (client, session, number) is its identity: whatever comes first under it is executed, once, and nothing else ever is.
 * `acknowledged` says that the client needs no outcome of numbers up to it any more. A `void` request executes nothing: it only
 * takes its number, so that who has it ordered knows for sure whether an earlier request with the number was executed, or never will be.
 * A duty is signed by its party, and has the number after that of the party's last one: so a party has one waiting at a time, and
 * none is ever executed again.
 * `calls` are several operations of one service under one number and one signature: executed together, one after the other.
 */
import { concat, utf8 } from "../core/bytes.js";
import {
  type Decoded,
  type Value,
  atMost,
  byteStrings,
  bytes,
  decode,
  encode,
  fixedBytes,
  refine,
  struct,
  text,
  u32,
  u64,
  u8,
  union,
} from "../core/codec.js";
import { MAX_PARTIES } from "../core/party-set.js";

/** As in services/service.ts. */
const MAX_OPERATION_BYTES = 60 * 1024;
const SERVICE_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Operations in one request. */
export const MAX_OPERATIONS = 4096;
export const SESSION_NONCE_BYTES = 8;
const SIGNATURE_BYTES = 64;
export const REJOIN_NONCE_BYTES = 32;

export const serviceNameCodec = refine(text(32), (name) =>
  SERVICE_NAME.test(name) ? undefined : "not a service's name",
);

/** A client's session: later ones have a later `opened`, or with the same a greater `nonce` in the order of bytes. */
export const sessionCodec = struct({
  /** Milliseconds since 1970 by the client's clock, or anything else that grows. */
  opened: u64,
  nonce: fixedBytes(SESSION_NONCE_BYTES),
});
export type SessionId = Value<typeof sessionCodec>;

const operationsCodec = refine(byteStrings(MAX_OPERATION_BYTES, MAX_OPERATIONS), ({ length }) =>
  length > 0 ? undefined : "no operation",
);

const unsignedRequest = {
  cluster: fixedBytes(32),
  /** Raw Ed25519 public key. */
  client: fixedBytes(32),
  session: sessionCodec,
  /** Counts from 1 in its session. */
  number: u32,
  /** Less than `number`. */
  acknowledged: u32,
  action: union({
    call: struct({ service: serviceNameCodec, operation: bytes(MAX_OPERATION_BYTES) }),
    calls: struct({ service: serviceNameCodec, operations: operationsCodec }),
    void: struct({}),
  }),
};
export type UnsignedRequest = Omit<Request, "kind" | "signature">;

const unsignedRejoin = {
  cluster: fixedBytes(32),
  party: atMost(u8, MAX_PARTIES - 1),
  nonce: fixedBytes(REJOIN_NONCE_BYTES),
};
const unsignedRejoinCodec = struct(unsignedRejoin);
export type UnsignedRejoin = Value<typeof unsignedRejoinCodec>;

const unsignedDuty = {
  cluster: fixedBytes(32),
  party: atMost(u8, MAX_PARTIES - 1),
  /** Of the party's duties, from 1 on, without gaps. */
  number: u64,
  service: serviceNameCodec,
  operation: bytes(MAX_OPERATION_BYTES),
};
const unsignedDutyCodec = struct(unsignedDuty);
export type UnsignedDuty = Value<typeof unsignedDutyCodec>;

const payloadCodec = union({
  request: struct({ ...unsignedRequest, signature: fixedBytes(SIGNATURE_BYTES) }),
  /** A replica without its store asks from which round on it may speak (docs/protocols.md section 4). */
  rejoin: struct({ ...unsignedRejoin, signature: fixedBytes(SIGNATURE_BYTES) }),
  /** What a replica owes a service (services/service.ts). */
  duty: struct({ ...unsignedDuty, signature: fixedBytes(SIGNATURE_BYTES) }),
});
export type Payload = Value<typeof payloadCodec>;
export type Request = Extract<Payload, { readonly kind: "request" }>;
export type Rejoin = Extract<Payload, { readonly kind: "rejoin" }>;
export type Duty = Extract<Payload, { readonly kind: "duty" }>;

/** How many bytes of a payload come before its signature: which payload it is, and all fields. 0 for bytes that are none. */
export function signedBytes(payload: Uint8Array): number {
  return Math.max(0, payload.length - SIGNATURE_BYTES);
}

/**
 * What the client signs: a fixed domain line, then SHA-256 of what comes before the signature. A request may be long, and its identifier is
 * SHA-256 of all of it: both digests take one pass. Encodings are canonical, so one signature is for one request, unless somebody
 * finds two with the same digest; on that rest identifiers and batches, too.
 */
export function requestStatement(digest: Uint8Array): Uint8Array {
  return concat(utf8("abcast/3 request\n"), digest);
}

/** What a client makes a payload with. */
export interface RequestSigner {
  /** SHA-256. */
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** By Ed25519, with the client's key. */
  readonly sign: (statement: Uint8Array) => Uint8Array;
}

/** A client's payload. @throws EncodeError when a field is out of its bounds */
export function signRequest(request: UnsignedRequest, { hash, sign }: RequestSigner): Uint8Array {
  const unsigned = encodePayload({ kind: "request", ...request, signature: new Uint8Array(SIGNATURE_BYTES) });
  const signedPart = unsigned.subarray(0, signedBytes(unsigned));
  return concat(signedPart, sign(requestStatement(hash(signedPart))));
}

/** What the party signs with its signing key. */
export function rejoinStatement(rejoin: UnsignedRejoin): Uint8Array {
  return concat(utf8("abcast/2 rejoin\n"), encode(unsignedRejoinCodec, rejoin));
}

/** What the party signs with its signing key. */
export function dutyStatement(duty: UnsignedDuty): Uint8Array {
  return concat(utf8("abcast/2 duty\n"), encode(unsignedDutyCodec, duty));
}

/** @throws EncodeError when a field is out of its bounds */
export function encodePayload(payload: Payload): Uint8Array {
  return encode(payloadCodec, payload);
}

/** Total and canonical; checks no signature. The fields are views of `bytes_`, not copies. */
export function decodePayload(bytes_: Uint8Array): Decoded<Payload> {
  return decode(payloadCodec, bytes_);
}
