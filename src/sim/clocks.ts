/** The clocks of simulated parties: each wrong by something, jumping now and then; those of corrupted parties show anything. */
import type { PartyId } from "../core/party-set.js";
import { Random } from "./random.js";

/** Steps for which a clock is wrong by the same. */
const STEADY_STEPS = 64;
const START_MS = 1_700_000_000_000;

export class Clocks {
  readonly #seed: number;
  readonly #isCorrupted: (party: PartyId) => boolean;
  readonly #random: Random;

  constructor(seed: number, isCorrupted: (party: PartyId) => boolean) {
    this.#seed = seed;
    this.#isCorrupted = isCorrupted;
    this.#random = new Random(seed);
  }

  /** What it shows after so many steps of the run; it owes nothing to other readings. */
  read(party: PartyId, steps: number): number {
    const period = Math.floor(steps / STEADY_STEPS);
    this.#random.reseed(this.#seed ^ Math.imul(party + 1, 0x9e3779b1) ^ Math.imul(period + 1, 0x85ebca77));
    if (this.#isCorrupted(party)) return this.#random.pick([0, Number.MAX_SAFE_INTEGER, START_MS]);
    const jump = this.#random.chance(0.1) ? this.#random.below(10_000_000) : 0;
    return START_MS + 10 * steps + this.#random.below(2000) + jump;
  }
}
