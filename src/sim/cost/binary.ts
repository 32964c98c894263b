/** What binary agreement costs by itself, by the inputs. */
import { binaryAgreement } from "../../protocols/binary-agreement/index.js";
import { ProtocolNetwork } from "../protocol-network.js";
import { noOperations } from "./counting-suite.js";
import { type Cost, type Setting, Meter, costOf, faultsOf, meteredOptions } from "./meter.js";
import { VoteSplitter } from "./splitting.js";

/** All the same, or 1 at the first t parties and 0 at the others: with more of them decision 1 would be certain. */
export type Inputs = "ones" | "zeros" | "split";

export interface BinaryCase extends Setting {
  readonly inputs: Inputs;
  /** `splitter` (splitting.ts) needs split inputs. */
  readonly adversary: "benign" | "shuffled" | "splitter";
}

export interface BinaryCost extends Cost {
  /** The protocol's round in which the first party decided. */
  readonly protocolRounds: number;
}

/** @throws RangeError when honest parties decide differently or not at all */
export function binaryCost(of: BinaryCase): BinaryCost {
  const { n, seed, inputs, adversary } = of;
  const count = noOperations();
  const splitter = new VoteSplitter(n, faultsOf(n));
  const protocol = binaryAgreement({ predicate: () => true });
  const net = new ProtocolNetwork(meteredOptions(of, count), protocol);
  const meter = new Meter(net, {
    ...(adversary === "splitter" && { adversary: splitter }),
    ...(adversary === "shuffled" && { shuffledBy: seed }),
  });
  for (const party of net.group.parties) {
    const split = splitter.input(party);
    net.input(party, { value: inputs === "split" ? split : inputs === "ones" ? 1 : 0, proof: new Uint8Array(0) });
  }
  meter.run();
  const decisions = net.group.parties.flatMap((party) => net.outputsOf(party));
  if (new Set(decisions.map(({ value }) => value)).size !== 1)
    throw new RangeError("honest parties decided differently");
  return { ...costOf(meter, count), protocolRounds: Math.min(...decisions.map(({ round }) => round)) };
}
