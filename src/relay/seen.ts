/** Which relayed frames of one origin to one party have been seen, in constant memory: none is ever taken for new twice. */

/** Numbers that are told apart. What is so far below the greatest counts as seen. */
export const SEEN_WINDOW = 1024;

const WORD_BITS = 32;

export class Seen {
  #run = 0;
  #greatest = 0;
  readonly #words = new Uint32Array(SEEN_WINDOW / WORD_BITS);

  isNew(run: number, number: number): boolean {
    if (run !== this.#run) return run > this.#run;
    if (number > this.#greatest) return true;
    if (number + SEEN_WINDOW <= this.#greatest) return false;
    return ((this.#words[this.#word(number)] ?? 0) & this.#bit(number)) === 0;
  }

  /** For what is new, and proved to be the origin's. */
  add(run: number, number: number): void {
    if (run > this.#run) {
      this.#run = run;
      this.#greatest = 0;
      this.#words.fill(0);
    }
    if (number > this.#greatest) this.#moveTo(number);
    const word = this.#word(number);
    this.#words[word] = (this.#words[word] ?? 0) | this.#bit(number);
  }

  /** Forgets what falls out of the window. */
  #moveTo(number: number): void {
    if (number - this.#greatest >= SEEN_WINDOW) this.#words.fill(0);
    else {
      for (let next = this.#greatest + 1; next <= number; next++) {
        const word = this.#word(next);
        this.#words[word] = (this.#words[word] ?? 0) & ~this.#bit(next);
      }
    }
    this.#greatest = number;
  }

  #word(number: number): number {
    return Math.floor((number % SEEN_WINDOW) / WORD_BITS);
  }

  #bit(number: number): number {
    return (1 << (number % WORD_BITS)) >>> 0;
  }
}
