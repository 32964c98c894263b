import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LINK_VERSION, type LinkFrame, linkFrameCodec } from "../../src/agreement/link-frames.js";
import { encode } from "../../src/core/codec.js";
import { MemoryConnection } from "../support/memory-connection.js";
import { LinkPair, EPOCH } from "./link-pair.js";
import { CLUSTER } from "./members.js";

const tags = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => `m/${from + i}`);

describe("a link", () => {
  it("carries what was said before and after it was connected, in order", () => {
    const link = new LinkPair();
    link.say(...tags(1, 3));
    const pair = link.connect();
    pair.settle();
    link.say(...tags(4, 5));
    pair.settle();
    expect(link.heard).toEqual(tags(1, 5));
  });

  it("goes on where it broke", () => {
    const link = new LinkPair();
    link.say(...tags(1, 3));
    const first = link.connect();
    first.settle();
    link.say(...tags(4, 9));
    for (let moved = 0; moved < 3; moved++) first.step(first.right);
    first.break();
    expect(link.heard).toEqual(tags(1, 6));
    link.connect().settle();
    expect(link.heard).toEqual(tags(1, 9));
  });

  it("takes nothing from a connection that another one has replaced", () => {
    const link = new LinkPair();
    link.say(...tags(1, 3));
    const peer = { kind: "party", party: 1 } as const;
    const [old, current] = [new MemoryConnection(peer, 1000), new MemoryConnection(peer, 1000)];
    const speaking = link.speaker.open(old);
    link.speaker.open(current);
    speaking.onFrame(encode(linkFrameCodec, { kind: "resume", after: 0, ask: 1 }));
    // The greeting.
    expect(current.sent).toBe(1);
    const hearing = link.hearer.open(old);
    link.hearer.open(current);
    hearing.onFrame(encode(linkFrameCodec, { kind: "hello", version: LINK_VERSION, cluster: CLUSTER, epoch: EPOCH }));
    expect(current.sent).toBe(1);
    expect(link.faults).toEqual([]);
  });

  it("repeats what is not retired, on request", () => {
    const link = new LinkPair();
    link.say("a/1", "b/1", "a/2");
    const pair = link.connect();
    pair.settle();
    link.speaker.retire("a");
    link.hearer.askRepeat();
    pair.settle();
    expect(link.heard).toEqual(["a/1", "b/1", "a/2", "b/1"]);
  });

  it("loses nothing of what is asked for, whenever it breaks", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom("say", "ask", "break"), fc.nat(9)), { maxLength: 60, size: "max" }),
        fc.constantFrom(1, 200, 1024 * 1024),
        (events, bufferBytes) => {
          const link = new LinkPair({ bufferBytes });
          let pair = link.connect();
          let said = 0;
          /** What must come after the last request: everything. */
          let asked = 0;
          for (const event of events) {
            if (event === "say") link.say(`m/${++said}`);
            else if (event === "ask") {
              asked = link.heard.length;
              link.hearer.askRepeat();
            } else if (event === "break") {
              pair.break();
              pair = link.connect();
            } else for (let moves = 0; moves < event; moves++) pair.stepAny(moves % 2 === 0 ? pair.left : pair.right);
          }
          pair.settle();
          expect(new Set(link.heard.slice(asked))).toEqual(new Set(tags(1, said)));
          expect(link.faults).toEqual([]);
          expect(pair.left.overruns).toBe(0);
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });

  it("hears a peer that has started again from its first message on", () => {
    const link = new LinkPair();
    link.say(...tags(1, 3));
    link.connect().settle();
    const { say, asked } = link.impersonateSpeaker();
    say({ kind: "hello", version: LINK_VERSION, cluster: CLUSTER, epoch: EPOCH });
    say({ kind: "hello", version: LINK_VERSION, cluster: CLUSTER, epoch: new Uint8Array(16).fill(2) });
    expect(asked).toEqual([3]);
    const again = link.impersonateSpeaker();
    again.say({ kind: "hello", version: LINK_VERSION, cluster: CLUSTER, epoch: new Uint8Array(16).fill(2) });
    expect(again.asked).toEqual([0]);
  });
});

describe("a hostile dialler", () => {
  const hello: LinkFrame = { kind: "hello", version: LINK_VERSION, cluster: CLUSTER, epoch: EPOCH };
  const message: LinkFrame = { kind: "message", number: 1, envelope: { tag: "a", body: new Uint8Array(0) } };

  /** What the acceptor finds, and whether it closes. */
  function found(...frames: readonly (LinkFrame | Uint8Array)[]): { faults: readonly string[]; isClosed: boolean } {
    const link = new LinkPair();
    const { pair, say } = link.impersonateSpeaker();
    for (const frame of frames) say(frame);
    return { faults: link.faults, isClosed: pair.isBroken };
  }

  it.each<[string, readonly (LinkFrame | Uint8Array)[], string]>([
    ["no frame", [Uint8Array.of(9)], "malformed-frame"],
    ["a message before the greeting", [message], "unexpected-frame"],
    ["another version", [{ ...hello, version: 2 }], "wrong-version"],
    ["another cluster", [{ ...hello, cluster: new Uint8Array(32) }], "wrong-cluster"],
    ["two greetings", [hello, hello], "unexpected-frame"],
    ["a frame of the other direction", [hello, { kind: "resume", after: 0, ask: 1 }], "unexpected-frame"],
    ["an answer that nobody asked for", [hello, { kind: "from", ask: 2 }], "unexpected-frame"],
    ["two answers", [hello, { kind: "from", ask: 1 }, { kind: "from", ask: 1 }], "unexpected-frame"],
  ])("with %s is accused, and its connection closed", (_name, frames, fault) => {
    const { faults, isClosed } = found(...frames);
    expect(faults).toEqual([expect.stringContaining(fault)]);
    expect(isClosed).toBe(true);
  });

  it("that keeps to the frames is not", () => {
    expect(found(hello, { kind: "from", ask: 1 }, message, message).faults).toEqual([]);
  });
});

describe("a hostile acceptor", () => {
  it.each<[string, readonly (LinkFrame | Uint8Array)[], string]>([
    ["no frame", [Uint8Array.of(9)], "malformed-frame"],
    ["what it cannot have heard", [{ kind: "resume", after: 4, ask: 1 }], "impossible-resume"],
    ["a frame of the other direction", [{ kind: "from", ask: 1 }], "unexpected-frame"],
  ])("with %s is accused, and its connection closed", (_name, frames, fault) => {
    const link = new LinkPair();
    link.say(...tags(1, 3));
    const pair = link.connect();
    for (const frame of frames) pair.right.send(frame instanceof Uint8Array ? frame : encode(linkFrameCodec, frame));
    pair.settle();
    expect(link.faults).toEqual([`speaker: ${fault}`]);
    expect(pair.isBroken).toBe(true);
    expect(link.heard).toEqual([]);
  });

  it("that asks again and again makes nobody write more than the connection takes", () => {
    const link = new LinkPair({ bufferBytes: 100 });
    link.say(...tags(1, 20));
    const pair = link.connect();
    for (let count = 0; count < 50; count++) {
      pair.right.send(encode(linkFrameCodec, { kind: "resume", after: 0, ask: count }));
      pair.step(pair.left);
    }
    expect(pair.left.queuedBytes).toBeLessThan(2000);
  });
});
