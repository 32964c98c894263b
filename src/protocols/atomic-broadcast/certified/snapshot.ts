/** What a boundary has of lanes. Batches are there by name; the host has their bytes. */
import { atMost, bytes, decode, encode, fixedBytes, list, struct, u64, u8 } from "../../../core/codec.js";
import { MAX_PARTIES, type PartyId } from "../../../core/party-set.js";
import type { BatchName } from "../../../core/protocol.js";
import { MAX_CERTIFICATE_BYTES, MAX_SIGNATURE_BYTES } from "../../../core/suite.js";
import { type LaneState, NEW_LANE } from "./lane.js";
import { type Batch, type Place, cutCodec, readBatch, tipCodec } from "./messages.js";
import type { OwnLaneState } from "./own-lane.js";

/** Of bytes that this party's host has. */
const ANY = 0xffff_ffff;
const digest = fixedBytes(32);
const place = struct({ height: u64, digest });
const flag = atMost(u8, 1);

const lanesCodec = struct({
  lanes: list(
    struct({
      cut: place,
      signed: u64,
      tip: list(tipCodec, 1),
      claim: list(tipCodec, 1),
      stored: list(struct({ height: u64, digest, isSigned: flag }), ANY),
      waiting: list(place, ANY),
      droppedFrom: u64,
      /** Heights of which this party has said something that may still be asked for. */
      said: list(u64, ANY),
    }),
    MAX_PARTIES,
  ),
  own: struct({
    first: u64,
    named: u64,
    orderedBytes: u64,
    sealed: list(
      struct({
        height: u64,
        shares: list(struct({ party: atMost(u8, MAX_PARTIES - 1), share: bytes(MAX_SIGNATURE_BYTES) }), MAX_PARTIES),
        certificate: list(bytes(MAX_CERTIFICATE_BYTES), 1),
      }),
      ANY,
    ),
  }),
  proceedTo: u64,
  wasMuted: flag,
});

export interface LanesState {
  /** By party. */
  readonly lanes: readonly (LaneState & { readonly said: readonly number[] })[];
  readonly own: OwnLaneState;
  /** The last round in which the host lets this party sign an entry. */
  readonly proceedTo: number;
  readonly wasMuted: boolean;
}

/** Of a party that has never run. */
export function newLanes(n: number): LanesState {
  return {
    lanes: Array.from({ length: n }, () => ({ ...NEW_LANE, said: [] })),
    own: { first: 1, named: 0, orderedBytes: 0, sealed: [] },
    proceedTo: 0,
    wasMuted: false,
  };
}

/** The state of a party that knows no more of its lane beyond the cut than that it may have signed up to this height. */
export function ownFrom(state: LanesState, self: PartyId, height: number): LanesState {
  if (state.lanes.every(({ signed }, party) => party !== self || signed >= height)) return state;
  const lanes = state.lanes.map((lane, party) => (party === self ? { ...lane, signed: height } : lane));
  return { ...state, lanes, own: newLanes(0).own, wasMuted: true };
}

export function encodeLanes({ lanes, own, proceedTo, wasMuted }: LanesState): Uint8Array {
  return encode(lanesCodec, {
    lanes: lanes.map(({ tip, claim, stored, waiting, ...lane }) => ({
      ...lane,
      tip: tip === undefined ? [] : [tip],
      claim: claim === undefined ? [] : [claim],
      stored: stored.map(({ batch, isSigned }) => ({ ...batch, isSigned: isSigned ? 1 : 0 })),
      waiting,
    })),
    own: {
      ...own,
      sealed: own.sealed.map(({ batch: { height }, shares, certificate }) => ({
        height,
        shares: [...shares].map(([party, share]) => ({ party, share })),
        certificate: certificate === undefined ? [] : [certificate],
      })),
    },
    proceedTo,
    wasMuted: wasMuted ? 1 : 0,
  });
}

/** What is needed to read what a boundary names. */
export interface LanesReader {
  readonly self: PartyId;
  readonly n: number;
  /** The host's. */
  kept(name: BatchName): Uint8Array | undefined;
}

/** What is wrong with what is to be restored, or it. */
export function decodeLanes(state: Uint8Array, reader: LanesReader): LanesState | string {
  const decoded = decode(lanesCodec, state);
  if (!decoded.ok) return `malformed lanes: ${decoded.error}`;
  const { lanes, own, proceedTo, wasMuted } = decoded.value;
  if (lanes.length !== reader.n) return `${lanes.length} lanes of ${reader.n} parties`;
  const missing: string[] = [];
  const batchOf = (lane: PartyId, of: Place): Batch | undefined => {
    const kept = reader.kept({ lane, height: of.height, digest: of.digest });
    const batch = kept === undefined ? undefined : readBatch(of.height, kept);
    if (batch === undefined) missing.push(`${lane}/${of.height}`);
    return batch && { ...batch, digest: of.digest };
  };
  const read = lanes.map(({ cut, signed, tip, claim, stored, waiting, droppedFrom, said }, party) => ({
    cut,
    signed,
    tip: tip[0],
    claim: claim[0],
    droppedFrom,
    said,
    stored: stored.flatMap(({ isSigned, ...of }) => {
      const batch = batchOf(party, of);
      return batch === undefined ? [] : [{ batch, isSigned: isSigned === 1 }];
    }),
    waiting: waiting.flatMap((of) => batchOf(party, of) ?? []),
  }));
  const chain = new Map(read[reader.self]?.stored.map(({ batch }) => [batch.height, batch]));
  const sealed = own.sealed.flatMap(({ height, shares, certificate }) => {
    const batch = chain.get(height);
    if (batch === undefined) return [];
    return [{ batch, shares: new Map(shares.map(({ party, share }) => [party, share])), certificate: certificate[0] }];
  });
  if (missing.length > 0) return `the host has not kept the batches ${missing.join(", ")}`;
  if (sealed.length < own.sealed.length) return "own batches that are not in the own lane";
  return { lanes: read, own: { ...own, sealed }, proceedTo, wasMuted: wasMuted === 1 };
}

/**
 * Of a state that others have certified. Own batches that were not ordered are forgotten; the lane begins anew in the first round in
 * which the party speaks. @throws RangeError for a cut that is none
 */
export function installedLanes(cut: Uint8Array, acknowledged: readonly number[]): Uint8Array {
  const places = decode(cutCodec, cut);
  if (!places.ok) throw new RangeError(`a cut that is none: ${places.error}`);
  return encodeLanes({
    ...newLanes(0),
    lanes: places.value.map((at, party) => installedLane(at, acknowledged[party] ?? 0)),
    wasMuted: true,
  });
}

function installedLane(at: Place, signed: number): LanesState["lanes"][number] {
  return { ...NEW_LANE, cut: at, signed, said: [] };
}
