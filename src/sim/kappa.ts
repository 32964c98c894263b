/** How many shares make the coin of binary agreement, in simulations. */
import type { Suite } from "../core/suite.js";

export type Kappa = "t+1" | "n-t";

/** Only here can a suite have a coin that the shares of t+1 parties make: that one and the other differ in nothing else. */
export function withKappa(kappa: Kappa | undefined, suite: Suite): Suite {
  return kappa === "t+1" ? { ...suite, quorumCoin: suite.honestCoin } : suite;
}
