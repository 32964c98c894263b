/** Messages of lanes, and what queue entries and vectors hold when agreement orders heights of lanes. */
import {
  type Value,
  atMost,
  bytes,
  decode,
  encode,
  fixedBytes,
  list,
  refine,
  struct,
  u64,
  u8,
  union,
} from "../../../core/codec.js";
import { MAX_PARTIES, type PartyId } from "../../../core/party-set.js";
import { MAX_BATCH_BYTES } from "../../../core/protocol.js";
import { MAX_CERTIFICATE_BYTES, MAX_SIGNATURE_BYTES, type Suite } from "../../../core/suite.js";
import type { Admission } from "../admission.js";
import { MAX_PAYLOAD_BYTES } from "../messages.js";

export const MAX_BATCH_PAYLOADS = 65_536;
/** Place of the parent, and the number of payloads. */
const BATCH_HEAD_BYTES = 8 + 32 + 4;
/** What of a batch is payloads, each with its length. */
export const MAX_BATCH_PAYLOAD_BYTES = MAX_BATCH_BYTES - BATCH_HEAD_BYTES;

/** What is signed of a batch: its digest, under the tag of its lane and height. */
export const BATCH = "batch";

const party = atMost(u8, MAX_PARTIES - 1);

/** A place in a lane: the batch with this digest at this height. Height 0 is before the first. */
const placeCodec = struct({ height: u64, digest: fixedBytes(32) });
export type Place = Value<typeof placeCodec>;

/** Where every lane begins. */
export const ORIGIN: Place = { height: 0, digest: new Uint8Array(32) };

export const batchCodec = struct({
  /** The batch before it in its lane. */
  parent: placeCodec,
  payloads: refine(list(bytes(MAX_PAYLOAD_BYTES), MAX_BATCH_PAYLOADS), (payloads) =>
    payloads.length === 0 ? "an empty batch" : undefined,
  ),
});

/** What a batch's digest is of. */
const nameCodec = struct({ parent: placeCodec, digests: list(fixedBytes(32), MAX_BATCH_PAYLOADS) });

/** A batch that decodes. */
export interface ReadBatch {
  readonly height: number;
  readonly parent: Place;
  /** Views into `bytes`. */
  readonly payloads: readonly Uint8Array[];
  readonly bytes: Uint8Array;
}

/** One with its digest. */
export interface Batch extends ReadBatch, Place {}

/** Undefined for bytes that are no batch of this height. Total. */
export function readBatch(height: number, batch: Uint8Array): ReadBatch | undefined {
  if (batch.length > MAX_BATCH_BYTES) return undefined;
  const decoded = decode(batchCodec, batch);
  if (!decoded.ok || decoded.value.parent.height >= height) return undefined;
  return { ...decoded.value, height, bytes: batch };
}

/**
 * The digest of a batch: the hash of its parent's place and of its payloads' digests. A party hashes payloads anyhow, to know them; the
 * bytes of a batch, which are little else, are not hashed besides.
 */
export function batchDigest(
  { parent, payloads }: Pick<ReadBatch, "parent" | "payloads">,
  suite: Pick<Suite, "hash">,
  admission: Pick<Admission, "digest">,
): Uint8Array {
  return suite.hash(encode(nameCodec, { parent, digests: payloads.map((payload) => admission.digest(payload)) }));
}

export function writeBatch(parent: Place, payloads: readonly Uint8Array[]): Uint8Array {
  return encode(batchCodec, { parent, payloads });
}

/** By its bytes alone, whatever its height. Undefined for bytes that are no batch. */
export function digestOfBatch(batch: Uint8Array, hash: (bytes: Uint8Array) => Uint8Array): Uint8Array | undefined {
  const read = readBatch(Number.MAX_SAFE_INTEGER, batch);
  return read && batchDigest(read, { hash }, { digest: hash });
}

export const laneMessageCodec = union({
  batch: struct({ batch: bytes(MAX_BATCH_BYTES) }),
  share: struct({ share: bytes(MAX_SIGNATURE_BYTES) }),
  certified: struct({ digest: fixedBytes(32), certificate: bytes(MAX_CERTIFICATE_BYTES) }),
});
export type LaneMessage = Value<typeof laneMessageCodec>;

/** Below the channel. */
export function lanePath(lane: PartyId, height: number): string {
  return `lane/${lane}/${height}`;
}

/** A certified place of a lane. */
export const tipCodec = struct({
  lane: party,
  height: u64,
  digest: fixedBytes(32),
  certificate: bytes(MAX_CERTIFICATE_BYTES),
});
export type Tip = Value<typeof tipCodec>;

/** Of each lane the greatest; ascending lanes. */
export function greatestOf(tips: readonly Tip[]): readonly Tip[] {
  const greatest = new Map<PartyId, Tip>();
  for (const tip of tips) if (tip.height > (greatest.get(tip.lane)?.height ?? 0)) greatest.set(tip.lane, tip);
  return [...greatest.values()].sort((a, b) => a.lane - b.lane);
}

const tipsCodec = list(tipCodec, MAX_PARTIES);
const heightsCodec = list(u64, MAX_PARTIES);

/** What σ_i signs: the clock's reading and, of each lane, a height. */
const entryBodyCodec = struct({ clock: u64, heights: heightsCodec });

/** Of each lane, the greatest certified height that the party knows, and the tips of those lanes that are beyond the last cut. */
export const cutEntryCodec = struct({
  clock: u64,
  heights: heightsCodec,
  tips: tipsCodec,
  signature: bytes(MAX_SIGNATURE_BYTES),
});
export type CutEntry = Omit<Value<typeof cutEntryCodec>, "signature">;

/** The tips once for all entries: of each lane the greatest. */
export const cutVectorCodec = struct({
  entries: list(
    struct({ party, clock: u64, heights: heightsCodec, signature: bytes(MAX_SIGNATURE_BYTES) }),
    MAX_PARTIES,
  ),
  tips: tipsCodec,
});
export type CutVector = Value<typeof cutVectorCodec>;

export function cutEntryBody({ clock, heights }: Pick<CutEntry, "clock" | "heights">): Uint8Array {
  return encode(entryBodyCodec, { clock, heights });
}

/** How far each lane is ordered. */
export const cutCodec = list(placeCodec, MAX_PARTIES);

/** How many batches of each lane are ordered with the cut and before. @throws RangeError for a cut that is none */
export function cutHeights(cut: Uint8Array): readonly number[] {
  const places = decode(cutCodec, cut);
  if (!places.ok) throw new RangeError(`a cut that is none: ${places.error}`);
  return places.value.map(({ height }) => height);
}
