/**
 * Has ordered what this replica owes its services (services/service.ts, `Duties`): one payload at a time. A duty that is still due
 * after it was executed, as word of a time that is not the round's yet, waits ever longer before it is said again.
 */
import { equalBytes } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import type { Decryption } from "../core/suite.js";
import { dutyStatement, encodePayload } from "../wire/payload.js";
import type { DueDuty, Machine } from "./machine/index.js";

/** Ticks before a duty is said again: at first, and at most. */
const FIRST_PAUSE_TICKS = 1;
const MAX_PAUSE_TICKS = 256;

export interface DutyBearerOptions {
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  /** As far as it is durable; undefined while this replica is to say nothing: it starts, is a learner, or catches up. */
  machine(): Pick<Machine, "nextDuty" | "due"> | undefined;
  readonly decryption: Pick<Decryption, "share">;
  /** Signs with the party's key. */
  sign(statement: Uint8Array): Uint8Array;
  nowMs(): number;
  /** Hands a payload to atomic broadcast. False when there is no room for it now. */
  submit(payload: Uint8Array): boolean;
}

export class DutyBearer {
  readonly #options: DutyBearerOptions;
  /** What was handed on last. */
  #said: DueDuty | undefined;
  #ticks = 0;
  /** There was no room; nothing is worked out before this tick. */
  #retryAt = 0;
  /** What was said last is not said again before this tick; as the duty with this number; and how long it waits after that. */
  #resumeAt = 0;
  #pausedFor = 0;
  #pauseTicks = FIRST_PAUSE_TICKS;

  constructor(options: DutyBearerOptions) {
    this.#options = options;
  }

  /** Some time has passed. */
  tick(): void {
    this.#ticks += 1;
    this.look();
  }

  /** Something was executed. */
  look(): void {
    const { self, decryption } = this.#options;
    const machine = this.#options.machine();
    if (machine === undefined || this.#ticks < this.#retryAt || machine.nextDuty(self) === this.#said?.number) return;
    const due = machine.due({
      party: self,
      nowMs: this.#options.nowMs(),
      decryptionShare: (label, ciphertext) => decryption.share(label, ciphertext),
    });
    if (due === undefined || this.#mustPause(due)) return;
    if (this.#submit(due)) this.#said = due;
    else this.#retryAt = this.#ticks + 1;
  }

  /** The same as before, which was executed and changed nothing. */
  #mustPause({ number, service, operation }: DueDuty): boolean {
    const said = this.#said;
    if (said === undefined || said.service !== service || !equalBytes(said.operation, operation)) {
      this.#pauseTicks = FIRST_PAUSE_TICKS;
      return false;
    }
    if (this.#pausedFor !== number) {
      this.#pausedFor = number;
      this.#resumeAt = this.#ticks + this.#pauseTicks;
      this.#pauseTicks = Math.min(2 * this.#pauseTicks, MAX_PAUSE_TICKS);
    }
    return this.#ticks < this.#resumeAt;
  }

  #submit(due: DueDuty): boolean {
    const { self, cluster } = this.#options;
    const duty = { cluster, party: self, ...due };
    const signature = this.#options.sign(dutyStatement(duty));
    return this.#options.submit(encodePayload({ kind: "duty", ...duty, signature }));
  }
}
