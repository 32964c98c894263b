/** What the rows come to: how costs grow with n, and whether the targets are met. */
import { type Point, fittedExponent } from "./fit.js";
import { faultsOf } from "./meter.js";
import { AGREEMENT, type Row, SIZES } from "./rows.js";

/** One variant under one adversary, over all sizes. */
export interface Series {
  readonly protocol: string;
  readonly variant: string;
  readonly adversary: string;
  /** By ascending n. */
  readonly rows: readonly Row[];
}

export interface Growth extends Omit<Series, "rows"> {
  /** Fitted exponents over all sizes. */
  readonly messages: number;
  readonly bytes: number;
  /** Those between the two greatest sizes. */
  readonly lastMessages: number;
  readonly lastBytes: number;
}

export interface Target {
  readonly name: string;
  readonly relation: "<=" | ">=";
  readonly limit: number;
  /** Null where the sizes measured do not tell. */
  readonly value: number | null;
  readonly ok: boolean | null;
}

export interface Summary {
  readonly growth: readonly Growth[];
  readonly targets: readonly Target[];
}

export function seriesOf(rows: readonly Row[]): readonly Series[] {
  const series = new Map<string, Row[]>();
  for (const row of rows) {
    const key = [row.protocol, row.variant, row.adversary].join("; ");
    series.set(key, [...(series.get(key) ?? []), row]);
  }
  return [...series.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { protocol, variant, adversary } = first;
    return [{ protocol, variant, adversary, rows: same.toSorted((one, other) => one.n - other.n) }];
  });
}

const hundredths = (value: number): number => Math.round(100 * value) / 100;
/** Targets are judged by what is printed. */
const thousandths = (value: number): number => Math.round(1000 * value) / 1000;

function growthOf({ rows, ...name }: Series): Growth {
  const points = (what: "messages" | "bytes"): readonly Point[] => rows.map((row) => ({ n: row.n, cost: row[what] }));
  const exponent = (some: readonly Point[]): number => thousandths(fittedExponent(some));
  return {
    ...name,
    messages: exponent(points("messages")),
    bytes: exponent(points("bytes")),
    lastMessages: exponent(points("messages").slice(-2)),
    lastBytes: exponent(points("bytes").slice(-2)),
  };
}

/** @param rows of two sizes at least */
export function summarize(rows: readonly Row[]): Summary {
  const series = seriesOf(rows);
  const growth = series.filter(({ rows: same }) => same.length > 1).map(growthOf);
  // A fit over fewer sizes is another figure: n(n-1) grows faster than n², and the more so the smaller n is.
  const isComplete = SIZES.every((n) => rows.some((row) => row.n === n));
  return { growth, targets: targetsOf(series, isComplete ? growth : []) };
}

function targetsOf(series: readonly Series[], growth: readonly Growth[]): readonly Target[] {
  const isOf = (order: string, adversary: string): ((one: Omit<Series, "rows">) => boolean) => {
    return (one) => one.protocol === AGREEMENT && one.variant.startsWith(`${order},`) && one.adversary === adversary;
  };
  const exponent = (order: string, adversary: string): Target => {
    const values = growth.filter(isOf(order, adversary)).map(({ messages }) => messages);
    return atMost(`exponent of messages, ${order}, ${adversary}`, 2.1, values);
  };
  const rowsOf = (order: string, adversary: string): readonly Row[] =>
    series.filter(isOf(order, adversary)).flatMap(({ rows }) => rows);
  const tries = (order: string, adversary: string, limit: number): Target =>
    atMost(
      `mean of candidates at any n, ${order}, ${adversary}`,
      limit,
      rowsOf(order, adversary).flatMap((row) => row.tries ?? []),
    );
  const rounds = (order: string): Target =>
    atMost(
      `longest causal chain, ${order}, benign`,
      6,
      rowsOf(order, "benign").map((row) => row.rounds),
    );
  return [
    exponent("fixed", "benign"),
    exponent("random", "benign"),
    exponent("random", "fixed-starver"),
    exponent("adaptive", "benign"),
    exponent("adaptive", "fixed-starver"),
    atLeast(
      "candidates / t at any n, fixed, fixed-starver",
      1,
      rowsOf("fixed", "fixed-starver").map(({ n, tries: tried }) => (tried ?? 0) / faultsOf(n)),
    ),
    tries("random", "fixed-starver", 3),
    tries("random", "coin-starver", 3),
    tries("adaptive", "fixed-starver", 4),
    tries("adaptive", "coin-starver", 4),
    rounds("fixed"),
    rounds("adaptive"),
  ];
}

function atMost(name: string, limit: number, values: readonly number[]): Target {
  const value = values.length === 0 ? null : Math.max(...values);
  return { name, relation: "<=", limit, value, ok: value === null ? null : value <= limit };
}

function atLeast(name: string, limit: number, values: readonly number[]): Target {
  const value = values.length === 0 ? null : hundredths(Math.min(...values));
  return { name, relation: ">=", limit, value, ok: value === null ? null : value >= limit };
}
