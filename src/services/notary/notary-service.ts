/**
 * The notary: gives each document its number. Its state is the total order itself; of that it keeps the last documents, as a log.
 *
 * An operation is a document's digest (digest.ts). The reply is the receipt's statement (statement.ts), and
 * the group signs just that, so that a receipt says all that it proves in words of its own. Of a request with several documents the group
 * signs the log's head after the round (log-head.ts): one signature for all that came in the round, however many they are.
 */
import { decode, type Decoded, encode, struct, u64, type Value } from "../../core/codec.js";
import type { Hash } from "../../tlog/index.js";
import type { Service } from "../service.js";
import { encodeAttachment, readAttachment } from "./attachment.js";
import { type DocumentDigest, documentDigestCodec } from "./digest.js";
import { Documents } from "./documents.js";
import { encodeLogHead } from "./log-head.js";
import { encodeStatement, readStatement } from "./statement.js";

const CLUSTER_ID_BYTES = 32;

const stateCodec = struct({ documents: u64 });
export type NotaryState = Value<typeof stateCodec>;

/** @throws EncodeError when the digest has the wrong size */
export function encodeNotaryOperation(digest: DocumentDigest): Uint8Array {
  return encode(documentDigestCodec, digest);
}

/** The answer to any query. Total. */
export function decodeNotaryAnswer(bytes: Uint8Array): Decoded<NotaryState> {
  return decode(stateCodec, bytes);
}

export interface NotaryOptions {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  /** SHA-256. */
  readonly hash: Hash;
}

/** @throws RangeError when `cluster` has not 32 bytes */
export function createNotaryService({ cluster, hash }: NotaryOptions): Service {
  if (cluster.length !== CLUSTER_ID_BYTES) throw new RangeError(`a cluster identifier of ${cluster.length} bytes`);
  const documents = new Documents(hash);
  const answer = (count: number): Uint8Array => encode(stateCodec, { documents: count });
  return {
    name: "notary",

    validate: (operation) => decode(documentDigestCodec, operation).ok,

    apply({ sequence, round, roundTimeMs: timeMs, client }, operation) {
      const digest = decode(documentDigestCodec, operation);
      if (!digest.ok) throw new Error(`operation ${sequence} was ordered but is no digest: ${digest.error}`);
      const statement = encodeStatement({ cluster, sequence, round, timeMs, digest: digest.value, client });
      documents.add(statement, { sequence, round });
      return statement;
    },

    query: () => answer(documents.count),
    snapshot: () => documents.snapshot(),
    restore: (chunks) => documents.restore(chunks),

    answerFrom(chunk) {
      const count = Documents.countIn(chunk);
      return count === undefined ? undefined : { answer: answer(count) };
    },

    statement: (reply) => reply,

    shared: {
      ofRequest(sequence, statements) {
        const place = documents.place(sequence, statements.length);
        const [one] = statements;
        const read = one && readStatement(one);
        if (place === undefined || !read?.ok) return undefined;
        // The root of the own tree is what the replies and the proof lead to, without hashing each of them again.
        const { round, timeMs } = read.value;
        const head = { cluster, round, timeMs, documents: place.size, root: place.root };
        return { statement: encodeLogHead(head), attachment: encodeAttachment(place) };
      },

      statement(statements, attachment) {
        const logged = readAttachment(hash, statements, attachment);
        return logged.ok ? logged.value.statement : undefined;
      },
    },
  };
}
