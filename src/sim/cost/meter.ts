/**
 * Runs a network to its end and measures what it says: messages and bytes to other parties, operations of cryptography, and
 * asynchronous rounds. The depth of a message is one more than the greatest depth of any message that its sender had
 * received before; so it is the length of the longest causal chain that ends in it. Messages to oneself are free.
 */
import { type Group, thresholdGroup } from "../../core/group.js";
import type { PartyId } from "../../core/party-set.js";
import type { Suite } from "../../core/suite.js";
import { type MockSuiteOptions, Verdicts, mockSuite } from "../mock-suite.js";
import type { Flight, Network, NetworkOptions } from "../network.js";
import { Random } from "../random.js";
import { type Operations, countingSuite } from "./counting-suite.js";
import { type Adversary, InAnyOrder, InOrder, type Queue, type Sending, nothingLate } from "./schedule.js";

/** How certificates are made, with the sizes of the real schemes (docs/CRYPTO.md). */
export type CertificateKind = "multisig" | "threshold";

/** Ed25519 signatures one by one, or BLS; coin shares are an element and a proof of two scalars. */
const SUITES: Readonly<Record<CertificateKind, MockSuiteOptions>> = {
  multisig: { certificates: "list", signatureBytes: 64, shareBytes: 96 },
  threshold: { certificates: "one", signatureBytes: 96, shareBytes: 96 },
};

export interface Setting {
  readonly n: number;
  readonly seed: number;
  readonly certificates: CertificateKind;
  /** Of these nothing is counted. */
  readonly corrupted?: readonly PartyId[];
}

/** A tag and a body have a length field each (src/core/envelope.ts). */
const FIELDS_BYTES = 8;

/** What the honest parties did. */
export interface Cost extends Operations {
  messages: number;
  bytes: number;
  /** The longest causal chain that ends in an honest party's output; undefined if none had any. */
  rounds: number;
}

/** The mean of each figure, of which `mean` makes that of any. */
export function meanCost(mean: (value: (cost: Cost) => number) => number): Cost {
  return {
    messages: mean((cost) => cost.messages),
    bytes: mean((cost) => cost.bytes),
    rounds: mean((cost) => cost.rounds),
    signatures: mean((cost) => cost.signatures),
    signatureChecks: mean((cost) => cost.signatureChecks),
    certificateChecks: mean((cost) => cost.certificateChecks),
    shares: mean((cost) => cost.shares),
    shareChecks: mean((cost) => cost.shareChecks),
  };
}

/** The greatest t with n > 3t. */
export function faultsOf(n: number): number {
  return Math.floor((n - 1) / 3);
}

/** Of n parties, t of them Byzantine. */
export function groupOf(n: number): Group {
  return thresholdGroup({ n, byzantine: faultsOf(n) });
}

/** Options for a network whose operations are counted in `count`. */
export function meteredOptions(setting: Setting, count: Operations): NetworkOptions {
  const { n, seed, certificates, corrupted = [] } = setting;
  const verdicts = new Verdicts();
  const suiteOf = (group: Group, party: PartyId): Suite => {
    const suite = mockSuite(group, party, seed, { ...SUITES[certificates], verdicts });
    return corrupted.includes(party) ? suite : countingSuite(suite, count);
  };
  return { group: groupOf(n), seed, keepsHistory: false, suiteOf };
}

export interface MeterOptions {
  readonly corrupted?: readonly PartyId[];
  readonly adversary?: Adversary;
  /** In any order by this seed; in order of sending unless given. */
  readonly shuffledBy?: number;
}

export class Meter<Output, State> {
  readonly #net: Network<Output, State>;
  readonly #honest: readonly boolean[];
  readonly #adversary: Adversary;
  readonly #queue: Queue;
  #late: Sending[] = [];
  /** By party: the greatest depth received, and that when it had its first output. */
  readonly #received: number[];
  readonly #decidedAt: (number | undefined)[];
  messages = 0;
  bytes = 0;

  constructor(net: Network<Output, State>, options: MeterOptions = {}) {
    const { corrupted = [], adversary = nothingLate, shuffledBy } = options;
    this.#net = net;
    this.#honest = net.group.parties.map((party) => net.running.includes(party) && !corrupted.includes(party));
    this.#adversary = adversary;
    this.#queue = shuffledBy === undefined ? new InOrder() : new InAnyOrder(new Random(shuffledBy));
    this.#received = net.group.parties.map(() => 0);
    this.#decidedAt = net.group.parties.map(() => undefined);
  }

  /** Delivers until nothing is in flight. The inputs have been given. */
  run(): void {
    this.#collect();
    for (let sending = this.#next(); sending !== undefined; sending = this.#next()) this.#deliver(sending);
  }

  /** What is late comes when nothing else is left. */
  #next(): Sending | undefined {
    const sending = this.#queue.take();
    if (sending !== undefined || this.#late.length === 0) return sending;
    for (const late of this.#late.splice(0)) this.#queue.push(late);
    return this.#queue.take();
  }

  #deliver({ flight: { from, to, envelope }, depth }: Sending): void {
    this.#received[to] = Math.max(this.#received[to] ?? 0, depth);
    this.#net.deliver(from, to, envelope);
    if (this.#decidedAt[to] === undefined && this.#net.outputsOf(to).length > 0)
      this.#decidedAt[to] = this.#received[to];
    this.#collect();
  }

  /** Counts what was just sent, and sends it on its way. */
  #collect(): void {
    for (const flight of this.#net.flights.splice(0)) {
      const sending = { flight, depth: (this.#received[flight.from] ?? 0) + 1 };
      if (this.#honest[flight.from] === true) this.#count(flight);
      const hasLearned = this.#adversary.onSent?.(flight) === true;
      (this.#adversary.isLate(flight) ? this.#late : this.#queue).push(sending);
      if (hasLearned) this.#judgeAnew();
    }
  }

  #count({ envelope }: Flight): void {
    this.messages++;
    this.bytes += FIELDS_BYTES + envelope.tag.length + envelope.body.length;
  }

  #judgeAnew(): void {
    for (const sending of this.#late.splice(0))
      (this.#adversary.isLate(sending.flight) ? this.#late : this.#queue).push(sending);
  }

  /** Of the honest parties. */
  get #chains(): readonly (number | undefined)[] {
    return this.#decidedAt.filter((_, party) => this.#honest[party]);
  }

  /** Whether every honest party had an output. */
  get isDone(): boolean {
    return this.#chains.every((depth) => depth !== undefined);
  }

  /** The longest causal chain that ends in an honest party's first output. @throws RangeError unless all had one */
  get rounds(): number {
    return Math.max(
      ...this.#chains.map((depth) => {
        if (depth === undefined) throw new RangeError("an honest party had no output");
        return depth;
      }),
    );
  }
}

/** What the run cost. @throws RangeError unless every honest party had an output */
export function costOf<Output, State>(meter: Meter<Output, State>, count: Operations): Cost {
  return { messages: meter.messages, bytes: meter.bytes, rounds: meter.rounds, ...count };
}
