/** What broadcasts cost, with an honest sender. */
import { consistentBroadcast } from "../../protocols/consistent-broadcast/index.js";
import { reliableBroadcast } from "../../protocols/reliable-broadcast/index.js";
import { ProtocolNetwork } from "../protocol-network.js";
import { noOperations } from "./counting-suite.js";
import { type Cost, type Setting, Meter, costOf, meteredOptions } from "./meter.js";

export interface BroadcastCase extends Setting {
  readonly messageBytes: number;
  readonly adversary: "benign" | "shuffled";
}

export interface ReliableBroadcastCase extends BroadcastCase {
  readonly dissemination: "full" | "coded";
}

const SENDER = 0;

/** @throws RangeError unless all deliver */
export function reliableBroadcastCost(of: ReliableBroadcastCase): Cost {
  const count = noOperations();
  const { dissemination, messageBytes } = of;
  const options = { sender: SENDER, dissemination, maxBytes: messageBytes, fault: () => undefined };
  const net = new ProtocolNetwork(meteredOptions(of, count), reliableBroadcast(options));
  const meter = new Meter(net, of.adversary === "shuffled" ? { shuffledBy: of.seed } : {});
  net.input(SENDER, new Uint8Array(messageBytes));
  meter.run();
  return costOf(meter, count);
}

/** @throws RangeError unless all deliver */
export function consistentBroadcastCost(of: BroadcastCase): Cost {
  const count = noOperations();
  const net = new ProtocolNetwork(
    meteredOptions(of, count),
    consistentBroadcast({ sender: SENDER, fault: () => undefined }),
  );
  const meter = new Meter(net, of.adversary === "shuffled" ? { shuffledBy: of.seed } : {});
  net.input(SENDER, { kind: "broadcast", message: new Uint8Array(of.messageBytes) });
  meter.run();
  return costOf(meter, count);
}
