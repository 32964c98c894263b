import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Action, formatAction, parseAction } from "../../src/sim/action.js";

const party = fc.nat({ max: 255 });
const crashAfter = fc.option(fc.nat({ max: 999 }), { nil: undefined });
const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
const action: fc.Arbitrary<Action> = fc.oneof(
  fc
    .record({ kind: fc.constant("deliver" as const), from: party, to: party, number: fc.nat(), crashAfter })
    .map(defined),
  fc.record({ kind: fc.constant("submit" as const), index: fc.nat({ max: 999 }), crashAfter }).map(defined),
  fc.record({ kind: fc.constantFrom("crash" as const, "restart" as const, "stop" as const), party }),
  fc.record({ kind: fc.constant("break" as const), from: party, to: party }),
  fc.record({ kind: fc.constant("partition" as const), side: fc.array(party, { minLength: 1, maxLength: 9 }) }),
  fc.constant({ kind: "heal" as const }),
) as fc.Arbitrary<Action>;

describe("an action as text", () => {
  test("is read back as it was written", () => {
    fc.assert(
      fc.property(action, (one) => {
        fc.pre(!("number" in one) || one.number < 1e9);
        expect(parseAction(formatAction(one))).toEqual(one);
      }),
    );
  });

  test.each([
    "",
    "deliver",
    "deliver 0>1",
    "deliver 0>1 #x",
    "deliver 0>1 #1 crash",
    "submit -1",
    "crash",
    "crash 1 2",
    "heal 1",
    "partition",
    "partition 1,,2",
    "break 0>1",
    "deliver 0>1 #1\n",
  ])("%j is none", (text) => {
    expect(parseAction(text)).toBeUndefined();
  });

  test("any other text is none, or the text of one", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseAction(text);
        if (parsed !== undefined) expect(parseAction(formatAction(parsed))).toEqual(parsed);
      }),
    );
  });
});
