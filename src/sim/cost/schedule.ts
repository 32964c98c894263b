/** What the scheduler of a measurement may do, and queues that are quick with a million messages in flight. */
import type { Flight } from "../network.js";
import type { Random } from "../random.js";

/** The network, as far as it is the adversary's: it sees every message when it is sent, and holds back what it likes. */
export interface Adversary {
  /**
   * Whether the message waits until the adversary lets it go, or nothing else is in flight. Asked when it is sent, and again
   * whenever `onSent` has answered true.
   */
  isLate(flight: Flight): boolean;
  /** Sees a message that is sent. True: judge anew what is late. */
  onSent?(flight: Flight): boolean;
}

/** Holds nothing back. */
export const nothingLate: Adversary = { isLate: () => false };

/** A message under way, and the longest causal chain that ends in its sending. */
export interface Sending {
  readonly flight: Flight;
  readonly depth: number;
}

export interface Queue {
  push(sending: Sending): void;
  /** The next to arrive. */
  take(): Sending | undefined;
}

/** First in, first out: every hop takes as long. */
export class InOrder implements Queue {
  #sendings: Sending[] = [];
  #next = 0;

  push(sending: Sending): void {
    this.#sendings.push(sending);
  }

  take(): Sending | undefined {
    const sending = this.#sendings[this.#next++];
    if (this.#next > 10_000 && 2 * this.#next > this.#sendings.length) {
      this.#sendings = this.#sendings.slice(this.#next);
      this.#next = 0;
    }
    if (sending === undefined) this.#next = this.#sendings.length;
    return sending;
  }
}

/** Any order, by a seed. */
export class InAnyOrder implements Queue {
  readonly #sendings: Sending[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  push(sending: Sending): void {
    this.#sendings.push(sending);
  }

  take(): Sending | undefined {
    const last = this.#sendings.pop();
    if (last === undefined) return undefined;
    const index = this.#random.below(this.#sendings.length + 1);
    const chosen = this.#sendings[index];
    if (chosen === undefined) return last;
    this.#sendings[index] = last;
    return chosen;
  }
}
