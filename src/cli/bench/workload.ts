/** What the load has executed: operations of one service, all of one length, with random bytes in them or made one by one. */
import { encodeCounterOperation } from "../../services/counter/index.js";
import { encodeKvOperation } from "../../services/kv/index.js";
import { LOG } from "../../services/log/index.js";
import { encodeNotaryOperation } from "../../services/notary/index.js";
import { orders, sealedBids } from "./bidding-load.js";
import type { Workload, WorkloadOptions } from "./workload-types.js";

export type { Workload };

const KEY_BYTES = 8;
/** At the end of a key; so there are 65,536 keys. */
const RANDOM_KEY_BYTES = 2;
/** Before a key: which operation it is, and the key's length. */
const BEFORE_KEY_BYTES = 5;
const DIGEST_BYTES = 32;
const DELTA_BYTES = 4;

type MakeWorkload = (options: WorkloadOptions) => Workload | Promise<Workload>;

/** By what `--service` says. */
export const WORKLOADS: ReadonlyMap<string, MakeWorkload> = new Map<string, MakeWorkload>([
  [LOG, ({ payloadBytes }) => ({ service: LOG, template: new Uint8Array(payloadBytes), random: [[0, payloadBytes]] })],
  ["kv", ({ payloadBytes }) => writes(payloadBytes)],
  ["notary", () => ending("notary", encodeNotaryOperation(zeros(DIGEST_BYTES)), DIGEST_BYTES)],
  ["counter", () => ending("counter", encodeCounterOperation({ kind: "add", delta: 0 }), DELTA_BYTES)],
  ["bidding", sealedBids],
  ["book", orders],
]);

function writes(payloadBytes: number): Workload {
  const put = {
    key: new Uint8Array(KEY_BYTES),
    condition: { kind: "none" as const },
    value: new Uint8Array(payloadBytes),
  };
  const { template, random } = ending("kv", encodeKvOperation({ kind: "put", ...put }), payloadBytes);
  const endOfKey = BEFORE_KEY_BYTES + KEY_BYTES;
  return { service: "kv", template, random: [[endOfKey - RANDOM_KEY_BYTES, endOfKey], ...random] };
}

function zeros(sizeBytes: number) {
  return { algorithm: "sha256" as const, value: new Uint8Array(sizeBytes) };
}

/** An operation whose last bytes are random. */
function ending(service: string, template: Uint8Array, randomBytes: number): Workload {
  return { service, template, random: [[template.length - randomBytes, template.length]] };
}
