/**
 * How payloads get to all parties, and what rounds order: the part of atomic broadcast that differs from mode to mode. The frame
 * (atomic-broadcast.ts) runs rounds, one after the other; a mode has what waits, says what an entry of the own party holds, judges
 * others' entries, and turns decided vectors into payloads.
 */
import type { PartyId } from "../../core/party-set.js";
import type { BatchName } from "../../core/protocol.js";
import type { EntryBase, EntryKind } from "./entries.js";
import type { Waiting } from "./queue.js";
import type { LocalSettings } from "./settings.js";

/** What a mode asks its frame. */
export interface Frame {
  /** The round that is being agreed on. */
  round(): number;
  /** This party says and signs nothing in it. */
  isMuted(): boolean;
  /** Those in force now. */
  settings(): LocalSettings;
}

export interface Dissemination<Content extends EntryBase, Vector> {
  readonly entries: EntryKind<Content, Vector>;
  /** Whether each round delivers a payload. */
  readonly alwaysDelivers: boolean;
  /** What is wrong with settings, or undefined. */
  settingsProblem(settings: LocalSettings): string | undefined;

  /** A round begins, for the first time or again. */
  begin(): void;
  /** The own entry of the present round; undefined while there is nothing to order. It is signed, and not asked for again in the round. */
  entry(clock: number): Content | undefined;
  /** A valid entry of another party in the present round. */
  learn(from: PartyId, content: Content): void;
  /** A client's payload. */
  submit(payload: Uint8Array): void;
  /** Says what may be said by now. True when there may be something to order that was not there before. */
  settle(): boolean;

  /** The present round has decided on this. */
  decided(vector: Vector): void;
  /** The payloads of the oldest round that is decided and not taken, in their order; undefined while one is missing. */
  take(): readonly Uint8Array[] | undefined;
  /** What was taken is delivered. */
  delivered(): void;
  /** What all parties have alike after the last decided round, besides what is delivered; undefined when there is nothing. */
  readonly cut: Uint8Array | undefined;

  /** A message that is none of a round or of a checkpoint. False when it is none of this mode's either. */
  orphan(from: PartyId, path: string, body: Uint8Array): boolean;
  /** As in `RootInstance`. */
  proceed?(round: number): void;
  batch?(from: PartyId, name: BatchName, bytes: Uint8Array): void;

  /** Room for payloads of this party's own clients. */
  readonly room: number;
  /** Payloads that are not delivered. */
  readonly waiting: readonly Waiting[];
  readonly queueLength: number;
  /** Whether a round could order something. */
  readonly hasWork: boolean;
  /** Of each lane, the greatest height that this party has signed. */
  readonly acknowledged: readonly number[];
  /** What a boundary has of it besides `waiting`; empty when there is nothing. */
  snapshot(): Uint8Array;
}
