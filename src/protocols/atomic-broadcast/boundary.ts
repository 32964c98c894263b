/**
 * The state of atomic broadcast between two rounds. No instance of a round is live there, so that with the inputs since then it is all
 * that a party must keep (docs/protocols.md, "Boundaries").
 */
import {
  type Codec,
  type Decoded,
  type Value,
  atMost,
  bytes,
  decode,
  encode,
  list,
  refine,
  struct,
  text,
  u64,
  u8,
} from "../../core/codec.js";
import { MAX_BODY_BYTES } from "../../core/envelope.js";
import { MAX_PARTIES } from "../../core/party-set.js";
import { installedLanes } from "./certified/snapshot.js";
import { type KeptShare, MAX_CHECKPOINT_MESSAGE_BYTES } from "./checkpoints.js";
import { MAX_PAYLOAD_BYTES } from "./messages.js";
import type { PeerState } from "./peers.js";
import type { Waiting } from "./queue.js";
import { type LocalSettings, settingsCodec } from "./settings.js";

export interface Boundary {
  /** The round decided last. */
  readonly round: number;
  /** Its time, if rounds have one. */
  readonly timeMs: number | undefined;
  readonly settings: LocalSettings;
  /** What the host's clock showed last. */
  readonly clockMs: number;
  /** A snapshot of the admission. */
  readonly admission: Uint8Array;
  /** In order of arrival. */
  readonly waiting: readonly Waiting[];
  readonly peers: readonly PeerState[];
  /** The last round of which the host has given a digest; 0 before. */
  readonly checkpoint: number;
  /** Shares towards later ones. */
  readonly shares: readonly KeptShare[];
  /** Of dissemination in certified batches (certified/snapshot.ts); empty in `inline`. */
  readonly lanes: Uint8Array;
}

/** Of bytes: what is read must be there, so the length of what there is bounds all of it. */
const ANY = 0xffff_ffff;
const FORMATS = { inline: 1, lanes: 2 } as const;
const party = atMost(u8, MAX_PARTIES - 1);

const distinct = (items: readonly { readonly party: number }[]): string | undefined =>
  new Set(items.map((item) => item.party)).size < items.length ? "a party twice" : undefined;

const commonFields = {
  round: u64,
  /** None or one. */
  times: list(u64, 1),
  settings: settingsCodec,
  clockMs: u64,
  admission: bytes(ANY),
  waiting: list(struct({ payload: bytes(MAX_PAYLOAD_BYTES), broughtBy: party }), ANY),
  peers: refine(
    list(
      struct({
        party,
        highest: u64,
        droppedFrom: u64,
        early: list(struct({ path: text(ANY), body: bytes(MAX_BODY_BYTES) }), ANY),
      }),
      MAX_PARTIES,
    ),
    distinct,
  ),
  checkpoint: u64,
  shares: refine(list(struct({ party, round: u64, body: bytes(MAX_CHECKPOINT_MESSAGE_BYTES) }), MAX_PARTIES), distinct),
};

const formatted = (wanted: number): Codec<number> =>
  refine(u8, (format) => (format === wanted ? undefined : `format ${format}`));
const inlineCodec = struct({ format: formatted(FORMATS.inline), ...commonFields });
const lanesCodec = struct({
  format: formatted(FORMATS.lanes),
  ...commonFields,
  lanes: refine(bytes(ANY), ({ length }) => (length === 0 ? "no lanes" : undefined)),
});
type Common = Value<typeof inlineCodec>;

export function encodeBoundary({ timeMs, lanes, ...fields }: Boundary): Uint8Array {
  const common = { times: timeMs === undefined ? [] : [timeMs], ...fields };
  if (lanes.length === 0) return encode(inlineCodec, { format: FORMATS.inline, ...common });
  return encode(lanesCodec, { format: FORMATS.lanes, ...common, lanes });
}

/** Total and canonical. */
export function decodeBoundary(state: Uint8Array): Decoded<Boundary> {
  const decoded: Decoded<Common & { readonly lanes?: Uint8Array }> =
    state[0] === FORMATS.lanes ? decode(lanesCodec, state) : decode(inlineCodec, state);
  if (!decoded.ok) return decoded;
  const { format: _, times, ...fields } = decoded.value;
  return { ok: true, value: { lanes: new Uint8Array(0), ...fields, timeMs: times[0] } };
}

/** What a host knows that has the state after `round` from others. The clock's reading is of now: what waits is signed with it at once. */
export interface InstalledBoundary extends Pick<
  Boundary,
  "round" | "timeMs" | "settings" | "clockMs" | "admission" | "waiting"
> {
  /** In `certified`: the cut after `round`, as `DeliveredRound` has it. */
  readonly cut?: Uint8Array | undefined;
  /** `AtomicBroadcastState.acknowledged` of this party's channel before; none of a party that has forgotten what it has signed. */
  readonly acknowledged?: readonly number[] | undefined;
}

/**
 * The boundary after `round` for a host that installs a state that others have certified: nothing is known of peers. What waits may
 * have been delivered by now. The digest of this round is not to be given again.
 */
export function boundaryAt({ cut, acknowledged, ...installed }: InstalledBoundary): Uint8Array {
  return encodeBoundary({
    ...installed,
    peers: [],
    checkpoint: installed.round,
    shares: [],
    lanes: cut === undefined ? new Uint8Array(0) : installedLanes(cut, acknowledged ?? []),
  });
}
