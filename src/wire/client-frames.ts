/**
 * Frames between a client and a replica, on a connection that the client dialled. `id` is the SHA-256 of the payload, or 32 bytes
 * that a client made up for a query: answers repeat it.
 *
 *   client → replica   hello, submit, await, query, status, document, find
 *   replica → client   welcome, reply, share, answer, proof, refused, state, found
 */
import { type Codec, type Value, bytes, fixedBytes, list, struct, text, u32, u64, u8, union } from "../core/codec.js";
import { MAX_LEAVES_PER_PARTY } from "../core/formula.js";
import { MAX_PARTIES } from "../core/party-set.js";
import { MAX_CERTIFICATE_BYTES } from "../core/suite.js";
import { serviceNameCodec, sessionCodec } from "./payload.js";

export const CLIENT_PROTOCOL_VERSION = 5;

/** What a client may send in one frame: a payload and little else. */
export const MAX_CLIENT_FRAME_BYTES = 272 * 1024;
/** What a replica may answer in one frame. */
export const MAX_REPLY_FRAME_BYTES = 256 * 1024;

/** The greatest payload that a client can submit, where the cluster orders such ones; longer documents are submitted as their digest. */
export const MAX_SUBMIT_BYTES = 256 * 1024;
/** As MAX_OPERATION_BYTES in services/service.ts. */
export const MAX_QUERY_BYTES = 60 * 1024;
/** As in services/service.ts. */
const MAX_REPLY_BYTES = 64 * 1024;
/** As in services/service.ts. */
const MAX_ATTACHMENT_BYTES = 8 * 1024;
/** A chunk of a snapshot with its frame. */
const MAX_PROOF_CHUNK_BYTES = 66 * 1024;
/** A tree of 2^32 chunks is not deeper. */
const MAX_PATH_HASHES = 32;
const MAX_SUMMARY_BYTES = 256;
/** A number of 4096 bits for each leaf of a party in the receipt key's formula. */
export const MAX_SHARE_BYTES = 512 * MAX_LEAVES_PER_PARTY;
/** A response for each leaf, which along formulas of several gates is longer than the number. */
export const MAX_PROOF_BYTES = 2 * MAX_SHARE_BYTES;

/** More (party, fault) pairs than a state frame carries are counted, not listed. */
export const MAX_ACCUSATIONS = 512;
const MAX_SERVICES = 64;

/** What a client wants when its payload is delivered: the reply, this replica's share of a signature on it, or that with a proof. */
export const WANTS = ["reply", "share", "proof"] as const;
export type Want = (typeof WANTS)[number];

/** Which state a query is answered from: the replica's own word of its present one, or a certified checkpoint, with a proof. */
export const QUERY_STATES = ["local", "certified"] as const;
export type QueryState = (typeof QUERY_STATES)[number];

export const REFUSALS = [
  "invalid-payload",
  "busy",
  "wrong-version",
  "wrong-cluster",
  /** The session has made room for later ones: of its calls, those that were not executed never will be. */
  "session-evicted",
  /** The client has said that it needs the outcome no more. */
  "number-closed",
  "unknown-service",
  /** This replica is starting, or learns from others what it missed. */
  "not-ready",
  /** No certified checkpoint shows the answer. */
  "no-proof",
  /** This replica knows no such document, or has its payload no more. */
  "no-document",
] as const;
export type Refusal = (typeof REFUSALS)[number];

const empty = struct({});
const id = fixedBytes(32);

function choice<T extends string>(names: readonly T[]): Codec<T> {
  return {
    write: (writer, name) => u8.write(writer, names.indexOf(name)),
    read(reader) {
      const index = u8.read(reader);
      return names[index] ?? reader.fail(`no choice ${index} of ${names.length}`);
    },
  };
}

function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    write(writer, value) {
      u8.write(writer, value === undefined ? 0 : 1);
      if (value !== undefined) codec.write(writer, value);
    },
    read(reader) {
      const flag = u8.read(reader);
      if (flag > 1) reader.fail(`${flag} is neither 0 nor 1`);
      return flag === 0 ? undefined : codec.read(reader);
    },
  };
}

const flag: Codec<boolean> = {
  write: (writer, value) => u8.write(writer, value ? 1 : 0),
  read(reader) {
    const value = u8.read(reader);
    if (value > 1) reader.fail(`${value} is neither 0 nor 1`);
    return value === 1;
  },
};

export const clientFrameCodec = union({
  hello: struct({ version: u32, cluster: fixedBytes(32) }),
  /** Order this payload; the answer comes once its number is taken, also when it was before. */
  submit: struct({ payload: bytes(MAX_SUBMIT_BYTES), want: choice(WANTS) }),
  /** The same answer, of a payload of this connection's client that others are asked to order. */
  await: struct({ id, session: sessionCodec, number: u32, want: choice(WANTS) }),
  /** To be answered from a state that has at least `minSequence` payloads. */
  query: struct({
    id,
    state: choice(QUERY_STATES),
    service: serviceNameCodec,
    query: bytes(MAX_QUERY_BYTES),
    minSequence: u64,
  }),
  status: empty,
  /** A share of the signature on the receipt of a document that is in the log, whoever had it notarised: operation `index` of payload `sequence`. */
  document: struct({ id, sequence: u64, index: u32, want: choice(["share", "proof"]) }),
  /** Where the first document with this digest is in the log, whoever had it notarised. */
  find: struct({ id, digest: fixedBytes(32) }),
});

/** What became of the number that a payload asks for. */
const outcome = {
  id,
  /** SHA-256 of the payload that took the number: another than `id` when another one came first. */
  digest: fixedBytes(32),
  sequence: u64,
  round: u64,
  /** 0 for none. */
  timeMs: u64,
  isVoid: flag,
  /** Undefined when it is kept no more, and of what is void. */
  reply: optional(bytes(MAX_REPLY_BYTES)),
};

export const replyFrameCodec = union({
  /** Where this replica has got to. */
  welcome: struct({ state: text(32), round: u64, sequence: u64 }),
  reply: struct(outcome),
  /** With this replica's share of the signature on the reply; `proof` is empty unless it was asked for. */
  share: struct({
    ...outcome,
    /** What the service adds for the signature that several requests share; else empty. */
    attachment: bytes(MAX_ATTACHMENT_BYTES),
    share: bytes(MAX_SHARE_BYTES),
    proof: bytes(MAX_PROOF_BYTES),
  }),
  /** To a query, by this replica's state after `sequence` payloads. */
  answer: struct({ id, sequence: u64, round: u64, answer: bytes(MAX_REPLY_BYTES) }),
  /** To a query: the chunk that has the answer, and the way from it to a summary that a quorum certified. */
  proof: struct({
    id,
    summary: bytes(MAX_SUMMARY_BYTES),
    certificate: bytes(MAX_CERTIFICATE_BYTES),
    index: u32,
    chunk: bytes(MAX_PROOF_CHUNK_BYTES),
    path: list(fixedBytes(32), MAX_PATH_HASHES),
  }),
  /** `id` is zero when the refusal concerns nothing that has one. `reason` is for people. `retryAfterMs` is 0 when asking again is of no use. */
  refused: struct({ id, code: u8, reason: text(1024), retryAfterMs: u32 }),
  state: struct({
    state: text(32),
    round: u64,
    sequence: u64,
    /** 0 for none. */
    timeMs: u64,
    logDigest: fixedBytes(32),
    /** Of the latest certified checkpoint; 0 for none. */
    checkpointRound: u64,
    /** Of a replica that takes a checkpoint, or decided rounds, from others. */
    catchUp: optional(struct({ toRound: u64, chunksReceived: u32, chunks: u32, roundsBehind: u64 })),
    services: list(serviceNameCodec, MAX_SERVICES),
    /** With the batches beside it. */
    logBytes: u64,
    tableBytes: u64,
    sentFrames: u64,
    sentBytes: u64,
    /** Of each party whose clock it has seen in rounds: how far that is from the group's time, ahead or behind; and whether it reports it. */
    clocks: list(struct({ party: u8, aheadMs: u64, behindMs: u64, isFar: flag }), MAX_PARTIES),
    accusations: list(struct({ party: u8, fault: text(64), tag: text(160), count: u64 }), MAX_ACCUSATIONS),
  }),
  /** To `find`: operation `index` of payload `sequence`, by what this replica knows. */
  found: struct({ id, sequence: u64, index: u32 }),
});

export type ClientFrame = Value<typeof clientFrameCodec>;
export type ReplyFrame = Value<typeof replyFrameCodec>;
export type ShareFrame = Extract<ReplyFrame, { readonly kind: "share" }>;
export type OutcomeFrame = Extract<ReplyFrame, { readonly kind: "reply" }> | ShareFrame;
export type ProofFrame = Extract<ReplyFrame, { readonly kind: "proof" }>;
/** What a replica says of itself. */
export type PartyState = Omit<Extract<ReplyFrame, { readonly kind: "state" }>, "kind">;
