/** What the rows come to: the fit by hand, the targets met and missed, and the committed figures against the code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  AGREEMENT,
  type Row,
  SIZES,
  fittedExponent,
  jobsOf,
  summarize,
  variantName,
} from "../../../src/sim/cost/index.js";

describe("the fitted exponent", () => {
  test("of a power is its exponent", () => {
    for (const exponent of [0, 1, 2.5, -1])
      expect(fittedExponent(SIZES.map((n) => ({ n, cost: 7 * n ** exponent })))).toBeCloseTo(exponent, 12);
  });

  test("is the slope of least squares", () => {
    // x = 0, 1, 2 and y = 0, 1, 4 in powers of e: 4/2.
    const points = [0, 1, 4].map((y, x) => ({ n: Math.E ** x, cost: Math.E ** y }));
    expect(fittedExponent(points)).toBeCloseTo(2, 12);
    expect(fittedExponent(SIZES.map((n) => ({ n, cost: n * (n - 1) })))).toBeCloseTo(2.0754, 4);
  });

  test("is refused where there is none", () => {
    expect(() => fittedExponent([])).toThrow(RangeError);
    expect(() => fittedExponent([{ n: 4, cost: 1 }])).toThrow(RangeError);
    expect(() =>
      fittedExponent([
        { n: 4, cost: 1 },
        { n: 7, cost: 0 },
      ]),
    ).toThrow(RangeError);
  });
});

const row = (
  order: "fixed" | "random" | "adaptive",
  adversary: string,
  n: number,
  figures: Partial<Row> = {},
): Row => ({
  protocol: AGREEMENT,
  variant: variantName({ order }),
  adversary,
  n,
  coins: 1,
  messages: 7 * n * (n - 1),
  bytes: n ** 3,
  rounds: 6,
  signatures: 1,
  signatureChecks: 1,
  certificateChecks: 1,
  shares: 1,
  shareChecks: 1,
  tries: 1,
  triesError: 0,
  ...figures,
});

describe("the targets", () => {
  const verdicts = (rows: readonly Row[]): Record<string, boolean | null> =>
    Object.fromEntries(summarize(rows).targets.map(({ name, ok }) => [name, ok]));

  test("are judged where the sizes tell", () => {
    const few = verdicts(
      [4, 7].flatMap((n) => [row("random", "coin-starver", n, { tries: 3 }), row("random", "benign", n)]),
    );
    expect(few["mean of candidates at any n, random, coin-starver"]).toBe(true);
    expect(few["mean of candidates at any n, adaptive, coin-starver"]).toBeNull();
    expect(few["exponent of messages, random, benign"]).toBeNull();
  });

  test.for([
    ["mean of candidates at any n, random, fixed-starver", row("random", "fixed-starver", 16, { tries: 3.01 })],
    ["mean of candidates at any n, adaptive, coin-starver", row("adaptive", "coin-starver", 16, { tries: 4.01 })],
    ["longest causal chain, fixed, benign", row("fixed", "benign", 16, { rounds: 7 })],
    ["longest causal chain, adaptive, benign", row("adaptive", "benign", 16, { rounds: 6.5 })],
    ["candidates / t at any n, fixed, fixed-starver", row("fixed", "fixed-starver", 16, { tries: 4 })],
    ["exponent of messages, adaptive, fixed-starver", row("adaptive", "fixed-starver", 100, { messages: 100_000 })],
    ["exponent of messages, fixed, benign", row("fixed", "benign", 100, { messages: 100_000 })],
  ] as const)("%s is missed by one row that is beyond it", ([name, bad]) => {
    const good = (["fixed", "random", "adaptive"] as const).flatMap((order) =>
      ["benign", "fixed-starver", "coin-starver"].flatMap((adversary) =>
        SIZES.map((n) => row(order, adversary, n, order === "fixed" && adversary !== "benign" ? { tries: n } : {})),
      ),
    );
    expect(Object.values(verdicts(good)).every((ok) => ok === true)).toBe(true);
    const isReplaced = ({ variant, adversary, n }: Row): boolean =>
      variant === bad.variant && adversary === bad.adversary && n === bad.n;
    const mixed = verdicts(good.map((one) => (isReplaced(one) ? bad : one)));
    expect(Object.entries(mixed).filter(([, ok]) => ok !== true)).toEqual([[name, false]]);
  });
});

test("docs/cost.json has what the code gives, at the smallest sizes", () => {
  const file: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../../../docs/cost.json"), "utf8"));
  const { rows } = z.object({ rows: z.array(z.looseObject({ n: z.number() })) }).parse(file);
  const small = [4, 7, 10];
  const measured = small.flatMap((n) => jobsOf(n).map((job) => job.measure()));
  expect(rows.filter(({ n }) => small.includes(n))).toEqual(measured);
});
