/** What a channel of atomic broadcast is started with. */
import { equalBytes } from "../../core/bytes.js";
import type { Group } from "../../core/group.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import type { BatchName } from "../../core/protocol.js";
import { type AgreementVariant, variantProblem } from "../multivalued-agreement/index.js";
import { type Admission, digestAdmission } from "./admission.js";
import { type Boundary, decodeBoundary } from "./boundary.js";
import { DISSEMINATIONS, type DisseminationMode, type VectorSize } from "./messages.js";
import { type LocalSettings, batchSettingsProblem, settingsProblem } from "./settings.js";

/** Batches that each party may have in its lane beyond the last cut, unless the options say otherwise. */
export const DEFAULT_LANE_WINDOW = 16;
const MAX_LANE_WINDOW = 1024;

/** What all parties must have the same, and the settings that this party starts with. */
export interface AtomicBroadcastOptions extends LocalSettings, AgreementVariant {
  /** c: queue entries that a decision contains, within t+1..n-t, where t counts crashes, too; or those of a quorum, in any structure. */
  readonly vectorSize: VectorSize;
  /** Which payloads may be ordered at all: a pure function, the same at every party. To be given unless `admission` is. */
  readonly isValid?: ((payload: Uint8Array) => boolean) | undefined;
  /** Called once by each instance that starts: what has been delivered, and what may be. By digests unless given. */
  readonly admission?: (() => Admission) | undefined;
  /** Rounds from one checkpoint to the next; 0 or undefined: there are none. */
  readonly checkpointInterval?: number | undefined;
  /** The state of a boundary: the instance starts as if the next round had just begun. */
  readonly restore?: Uint8Array | undefined;
  /** `inline` unless given: that asks nothing of the host, which must keep batches for `certified`. */
  readonly dissemination?: DisseminationMode | undefined;
  /** In `certified`: batches of a lane beyond the last cut; 16 unless given. */
  readonly laneWindow?: number | undefined;
  /**
   * This party's own choice. In `certified`: it signs an entry in a round only when its host has let it, by `proceed`. It does so in all
   * rounds unless given.
   */
  readonly isPaced?: boolean | undefined;
  /** In `certified`, for `restore`: the bytes of a batch that the host has kept. */
  readonly kept?: ((name: BatchName) => Uint8Array | undefined) | undefined;
  /**
   * In `certified`: up to this height this party may have signed batches of its own lane that it has forgotten. Where what is to be
   * restored knows of no more than lower ones, the lane begins anew beyond it. None unless given.
   */
  readonly laneBefore?: number | undefined;
}

/** A configuration under which the protocol would not work. */
export class AtomicBroadcastOptionsError extends Error {
  override readonly name = "AtomicBroadcastOptionsError";
}

export function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new AtomicBroadcastOptionsError(problem);
}

/** What is wrong with options in any group, or undefined. */
export function optionsProblem(options: AtomicBroadcastOptions): string | undefined {
  const { isValid, admission, checkpointInterval = 0, dissemination = "inline", vectorSize } = options;
  const { laneWindow = DEFAULT_LANE_WINDOW } = options;
  const variant = variantProblem(options);
  if (variant !== undefined) return variant;
  if (isValid === undefined && admission === undefined) return "neither isValid nor an admission";
  if (!DISSEMINATIONS.includes(dissemination))
    return `dissemination=${dissemination} is none of ${DISSEMINATIONS.join(", ")}`;
  if (!Number.isInteger(laneWindow) || laneWindow < 1 || laneWindow > MAX_LANE_WINDOW)
    return `laneWindow=${laneWindow} is not within 1..${MAX_LANE_WINDOW}`;
  if (!Number.isSafeInteger(checkpointInterval) || checkpointInterval < 0)
    return `checkpointInterval=${checkpointInterval} is no number of rounds`;
  if (dissemination === "certified") return batchSettingsProblem(options);
  return vectorSize === "quorum" ? undefined : settingsProblem(options, vectorSize);
}

/**
 * With fewer entries, corrupted parties alone could make a vector; more might never come together. In a structure that is no
 * threshold a number tells neither: other parties than the first may be worth less.
 */
export function vectorSizeProblem(vectorSize: VectorSize, group: Group): string | undefined {
  if (vectorSize === "quorum") return undefined;
  if (!isThreshold(group)) return `c=${vectorSize} is for thresholds: use "quorum"`;
  const firstParties = (count: number): PartySet => PartySet.of(group.parties.slice(0, count));
  const isGreatEnough = Number.isInteger(vectorSize) && group.meetsEveryQuorum(firstParties(vectorSize));
  if (isGreatEnough && vectorSize <= group.n && !group.isQuorum(firstParties(vectorSize - 1))) return undefined;
  return `c=${vectorSize} is not within t+1..n-t for n=${group.n}`;
}

/** Whether a quorum is any so many parties. */
function isThreshold({ n, access: { quorum } }: Group): boolean {
  return (
    typeof quorum !== "number" && quorum.of.length === n && quorum.of.every((input, party: PartyId) => input === party)
  );
}

/** Of a first start, or of the boundary. @throws AtomicBroadcastOptionsError when what is to be restored is none */
export function startOf(options: AtomicBroadcastOptions): Boundary {
  const { restore, ...settings } = options;
  if (restore === undefined) {
    const nothing = new Uint8Array(0);
    const unknown = { waiting: [], peers: [], checkpoint: 0, shares: [], lanes: nothing };
    return { round: 0, timeMs: undefined, settings, clockMs: 0, admission: nothing, ...unknown };
  }
  const boundary = decodeBoundary(restore);
  if (!boundary.ok) throw new AtomicBroadcastOptionsError(`malformed state to restore: ${boundary.error}`);
  return boundary.value;
}

/** The host's, or one by digests. @throws AtomicBroadcastOptionsError when it is not that of the boundary */
export function admissionOf(
  { restore, isValid, admission }: AtomicBroadcastOptions,
  start: Boundary,
  hash: (bytes: Uint8Array) => Uint8Array,
): Admission {
  const snapshot = restore === undefined ? undefined : start.admission;
  const made = admission?.() ?? digestAdmission({ hash, isValid: (payload) => isValid?.(payload) === true, snapshot });
  if (snapshot !== undefined && !equalBytes(made.snapshot(), snapshot))
    throw new AtomicBroadcastOptionsError("the admission is not the one of the state to restore");
  return made;
}
