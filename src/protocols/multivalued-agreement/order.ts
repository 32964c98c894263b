/** The order Π in which candidates are tried, and its batches, which are tried at once. */
import { concat } from "../../core/bytes.js";
import { encode, u32 } from "../../core/codec.js";
import type { PartyId } from "../../core/party-set.js";
import type { Suite } from "../../core/suite.js";

/** `fixed`: around the circle. `random`: commits, then a coin. `adaptive`: the first fixed, the others random. */
export const CANDIDATE_ORDERS = ["fixed", "random", "adaptive"] as const;
export type CandidateOrder = (typeof CANDIDATE_ORDERS)[number];

export type Batch = readonly PartyId[];

export interface Plan {
  readonly order: CandidateOrder;
  /** Who is first in the fixed order. */
  readonly first: PartyId;
  /** The greatest size of a batch. */
  readonly parallel: number;
}

/** The batches that are known without a coin. */
export function batchesWithoutCoin({ order, first, parallel }: Plan, n: number): readonly Batch[] {
  if (order === "fixed") return batches(rotation(n, first), parallel);
  return order === "adaptive" ? [[first]] : [];
}

/** The batches that follow these, from the coin's 32 bytes. */
export function batchesByCoin(
  { order, first, parallel }: Plan,
  suite: Pick<Suite, "hash">,
  n: number,
  seed: Uint8Array,
): readonly Batch[] {
  const drawn = permutation(suite, n, seed);
  return batches(order === "adaptive" ? drawn.filter((party) => party !== first) : drawn, parallel);
}

function batches(order: readonly PartyId[], size: number): readonly Batch[] {
  const count = Math.ceil(order.length / size);
  return Array.from({ length: count }, (_, index) => order.slice(index * size, (index + 1) * size));
}

/** All parties from `first` on, around the circle. */
export function rotation(n: number, first: PartyId): readonly PartyId[] {
  return Array.from({ length: n }, (_, index) => (first + index) % n);
}

/**
 * The permutation that a coin's 32 bytes select: Fisher–Yates, drawing from hash(seed, counter). The bias
 * of reducing 48 bits modulo at most 256 is below 2^-40.
 */
export function permutation(suite: Pick<Suite, "hash">, n: number, seed: Uint8Array): readonly PartyId[] {
  const order = rotation(n, 0).slice();
  for (let last = n - 1; last > 0; last--) {
    const digest = suite.hash(concat(seed, encode(u32, last)));
    const draw = digest.subarray(0, 6).reduce((value, byte) => value * 256 + byte, 0) % (last + 1);
    const moved = order[last] ?? 0;
    order[last] = order[draw] ?? 0;
    order[draw] = moved;
  }
  return order;
}
