import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWithin } from "../../src/core/tag.js";
import { Outbox, type OutboxEntry } from "../../src/sim/outbox.js";

fc.configureGlobal({ seed: 20 });

const TAGS = ["abc", "abc/1", "abc/1/mvba", "abc/10", "abc/2", "abd/1"] as const;
const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("push" as const), tag: fc.constantFrom(...TAGS), sizeBytes: fc.nat(50) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("retire" as const), tag: fc.constantFrom(...TAGS) }) },
);

describe("Outbox", () => {
  it("is empty at first", () => {
    const outbox = new Outbox();
    expect(outbox.entries).toEqual([]);
    expect(outbox.sizeBytes).toBe(0);
    expect(outbox.lastNumber).toBe(0);
    expect(outbox.firstAfter(0)).toBeUndefined();
  });

  it("keeps what is below a tag apart from what only begins like it", () => {
    const outbox = new Outbox();
    for (const tag of ["abc/1", "abc/1/mvba", "abc/10", "abc/10/mvba"]) outbox.push({ tag, body: Uint8Array.of(1) });
    outbox.retire("abc/1");
    expect(outbox.entries.map(({ envelope }) => envelope.tag)).toEqual(["abc/10", "abc/10/mvba"]);
  });

  it("does what a plain list does, and numbers never come again", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.nat(70), (actions, probe) => {
        const outbox = new Outbox();
        let model: OutboxEntry[] = [];
        let pushed = 0;
        for (const step of actions) {
          if (step.kind === "push") {
            const envelope = { tag: step.tag, body: new Uint8Array(step.sizeBytes) };
            model.push({ number: ++pushed, envelope });
            expect(outbox.push(envelope)).toEqual({ number: pushed, envelope });
          } else {
            outbox.retire(step.tag);
            model = model.filter(({ envelope }) => !isWithin(envelope.tag, step.tag));
          }
        }
        expect(outbox.entries).toEqual(model);
        expect(outbox.lastNumber).toBe(pushed);
        expect(outbox.sizeBytes).toBe(model.reduce((sum, { envelope }) => sum + envelope.body.length, 0));
        expect(outbox.firstAfter(probe)).toEqual(model.find(({ number }) => number > probe));
        expect(outbox.firstAfter(Number.MAX_SAFE_INTEGER)).toBeUndefined();
      }),
    );
  });
});
