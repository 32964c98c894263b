/** The judge of chaos runs is judged: it accepts what a single copy gives, and nothing else. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../cli/run-cli.js";
import { arbitraryHistory, honestHistory, isLinearizableByDefinition } from "./histories.js";
import { type Operation, SearchLimitError, findViolations, parseHistory } from "./linearizability.mjs";

const SHAPE = { processes: 6, operations: 300, keys: 3, unknownPercent: 5 };
/** After everything that `honestHistory` has of this shape. */
const LATER_NS = 1_000_000;

/** One operation after the other. */
function inTurn(...operations: readonly Partial<Operation>[]): Operation[] {
  return operations.map((operation, index) => {
    const startNs = LATER_NS + 10 * index;
    return Object.assign({ process: "x", op: "get" as const, key: "key-0", startNs, endNs: startNs + 5 }, operation);
  });
}

const put = (value: string): Partial<Operation> => ({ op: "put", value, result: {} });
const get = (value: string | null): Partial<Operation> => ({ op: "get", result: { value } });
const cas = (expected: string | null, value: string, ok: boolean): Partial<Operation> => ({
  op: "cas",
  expected,
  value,
  result: { ok },
});
const unknown = (operation: Partial<Operation>): Partial<Operation> => ({ ...operation, endNs: null });
const at = (startNs: number, endNs: number, operation: Partial<Operation>): Partial<Operation> => ({
  ...operation,
  startNs: LATER_NS + startNs,
  endNs: LATER_NS + endNs,
});

describe("the checker of histories", () => {
  it.each([
    ["", SHAPE],
    [" with many unknown outcomes", { ...SHAPE, operations: 150, unknownPercent: 15 }],
    [" with versions", { ...SHAPE, withVersions: true, unknownPercent: 0 }],
    [" of one key and many clients", { ...SHAPE, keys: 1, processes: 12 }],
  ])("accepts what a single copy gives%s", (_what, shape) => {
    for (let seed = 1; seed <= 40; seed++)
      expect(findViolations(honestHistory(seed, shape)), `seed ${seed}`).toEqual([]);
  });

  it("judges small histories as the definition does", () => {
    const verdicts = { true: 0, false: 0 };
    for (let seed = 1; seed <= 6000; seed++) {
      const history = arbitraryHistory(seed);
      const expected = isLinearizableByDefinition(history);
      expect(findViolations(history).length === 0, `seed ${seed}: ${JSON.stringify(history)}`).toBe(expected);
      verdicts[`${expected}`]++;
    }
    expect(verdicts.true).toBeGreaterThan(500);
    expect(verdicts.false).toBeGreaterThan(500);
  });

  const BAD: readonly (readonly [string, readonly Operation[]])[] = [
    ["a stale read", inTurn(put("A"), put("B"), get("A"))],
    ["an acknowledged write that has vanished", inTurn({ op: "delete", result: {} }, put("A"), get(null))],
    ["a write that is executed twice", inTurn(put("A"), put("B"), get("B"), get("A"))],
    [
      "a write of unknown outcome that is executed twice",
      inTurn(unknown(put("A")), get("A"), put("B"), get("B"), get("A")),
    ],
    ["a lost update", inTurn(put("A"), at(20, 40, cas("A", "B", true)), at(25, 45, cas("A", "C", true)))],
    ["a cas that succeeds against another value", inTurn(put("A"), cas("Z", "B", true))],
    ["a cas that fails against the value", inTurn(put("A"), cas("A", "B", false), get("A"))],
    ["a read from the future", inTurn(put("A"), get("F"), put("F"))],
    ["a read of what nobody wrote", inTurn(put("A"), get("never written"))],
    ["a delete that finds nothing where something is", inTurn(put("A"), { op: "delete", result: { existed: false } })],
    [
      "reads that disagree on the order",
      inTurn(at(0, 50, put("A")), at(0, 50, put("B")), at(60, 65, get("A")), at(70, 75, get("B"))),
    ],
    ["versions that shrink", inTurn({ ...put("A"), result: { version: 8 } }, { ...put("B"), result: { version: 7 } })],
    [
      "another version of the same value",
      inTurn({ ...put("A"), result: { version: 8 } }, { ...get("A"), result: { value: "A", version: 9 } }),
    ],
  ];

  it.each(BAD)("rejects %s, alone and at the end of an honest history", (_what, fragment) => {
    expect(findViolations(fragment).map(({ key }) => key)).toEqual(["key-0"]);
    for (let seed = 1; seed <= 10; seed++) {
      // Whatever has an unknown outcome could be what a fragment shows.
      const honest = honestHistory(seed, { ...SHAPE, operations: 120, unknownPercent: 0 });
      expect(findViolations(honest)).toEqual([]);
      expect(
        findViolations([...honest, ...fragment]).map(({ key }) => key),
        `seed ${seed}`,
      ).toEqual(["key-0"]);
    }
  });

  it("accepts that what has an unknown outcome happens late, or never", () => {
    expect(findViolations(inTurn(unknown(put("A")), put("B"), get("B"), get("A")))).toEqual([]);
    expect(findViolations(inTurn(unknown(put("A")), put("B"), get("B"), get("B")))).toEqual([]);
    expect(findViolations(inTurn(put("A"), get("A"), unknown({ op: "delete" }), get(null)))).toEqual([]);
  });

  it("rejects an honest history in which one read is another's", () => {
    let changed = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const history = honestHistory(seed, { ...SHAPE, processes: 1, unknownPercent: 0 });
      const reads = history.filter(({ op, key }) => op === "get" && key === "key-0");
      const [one, other] = [reads[0], reads.find(({ result }) => result?.value !== reads[0]?.result?.value)];
      if (one === undefined || other?.result === undefined) continue;
      const { result } = other;
      changed++;
      const mutated = [...history.filter((operation) => operation !== one), { ...one, result }];
      expect(findViolations(mutated), `seed ${seed}`).toHaveLength(1);
    }
    expect(changed).toBeGreaterThan(30);
  });

  it("says so when it gives up", () => {
    const [first, ...more] = Array.from({ length: 14 }, (_, index) => at(0, 100, put(`${index}`)));
    const history = inTurn(first ?? {}, ...more, at(200, 210, get("nobody's")));
    expect(() => findViolations(history, { maxConfigurations: 100 })).toThrow(SearchLimitError);
  });
});

describe("check-history", () => {
  const run = (
    text: string,
    ...words: readonly string[]
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string } => {
    const file = join(temporaryDirectory(), "history.jsonl");
    writeFileSync(file, text);
    const script = join(import.meta.dirname, "check-history.mjs");
    return spawnSync(process.execPath, [script, file, ...words], { encoding: "utf8" });
  };
  const lines = (history: readonly Operation[]): string =>
    history.map((operation) => JSON.stringify(operation)).join("\n");

  it("accepts what it can read back", () => {
    const history = honestHistory(1, SHAPE);
    expect(parseHistory(lines(history))).toEqual(history);
    expect(run(lines(history))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(": linearisable") as string,
    });
  });

  it("rejects, and says which key", () => {
    const { status, stdout } = run(lines(inTurn(put("A"), get("B"))));
    expect(status).toBe(1);
    expect(JSON.parse(stdout.split("\n")[0] ?? "")).toMatchObject({ key: "key-0", state: "A", explained: 1 });
  });

  it.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["op is none of", '{"op":"add"}'],
    ["key is no string", '{"op":"get"}'],
    ["value is neither", '{"op":"put","key":"k","startNs":1,"endNs":2}'],
    ["expected is neither", '{"op":"cas","key":"k","value":"a","startNs":1,"endNs":2}'],
    ["startNs is no integer", '{"op":"get","key":"k","endNs":2}'],
    ["endNs is neither", '{"op":"get","key":"k","startNs":3,"endNs":2}'],
    ["result is no object", '{"op":"get","key":"k","startNs":1,"endNs":2}'],
    ["result.value is neither", '{"op":"get","key":"k","startNs":1,"endNs":2,"result":{}}'],
    ["result.ok is no boolean", '{"op":"cas","key":"k","value":"a","expected":null,"startNs":1,"endNs":2,"result":{}}'],
  ])("refuses a line: %s", (problem, line) => {
    const { status, stderr } = run(`${lines(inTurn(put("A")))}\n${line}\n`);
    expect(status).toBe(2);
    expect(stderr).toContain(`line 2: ${problem}`);
  });

  it("does not say yes when it gives up", () => {
    const history = inTurn(
      ...Array.from({ length: 12 }, (_, index) => at(0, 100, put(`${index}`))),
      at(200, 210, get("?")),
    );
    expect(run(lines(history), "--max-configurations", "50")).toMatchObject({ status: 2, stdout: "" });
  });
});
