/** What a caller may do with a party, and what it hears when that does not work. */
import { afterEach, describe, expect, it } from "vitest";
import {
  ClosedError,
  type Links,
  LinksError,
  type Party,
  ProposalError,
  SuiteError,
  TagError,
  abba,
  createParty,
  memoryLinks,
  mvba,
  once,
} from "../../src/agreement/index.js";
import { utf8 } from "../../src/core/bytes.js";
import { reliableBroadcast } from "../../src/protocols/index.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { CLUSTER, GROUP, N, at, dish, isDish, member, members, quiet, valueOf } from "./members.js";

const lunch = mvba({ predicate: isDish });
let open: Party[] = [];
afterEach(async () => {
  await Promise.all(open.map((party) => party.close()));
  open = [];
});

function alone(): Party {
  const { party } = member(0, at(memoryLinks(N), 0));
  open.push(party);
  return party;
}

describe("a proposal", () => {
  const threw = new Error("no");
  it.each<[string, () => ReturnType<Party["run"]>, string, unknown]>([
    ["that the own predicate refuses", () => alone().run("a", lunch, utf8("poison")), "does not satisfy", undefined],
    [
      "on which it throws",
      () => {
        const predicate = (): boolean => {
          throw threw;
        };
        return alone().run("a", mvba({ predicate }), dish("soup"));
      },
      "threw",
      threw,
    ],
    ["that is too long", () => alone().run("a", lunch, new Uint8Array(2 * 1024 * 1024 + 1)), "2097152 are", undefined],
    [
      "of a bit without proof",
      () => alone().run("a", abba({ predicate: (value) => value === 0 }), { value: 1, proof: dish("x") }),
      "does not satisfy",
      undefined,
    ],
  ])("%s is not made", async (_name, run, message, cause) => {
    const failed = await run().catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ProposalError);
    expect(failed).toMatchObject({ message: expect.stringContaining(message) as string });
    expect((failed as ProposalError).cause).toBe(cause);
  });

  // As plain JavaScript lets it pass.
  const anything = mvba({ predicate: () => true }) as { run?: never } & ReturnType<typeof mvba>;
  const anyBit = abba({ predicate: () => true });
  it.each<[string, unknown, string]>([
    ["text", "hello", "no Uint8Array: string"],
    ["an array", [1, 2], "no Uint8Array: object"],
    ["other views", new Uint16Array(2), "no Uint8Array: object"],
    ["a buffer without a view", new ArrayBuffer(2), "no Uint8Array: object"],
    ["null", null, "no Uint8Array: null"],
    ["nothing", undefined, "no Uint8Array: undefined"],
  ])("that is %s is not made", async (_name, given, message) => {
    const asValue = alone().run("a", anything, given as Uint8Array);
    await expect(asValue).rejects.toThrow(ProposalError);
    await expect(asValue).rejects.toThrow(`the proposal is ${message}`);
    const asProof = alone().run("a", anyBit, { value: 1, proof: given as Uint8Array });
    await expect(asProof).rejects.toThrow(ProposalError);
    await expect(asProof).rejects.toThrow(`the proof is ${message}`);
  });

  it.each([2, -1, 0.5, true, "1", undefined])("of the bit %s is not made", async (value) => {
    const run = alone().run("a", anyBit, { value: value as 0, proof: new Uint8Array(0) });
    await expect(run).rejects.toThrow(ProposalError);
  });

  it("that was refused leaves the tag free, and nothing was said", async () => {
    const links = memoryLinks(N);
    const all = members(links);
    open = all.map(({ party }) => party);
    await expect(at(open, 0).run("lunch", lunch, utf8("poison"))).rejects.toThrow(ProposalError);
    const decisions = await Promise.all(open.map((party, self) => party.run("lunch", lunch, dish(self))));
    expect(new Set(decisions.map(valueOf)).size).toBe(1);
    expect(open.flatMap(({ accusations }) => accusations)).toEqual([]);
  });
});

describe("a tag", () => {
  it.each(["", "Lunch", "a//b", "a/", "2026-11-22", "a/01", "a b", "x".repeat(161)])("is not %j", async (tag) => {
    await expect(alone().run(tag, lunch, dish("soup"))).rejects.toThrow(TagError);
  });

  it("has 128 bytes at most, which is said, and leaves room for what every protocol puts below it", async () => {
    const longest = (name: string): string => `${name}/${"x".repeat(127 - name.length)}`;
    for (const tag of [`${longest("a")}x`, "x".repeat(150), "x".repeat(160), "x".repeat(1000)]) {
      const run = alone().run(tag, lunch, dish("soup"));
      await expect(run).rejects.toThrow(TagError);
      await expect(run).rejects.toThrow(`the tag has ${tag.length} bytes, 128 are the most`);
    }
    open = members(memoryLinks(N)).map(({ party }) => party);
    const isServed = abba({ predicate: () => true });
    const news = once(reliableBroadcast({ sender: 0, dissemination: "coded", maxBytes: 9, fault: () => undefined }));
    await Promise.all(
      open.flatMap((party, self) => [
        party.run(longest("a"), lunch, dish(self)),
        party.run(longest("b"), isServed, { value: 1, proof: new Uint8Array(0) }),
        party.run(longest("c"), news, self === 0 ? utf8("soup") : undefined),
      ]),
    );
  });

  it("is used once, and stands neither above nor below another", async () => {
    const party = alone();
    const runs = [party.run("a/b", lunch, dish("soup"))];
    for (const tag of ["a/b", "a", "a/b/proposal/0", "a/b/1"])
      await expect(party.run(tag, lunch, dish("soup"))).rejects.toThrow(TagError);
    for (const tag of ["a/c", "ab", "b/a/b"]) runs.push(party.run(tag, lunch, dish("soup")));
    party.leave("a/b");
    await expect(party.run("a/b", lunch, dish("soup"))).rejects.toThrow("a/b was used before");
    await party.close();
    for (const run of runs) await expect(run).rejects.toThrow(ClosedError);
  });
});

describe("leaving", () => {
  it("before the decision rejects, and takes nothing from the others", async () => {
    open = members(memoryLinks(N)).map(({ party }) => party);
    const runs = open.map((party, self) => party.run("lunch", lunch, dish(self)));
    at(open, 0).leave("lunch");
    await expect(at(runs, 0)).rejects.toThrow("lunch was closed before it decided");
    expect(new Set((await Promise.all(runs.slice(1))).map(valueOf)).size).toBe(1);
    at(open, 0).leave("lunch");
    at(open, 0).leave("unknown");
  });

  it("after the decision ends the answers to those who come later", async () => {
    const links = memoryLinks(N);
    open = members(links.slice(0, 3)).map(({ party }) => party);
    await Promise.all(open.map((party, self) => party.run("lunch", lunch, dish(self))));
    for (const party of open) party.leave("lunch");
    const { party: late } = member(3, at(links, 3), { maxEarlyBytes: 0 });
    open.push(late);
    await quiet();
    let hasDecided = false;
    const run = late.run("lunch", lunch, dish("late")).then(() => (hasDecided = true));
    await quiet();
    expect(hasDecided).toBe(false);
    await late.close();
    await expect(run).rejects.toThrow(ClosedError);
  });

  it("by a signal rejects with its reason", async () => {
    open = members(memoryLinks(N)).map(({ party }) => party);
    const [early, late, aborted] = [
      new AbortController(),
      new AbortController(),
      AbortSignal.abort(new Error("never")),
    ];
    const all = (tag: string, signal: AbortSignal): readonly Promise<unknown>[] =>
      open.map((party, self) => party.run(tag, lunch, dish(self), self === 0 ? { signal } : {}));
    const first = all("first", early.signal);
    early.abort(new Error("hungry"));
    await expect(first[0]).rejects.toThrow("hungry");
    await Promise.all(first.slice(1));

    await Promise.all(all("second", late.signal));
    late.abort();
    await expect(open[0]?.run("third", lunch, dish("x"), { signal: aborted })).rejects.toThrow("never");
  });

  it("is not what a signal does after the decision: who comes later is still answered", async () => {
    const links = memoryLinks(N);
    open = members(links.slice(0, 3)).map(({ party }) => party);
    const controller = new AbortController();
    const { signal } = controller;
    const runs = open.map((party, self) => party.run("lunch", lunch, dish(self), self === 0 ? { signal } : {}));
    const [decision] = await Promise.all(runs);
    controller.abort();
    for (const party of open.slice(1)) party.leave("lunch");
    const { party: last } = member(3, at(links, 3), { maxEarlyBytes: 0 });
    open.push(last);
    await quiet();
    expect(await last.run("lunch", lunch, dish("late"))).toMatchObject({ value: decision?.value });
  });

  it("a signal with a reason that is no error rejects with one", async () => {
    const controller = new AbortController();
    const run = alone().run("lunch", lunch, dish("soup"), { signal: controller.signal });
    controller.abort("hungry");
    const error = await run.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClosedError);
    expect((error as ClosedError).cause).toBe("hungry");
  });

  it("from within the predicate says nothing more", async () => {
    const links = memoryLinks(N);
    const own = at(links, 0);
    let hasLeft = false;
    let saidAfter = 0;
    const watched: Links = {
      open: (handlers) => own.open(handlers),
      send: (to, envelope) => {
        if (hasLeft) saidAfter++;
        own.send(to, envelope);
      },
      retire: (tag) => own.retire(tag),
      askRepeat: (from) => own.askRepeat(from),
      close: () => own.close(),
    };
    const { party } = member(0, watched);
    const others = [1, 2, 3].map((self) => member(self, at(links, self)).party);
    open = [party, ...others];
    const predicate = (value: Uint8Array): boolean => {
      if (valueOf({ value }) !== "dish: 0") {
        hasLeft = true;
        party.leave("lunch");
      }
      return true;
    };
    const left = party.run("lunch", mvba({ predicate }), dish(0));
    const runs = others.map((other, index) => other.run("lunch", lunch, dish(index + 1)));
    await expect(left).rejects.toThrow(ClosedError);
    await Promise.all(runs);
    expect(saidAfter).toBe(0);
  });

  it("a closed party runs nothing", async () => {
    const party = alone();
    await party.close();
    await expect(party.run("lunch", lunch, dish("soup"))).rejects.toThrow("the party is closed");
  });
});

describe("a party that is broken", () => {
  it("in an instance hears of it, and the others go on", async () => {
    const links = memoryLinks(N);
    const suite = mockSuite(GROUP, 0, 1);
    const broken = new Error("the key is gone");
    const sign = (): never => {
      throw broken;
    };
    const options = { suite: { ...suite, broadcastCertifier: { ...suite.broadcastCertifier, share: sign } } };
    const first = member(0, at(links, 0), options);
    open = [first.party, ...[1, 2, 3].map((self) => member(self, at(links, self)).party)];
    const runs = open.map((party, self) => party.run("lunch", lunch, dish(self)));
    await expect(runs[0]).rejects.toBe(broken);
    expect(new Set((await Promise.all(runs.slice(1))).map(valueOf)).size).toBe(1);
    expect(open.slice(1).flatMap(({ accusations }) => accusations)).toEqual([]);
  });

  it("by its options is not made", () => {
    const links = at(memoryLinks(N), 0);
    const suite = mockSuite(GROUP, 0, 1);
    const cluster = new Uint8Array(31);
    expect(() => createParty({ self: 0, group: GROUP, suite, cluster, links })).toThrow("cluster has 31 bytes");
    for (const self of [-1, 4, 0.5])
      expect(() => createParty({ self, group: GROUP, suite, cluster: CLUSTER, links })).toThrow("is no party of 0..3");
    const text = "x".repeat(32) as unknown as Uint8Array;
    expect(() => createParty({ self: 0, group: GROUP, suite, cluster: text, links })).toThrow(
      "cluster is no Uint8Array",
    );
  });

  it("by another party's suite is not made, and its links stay free", () => {
    const [first, second] = memoryLinks(N);
    if (first === undefined || second === undefined) throw new Error("no links");
    const suite = mockSuite(GROUP, 0, 1);
    const wrong = { self: 1, group: GROUP, suite, cluster: CLUSTER, links: second };
    expect(() => createParty(wrong)).toThrow(SuiteError);
    expect(() => createParty(wrong)).toThrow("does not sign as party 1");
    open = [createParty({ ...wrong, suite: mockSuite(GROUP, 1, 1) }), createParty({ ...wrong, self: 0, links: first })];
  });

  it("on links that a party has opened, or has closed, is not made", async () => {
    const links = at(memoryLinks(N), 0);
    const { party } = member(0, links);
    expect(() => member(0, links)).toThrow(LinksError);
    await party.close();
    expect(() => member(0, links)).toThrow(LinksError);
  });
});
