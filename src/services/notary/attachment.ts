/** What goes with the replies to a request of several documents, so that whoever has both can make the head that the group signs. */
import { fromHex } from "../../core/bytes.js";
import { type Decoded, type Value, decode, encode, fixedBytes, list, struct, u64 } from "../../core/codec.js";
import { type Hash, MAX_RANGE_PROOF_HASHES, type ProvenRange, leafHash, proveRange } from "../../tlog/index.js";
import { type LogHead, encodeLogHead } from "./log-head.js";
import { readStatement } from "./statement.js";

const attachmentCodec = struct({
  /** Index of the first document in the log, from 0 on. */
  first: u64,
  /** Documents in the log after the round. */
  size: u64,
  proof: list(fixedBytes(32), MAX_RANGE_PROOF_HASHES),
});
export type Attachment = Value<typeof attachmentCodec>;

export function encodeAttachment(attachment: Attachment): Uint8Array {
  return encode(attachmentCodec, attachment);
}

/** The documents of a request in the log. */
export interface Logged extends Pick<ProvenRange, "inclusions"> {
  readonly first: number;
  readonly head: LogHead;
  /** What the group signs. */
  readonly statement: Uint8Array;
}

/** What statements of documents and their attachment lead to. Total: an error when they lead to nothing. */
export function readAttachment(hash: Hash, statements: readonly Uint8Array[], bytes: Uint8Array): Decoded<Logged> {
  const attachment = decode(attachmentCodec, bytes);
  if (!attachment.ok) return attachment;
  const { first, size, proof } = attachment.value;
  const [one, ...others] = statements.map(readStatement);
  if (one === undefined || !one.ok) return one ?? { ok: false, error: "no statement" };
  const { round, timeMs } = one.value;
  const cluster = fromHex(one.value.cluster) ?? new Uint8Array();
  if (!others.every((other) => other.ok && other.value.round === round && other.value.timeMs === timeMs))
    return { ok: false, error: "statements of several rounds" };
  const leaves = statements.map((statement) => leafHash(hash, statement));
  const proven = proveRange(hash, { first, size }, leaves, proof);
  if (proven === undefined) return { ok: false, error: "the proof of the documents has another form" };
  const head = { cluster, round, timeMs, documents: size, root: proven.root };
  return { ok: true, value: { first, head, statement: encodeLogHead(head), inclusions: proven.inclusions } };
}
