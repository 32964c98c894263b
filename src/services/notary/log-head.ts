/**
 * The head of the notary's log after a round: the exact bytes that the group signs for all documents that were notarised in it together
 * (docs/receipt.md). Leaves of the tree are the documents' statements (statement.ts); those of the round have its time, too.
 *
 *     abcast-log/1
 *     cluster: <64 hexadecimal digits>
 *     round: <decimal>
 *     time: <decimal, milliseconds since 1970> or none
 *     documents: <decimal>
 *     root: <64 hexadecimal digits>
 *
 * ASCII; each line ends in one line feed, the last one too. `documents` is the number of leaves, `root` the root of the tree (RFC 6962).
 */
import { fromHex, toHex, utf8 } from "../../core/bytes.js";
import { type Decoded, EncodeError } from "../../core/codec.js";

export const LOG_HEAD_FORMAT = "abcast-log/1";

export interface LogHead {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  readonly round: number;
  /** The round's time in milliseconds since 1970, where rounds have one. */
  readonly timeMs: number | undefined;
  /** Documents in the log, those of the round included. */
  readonly documents: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

const DECIMAL = "(0|[1-9][0-9]{0,15})";
const HEX_64 = "([0-9a-f]{64})";
const PATTERN = new RegExp(
  `^abcast-log/1\ncluster: ${HEX_64}\nround: ${DECIMAL}\ntime: (?:${DECIMAL}|none)\ndocuments: ${DECIMAL}\nroot: ${HEX_64}\n$`,
);

/** The longest head: all decimals with 16 digits. */
export const MAX_LOG_HEAD_BYTES = 13 + 74 + 24 + 23 + 28 + 71;

/** @throws EncodeError when a field is out of range or has the wrong size */
export function encodeLogHead({ cluster, round, timeMs, documents, root }: LogHead): Uint8Array {
  for (const number of [round, timeMs ?? 0, documents])
    if (!Number.isSafeInteger(number) || number < 0) throw new EncodeError(`${number} is not within 0..2^53-1`);
  if (cluster.length !== 32 || root.length !== 32) throw new EncodeError("a cluster or root that has not 32 bytes");
  return utf8(
    `${LOG_HEAD_FORMAT}\ncluster: ${toHex(cluster)}\nround: ${round}\ntime: ${timeMs ?? "none"}\ndocuments: ${documents}\nroot: ${toHex(root)}\n`,
  );
}

/** Total and canonical: what it accepts encodes to the same bytes. */
export function decodeLogHead(bytes: Uint8Array): Decoded<LogHead> {
  if (bytes.length > MAX_LOG_HEAD_BYTES)
    return { ok: false, error: `${bytes.length} bytes, the head of a log has at most ${MAX_LOG_HEAD_BYTES}` };
  const found = PATTERN.exec(String.fromCharCode(...bytes));
  const [, cluster = "", round = "", time, documents = "", root = ""] = found ?? [];
  const [clusterBytes, rootBytes] = [fromHex(cluster), fromHex(root)];
  if (found === null || clusterBytes === undefined || rootBytes === undefined)
    return { ok: false, error: `not the head of a log, ${LOG_HEAD_FORMAT}` };
  const timeMs = time === undefined ? undefined : Number(time);
  const head = { cluster: clusterBytes, round: Number(round), timeMs, documents: Number(documents), root: rootBytes };
  if (![head.round, timeMs ?? 0, head.documents].every(Number.isSafeInteger))
    return { ok: false, error: "a number beyond 2^53-1" };
  return { ok: true, value: head };
}
