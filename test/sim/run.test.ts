/** A run in the hands of an onlooker: actions in between, what they do, and that they are in the recording. */
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../src/core/bytes.js";
import { type Action, formatAction, parseAction } from "../../src/sim/action.js";
import type { SimEvent } from "../../src/sim/event.js";
import { Run } from "../../src/sim/run.js";
import { type SimulationOptions, record, replay } from "../../src/sim/simulation.js";
import { formatTrace, parseTrace } from "../../src/sim/trace-file.js";

const CALM = { corrupted: 0, stopped: 0, weather: { crashRate: 0, breakRate: 0, partitionRate: 0, starvation: 0 } };

function optionsOf(seed: number, more: Partial<SimulationOptions> = {}): SimulationOptions {
  return { ...CALM, seed, n: 4, payloads: 3, ...more };
}

/** So many steps, but not beyond what is broken. */
function stepsOf(run: Run, steps: number): Run {
  for (let step = 0; step < steps && !run.waitsForMending; step++) run.step();
  return run;
}

function toTheEnd(run: Run): Run {
  while (run.step());
  return run;
}

function handOf(party: number, text: string): Action {
  return { kind: "hand", party, channel: "abc", payload: concat(Uint8Array.of(1), utf8(text)) };
}

describe("a run step by step", () => {
  test("is the same as in one go", () => {
    for (const seed of [1, 2, 3]) {
      const options = { seed, n: 4 };
      const run = toTheEnd(new Run(options));
      expect({ failure: run.failure, traceSha256: run.world.traceSha256, actions: run.actions }).toEqual(
        record(options),
      );
    }
  });

  test("with actions of an onlooker is replayed from its recording, through a file", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const options = optionsOf(seed);
      const run = new Run(options);
      expect(stepsOf(run, 10).act({ kind: "corrupt", party: 3 })).toBe(true);
      expect(stepsOf(run, 10).act({ kind: "cut", from: 0, to: 1 })).toBe(true);
      expect(stepsOf(run, 10).act(handOf(2, "made up ".repeat(20)))).toBe(true);
      run.slow(1, 2, true);
      stepsOf(run, 40);
      expect(run.act({ kind: "mend", from: 1, to: 0 })).toBe(true);
      toTheEnd(run);
      expect(run.failure).toBeUndefined();
      const recording = { actions: run.actions, failure: run.failure, traceSha256: run.world.traceSha256 };
      const file = parseTrace(formatTrace({ options, recording }));
      if (!file.ok) throw new Error(file.error);
      expect(file.value.recording).toEqual(recording);
      expect(replay(file.value.options, file.value.recording.actions)).toEqual(recording);
    }
  });

  test("goes on when the onlooker acts after its end", () => {
    const run = toTheEnd(new Run(optionsOf(1)));
    const { payloads } = run.world.checkers;
    expect(run.world.traceSha256).toBe(record(optionsOf(1)).traceSha256);
    expect(run.phase).toBe("over");
    expect(run.act(handOf(0, "one more"))).toBe(true);
    expect(run.phase).toBe("free");
    toTheEnd(run);
    expect(run.failure).toBeUndefined();
    expect(run.world.checkers.payloads).toBe(payloads + 1);
    expect(replay(optionsOf(1), run.actions).traceSha256).toBe(run.world.traceSha256);
  });

  test("plays a script and takes no actions meanwhile", () => {
    const options = optionsOf(5);
    const { actions, traceSha256 } = record(options);
    const run = new Run(options, { script: actions });
    stepsOf(run, 5);
    expect(run.act({ kind: "crash", party: 0 })).toBe(false);
    expect(run.phase).toBe("scripted");
    expect(toTheEnd(run).world.traceSha256).toBe(traceSha256);
    expect(run.actions).toEqual(actions);
  });

  test("reports what breaks, and takes nothing any more", () => {
    const run = new Run({ ...optionsOf(1), maxSteps: 20 });
    toTheEnd(run);
    expect(run.failure).toEqual({ property: "termination", message: "termination: no end after 21 steps" });
    expect(run.step()).toBe(false);
    expect(run.act({ kind: "crash", party: 0 })).toBe(false);
  });
});

describe("what an onlooker does", () => {
  test("a party stays down until it is restarted or all is mended", () => {
    const run = new Run(optionsOf(2, { weather: { ...CALM.weather, burst: false, copies: "all" } }));
    expect(run.act({ kind: "crash", party: 1 })).toBe(true);
    while (!run.waitsForMending && run.step()) expect(run.world.isUp(1)).toBe(false);
    expect(run.waitsForMending).toBe(true);
    expect(run.step()).toBe(true);
    expect(run.phase).toBe("mending");
    toTheEnd(run);
    expect(run.world.isUp(1)).toBe(true);
    expect(run.failure).toBeUndefined();
  });

  test("a cut link carries nothing, and what was lost is said again", () => {
    const events: SimEvent[] = [];
    const run = new Run(optionsOf(3), { observe: (event) => events.push(event) });
    expect(run.act({ kind: "cut", from: 2, to: 0 })).toBe(true);
    expect(run.act({ kind: "cut", from: 0, to: 2 })).toBe(false);
    expect(run.act({ kind: "cut", from: 1, to: 1 })).toBe(false);
    expect(run.act({ kind: "cut", from: 1, to: 4 })).toBe(false);
    while (!run.waitsForMending && run.step());
    const isOnLink = ({ from, to }: { from: number; to: number }): boolean => from + to === 2 && from !== to;
    const count = (kind: "sent" | "received"): number =>
      events.filter((event) => event.kind === kind && isOnLink(event.flight)).length;
    expect(count("sent")).toBeGreaterThan(0);
    expect(count("received")).toBe(0);
    expect(run.act({ kind: "mend", from: 0, to: 2 })).toBe(true);
    expect(run.act({ kind: "mend", from: 0, to: 2 })).toBe(false);
    toTheEnd(run);
    expect(count("received")).toBeGreaterThan(0);
    expect(run.failure).toBeUndefined();
  });

  test("who is cut off altogether is mended in the end", () => {
    const run = new Run(optionsOf(3));
    for (const to of [1, 2, 3]) run.act({ kind: "cut", from: 0, to });
    expect(run.world.cuts).toHaveLength(3);
    toTheEnd(run);
    expect(run.failure).toBeUndefined();
    expect(run.world.cuts).toEqual([]);
  });

  test("a slow link carries only what nothing else can overtake", () => {
    const received: (readonly [from: number, to: number, others: number])[] = [];
    const run = new Run(optionsOf(4), {
      observe: (event) => {
        if (event.kind !== "received") return;
        const others = run.world.flights.filter(({ from, to }) => !run.isSlow(from, to)).length;
        received.push([event.flight.from, event.flight.to, others]);
      },
    });
    run.slow(0, 1, true);
    while (run.phase === "free" && run.step());
    const late = received.filter(([from, to]) => from + to === 1);
    expect(late.length).toBeGreaterThan(0);
    expect(late.every(([, , others]) => others === 0)).toBe(true);
    run.slow(0, 1, false);
    expect(run.isSlow(1, 0)).toBe(false);
  });

  test("a corrupted party lies, counts no more, and the others stay equal", () => {
    let attacks = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const weather = { ...CALM.weather, rate: 1 };
      const run = new Run(optionsOf(seed, { weather }), {
        observe: (event) => void (attacks += event.kind === "attacked" && event.party === 2 ? 1 : 0),
      });
      expect(stepsOf(run, 30).act({ kind: "corrupt", party: 2 })).toBe(true);
      expect(run.act({ kind: "corrupt", party: 2 })).toBe(false);
      toTheEnd(run);
      expect(run.failure).toBeUndefined();
      expect(run.core).toEqual([0, 1, 3]);
      expect(run.isTolerated).toBe(true);
    }
    expect(attacks).toBeGreaterThan(20);
  });

  test("whoever stopped for ever takes its payloads along; too many stopped are not tolerated", () => {
    const run = new Run(optionsOf(6, { weather: { ...CALM.weather, burst: false } }));
    for (const party of [0, 1]) expect(run.act({ kind: "stop", party })).toBe(true);
    expect(run.act({ kind: "restart", party: 0 })).toBe(false);
    expect(run.act({ kind: "corrupt", party: 0 })).toBe(false);
    expect(run.isTolerated).toBe(false);
    expect(run.core).toEqual([2, 3]);
    toTheEnd(run);
    expect(run.failure?.property).toBe("termination");
    const one = new Run(optionsOf(6));
    expect(one.act({ kind: "stop", party: 3 })).toBe(true);
    expect(one.isTolerated).toBe(true);
    expect(toTheEnd(one).failure).toBeUndefined();
  });

  test("a payload is handed only to a party that is up, if it is valid, and not without end", () => {
    const run = new Run(optionsOf(7));
    const payload = concat(Uint8Array.of(1), utf8("text"));
    expect(run.act({ kind: "hand", party: 4, channel: "abc", payload })).toBe(false);
    expect(run.act({ kind: "hand", party: 0, channel: "other", payload })).toBe(false);
    expect(run.act({ kind: "hand", party: 0, channel: "abc", payload: utf8("text") })).toBe(false);
    run.act({ kind: "crash", party: 0 });
    expect(run.act({ kind: "hand", party: 0, channel: "abc", payload })).toBe(false);
    run.act({ kind: "restart", party: 0 });
    let handed = 0;
    while (run.act(handOf(0, `payload ${handed}`))) handed++;
    expect(handed).toBe(500);
  });
});

describe("the new actions on paper", () => {
  test.each(["hand 2 abc 0161", "corrupt 3", "cut 0-1", "mend 12-3"])("%s", (text) => {
    const action = parseAction(text);
    expect(action === undefined ? undefined : formatAction(action)).toBe(text);
  });

  test.each([
    "hand 2 abc 016",
    "hand 2 abc",
    "hand 2 abc ",
    "hand 2 ABC 01",
    "hand 2 abc 0A",
    `hand 2 abc ${"01".repeat(513)}`,
    "corrupt",
    "corrupt 1 crash 2",
    "cut 1",
    "cut 1-",
    "mend a-b",
    "lie 1",
  ])("is no action: %s", (text) => {
    expect(parseAction(text)).toBeUndefined();
  });
});
