/**
 * What is done to the cluster, and when: a function of the seed alone, so that a run can be repeated as far as real processes can.
 * Faults of parties count against the structure's limit; what strangers and the network do does not.
 */
import { Random } from "../../dist/sim/index.js";

/** What makes one party fail. */
export const PARTY_FAULTS = [
  "kill",
  "kill-at-write",
  "restart",
  "upgrade",
  "pause",
  "isolate",
  "clock-forward",
  "clock-back",
  "disk-full",
  "flip-bit",
  "wipe",
];
/** What happens beside, to one party that need not fail of it. */
export const ATTACKS = ["flood", "slow-loris", "garbage"];
/** What happens to all at once. */
export const CALAMITIES = ["partition", "blackout"];
export const NEMESES = [...PARTY_FAULTS, ...ATTACKS, ...CALAMITIES];

/** The one party whose disk can be made full. */
export const smallDiskOf = (n) => n - 1;

const MIN_DURATION_MS = 800;
const MORE_DURATION_MS = 2200;
const MIN_GAP_MS = 300;
const MORE_GAP_MS = 1200;
/** Steps take at least about so long: more are drawn than can be run. */
const STEP_MS = MIN_DURATION_MS + MIN_GAP_MS;

/**
 * @param {{ seed: number, minutes: number, n: number, t: number, nemeses?: readonly string[] }} options
 * @returns steps, each { actions: [{ nemesis, party, draw }], durationMs, gapMs }; `draw` seeds what else the action chooses
 */
export function schedule({ seed, minutes, n, t, nemeses = NEMESES }) {
  const random = new Random(seed);
  const only = (names) => names.filter((name) => nemeses.includes(name));
  const [faults, attacks] = [PARTY_FAULTS, ATTACKS].map((names) => new Bag(random, only(names)));
  const calamities = new Bag(random, only(CALAMITIES));
  const kinds = new Bag(random, [
    "faults",
    "faults",
    "faults and attack",
    "faults and attack",
    "faults and attack",
    "calamity",
  ]);
  const action = (nemesis, party) => ({ nemesis, party, draw: random.bits() });
  const some = (bag, count) => Array.from({ length: count }, () => bag.draw()).filter((name) => name !== undefined);

  return Array.from({ length: Math.ceil((minutes * 60_000) / STEP_MS) }, () => {
    const kind = kinds.draw();
    const parties = [...random.shuffled(Array.from({ length: n }, (_, party) => party))];
    const names = kind === "calamity" ? some(calamities, 1) : some(faults, t > 0 ? 1 + random.below(t) : 0);
    if (names.includes("disk-full")) {
      parties.splice(parties.indexOf(smallDiskOf(n)), 1);
      parties.splice(names.indexOf("disk-full"), 0, smallDiskOf(n));
    }
    const actions = names.map((name, index) => action(name, parties[index]));
    const victim = random.below(n);
    if (kind === "faults and attack") for (const name of some(attacks, 1)) actions.push(action(name, victim));
    const [durationMs, gapMs] = [
      MIN_DURATION_MS + random.below(MORE_DURATION_MS),
      MIN_GAP_MS + random.below(MORE_GAP_MS),
    ];
    return { actions, durationMs, gapMs };
  });
}

/** Draws each of its things once before any comes again. */
class Bag {
  #left = [];

  constructor(random, all) {
    this.random = random;
    this.all = all;
  }

  draw() {
    if (this.#left.length === 0) this.#left = [...this.random.shuffled(this.all)];
    return this.#left.pop();
  }
}
