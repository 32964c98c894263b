import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import type { SimEffect } from "../../src/sim/party.js";
import { Trace } from "../../src/sim/trace.js";

type Record = readonly [party: number, effect: SimEffect];

function traceOf(records: readonly Record[]): string {
  const trace = new Trace();
  for (const [party, effect] of records) trace.record(party, effect);
  return trace.finish();
}

const envelope = { tag: "abc/1", body: utf8("body") };
const send = (to: number, { tag, body } = envelope): SimEffect => ({ kind: "send", to, envelope: { tag, body } });
const output = (...payloads: readonly string[]): SimEffect => ({
  kind: "output",
  channel: "abc",
  value: { round: 1, payloads: payloads.map(utf8), tries: 1, timeMs: undefined },
});

describe("the trace", () => {
  test("is SHA-256: of nothing, that of the empty message (NIST CAVP, SHA256ShortMsg, Len = 0)", () => {
    expect(traceOf([])).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("tells apart whatever differs in one field", () => {
    const traces = [
      [[0, send(1)]],
      [[1, send(1)]],
      [[0, send(2)]],
      [[0, send(1, { tag: "abc/2", body: envelope.body })]],
      [[0, send(1, { tag: "abc/1", body: utf8("bodY") })]],
      [[0, { kind: "signed", slot: "abc/1#queue", digest: utf8("digest") }]],
      [[0, { kind: "signed", slot: "abc/1#queue", digest: utf8("Digest") }]],
      [[0, { kind: "accuse", party: 1, tag: "abc/1", fault: "equivocation" }]],
      [[0, { kind: "accuse", party: 1, tag: "abc/1", fault: "double-vote" }]],
      [[0, output("ab", "c")]],
      [[0, output("a", "bc")]],
      [[0, { kind: "askRepeat", of: 1 }]],
    ] satisfies readonly (readonly Record[])[];
    expect(new Set(traces.map(traceOf)).size).toBe(traces.length);
  });

  test("has the body of a message to all once, and of every other message", () => {
    const same = (to: number): SimEffect => ({ kind: "send", to, envelope });
    const other = { tag: "abc/1", body: utf8("other") };
    const third = { tag: "abc/1", body: utf8("third") };
    const traces = [
      [
        [0, same(1)],
        [0, same(2)],
      ],
      [
        [0, same(1)],
        [0, send(2, other)],
      ],
      [
        [0, same(1)],
        [0, send(2, third)],
      ],
      [
        [0, send(1, other)],
        [0, same(2)],
      ],
    ] satisfies readonly (readonly Record[])[];
    expect(new Set(traces.map(traceOf)).size).toBe(traces.length);
  });

  test("takes every effect in, also when there are more than fit in one piece", () => {
    const many = (middle: string): readonly Record[] =>
      Array.from({ length: 1000 }, (_, index) => [
        0,
        send(1, { tag: "abc/1", body: utf8(index === 5 ? middle : "x") }),
      ]);
    expect(traceOf(many("y"))).toBe(traceOf(many("y")));
    expect(traceOf(many("y"))).not.toBe(traceOf(many("z")));
  });
});
