/**
 * What a replica starts from: the base checkpoint of its store, which is its own, a peer's that it installed, or one from a backup;
 * and, for a store that another engine has written, that base alone.
 */
import { boundaryAt, checkpointStatement, decodeBoundary, encodeBoundary } from "../protocols/index.js";
import { summaryDigest } from "./checkpoint-summary.js";
import type { Machine } from "./machine/index.js";
import type { ReplicaOptions } from "./replica-types.js";
import { restoreMachine } from "./replay.js";
import type { Speech } from "./speech.js";
import type { CheckpointRecord } from "./storage.js";

export class Foundation {
  readonly #options: ReplicaOptions;
  readonly #speech: Speech;

  constructor(options: ReplicaOptions, speech: Speech) {
    this.#options = options;
    this.#speech = speech;
  }

  /** Brings `machine` to the base, if there is one. @throws Error when the store is not what it should be */
  async restore(machine: Machine): Promise<CheckpointRecord | undefined> {
    await this.#forgetForeignInputs();
    const base = this.#options.storage.base();
    if (base === undefined) return undefined;
    restoreMachine(machine, this.#options.storage, base);
    return this.#withLocal(base, machine);
  }

  /** A backup has no local part, and is no better than what a peer sends. */
  #withLocal(base: CheckpointRecord, machine: Machine): CheckpointRecord {
    if (base.local.length > 0) return this.#silenced(base, machine);
    const { round, summary, certificate = new Uint8Array() } = base;
    if (!this.isCertified(round, summaryDigest(summary, this.#options.hash), certificate))
      throw new Error(`the restored checkpoint of round ${round} is not certified by a quorum of this cluster`);
    return { ...base, local: this.boundaryOf(machine, { waiting: [], clockMs: 0, acknowledged: [] }) };
  }

  /** Of a base whose inputs were dropped: what was signed after it is not known to it, so it must not speak on its own account. */
  #silenced(base: CheckpointRecord, machine: Machine): CheckpointRecord {
    const speakFrom = this.#speech.from(machine);
    if (this.#options.storage.replayAfter === base.input || speakFrom === 0) return base;
    const boundary = decodeBoundary(base.local);
    if (!boundary.ok) throw new Error(`the boundary of round ${base.round} in the store is damaged: ${boundary.error}`);
    const { settings } = boundary.value;
    return { ...base, local: encodeBoundary({ ...boundary.value, settings: { ...settings, speakFrom } }) };
  }

  /** Whether a quorum has certified `digest` for the state after `round`. Total. */
  isCertified(round: number, digest: Uint8Array, certificate: Uint8Array): boolean {
    const { cluster, channel, suite } = this.#options;
    return suite.quorumCertifier.verify(checkpointStatement(cluster, channel, round, digest), certificate);
  }

  /** Where the engine begins after the machine's last round. `acknowledged`: of each lane, as far as this party knows what it has signed. */
  boundaryOf(
    machine: Machine,
    own: Pick<Parameters<typeof boundaryAt>[0], "waiting" | "clockMs" | "acknowledged">,
  ): Uint8Array {
    const { cut } = machine;
    const { round, timeMs } = machine.tip;
    const settings = { ...this.#options.settings, speakFrom: this.#speech.from(machine) };
    return boundaryAt({ ...own, round, timeMs, settings, admission: machine.admission().snapshot(), cut });
  }

  /**
   * Another engine would not say again what the one that wrote the log said: it is silent where that one has spoken. Where the tables do
   * not have all that the log led to, nobody knows where that was.
   */
  async #forgetForeignInputs(): Promise<void> {
    const { self, storage, onLog, nowMs } = this.#options;
    const { foreignEngine } = storage.report;
    if (foreignEngine === undefined) return;
    const { lastInput, appliedInput } = storage;
    const isWhole = appliedInput === lastInput;
    if (!isWhole) await this.#speech.silenceUntilRejoin(lastInput, nowMs());
    const round = storage.lastSignedRound() + 1;
    await this.#speech.silenceBelow(round, storage.signedHeights().get(self) ?? 0);
    await storage.dropInputs();
    const until = isWhole ? `in rounds below ${round}` : "until the others know, since its end was not worked off";
    onLog(`the log was written by ${foreignEngine}: starting from the last checkpoint, silent ${until}`);
  }
}
