/** The simulator's only source of chance: a seeded generator (xoshiro128**), the same on any machine. */

/** Seeds are 32-bit numbers: a greater one would be the run of another. */
export const MAX_SEED = 0xffff_ffff;

/** @throws RangeError unless `seed` is a whole number from 0 to MAX_SEED */
export function checkSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED)
    throw new RangeError(`seed ${seed} is no whole number from 0 to ${MAX_SEED}`);
}

export class Random {
  readonly #state: [number, number, number, number] = [0, 0, 0, 0];

  constructor(seed: number) {
    this.reseed(seed);
  }

  /** From now on as a new generator with this seed. */
  reseed(seed: number): void {
    // Split-mix fills the state, so that neighbouring seeds have nothing in common.
    let mix = seed >>> 0;
    for (let word = 0; word < 4; word++) {
      mix = (mix + 0x9e3779b9) >>> 0;
      let z = mix;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[word] = (z ^ (z >>> 16)) >>> 0;
    }
  }

  /** 32 random bits. */
  bits(): number {
    const state = this.#state;
    const rotated = Math.imul(state[1], 5);
    const result = Math.imul((rotated << 7) | (rotated >>> 25), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = (state[3] << 11) | (state[3] >>> 21);
    return result;
  }

  /** 0..bound-1. */
  below(bound: number): number {
    return Math.floor((this.bits() / 0x1_0000_0000) * bound);
  }

  chance(probability: number): boolean {
    return this.bits() / 0x1_0000_0000 < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("pick from nothing");
    return item;
  }

  /** In any order. */
  shuffled<T>(items: readonly T[]): readonly T[] {
    return items
      .map((item) => ({ item, key: this.bits() }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = this.bits() & 0xff;
    return bytes;
  }
}

/** 32 bits of a text (FNV-1a), to seed a generator for it. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
