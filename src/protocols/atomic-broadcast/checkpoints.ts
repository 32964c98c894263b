/** The checkpoints of a channel: one agreement on the host's digest every so many rounds, and shares that come before it. */
import type { PartyId } from "../../core/party-set.js";
import { type Child, InvariantError, type Scope } from "../../core/protocol.js";
import { checkpoint } from "../checkpoint/index.js";

/** A digest and the greatest share, with their lengths: MAX_SIGNATURE_BYTES and 64. */
export const MAX_CHECKPOINT_MESSAGE_BYTES = 3136;

/** The latest share of a party that came before this party's own digest. */
export interface KeptShare {
  readonly party: PartyId;
  readonly round: number;
  readonly body: Uint8Array;
}

const PATH = "checkpoint";

export class Checkpoints<Message, Output> {
  readonly #scope: Scope<Message, Output>;
  readonly #interval: number;
  readonly #kept = new Map<PartyId, KeptShare>();
  #last: number;
  #current: Child<never> | undefined;

  /** @param interval rounds; 0: there are none */
  constructor(
    scope: Scope<Message, Output>,
    interval: number,
    { last, kept }: { last: number; kept: readonly KeptShare[] },
  ) {
    this.#scope = scope;
    this.#interval = interval;
    this.#last = last;
    for (const share of kept) this.#kept.set(share.party, share);
  }

  /** The last round of which the host has given a digest; 0 before. */
  get last(): number {
    return this.#last;
  }

  get kept(): readonly KeptShare[] {
    return [...this.#kept.values()];
  }

  /** Whether there is one after `round`. */
  isDue(round: number): boolean {
    return this.#interval > 0 && round > 0 && round % this.#interval === 0;
  }

  /**
   * The host's digest of its state after `round`; ignored when it has given that of this round, or of a later one.
   * @throws InvariantError for a round without a checkpoint
   */
  begin(round: number, digest: Uint8Array, isMuted: boolean): void {
    if (!this.isDue(round)) throw new InvariantError(`round ${round} of ${this.#scope.tag} has no checkpoint`);
    if (round <= this.#last) return;
    this.#current?.close();
    if (this.#last > 0) this.#scope.retire(`${PATH}/${this.#last}`);
    this.#last = round;
    const onStable = (certificate: Uint8Array): void => this.#scope.stable(round, digest, certificate);
    this.#current = this.#scope.spawn(`${PATH}/${round}`, checkpoint({ digest }), onStable, { isMuted });
    for (const share of this.kept) {
      if (share.round <= round) this.#kept.delete(share.party);
      if (share.round === round) this.#scope.redeliver(share.party, `${PATH}/${round}`, share.body);
    }
  }

  /** A message for a checkpoint that is not live: over, or still to come. True when the path is of one. */
  orphan(from: PartyId, path: string, body: Uint8Array): boolean {
    const round = Number(/^checkpoint\/([1-9][0-9]*)$/.exec(path)?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(round) || !this.isDue(round)) return false;
    if (round <= this.#last || from === this.#scope.self) return true;
    if (body.length > MAX_CHECKPOINT_MESSAGE_BYTES) this.#scope.accuse(from, "malformed-message");
    else if (round > (this.#kept.get(from)?.round ?? 0)) this.#kept.set(from, { party: from, round, body });
    return true;
  }
}
