/** What the engine promises to every protocol, whatever it does. */
import { describe, expect, test } from "vitest";
import { struct } from "../../src/core/codec.js";
import { type Channel, Engine } from "../../src/core/engine.js";
import type { Endorsement, Evidence } from "../../src/core/evidence.js";
import { type Group, thresholdGroup } from "../../src/core/group.js";
import type { Child, Protocol, Scope } from "../../src/core/protocol.js";
import type { Suite } from "../../src/core/suite.js";
import { mockSuite } from "../../src/sim/mock-suite.js";

const message = struct({});
type Silent = ReturnType<typeof message.read>;

/** A channel that says nothing: `build` makes its children, and what comes back is done on its input. */
function run(
  build: (scope: Scope<Silent, string>) => () => void,
  suiteOf: (group: Group) => Suite = (group) => mockSuite(group, 0, 1),
): readonly unknown[] {
  const group = thresholdGroup({ n: 4, byzantine: 1 });
  const channel: Channel<Silent, string, undefined> = {
    message,
    start: (scope) => ({
      input: build(scope),
      receive: () => undefined,
      configure: () => undefined,
      clock: () => undefined,
      checkpoint: () => undefined,
      inspect: () => undefined,
    }),
  };
  const engine = new Engine({
    self: 0,
    cluster: new Uint8Array(32),
    group,
    suite: suiteOf(group),
    signed: { get: () => undefined },
    channels: { root: channel },
  });
  engine.start();
  return engine.step({ kind: "submit", channel: "root", payload: new Uint8Array(0) });
}

/** Outputs its input. */
const echo: Protocol<string, Silent, string> = {
  message,
  start: (scope) => ({ input: (value) => scope.output(value), receive: () => undefined }),
};

/** Gives its input as evidence. */
const witness: Protocol<Omit<Evidence, "tag"> & { readonly slot: string }, Silent, never> = {
  message,
  start: (scope) => ({
    input: ({ party, slot, ...contradiction }) => scope.evidence(party, slot, contradiction),
    receive: () => undefined,
  }),
};

/** Has an echo below it, and shows in `heard` what that said; its own input goes there. */
function parent(heard: string[]): Protocol<string, Silent, never> {
  return {
    message,
    start(scope) {
      const child: Child<string> = scope.spawn("echo", echo, (value) => void heard.push(value));
      return { input: (value) => child.input(value), receive: () => undefined };
    },
  };
}

test("a parent hears its child's outputs, in their order", () => {
  const heard: string[] = [];
  run((scope) => {
    const child = scope.spawn("parent", parent(heard), () => undefined);
    return () => ["one", "two"].forEach((value) => child.input(value));
  });
  expect(heard).toEqual(["one", "two"]);
});

test("a parent that was closed hears nothing of a child, not even what it had said before", () => {
  const heard: string[] = [];
  run((scope) => {
    const child = scope.spawn("parent", parent(heard), () => undefined);
    return () => {
      child.input("on its way");
      child.close();
    };
  });
  expect(heard).toEqual([]);
});

test("a parent hears what a child said before it closed the child", () => {
  const heard: string[] = [];
  run((scope) => {
    const child = scope.spawn("echo", echo, (value) => void heard.push(value));
    return () => {
      child.input("last words");
      child.close();
    };
  });
  expect(heard).toEqual(["last words"]);
});

describe("evidence", () => {
  const signed = { body: new Uint8Array(1), signature: new Uint8Array(64) };
  const other = { body: new Uint8Array(2), signature: new Uint8Array(64) };
  const votes = { as: "quorum", purpose: "vote", first: signed, second: other } as const;

  test("is an effect once for each party and slot, while the instance lives", () => {
    const effects = run((scope) => () => {
      const child = scope.spawn("witness", witness, () => undefined);
      for (const slot of ["one", "two", "one"]) child.input({ party: 1, slot, ...votes });
      child.input({ party: 2, slot: "one", ...votes });
      child.close();
      scope.spawn("witness", witness, () => undefined).input({ party: 1, slot: "one", ...votes });
    });
    const evidence = (party: number): object => ({
      kind: "evidence",
      evidence: { party, tag: "root/witness", ...votes },
    });
    expect(effects).toEqual([evidence(1), evidence(1), evidence(2), evidence(1)]);
  });

  test("is nothing where others can make a party's shares; its signature is one all the same", () => {
    const give = (as: Endorsement) =>
      run(
        (scope) => () => scope.evidence(1, "slot", { ...votes, as }),
        (group) => mockSuite(group, 0, 1, { certificates: "one" }),
      );
    expect(give("quorum")).toEqual([]);
    expect(give("broadcast")).toEqual([]);
    expect(give("signature")).toMatchObject([{ kind: "evidence", evidence: { as: "signature", tag: "root" } }]);
  });
});

test("the root's output is an effect, and two instances have no tag in common", () => {
  const output = run((scope) => () => scope.output("done"));
  expect(output).toEqual([{ kind: "output", channel: "root", value: "done" }]);
  const twice = (): unknown =>
    run((scope) => {
      scope.spawn("echo", echo, () => undefined);
      return () => void scope.spawn("echo", echo, () => undefined);
    });
  expect(twice).toThrow("instance root/echo started twice");
});

test("what is said to be bulk leaves as bulk, and nothing else does", () => {
  const effects = run((scope) => () => {
    scope.broadcast({}, { isBulk: true });
    scope.send(2, {});
    scope.send(3, {}, { isBulk: true });
  });
  const body = new Uint8Array(0);
  const envelope = { tag: "root", body };
  expect(effects).toEqual([
    ...[1, 2, 3].map((to) => ({ kind: "send", to, envelope, isBulk: true })),
    { kind: "send", to: 2, envelope },
    { kind: "send", to: 3, envelope, isBulk: true },
  ]);
});
