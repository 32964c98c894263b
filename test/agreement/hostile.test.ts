/** Party 3 is ours: it hears what the others say, and says bytes of our own. */
import { afterEach, describe, expect, it } from "vitest";
import { ClosedError, type Links, type Party, abba, memoryLinks, mvba } from "../../src/agreement/index.js";
import { encode } from "../../src/core/codec.js";
import type { PartyId } from "../../src/core/party-set.js";
import { utf8 } from "../../src/core/bytes.js";
import { consistentBroadcastMessageCodec } from "../../src/protocols/index.js";
import { Random } from "../../src/sim/random.js";
import { type Member, at, dish, isDish, members, N, quiet, valueOf } from "./members.js";

const HONEST = [0, 1, 2];
const LIAR = 3;
let open: Party[] = [];
afterEach(async () => {
  await Promise.all(open.map((party) => party.close()));
  open = [];
});

/** Three honest parties, and the links of the liar. */
function besieged(options: Parameters<typeof members>[1] = {}): { honest: readonly Member[]; liar: Links } {
  const links = memoryLinks(N);
  const honest = members(links.slice(0, LIAR), options);
  open = honest.map(({ party }) => party);
  return { honest, liar: at(links, LIAR) };
}

function sayToAll(liar: Links, tag: string, body: Uint8Array): void {
  for (const party of HONEST) liar.send(party, { tag, body });
}

function propose(liar: Links, tag: string, value: Uint8Array): void {
  sayToAll(liar, `${tag}/proposal/${LIAR}`, encode(consistentBroadcastMessageCodec, { kind: "send", message: value }));
}

const accused = (): PartyId[] => open.flatMap(({ accusations }) => accusations.map(({ party }) => party));

describe("a lying party", () => {
  it("gets nothing decided that the predicate refuses, and is accused alone", async () => {
    const { honest, liar } = besieged();
    propose(liar, "lunch", utf8("poison"));
    const runs = honest.map(({ party }, self) => party.run("lunch", mvba({ predicate: isDish }), dish(self)));
    const decisions = (await Promise.all(runs)).map(valueOf);
    expect(new Set(decisions).size).toBe(1);
    expect(decisions[0]).toMatch(/^dish: [012]$/);
    await quiet();
    for (const { accusations } of open)
      expect(accusations).toEqual([
        { party: LIAR, fault: "invalid-proposal", tag: `lunch/proposal/${LIAR}`, count: 1 },
      ]);
  });

  it("stops nobody by what it says under any tag, before, during and after", async () => {
    const tags = ["lunch", "lunch/aba/1/0", "lunch/proposal/3", "lunch/x", "other", "No Tag", "", "/", "lunch/"];
    for (let seed = 1; seed <= 8; seed++) {
      const { honest, liar } = besieged();
      const random = new Random(seed);
      const babble = (): void => {
        for (let count = 0; count < 20; count++) sayToAll(liar, random.pick(tags), random.bytes(random.below(90)));
      };
      babble();
      const runs = honest.map(({ party }, self) => party.run("lunch", mvba({ predicate: isDish }), dish(self)));
      babble();
      const decisions = await Promise.all(runs);
      babble();
      await quiet(20);
      expect(new Set(decisions.map(valueOf)).size).toBe(1);
      expect(accused().length).toBeGreaterThanOrEqual(HONEST.length);
      expect(new Set(accused())).toEqual(new Set([LIAR]));
      expect(honest.flatMap(({ errors }) => errors)).toEqual([]);
    }
  });

  it("has no vote for a bit that it cannot prove", async () => {
    const { honest, liar } = besieged();
    const isServed = abba({ predicate: (value, proof) => value === 0 || proof.length > 0 });
    sayToAll(liar, "served", Uint8Array.of(0, 0, 0, 0, 1, 1));
    const input = { value: 0, proof: new Uint8Array(0) } as const;
    const decisions = await Promise.all(honest.map(({ party }) => party.run("served", isServed, input)));
    expect(decisions.map(({ value }) => value)).toEqual([0, 0, 0]);
    expect(new Set(accused())).toEqual(new Set([LIAR]));
  });
});

describe("a predicate that throws", () => {
  const parse = (value: Uint8Array): boolean => {
    if (value.length === 6) throw new SyntaxError("cannot read that");
    return isDish(value);
  };

  it("is reported, refuses the value, and accuses nobody", async () => {
    const { honest, liar } = besieged();
    propose(liar, "lunch", utf8("poison"));
    const runs = honest.map(({ party }, self) => party.run("lunch", mvba({ predicate: parse }), dish(self)));
    expect((await Promise.all(runs)).map(valueOf)).not.toContain("poison");
    await quiet();
    for (const { errors } of honest)
      expect(errors).toEqual([{ error: new SyntaxError("cannot read that"), tag: "lunch" }]);
    expect(accused()).toEqual([]);
  });

  it("at one party alone costs it neither its own proposal nor an honest party's name", async () => {
    const links = memoryLinks(N);
    const all = members(links);
    open = all.map(({ party }) => party);
    let calls = 0;
    const flaky = (value: Uint8Array): boolean => {
      // The first call is for its own proposal.
      if (++calls > 1) throw new Error("the disk is full");
      return isDish(value);
    };
    const runs = all.map(({ party }, self) =>
      party.run("lunch", mvba({ predicate: self === 0 ? flaky : isDish, order: "fixed" }), dish(self)),
    );
    expect((await Promise.all(runs)).map(valueOf)).toEqual(runs.map(() => "dish: 0"));
    expect(at(all, 0).errors.length).toBeGreaterThan(0);
    expect(accused()).toEqual([]);
  });

  it("in binary agreement may cost that party the decision, too", async () => {
    const all = members(memoryLinks(N));
    open = all.map(({ party }) => party);
    let calls = 0;
    const flaky = (): boolean => {
      if (++calls > 1) throw new Error("the disk is full");
      return true;
    };
    const runs = all.map(({ party }, self) =>
      party.run("served", abba({ predicate: self === 0 ? flaky : () => true }), {
        value: 1,
        proof: Uint8Array.of(self),
      }),
    );
    expect((await Promise.all(runs.slice(1))).map(({ value }) => value)).toEqual([1, 1, 1]);
    await quiet();
    await at(open, 0).close();
    await expect(runs[0]).rejects.toThrow(ClosedError);
    expect(at(all, 0).errors.length).toBeGreaterThan(0);
    expect(accused()).toEqual([]);
  });

  it("is one that returns a promise: it would take everything", async () => {
    const { honest, liar } = besieged();
    // As plain JavaScript lets it pass.
    const wrong = ((value: Uint8Array) => (isDish(value) ? true : Promise.resolve(false))) as typeof isDish;
    propose(liar, "lunch", utf8("poison"));
    const runs = honest.map(({ party }, self) => party.run("lunch", mvba({ predicate: wrong }), dish(self)));
    expect((await Promise.all(runs)).map(valueOf)).not.toContain("poison");
    await quiet();
    for (const { errors } of honest)
      expect(errors.map(({ error }) => String(error))).toEqual([
        "TypeError: the predicate returned no boolean: object",
      ]);
  });
});

describe("early messages", () => {
  it("of a flood are kept up to the bound, and cost others nothing", async () => {
    const { honest, liar } = besieged({ maxEarlyBytes: 10_000 });
    for (let count = 0; count < 100; count++) sayToAll(liar, `other/${count}`, new Uint8Array(900));
    for (let count = 0; count < 1000; count++) sayToAll(liar, "lunch/x", new Uint8Array(0));
    await quiet();
    for (const party of open) {
      expect(party.earlyBytes(LIAR)).toBeGreaterThan(5_000);
      expect(party.earlyBytes(LIAR)).toBeLessThanOrEqual(10_000);
      expect(party.earlyBytes(0)).toBe(0);
    }
    const runs = honest.map(({ party }, self) => party.run("lunch", mvba({ predicate: isDish }), dish(self)));
    expect(new Set((await Promise.all(runs)).map(valueOf)).size).toBe(1);
  });

  it("of honest parties that had no room are said again when the instance starts", async () => {
    const all = members(memoryLinks(N), { maxEarlyBytes: 600 });
    open = all.map(({ party }) => party);
    const lunch = mvba({ predicate: isDish });
    const before = all.slice(0, 3).map(({ party }, self) => party.run("lunch", lunch, dish(self)));
    const [decision] = await Promise.all(before);
    await quiet();
    const { party: late } = at(all, 3);
    for (const party of HONEST) expect(late.earlyBytes(party)).toBeLessThanOrEqual(600);
    expect(await late.run("lunch", lunch, dish("late"))).toMatchObject({ value: decision?.value });
    expect(accused()).toEqual([]);
  });

  it("of an instance that starts do not stay", async () => {
    const all = members(memoryLinks(N));
    open = all.map(({ party }) => party);
    const lunch = mvba({ predicate: isDish });
    const runs = all.slice(0, 3).map(({ party }, self) => party.run("lunch", lunch, dish(self)));
    await Promise.all(runs);
    await quiet();
    const { party: late } = at(all, 3);
    expect(late.earlyBytes(0)).toBeGreaterThan(0);
    await late.run("lunch", lunch, dish("late"));
    for (const party of HONEST) expect(late.earlyBytes(party)).toBe(0);
  });
});
