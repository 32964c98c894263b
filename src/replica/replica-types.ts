/** What a replica is given by its host, and what it shows of itself. */
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { RelayKeys } from "../core/relay-keys.js";
import type { Suite } from "../core/suite.js";
import type { Tag } from "../core/tag.js";
import type { AtomicBroadcastProtocol, LocalSettings } from "../protocols/index.js";
import type { Accusation } from "./accusations.js";
import type { CatchUp } from "./catch-up.js";
import type { ClockState } from "./clock-report.js";
import type { ProtocolParts } from "./execution.js";
import type { PaceOptions } from "./pace.js";
import type { Applied, Machine } from "./machine/index.js";
import type { Storage } from "./storage.js";

export interface ReplicaOptions {
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly suite: Suite;
  /** SHA-256. */
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** The tag of the one channel, and its protocol. */
  readonly channel: Tag;
  protocol(parts: ProtocolParts): AtomicBroadcastProtocol;
  /** This party's settings for the channel; an input of each run. */
  readonly settings: Omit<LocalSettings, "speakFrom">;
  /** A machine in its first state. */
  readonly newMachine: () => Machine;
  readonly storage: Storage;
  /** Whether delivered payloads are forgotten when no peer needs them any more. */
  readonly forgetsLedger: boolean;
  /**
   * What one peer may bring into the log between two decisions; beyond it its messages are dropped, and it is accused of a
   * flood. To be far above what an honest peer says in a round, repetitions after restarts included.
   */
  readonly peerQuotaBytes: number;
  /** For what goes over third parties; undefined in a cluster whose parties have no keys for it. */
  readonly relayKeys: RelayKeys | undefined;
  /** Signs a `rejoin` with the party's key. */
  readonly sign: (statement: Uint8Array) => Uint8Array;
  /** For a protocol that waits until it is let begin a round; undefined for others. */
  readonly pace: Omit<PaceOptions, "onTurn"> | undefined;
  /** Milliseconds since 1970, by a clock that nobody relies on. */
  readonly nowMs: () => number;
  /** How far the clock of an honest party may be from UTC, as operators promise. */
  readonly clockAccuracyMs: number;
  /** Payloads were delivered and are durable; in order. */
  readonly onApplied: (applied: readonly Applied[]) => void;
  /** The state was replaced by a later one. */
  readonly onInstalled: () => void;
  /** This replica cannot go on: its storage failed or it found itself broken. It has stopped. */
  readonly onFatal: (error: Error) => void;
  readonly onLog: (message: string) => void;
}

export interface ReplicaState {
  readonly party: PartyId;
  /**
   * `starting` while the log is replayed, `learner` while it must not speak, `catching-up` while it lacks rounds that others have
   * decided.
   */
  readonly state: "starting" | "learner" | "catching-up" | "active" | "stopped";
  /** The last decided round; 0 before the first. */
  readonly round: number;
  /** Delivered payloads. */
  readonly sequence: number;
  readonly logDigest: Uint8Array;
  /** The last decided round's time; undefined where rounds have none. */
  readonly timeMs: number | undefined;
  /** The latest round that others are known to have decided, and how much of a checkpoint was fetched. */
  readonly catchUp: CatchUp | undefined;
  /** Of the latest checkpoint that a quorum has certified; 0 before the first. */
  readonly checkpointRound: number;
  /** Frames that this process has sent to other replicas, and their bytes before encryption. */
  readonly sentFrames: number;
  readonly sentBytes: number;
  /** Those among them that were relayed: own ones and others'. */
  readonly relayedFrames: number;
  readonly relayedBytes: number;
  /** Of each party, this one too, whose clock was seen in rounds since the last checkpoint or start. */
  readonly clocks: readonly ClockState[];
  readonly accusations: readonly Accusation[];
}
