/** Groups, sets of parties and their shares, as the measurements need them. */
import { randomInt } from "node:crypto";

/** The sizes of a group that tolerates as many corrupted parties as it can: n > 3t. */
export function sizesOf(n) {
  const t = Math.floor((n - 1) / 3);
  return { t, honest: t + 1, quorum: n - t };
}

export function upTo(count) {
  return Array.from({ length: count }, (_, party) => party);
}

/** `count` of the parties 0..n-1. Combining the first ones is cheaper than combining any. */
export function randomParties(n, count) {
  const parties = upTo(n);
  for (let i = 0; i < count; i++) {
    const other = randomInt(i, n);
    [parties[i], parties[other]] = [parties[other], parties[i]];
  }
  return parties.slice(0, count);
}

export function sharesOf(parties, share) {
  return new Map(parties.map((party) => [party, share(party)]));
}

/** The shares of `parties`, one of them bad: the first party's, which a combination of any too many shares uses. */
export function withOneBad(parties, good, bad) {
  const faulty = Math.min(...parties);
  return sharesOf(parties, (party) => (party === faulty ? bad : good).get(party));
}

/** A figure of something that did not work is none. */
export function mustBe(kind, outcome) {
  if (outcome.kind !== kind) throw new Error(`${JSON.stringify(outcome)} is not ${kind}`);
  return outcome;
}

/**
 * Combines shares of `threshold` of `n` parties, of any and of the first ones.
 * @param {ReturnType<typeof import("./measure.mjs").createBench>} bench
 */
export function measureCombine(bench, of, shares, combine, operation = "combine") {
  const { n, threshold } = of;
  const shareOf = (party) => shares.get(party);
  bench.measure({ ...of, operation }, combine, () => sharesOf(randomParties(n, threshold), shareOf));
  const first = sharesOf(upTo(threshold), shareOf);
  bench.measure({ ...of, operation: `${operation}, first parties` }, combine, () => first);
}
