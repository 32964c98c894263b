/** Groups with an adversary structure, ready to use: as examples, for new clusters and for simulations. */
import type { Structure } from "./structure.js";
import { PartySet } from "./party-set.js";

export interface Preset {
  readonly name: string;
  readonly description: string;
  readonly n: number;
  readonly byzantine: Structure;
  readonly crash: Structure;
  /** Party i at index i. */
  readonly parties: readonly PresetParty[];
}

export interface PresetParty {
  /** What the party has in common with others that may fail with it, such as `site` and `os`; often nothing. */
  readonly attributes: Readonly<Record<string, string>>;
}

const NOBODY: Structure = { kind: "threshold", max: 0 };

function plainParties(n: number): PresetParty[] {
  return Array.from({ length: n }, () => ({ attributes: {} }));
}

/** Attributes as in Cachin, "Distributing trust on the Internet", DSN 2001. No threshold above 5 is possible for 16 parties. */
function fourByFour(): Preset {
  const sites = ["site 1", "site 2", "site 3", "site 4"];
  const systems = ["Linux", "FreeBSD", "illumos", "Windows"];
  const cells = sites.flatMap((site) => systems.map((os) => ({ site, os })));
  return {
    name: "4x4",
    description:
      "16 parties, one for each of 4 sites and 4 operating systems; all of one site and all of one system may be Byzantine, 7 parties",
    n: cells.length,
    byzantine: { kind: "attributes", attributes: [cells.map(({ site }) => site), cells.map(({ os }) => os)] },
    crash: NOBODY,
    parties: cells.map((attributes) => ({ attributes })),
  };
}

/** Weights of which the corrupted have less than a third. */
function weighted(): Preset {
  const weights = [4, 3, 3, 2, 2, 1, 1];
  return {
    name: "weighted",
    description: `7 parties of weights ${weights.join(", ")}; Byzantine parties may weigh 5 of 16`,
    n: weights.length,
    byzantine: { kind: "weights", weights, max: 5 },
    crash: NOBODY,
    parties: plainParties(weights.length),
  };
}

/**
 * The Paley tournament on Z_19: i beats j when j-i is a nonzero square. Each set has a party and those that it beats. Any three
 * parties are beaten by a common fourth (Graham and Spencer, "A constructive solution to a tournament problem", 1971), which is in
 * none of their sets, so three never cover all. No threshold above 6 is possible for 19 parties; here it is sets of 10. One pass of
 * agreement may reject every candidate, with nobody corrupted (docs/protocols.md).
 */
function paley(): Preset {
  const n = 19;
  const squares = new Set(Array.from({ length: n - 1 }, (_, i) => (i + 1) ** 2 % n));
  const setOf = (party: number): PartySet =>
    PartySet.of([party, ...[...squares].map((square) => (party + square) % n)]);
  return {
    name: "paley-19",
    description:
      "19 parties; for some party i, i and the 9 parties j with j-i a nonzero square modulo 19 may be Byzantine",
    n,
    byzantine: { kind: "sets", sets: Array.from({ length: n }, (_, party) => setOf(party)) },
    crash: NOBODY,
    parties: plainParties(n),
  };
}

export const PRESETS: readonly Preset[] = [
  fourByFour(),
  {
    name: "hybrid-8",
    description: "8 parties; 1 may be Byzantine and 2 more may crash",
    n: 8,
    byzantine: { kind: "threshold", max: 1 },
    crash: { kind: "threshold", max: 2 },
    parties: plainParties(8),
  },
  weighted(),
  {
    name: "crash-3",
    description: "3 parties; nobody is Byzantine, and 1 may crash",
    n: 3,
    byzantine: NOBODY,
    crash: { kind: "threshold", max: 1 },
    parties: plainParties(3),
  },
  paley(),
];

export function presetNamed(name: string): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}
