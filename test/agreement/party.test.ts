import { afterEach, describe, expect, it } from "vitest";
import { type Links, type Party, abba, memoryLinks, mvba, once } from "../../src/agreement/index.js";
import { utf8 } from "../../src/core/bytes.js";
import { AgreementVariantError, reliableBroadcast } from "../../src/protocols/index.js";
import { at, dish, isDish, member, members, N, quiet, valueOf } from "./members.js";

const lunch = mvba({ predicate: isDish });
let open: Party[] = [];
afterEach(async () => {
  await Promise.all(open.map((party) => party.close()));
  open = [];
});

function parties(links: readonly Links[]): readonly Party[] {
  open = members(links).map(({ party }) => party);
  return open;
}

const accused = (): unknown[] => open.flatMap(({ accusations }) => accusations);

describe("multi-valued agreement", () => {
  it.each([
    ["by default", {}],
    ["in fixed order", { order: "fixed", first: 6 } as const],
    ["adaptive, on request, in parallel", { order: "adaptive", delivery: "on-request", parallel: 3 } as const],
  ])("%s decides one of the proposals, the same everywhere", async (_name, options) => {
    const agreement = mvba({ predicate: isDish, ...options });
    const decisions = await Promise.all(
      parties(memoryLinks(N)).map((party, self) => party.run("lunch/2026/11/22", agreement, dish(self))),
    );
    const values = new Set(decisions.map(valueOf));
    expect(values.size).toBe(1);
    expect([0, 1, 2, 3].map((self) => `dish: ${self}`)).toContain([...values][0]);
    expect(accused()).toEqual([]);
  });

  it.each(["fixed", "adaptive"] as const)("begins in %s order with `first`, modulo n", async (order) => {
    const agreement = mvba({ predicate: isDish, order, first: 6 });
    const [decision] = await Promise.all(
      parties(memoryLinks(N)).map((party, self) => party.run("lunch", agreement, dish(self))),
    );
    expect(decision?.candidate).toBe(2);
  });

  it("runs in many instances at once", async () => {
    const tags = ["a", "b/1", "b/2", "c"];
    const all = parties(memoryLinks(N));
    const decided = await Promise.all(
      tags.map(async (tag) => {
        const runs = all.map((party, self) => party.run(tag, lunch, dish(`${tag} of ${self}`)));
        return new Set((await Promise.all(runs)).map(valueOf));
      }),
    );
    decided.forEach((values, index) =>
      expect([...values]).toEqual([expect.stringContaining(`dish: ${tags[index]} of`)]),
    );
    expect(accused()).toEqual([]);
  });

  it("goes on without one party, and takes it in when it comes", async () => {
    const links = memoryLinks(N);
    const first = parties(links.slice(0, 3));
    const decisions = await Promise.all(first.map((party, self) => party.run("lunch", lunch, dish(self))));
    const { party: late } = member(3, at(links, 3));
    open = [...first, late];
    await quiet();
    expect(valueOf(await late.run("lunch", lunch, dish("late")))).toBe(valueOf(at(decisions, 0)));
    expect(accused()).toEqual([]);
  });

  it.each([-1, 0.5, Number.NaN])("has no first=%d", (first) => {
    expect(() => mvba({ predicate: isDish, first })).toThrow(`first=${first}`);
  });

  it.each<[object, string]>([
    [{ order: "nope" }, "order=nope is none of fixed, random, adaptive"],
    [{ order: null }, "order=null is none of"],
    [{ delivery: "nope" }, "delivery=nope is none of full, on-request"],
    [{ parallel: "2" }, "parallel=2 is not within 1..16"],
  ])("has no %j", (options, message) => {
    const create = (): unknown => mvba({ predicate: isDish, ...options });
    expect(create).toThrow(AgreementVariantError);
    expect(create).toThrow(message);
  });

  it("has no parallel=17", () => {
    expect(() => mvba({ predicate: isDish, parallel: 17 })).toThrow("parallel=17 is not within 1..16");
  });
});

describe("binary agreement", () => {
  const proof = utf8("signed by the cook");
  const isServed = abba({ predicate: (value, given) => value === 0 || given.length === proof.length });

  it("decides 1 when all propose it, with a proof", async () => {
    const runs = parties(memoryLinks(N)).map((party) => party.run("served", isServed, { value: 1, proof }));
    const decisions = await Promise.all(runs);
    for (const { value, proof: proven } of decisions) expect({ value, proven }).toEqual({ value: 1, proven: proof });
  });

  it("decides 0 when nobody can prove 1", async () => {
    const nothing = new Uint8Array(0);
    const runs = parties(memoryLinks(N)).map((party) => party.run("served", isServed, { value: 0, proof: nothing }));
    expect((await Promise.all(runs)).map(({ value }) => value)).toEqual([0, 0, 0, 0]);
  });

  it("decides the same when the parties differ", async () => {
    const runs = parties(memoryLinks(N)).map((party, self) =>
      party.run("served", isServed, { value: self % 2 === 0 ? 0 : 1, proof }),
    );
    expect(new Set((await Promise.all(runs)).map(({ value }) => value)).size).toBe(1);
    expect(accused()).toEqual([]);
  });
});

it("any other protocol runs until its first output", async () => {
  const broadcast = once(
    reliableBroadcast({ sender: 1, dissemination: "full", maxBytes: 100, fault: () => undefined }),
  );
  const runs = parties(memoryLinks(N)).map((party, self) =>
    party.run("news", broadcast, self === 1 ? utf8("soup") : undefined),
  );
  expect(await Promise.all(runs)).toEqual(Array.from({ length: N }, () => utf8("soup")));
});
