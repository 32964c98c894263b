/**
 * Feeds the execution with what waits, and with what that calls for: the clock's reading, the settings, and the word that a round
 * may begin. What it has taken, and nobody waits for, it keeps for the next commit.
 */
import type { Tag } from "../core/tag.js";
import { type LocalSettings, encodeSettings } from "../protocols/index.js";
import { type Consequences, type Execution, newConsequences } from "./execution.js";
import type { Intake } from "./intake.js";
import type { Pace } from "./pace.js";
import type { Patience } from "./patience.js";
import { type Pending, TURN } from "./pending.js";
import type { Speech } from "./speech.js";
import type { Storage } from "./storage.js";
import { Taker } from "./taker.js";

export interface FeedOptions {
  readonly channel: Tag;
  readonly nowMs: () => number;
  readonly storage: Pick<Storage, "lastInput">;
  readonly settings: Omit<LocalSettings, "speakFrom">;
  readonly pace: Pace | undefined;
  readonly patience: Patience | undefined;
  readonly speech: Speech;
  readonly intake: Intake;
  /** The present one. */
  readonly execution: () => Execution;
}

export class Feed {
  readonly #options: FeedOptions;
  /** The setting that the engine has. */
  #speakFrom = 0;
  #idle: Taker | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** The round from which on this replica may speak. */
  get speakFrom(): number {
    return this.#speakFrom;
  }

  /** Whether something was taken that waits for a commit. */
  get hasIdle(): boolean {
    return this.#idle !== undefined;
  }

  /**
   * The first inputs of a run, or of a state that was installed, which has led to `consequences` already: the settings are among them,
   * so that each run begins with a longer log than the one before. What was idle is dropped.
   */
  begin(consequences: Consequences): Taker {
    const taker = this.#newTaker(consequences);
    this.#idle = undefined;
    this.#speakFrom = this.#options.speech.from(this.#options.execution().machine);
    this.#configure(taker);
    this.#proceed(taker, false);
    return taker;
  }

  /** Takes what waits, after what is idle. Undefined when nobody waits for its commit: then it is idle, too. */
  take(batch: readonly Pending[]): Taker | undefined {
    const taker = this.#idle ?? this.#newTaker();
    this.#idle = undefined;
    const isDated = this.#takeInputs(taker, batch);
    const speakFrom = this.#options.speech.from(this.#options.execution().machine);
    if (speakFrom !== this.#speakFrom) {
      this.#speakFrom = speakFrom;
      this.#configure(taker);
    }
    this.#proceed(taker, isDated);
    if (!taker.isIdle || batch.includes(TURN)) return taker;
    this.#idle = taker;
    return undefined;
  }

  #newTaker(consequences = newConsequences()): Taker {
    const { channel, execution, storage } = this.#options;
    return new Taker(channel, execution(), storage.lastInput, consequences);
  }

  /** Whether there were any, and with them a reading of the clock for what is signed on account of this batch. */
  #takeInputs(taker: Taker, batch: readonly Pending[]): boolean {
    const { pace, intake } = this.#options;
    let isDated = false;
    for (const pending of batch) {
      if (pending.line === "own" || pending.line === "bulk") pace?.took(pending.sizeBytes);
      for (const input of intake.inputsOf(pending)) {
        if (!isDated) this.#date(taker);
        isDated = true;
        taker.take(input);
      }
    }
    return isDated;
  }

  #date(taker: Taker): void {
    const { channel, nowMs } = this.#options;
    taker.take({ kind: "clock", channel, nowMs: nowMs() });
  }

  /** The engine learns from which round on it may speak. */
  #configure(taker: Taker): void {
    const { channel, settings } = this.#options;
    taker.take({ kind: "configure", channel, settings: encodeSettings({ ...settings, speakFrom: this.#speakFrom }) });
  }

  /** Lets the round under way begin here if it is its turn, and propose; and the one after it, where that decides it at once. */
  #proceed(taker: Taker, isDated: boolean): void {
    const { channel, execution, pace, patience } = this.#options;
    for (let hasDate = isDated; ;) {
      const { hasWork, holdsBack, round } = execution().state;
      patience?.sees(round);
      if (hasWork && pace?.begins(round) === true) {
        // What is signed now has a reading of now.
        if (!hasDate) this.#date(taker);
        hasDate = true;
        taker.take({ kind: "proceed", channel, round });
      } else if (holdsBack && patience?.isOver(round) === true) taker.take({ kind: "propose", channel, round });
      else return;
    }
  }
}
