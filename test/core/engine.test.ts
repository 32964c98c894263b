/** What the engine promises to every protocol, whatever it does. */
import { expect, test } from "vitest";
import { struct } from "../../src/core/codec.js";
import { type Channel, Engine } from "../../src/core/engine.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { Child, Protocol, Scope } from "../../src/core/protocol.js";
import { mockSuite } from "../../src/sim/mock-suite.js";

const message = struct({});
type Silent = ReturnType<typeof message.read>;

/** A channel that says nothing: `build` makes its children, and what comes back is done on its input. */
function run(build: (scope: Scope<Silent, string>) => () => void): readonly unknown[] {
  const group = thresholdGroup({ n: 4, byzantine: 1 });
  const channel: Channel<Silent, string, undefined> = {
    message,
    start: (scope) => ({
      input: build(scope),
      receive: () => undefined,
      configure: () => undefined,
      inspect: () => undefined,
    }),
  };
  const engine = new Engine({
    self: 0,
    cluster: new Uint8Array(32),
    group,
    suite: mockSuite(group, 0, 1),
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
