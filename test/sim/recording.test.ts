/** Runs that are recorded, played again, written to a file, shortened and drawn. */
import { describe, expect, test } from "vitest";
import { thresholdGroup } from "../../src/core/group.js";
import type { Certifier, Suite } from "../../src/core/suite.js";
import { DEFAULT_DISSEMINATION, DISSEMINATIONS, type DisseminationMode } from "../../src/protocols/index.js";
import {
  DiagramRecorder,
  type Recording,
  type SimulationOptions,
  type TraceFile,
  drawDiagram,
  formatTrace,
  listDiagram,
  mockSuite,
  parseTrace,
  record,
  replay,
  shrink,
  simulate,
} from "../../src/sim/index.js";

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

const PROPERTY = "no honest party accused";

/** Suites of which that of party 0 takes no share of party 1 for valid. */
function distrustful(seed: number): readonly Suite[] {
  const group = thresholdGroup({ n: 4, byzantine: 1 });
  const [first, ...others] = group.parties.map((self) => mockSuite(group, self, seed));
  if (first === undefined) throw new Error("a group of nobody");
  const { broadcastCertifier } = first;
  const verifyShare: Certifier["verifyShare"] = (party, statement, share) =>
    party !== 1 && broadcastCertifier.verifyShare(party, statement, share);
  return [{ ...first, broadcastCertifier: { ...broadcastCertifier, verifyShare } }, ...others];
}

/** A run in which party 0 accuses the honest party 1 of a bad share. */
function failing(): { readonly options: SimulationOptions; readonly recording: Recording } {
  for (let seed = 1; seed < 100; seed++) {
    const options = { seed, n: 4, suites: distrustful(seed) };
    const recording = record(options);
    if (recording.failure?.property === PROPERTY) return { options, recording };
  }
  throw new Error("no seed breaks it");
}

describe("a recorded run", () => {
  test("is the run of its seed, and is the same when it is played again", () => {
    for (const seed of SEEDS) {
      const options = { seed, n: 4, order: "random" } as const;
      const recording = record(options);
      expect(recording.failure).toBeUndefined();
      expect(recording.traceSha256).toBe(simulate(options).traceSha256);
      expect(replay(options, recording.actions)).toEqual(recording);
    }
  });

  test("is brought to its end when a part of it is played", () => {
    for (const seed of SEEDS) {
      const options = { seed, n: 4 };
      const { actions } = record(options);
      const part = replay(
        options,
        actions.filter((_, index) => index % 3 !== 0),
      );
      expect(part.failure).toBeUndefined();
      expect(replay(options, part.actions)).toEqual(part);
    }
  });

  test("ends with what it broke, also when it is played again", () => {
    const { options, recording } = failing();
    const again = replay(options, recording.actions);
    expect(again.failure).toEqual(recording.failure);
    expect(again.traceSha256).toBe(recording.traceSha256);
  });
});

describe("a failing schedule", () => {
  test("is shortened to one that fails alike, without anything that it does not need", () => {
    const { options, recording } = failing();
    const { failure } = recording;
    if (failure === undefined) throw new Error("it failed");
    const short = shrink(options, { ...recording, failure }, { maxReplays: 3000 });
    expect(short.failure?.property).toBe(PROPERTY);
    expect(short.actions.length).toBeLessThan(recording.actions.length / 2);
    expect(replay(options, short.actions).failure).toEqual(short.failure);
    for (const left of short.actions) {
      const without = short.actions.filter((action) => action !== left);
      // Without any one action nothing fails before the end that replaying adds.
      const { actions } = replay(options, without);
      expect(actions.length).toBeGreaterThanOrEqual(short.actions.length);
    }
  });

  test("keeps the end when that is where it fails", () => {
    const options = { seed: 5, n: 4, maxSteps: 120 };
    const recording = record(options);
    const { failure } = recording;
    if (failure === undefined) throw new Error("120 deliveries are enough");
    expect(failure.property).toBe("termination");
    const short = shrink(options, { ...recording, failure }, { maxReplays: 50 });
    expect(short.failure?.property).toBe("termination");
  });

  test("stops after so many replays", () => {
    const { options, recording } = failing();
    const { failure } = recording;
    if (failure === undefined) throw new Error("it failed");
    let replays = 0;
    shrink(options, { ...recording, failure }, { maxReplays: 7, onReplay: (count) => (replays = count) });
    expect(replays).toBe(7);
  });
});

describe("a trace file", () => {
  const trace = (seed: number, dissemination: DisseminationMode = "certified"): TraceFile => {
    const options = { seed, preset: "hybrid-8", order: "adaptive", dissemination } as const;
    return { options, recording: record(options) };
  };

  test.each(DISSEMINATIONS)("is read back as it was written, %s", (dissemination) => {
    const written = trace(3, dissemination);
    const read = parseTrace(formatTrace(written));
    expect(read).toEqual({ ok: true, value: written });
    if (read.ok) expect(replay(read.value.options, read.value.recording.actions)).toEqual(written.recording);
  });

  test("says the dissemination, whatever the default is when it is read", () => {
    const options = { seed: 3 };
    const read = parseTrace(formatTrace({ options, recording: record(options) }));
    expect(read).toMatchObject({ ok: true, value: { options: { seed: 3, dissemination: DEFAULT_DISSEMINATION } } });
  });

  test("without a dissemination is of the time when all was inline", () => {
    const written = trace(3, "inline");
    const read = parseTrace(formatTrace(written).replace(/,\s*"dissemination": "inline"/, ""));
    expect(read).toEqual({ ok: true, value: written });
  });

  test.each<[what: string, change: (text: string) => string, error: RegExp]>([
    ["no JSON", () => "{", /not JSON/],
    ["another format", (text) => text.replace("abcast-trace/1", "abcast-trace/9"), /format/],
    ["an unknown field", (text) => text.replace('"seed"', '"sede"'), /seed/],
    ["a field twice", (text) => text.replace('"seed": 3', '"seed": 3, "seed": 4'), /twice/],
    [
      "an action that is none",
      (text) => text.replace('"submit 0"', '"submit x"'),
      /actions\.\d+: is no action: "submit x"/,
    ],
    ["an unknown preset", (text) => text.replace("hybrid-8", "hybrid-9"), /preset/],
    ["a broken hash", (text) => text.replace(/"traceSha256": "../, '"traceSha256": "zz'), /traceSha256/],
  ])("with %s is refused", (_what, change, error) => {
    const read = parseTrace(change(formatTrace(trace(3))));
    expect(read.ok ? "taken" : read.error).toMatch(error);
  });

  test("with actions that do not apply is played without them", () => {
    const options = { seed: 3, n: 4 };
    const actions = [
      { kind: "deliver", from: 9, to: 0, number: 0 },
      { kind: "submit", index: 999 },
      { kind: "crash", party: 200 },
      { kind: "restart", party: 0 },
      { kind: "break", from: 0, to: 0 },
      { kind: "break", from: 0, to: 77 },
      { kind: "partition", side: [77] },
      { kind: "heal" },
    ] as const;
    const { failure, actions: played } = replay(options, actions);
    expect(failure).toBeUndefined();
    expect(played).toEqual(replay(options, []).actions);
  });
});

describe("a diagram", () => {
  const recorder = new DiagramRecorder();
  record({ seed: 3, n: 4, weather: { partitionRate: 0.01, crashRate: 0.01 } }, recorder.observe);
  const { diagram } = recorder;

  test("has an arrow for each message, and nothing arrives before it was sent", () => {
    expect(diagram.arrows.length).toBeGreaterThan(100);
    for (const { sentAt, endedAt, from, to } of diagram.arrows) {
      expect(endedAt).toBeGreaterThanOrEqual(sentAt);
      expect(from).not.toBe(to);
    }
    expect(diagram.arrows.every(({ end }) => end !== "under way")).toBe(true);
    expect(new Set(diagram.marks.map(({ kind }) => kind))).toEqual(
      new Set(["submitted", "delivered", "crashed", "restarted", "attacked", "accused"]),
    );
    expect(diagram.bands.length).toBeGreaterThan(0);
  });

  test("is drawn with all of it, and nothing in it can be mistaken for markup", () => {
    const svg = drawDiagram(diagram, `a <b> & "c"`);
    expect(svg.match(/<g class="/g)).toHaveLength(diagram.arrows.length);
    expect(svg).toContain("<title>a &lt;b&gt; &amp; &quot;c&quot;</title>");
    expect(svg.match(/party \d/g)).toHaveLength(4);
    const window = drawDiagram(diagram, "a window", { from: 10, to: 20 });
    expect(window.length).toBeLessThan(svg.length / 2);
  });

  test("is listed with a line for each event", () => {
    const lines = listDiagram(diagram);
    expect(lines).toHaveLength(1 + diagram.arrows.length + diagram.marks.length + diagram.bands.length);
  });
});
