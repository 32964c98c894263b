/** The verdict on the logs, and the schedule of what is done to them. */
import { describe, expect, it } from "vitest";
import { NEMESES, PARTY_FAULTS, schedule } from "./schedule.mjs";
import { type LogEntry, judge } from "./verdict.mjs";

const log = (...ids: readonly string[]): LogEntry[] =>
  ids.map((id, index) => ({ sequence: index + 1, id, bytes: `payload ${id}` }));
const logsOf = (...logs: readonly LogEntry[][]): Map<number, LogEntry[]> => new Map(logs.entries());
const ACKNOWLEDGED = [
  { id: "a", sequence: 1 },
  { id: "c", sequence: 3 },
];

describe("the verdict", () => {
  it("is good when all logs have everything once, where the client was told", () => {
    const verdict = judge(ACKNOWLEDGED, logsOf(log("a", "b", "c"), log("a", "b", "c")));
    expect(verdict).toEqual({ lost: 0, duplicated: 0, unchecked: 0, violations: [] });
  });

  it.each([
    ["lost in one log", [log("a", "b", "c"), log("a", "b")], { lost: 1, duplicated: 0 }, "nowhere"],
    ["twice in a log", [log("a", "b", "c", "a")], { lost: 0, duplicated: 1 }, "as 1 and as 4"],
    ["elsewhere than acknowledged", [log("c", "b", "a")], { lost: 2, duplicated: 0 }, "was acknowledged as 1"],
    ["in a log with a gap", [log("a", "b", "c", "d").filter(({ id }) => id !== "b")], {}, "goes on with 3 after 1"],
    ["in an empty log", [[]], { lost: 2 }, "nowhere"],
    ["in logs that differ", [log("a", "b", "c"), log("a", "x", "c")], { lost: 0 }, "different entries 2"],
    ["in logs of which one goes on", [log("a", "b", "c"), log("a", "b", "c", "d")], { lost: 0 }, "end differently"],
  ] as const)("is bad when a payload is %s", (_what, logs, counts, words) => {
    const verdict = judge(ACKNOWLEDGED, logsOf(...logs.map((entries) => [...entries])));
    expect(verdict).toMatchObject(counts);
    expect(verdict.violations.join()).toContain(words);
  });

  it("counts what a log that begins later cannot show", () => {
    const later = log("a", "b", "c").slice(1);
    expect(judge(ACKNOWLEDGED, logsOf(later))).toMatchObject({ lost: 0, unchecked: 1, violations: [] });
  });
});

describe("the verdict on what a party had before it lost its log", () => {
  const later = log("a", "b", "c").slice(1);

  it("looks for what the present log cannot show", () => {
    const verdict = judge(ACKNOWLEDGED, logsOf(later), logsOf([...log("a", "b"), ...log("a")]));
    expect(verdict).toEqual({ lost: 0, duplicated: 0, unchecked: 0, violations: [] });
  });

  it.each([
    ["elsewhere", log("x", "a"), { lost: 1 }, "was acknowledged as 1, and its log has it 2"],
    ["under another number than now", log("c"), { duplicated: 1 }, "was in its log as 1, and is as 3"],
    ["under two numbers", [...log("a"), ...log("x", "a")], { duplicated: 1 }, "was in its log as 2, and is as 1"],
    ["different", log("a", "x"), { lost: 0 }, "different entries 2"],
  ] as const)("is bad when something was %s", (_what, lost, counts, words) => {
    const verdict = judge(ACKNOWLEDGED, logsOf(later), logsOf([...lost]));
    expect(verdict).toMatchObject(counts);
    expect(verdict.violations.join()).toContain(words);
  });
});

describe("the schedule", () => {
  const options = { seed: 7, minutes: 1, n: 7, t: 2 };

  it("is the same for the same seed, and another for another", () => {
    expect(schedule(options)).toEqual(schedule(options));
    expect(schedule(options)).not.toEqual(schedule({ ...options, seed: 8 }));
  });

  it("has everything in a minute, and never more faulty parties than may fail", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const steps = schedule({ ...options, seed });
      const actions = steps.flatMap((step) => step.actions);
      expect(new Set(actions.map(({ nemesis }) => nemesis)), `seed ${seed}`).toEqual(new Set(NEMESES));
      for (const step of steps) {
        const faulty = step.actions.filter(({ nemesis }) => PARTY_FAULTS.includes(nemesis)).map(({ party }) => party);
        expect(faulty.length).toBeLessThanOrEqual(2);
        expect(new Set(faulty).size).toBe(faulty.length);
        expect(step.actions.find(({ nemesis }) => nemesis === "disk-full")?.party ?? 6).toBe(6);
      }
    }
  });

  it("leaves out what cannot be done here", () => {
    const nemeses = NEMESES.filter((name) => name !== "wipe" && name !== "partition");
    const drawn = schedule({ ...options, nemeses }).flatMap(({ actions }) => actions.map(({ nemesis }) => nemesis));
    expect(new Set(drawn)).toEqual(new Set(nemeses));
  });
});
