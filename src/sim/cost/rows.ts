/** Everything that is measured, as a table: a row for each protocol, variant, adversary and size. */
import { MAX_VECTOR_SIZE } from "../../protocols/atomic-broadcast/messages.js";
import type { AgreementVariant, CandidateOrder } from "../../protocols/multivalued-agreement/index.js";
import { type AgreementAdversary, costOverCoins } from "./agreement.js";
import { binaryCost } from "./binary.js";
import { consistentBroadcastCost, reliableBroadcastCost } from "./broadcasts.js";
import { type CertificateKind, type Cost, meanCost } from "./meter.js";
import { orderingCost, vectorSizeOf } from "./ordering.js";

export const SIZES: readonly number[] = [4, 7, 10, 16, 31, 64, 100];

/** The protocol of the rows that the targets are about. */
export const AGREEMENT = "multivalued agreement";

/** Payloads and values. */
export const VALUE_BYTES = 1000;
/** Coins over which agreement is averaged, where the adversary depends on them. */
export const COINS = 1000;
/** Coins over which binary agreement is. */
export const BINARY_COINS = 10;

export interface Key {
  readonly protocol: string;
  readonly variant: string;
  readonly adversary: string;
  readonly n: number;
}

/** Means, rounded to hundredths. */
export interface Row extends Key, Cost {
  /** Over so many coins. */
  readonly coins: number;
  /** Candidates tried, and the standard error of their mean; null where there are no candidates. */
  readonly tries: number | null;
  readonly triesError: number | null;
}

export interface Job extends Key {
  measure(): Row;
}

type Measured = Cost & { readonly coins?: number; readonly tries?: number; readonly triesError?: number };

function job(key: Key, measure: () => Measured): Job {
  return { ...key, measure: () => rowOf(key, measure()) };
}

function rowOf(key: Key, measured: Measured): Row {
  const { coins = 1, tries, triesError } = measured;
  const hundredths = (value: number): number => Math.round(100 * value) / 100;
  return {
    ...key,
    coins,
    tries: tries === undefined ? null : hundredths(tries),
    triesError: triesError === undefined ? null : hundredths(triesError),
    rounds: hundredths(measured.rounds),
    messages: hundredths(measured.messages),
    bytes: hundredths(measured.bytes),
    signatures: hundredths(measured.signatures),
    signatureChecks: hundredths(measured.signatureChecks),
    certificateChecks: hundredths(measured.certificateChecks),
    shares: hundredths(measured.shares),
    shareChecks: hundredths(measured.shareChecks),
  };
}

/** All that there is to measure for groups of `n`. */
export function jobsOf(n: number): readonly Job[] {
  return [...agreementJobs(n), ...binaryJobs(n), ...broadcastJobs(n), ...orderingJobs(n)];
}

const ORDERS: readonly CandidateOrder[] = ["fixed", "random", "adaptive"];
const OTHERS: readonly (Omit<AgreementVariant, "order"> & { readonly certificates: CertificateKind })[] = [
  { delivery: "on-request", parallel: 1, certificates: "multisig" },
  { delivery: "full", parallel: 3, certificates: "multisig" },
  { delivery: "on-request", parallel: 3, certificates: "multisig" },
  { delivery: "full", parallel: 1, certificates: "threshold" },
];

function agreementJobs(n: number): readonly Job[] {
  return ORDERS.flatMap((order) => {
    const worst: AgreementAdversary = order === "fixed" ? "fixed-starver" : "coin-starver";
    const adversaries = new Set<AgreementAdversary>(["benign", "shuffled", "fixed-starver", worst]);
    const main = [...adversaries].map((adversary) => agreementJob(n, { order }, "multisig", adversary, "all"));
    const others = OTHERS.flatMap(({ delivery, parallel, certificates }) =>
      (["benign", worst] as const).map((adversary) =>
        agreementJob(n, { order, delivery, parallel }, certificates, adversary, "two"),
      ),
    );
    return main.concat(others);
  });
}

/** The name of a variant, such as "random, full, parallel 1, multisig". */
export function variantName(
  { order, delivery = "full", parallel = 1 }: AgreementVariant,
  certificates: CertificateKind = "multisig",
): string {
  return `${order}, ${delivery}, parallel ${parallel}, ${certificates}`;
}

function agreementJob(
  n: number,
  variant: AgreementVariant,
  certificates: CertificateKind,
  adversary: AgreementAdversary,
  runs: "all" | "two",
): Job {
  const dependsOnCoin = variant.order !== "fixed" && adversary.endsWith("starver");
  const coins = dependsOnCoin ? COINS : 1;
  return job({ protocol: AGREEMENT, variant: variantName(variant, certificates), adversary, n }, () => ({
    coins,
    ...costOverCoins({ n, seed: 1, variant, certificates, valueBytes: VALUE_BYTES, adversary }, { coins, runs }),
  }));
}

function binaryJobs(n: number): readonly Job[] {
  const key = (variant: string, adversary: string): Key => ({ protocol: "binary agreement", variant, adversary, n });
  const plain = (["ones", "zeros", "split"] as const).flatMap((inputs) =>
    (["benign", "shuffled"] as const).map((adversary) =>
      job(key(inputs, adversary), () => binaryCost({ n, seed: 1, certificates: "multisig", inputs, adversary })),
    ),
  );
  const splitter = (seed: number): Cost =>
    binaryCost({ n, seed, certificates: "multisig", inputs: "split", adversary: "splitter" });
  return [
    ...plain,
    job(key("split", "splitter"), () => ({
      coins: BINARY_COINS,
      ...meanOf(Array.from({ length: BINARY_COINS }, (_, index) => splitter(index + 1))),
    })),
  ];
}

function meanOf(costs: readonly Cost[]): Cost {
  return meanCost((value) => costs.reduce((sum, cost) => sum + value(cost), 0) / costs.length);
}

function broadcastJobs(n: number): readonly Job[] {
  const adversaries = ["benign", "shuffled"] as const;
  const reliable = (["full", "coded"] as const).flatMap((dissemination) =>
    [100, 10_000, 100_000].flatMap((messageBytes) =>
      adversaries.map((adversary) =>
        job({ protocol: "reliable broadcast", variant: `${dissemination}, ${messageBytes} bytes`, adversary, n }, () =>
          reliableBroadcastCost({ n, seed: 1, certificates: "multisig", dissemination, messageBytes, adversary }),
        ),
      ),
    ),
  );
  const consistent = (["multisig", "threshold"] as const).flatMap((certificates) =>
    adversaries.map((adversary) =>
      job({ protocol: "consistent broadcast", variant: `${VALUE_BYTES} bytes, ${certificates}`, adversary, n }, () =>
        consistentBroadcastCost({ n, seed: 1, certificates, messageBytes: VALUE_BYTES, adversary }),
      ),
    ),
  );
  return [...reliable, ...consistent];
}

/** Without those that cannot be configured: a vector has at most MAX_VECTOR_SIZE entries. */
function orderingJobs(n: number): readonly Job[] {
  return (["atomic", "causal"] as const).flatMap((protocol) =>
    (["t+1", "n-t"] as const)
      .filter((vectorSize) => vectorSizeOf(n, vectorSize) <= MAX_VECTOR_SIZE)
      .flatMap((vectorSize) =>
        (["benign", "fixed-starver"] as const).map((adversary) =>
          job({ protocol: `${protocol} broadcast, a round`, variant: `fixed, c=${vectorSize}`, adversary, n }, () =>
            orderingCost({
              n,
              seed: 1,
              certificates: "multisig",
              protocol,
              vectorSize,
              payloadBytes: VALUE_BYTES,
              adversary,
            }),
          ),
        ),
      ),
  );
}
