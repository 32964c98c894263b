/** What a world is made of: everything that seed and scenario fix. */
import type { Group } from "../core/group.js";
import type { PartySet } from "../core/party-set.js";
import type { Suite } from "../core/suite.js";
import type { Tag } from "../core/tag.js";
import type { DisseminationMode } from "../protocols/index.js";
import type { Corruption } from "./byzantine.js";
import type { Observer } from "./event.js";
import type { SimChannel } from "./party.js";
import type { Submission } from "./submissions.js";
import type { Hash } from "./trace.js";

export interface WorldOptions {
  readonly seed: number;
  readonly cluster: Uint8Array;
  readonly group: Group;
  /** By party. */
  readonly suites: readonly Suite[];
  readonly channels: Readonly<Record<Tag, SimChannel>>;
  readonly isValid: (payload: Uint8Array) => boolean;
  /** Whether no vector that agreement may decide is without an entry of these parties. */
  readonly isInEveryVector: (parties: PartySet) => boolean;
  /** Rounds from one checkpoint to the next; 0: there are none. */
  readonly checkpointInterval: number;
  /** Hosts let parties take part in each round. */
  readonly isPaced: boolean;
  readonly dissemination: DisseminationMode;
  readonly corrupted: PartySet;
  readonly corruption: Corruption;
  readonly submissions: readonly Submission[];
  /** A payload, valid, that nobody asked for. */
  readonly inventPayload: (index: number) => Uint8Array;
  /** Actions after which a run counts as stuck. */
  readonly maxSteps: number;
  readonly observe?: Observer | undefined;
  /** A new SHA-256 of the host's, for the trace. */
  readonly newHash?: (() => Hash) | undefined;
}
