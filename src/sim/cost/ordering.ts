/** What one round of atomic or of causal broadcast costs: every party is given the same payload, as by a client that asks all. */
import { utf8 } from "../../core/bytes.js";
import { encode } from "../../core/codec.js";
import {
  type AtomicBroadcastOptions,
  type AtomicBroadcastProtocol,
  type CausalBroadcastProtocol,
  atomicBroadcast,
  causalBroadcast,
  sealedLabel,
  sealedPayloadCodec,
} from "../../protocols/index.js";
import { encryptMock } from "../mock-suite.js";
import { CLUSTER, Network } from "../network.js";
import { noOperations } from "./counting-suite.js";
import { type Cost, type Setting, Meter, costOf, faultsOf, meteredOptions } from "./meter.js";
import { FixedStarver } from "./starving.js";

export interface OrderingCase extends Setting {
  readonly protocol: "atomic" | "causal";
  /** c: entries in a vector. */
  readonly vectorSize: "t+1" | "n-t";
  /** Before it is sealed. */
  readonly payloadBytes: number;
  readonly adversary: "benign" | "fixed-starver";
}

export interface OrderingCost extends Cost {
  readonly tries: number;
}

/** c as a number. */
export function vectorSizeOf(n: number, vectorSize: OrderingCase["vectorSize"]): number {
  return vectorSize === "t+1" ? faultsOf(n) + 1 : n - faultsOf(n);
}

const LIMITS = {
  maxEntryPayloads: 16,
  maxEntryBytes: 16 * 1024,
  maxPayloads: 100,
  maxPayloadsPerPeer: 100,
  maxEarlyBytes: 2 ** 30,
  speakFrom: 0,
};
const CLIENT = utf8("client");
const ROOT = "root";
/** The first candidate of round 1. */
const FIRST = 1;

/** The round's output, as far as it matters here. */
interface Ordered {
  readonly round: number;
  readonly payloads: readonly unknown[];
  readonly tries: number;
}

/** With the fixed order of candidates. @throws RangeError unless all deliver the payload in round 1 */
export function orderingCost(of: OrderingCase): OrderingCost {
  const { n, protocol, payloadBytes, seed } = of;
  const count = noOperations();
  const target = {
    n,
    faults: faultsOf(n),
    order: "fixed",
    first: FIRST,
    tag: `${ROOT}/${below(protocol)}`,
    seed,
  } as const;
  const starver = of.adversary === "fixed-starver" ? new FixedStarver(target) : undefined;
  const corrupted = starver?.corrupted ?? [];
  const options = { ...LIMITS, order: "fixed", vectorSize: vectorSizeOf(n, of.vectorSize) } as const;
  const net = new Network<Ordered, unknown>(
    { ...meteredOptions({ ...of, corrupted }, count), ...(starver && { tamper: (flight) => starver.tamper(flight) }) },
    () => ({ [ROOT]: channel(protocol, options) }),
  );
  const meter = new Meter(net, { corrupted, ...(starver && { adversary: starver }) });
  const payload = protocol === "atomic" ? new Uint8Array(payloadBytes) : sealed(seed, payloadBytes);
  for (const party of net.group.parties) net.step(party, { kind: "submit", channel: ROOT, payload });
  starver?.begin(net);
  meter.run();
  const honest = net.group.parties.filter((party) => !corrupted.includes(party));
  const rounds = honest.flatMap((party) => net.outputsOf(party));
  if (rounds.length !== honest.length || rounds.some(({ round, payloads }) => round !== 1 || payloads.length !== 1))
    throw new RangeError("not one payload in one round everywhere");
  return { ...costOf(meter, count), tries: Math.max(...rounds.map(({ tries }) => tries)) };
}

/** Where the agreement of round 1 stands. */
function below(protocol: OrderingCase["protocol"]): string {
  return protocol === "atomic" ? "1/mvba" : "order/1/mvba";
}

function channel(
  protocol: OrderingCase["protocol"],
  options: Omit<AtomicBroadcastOptions, "isValid">,
): AtomicBroadcastProtocol | CausalBroadcastProtocol {
  const valid = { ...options, isValid: () => true };
  return protocol === "atomic" ? atomicBroadcast(valid) : causalBroadcast(valid);
}

function sealed(seed: number, payloadBytes: number): Uint8Array {
  const ciphertext = encryptMock(seed, sealedLabel(CLUSTER, ROOT, CLIENT), new Uint8Array(payloadBytes));
  return encode(sealedPayloadCodec, { client: CLIENT, ciphertext });
}
