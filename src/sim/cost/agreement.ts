/** What multi-valued agreement costs: one decision of a variant under an adversary. */
import { utf8 } from "../../core/bytes.js";
import {
  type AgreementVariant,
  type MultivaluedAgreementMessage,
  type MultivaluedDecision,
  multivaluedAgreement,
} from "../../protocols/multivalued-agreement/index.js";
import { ProtocolNetwork } from "../protocol-network.js";
import { noOperations } from "./counting-suite.js";
import { type Cost, type Setting, Meter, costOf, faultsOf, meanCost, meteredOptions } from "./meter.js";
import { CoinStarver, FixedStarver, type Starver } from "./starving.js";

/** `benign`: every hop takes as long. `shuffled`: messages come in any order. The others: starving.ts. */
export type AgreementAdversary = "benign" | "shuffled" | "fixed-starver" | "coin-starver";

export interface AgreementCase extends Setting {
  readonly variant: AgreementVariant;
  readonly valueBytes: number;
  readonly adversary: AgreementAdversary;
}

export interface AgreementCost extends Cost {
  /** Candidates tried, up to the one that was accepted, by whoever tried the most. */
  readonly tries: number;
}

const FIRST = 0;

/** The starver of the case, if it has one. */
export function starverOf({ n, seed, variant: { order }, adversary }: AgreementCase): Starver | undefined {
  const target = { n, faults: faultsOf(n), order, first: FIRST, tag: "root/p", seed };
  if (adversary === "fixed-starver") return new FixedStarver(target);
  return adversary === "coin-starver" ? new CoinStarver(target) : undefined;
}

/** @throws RangeError when it does not end as it must, with one decision, after as many tries as the starver means to cause */
export function agreementCost(of: AgreementCase): AgreementCost {
  const { seed, variant, valueBytes, adversary } = of;
  const starver = starverOf(of);
  const corrupted = starver?.corrupted ?? [];
  const count = noOperations();
  const net = new ProtocolNetwork<Uint8Array, MultivaluedAgreementMessage, MultivaluedDecision>(
    { ...meteredOptions({ ...of, corrupted }, count), ...(starver && { tamper: (flight) => starver.tamper(flight) }) },
    multivaluedAgreement({ ...variant, first: FIRST, fault: () => undefined }),
  );
  const meter = new Meter(net, {
    corrupted,
    ...(starver && { adversary: starver }),
    ...(adversary === "shuffled" && { shuffledBy: seed }),
  });
  for (const party of net.group.parties) {
    const value = new Uint8Array(valueBytes);
    value.set(utf8(`${party}`).subarray(0, valueBytes));
    net.input(party, value);
  }
  starver?.begin(net);
  meter.run();
  const honest = net.group.parties.filter((party) => !corrupted.includes(party));
  const tries = triesOf(honest.flatMap((party) => net.outputsOf(party)));
  if (starver !== undefined && tries !== starver.tries)
    throw new RangeError(`${tries} candidates were tried, and not ${starver.tries}`);
  return { ...costOf(meter, count), tries };
}

function triesOf(decisions: readonly MultivaluedDecision[]): number {
  if (new Set(decisions.map(({ candidate }) => candidate)).size !== 1)
    throw new RangeError("honest parties decided differently");
  return Math.max(...decisions.map(({ tries }) => tries));
}

export interface CostOverCoins extends AgreementCost {
  /** The standard error of `tries`. */
  readonly triesError: number;
}

/** A number of candidates, a coin with which so many are tried, and how much of the mean it is. */
interface Share {
  readonly seed: number;
  readonly tries: number;
  readonly weight: number;
}

/**
 * What a starver's run depends on, besides n, is how many starved candidates the coin puts first. So one coin stands for all with
 * which as many candidates are tried: messages are the same, bytes nearly so. Of the coins of the suites with seeds from 1 to `coins`.
 */
function sharesOfCoins(of: AgreementCase, coins: number): readonly Share[] {
  const seeds = new Map<number, number[]>();
  for (let seed = 1; seed <= coins; seed++) {
    const tries = starverOf({ ...of, seed })?.tries ?? 1;
    seeds.set(tries, [...(seeds.get(tries) ?? []), seed]);
  }
  return [...seeds].map(([tries, same]) => ({ seed: same[0] ?? 1, tries, weight: same.length / coins }));
}

/** Two coins with the numbers of tries next to the mean, weighted to have that mean. */
function nextToMean(shares: readonly Share[]): readonly Share[] {
  const mean = shares.reduce((sum, { tries, weight }) => sum + tries * weight, 0);
  const weightOf = (tries: number): number => Math.max(0, 1 - Math.abs(mean - tries));
  return shares.map(({ seed, tries }) => ({ seed, tries, weight: weightOf(tries) })).filter(({ weight }) => weight > 0);
}

export interface OverCoins {
  readonly coins: number;
  /** Run each number of tries that occurs, or only the two next to the mean. */
  readonly runs: "all" | "two";
}

/** The mean over coins. */
export function costOverCoins(of: AgreementCase, { coins, runs: which }: OverCoins): CostOverCoins {
  const shares = sharesOfCoins(of, coins);
  const runs = (which === "all" ? shares : nextToMean(shares)).map(({ seed, weight }) => ({
    weight,
    cost: agreementCost({ ...of, seed }),
  }));
  const mean = (value: (cost: AgreementCost) => number): number =>
    runs.reduce((sum, { weight, cost }) => sum + weight * value(cost), 0);
  const tries = mean((cost) => cost.tries);
  return {
    ...meanCost(mean),
    tries,
    triesError: Math.sqrt(shares.reduce((sum, share) => sum + share.weight * (share.tries - tries) ** 2, 0) / coins),
  };
}
