import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROOFS_PER_REQUEST } from "../../src/protocols/index.js";
import { MemoryPair } from "../support/memory-connection.js";
import { envelope, frame, HELLO, LinkPair, nameOf } from "./link-pair.js";

fc.configureGlobal({ seed: 20 });

const range = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, index) => from + index);

describe("a link", () => {
  it("says nothing but hello before the welcome, then everything in order", () => {
    const link = new LinkPair();
    link.say(...range(0, 5).map((name) => envelope(1, name)));
    const pair = link.connect();
    expect(pair.left.sent).toBe(1);
    expect([link.outgoing.isUp, link.incoming.isUp]).toEqual([false, false]);
    pair.settle();
    expect([link.outgoing.isUp, link.incoming.isUp]).toEqual([true, true]);
    link.say(envelope(1, 5));
    pair.settle();
    expect(link.names).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(link.faults).toEqual([]);
    link.incoming.close();
    expect(link.incoming.isUp).toBe(false);
  });

  it("goes on where the peer heard last, whichever frame the connection broke at", () => {
    for (let moved = 0; moved <= 13; moved++) {
      const link = new LinkPair();
      link.say(...range(0, 5).map((name) => envelope(1, name)));
      const first = link.connect();
      for (let step = 0; step < moved; step++) first.stepAny();
      link.connect().settle();
      expect(link.names, `broken after ${moved} frames`).toEqual(["0", "1", "2", "3", "4"]);
    }
  });

  it("skips what was retired meanwhile, and holds no bytes of it", () => {
    const link = new LinkPair();
    link.say(envelope(1, "old"), envelope(2, "new"), envelope(10, "other"));
    link.retire("abc/1");
    expect(link.heldBytes).toBe("new;".length + "other;".length);
    link.connect().settle();
    expect(link.names).toEqual(["new", "other"]);
  });

  it("starts anew with a peer that has restarted", () => {
    const link = new LinkPair();
    link.say(envelope(1, "a"), envelope(1, "b"));
    link.connect().settle();
    const restarted = new LinkPair();
    const pair = link.connect();
    pair.right.start(restarted.incoming.open(pair.right));
    pair.settle();
    expect(restarted.names).toEqual(["a", "b"]);
    expect(link.names).toEqual(["a", "b"]);
  });

  it("does not say again what a peer has on its disk, also when the peer has restarted", () => {
    const link = new LinkPair();
    link.say(envelope(1, "a"), envelope(1, "b"));
    const first = link.connect();
    first.settle();
    link.acceptor.tick();
    first.settle();
    link.say(envelope(1, "c"));
    const restarted = new LinkPair();
    const pair = link.connect();
    pair.right.start(restarted.incoming.open(pair.right));
    pair.settle();
    expect(restarted.names).toEqual(["c"]);
  });

  it("a connection that was replaced is greeted anew, before anything else is heard", () => {
    const link = new LinkPair();
    link.say(envelope(1, "a"));
    link.connect().settle();
    const { right } = new MemoryPair({ left: { kind: "party", party: 1 }, right: { kind: "party", party: 0 } });
    link.incoming.open(right).onFrame(frame({ kind: "message", number: 2, after: 0, envelope: envelope(1, "b") }));
    expect(link.names).toEqual(["a"]);
    expect(link.faults).toEqual(["acceptor: unexpected-frame"]);
  });

  it("drops what is to be relayed while there is no connection, and takes turns with what is said when there is", () => {
    const link = new LinkPair({ bufferBytes: 1 });
    const relayed = Uint8Array.of(7);
    link.outgoing.relay(0, relayed);
    const pair = link.connect();
    pair.step(pair.right);
    pair.step(pair.left);
    for (let time = 0; time < 3; time++) link.outgoing.relay(0, relayed);
    link.say(envelope(1, "a"), envelope(1, "b"), envelope(1, "c"));
    const order: boolean[] = [];
    for (let next = pair.left.shift(); next !== undefined; next = pair.left.shift()) {
      order.push(next.length === 1);
      pair.left.notifyWritable();
    }
    expect(order).toEqual([true, false, true, false, true, false]);
    expect(link.outgoing.relayedFrames).toBe(3);
    expect(link.outgoing.relayedBytes).toBe(3);
  });

  it("hears a dialler that has restarted from its number 1 on", () => {
    const link = new LinkPair();
    const hear = (run: number, number: number, name: string): void => {
      const { right } = new MemoryPair({ left: { kind: "party", party: 1 }, right: { kind: "party", party: 0 } });
      const handlers = link.incoming.open(right);
      handlers.onFrame(frame({ ...HELLO, run }));
      if (!right.isClosed) handlers.onFrame(frame({ kind: "message", number, after: 0, envelope: envelope(1, name) }));
    };
    hear(7, 1, "a");
    hear(7, 1, "a again");
    hear(8, 1, "b");
    // Dialled by the run before, and accepted late.
    hear(7, 2, "c");
    expect(link.names).toEqual(["a", "b"]);
    expect(link.faults).toEqual([]);
  });

  it("loses nothing over breaks, retirements and requests to repeat, and repeats only when asked", () => {
    const action = fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant("say" as const), round: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 12, arbitrary: fc.record({ kind: fc.constant("move" as const), right: fc.boolean() }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant("retire" as const), round: fc.integer({ min: 1, max: 4 }) }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("connect" as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("break" as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("repeat" as const) }) },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), fc.integer({ min: 1, max: 200 }), (actions, bufferBytes) => {
        const link = new LinkPair({ bufferBytes });
        let live: string[] = [];
        let asked = false;
        let said = 0;
        for (const step of actions) {
          if (step.kind === "say") {
            live.push(`${step.round}:${said}`);
            link.say(envelope(step.round, `${step.round}:${said++}`));
          } else if (step.kind === "move") {
            if (link.pair !== undefined) link.pair.step(step.right ? link.pair.right : link.pair.left);
          } else if (step.kind === "retire") {
            link.retire(`abc/${step.round}`);
            live = live.filter((name) => !name.startsWith(`${step.round}:`));
          } else if (step.kind === "connect") {
            link.connect();
          } else if (step.kind === "break") {
            link.pair?.break();
          } else {
            asked = true;
            link.askRepeat();
          }
        }
        const pair = link.connect();
        pair.settle();
        expect(link.faults).toEqual([]);
        expect(new Set(link.names)).toEqual(new Set([...link.names, ...live]));
        expect(pair.left.overruns).toBe(0);
        if (!asked) {
          const order = link.names.map((name) => Number(name.split(":")[1]));
          expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
        }
        // Whatever happened, the link is as new: what is said now is heard once.
        link.say(envelope(4, "last"));
        pair.settle();
        expect(link.names.filter((name) => name === "last")).toEqual(["last"]);
      }),
      { numRuns: 400 },
    );
  });
});

describe("a request to repeat", () => {
  it("brings all live messages again, also those heard, and then nothing twice", () => {
    const link = new LinkPair();
    const pair = link.connect();
    link.say(envelope(1, "a"), envelope(2, "b"), envelope(3, "c"));
    pair.settle();
    link.retire("abc/2");
    link.askRepeat();
    pair.settle();
    link.say(envelope(3, "d"));
    pair.settle();
    expect(link.names).toEqual(["a", "b", "c", "a", "c", "d"]);
  });

  it("repeats what was sent since the last one, however many come", () => {
    const link = new LinkPair({ bufferBytes: 1 });
    const pair = link.connect();
    link.say(envelope(1, "a"), envelope(1, "b"));
    pair.settle();
    // The first repetition is stuck behind a full buffer.
    for (let time = 0; time < 6; time++) link.askRepeat();
    pair.settle();
    expect(link.names).toEqual(["a", "b", "a", "b", "a"]);
    link.say(envelope(1, "c"));
    pair.settle();
    expect(link.names.slice(5)).toEqual(["c"]);
  });

  it("made without a connection is answered on the next one", () => {
    const link = new LinkPair();
    link.connect().settle();
    link.say(envelope(1, "a"));
    link.pair?.settle();
    link.pair?.break();
    link.askRepeat();
    link.connect().settle();
    expect(link.names).toEqual(["a", "a"]);
  });
});

describe("proofs", () => {
  const rounds = (link: LinkPair): number[] =>
    link.heard.filter((message) => nameOf(message).startsWith("proof")).map(({ tag }) => Number(tag.split("/")[1]));

  it("are served from the peer's position on as soon as it has greeted, before messages", () => {
    const link = new LinkPair();
    link.diallerRound = 6;
    link.acceptorRound = 3;
    link.say(envelope(6, "live"));
    link.connect().settle();
    expect(link.names).toEqual(["proof-3", "proof-4", "proof-5", "live"]);
  });

  it("that the archive has lost are no reason to go on as if nothing were", () => {
    const link = new LinkPair();
    link.diallerRound = 6;
    link.acceptorRound = 3;
    link.lostProofs.add(4);
    link.connect().settle();
    expect(link.damage).toEqual(["no proof of round 4"]);
    expect(link.names).toEqual(["proof-3"]);
    expect(link.faults).toEqual([]);
  });

  it("are not more than PROOFS_PER_REQUEST for one request", () => {
    const link = new LinkPair();
    link.diallerRound = 100;
    const pair = link.connect();
    pair.settle();
    expect(rounds(link)).toEqual(range(1, 1 + PROOFS_PER_REQUEST));
    link.askProofs("abc", 50);
    pair.settle();
    expect(rounds(link).slice(PROOFS_PER_REQUEST)).toEqual(range(50, 50 + PROOFS_PER_REQUEST));
  });

  it.each([
    ["round 0", 0, range(1, PROOFS_PER_REQUEST)],
    ["the current round", 100, []],
    ["a round that is far ahead", Number.MAX_SAFE_INTEGER, []],
    ["the last decided round", 99, [99]],
  ])("asked from %s on are those that exist", (_, round, expected) => {
    const link = new LinkPair();
    link.diallerRound = 100;
    link.acceptorRound = 100;
    const pair = link.connect();
    pair.settle();
    link.askProofs("abc", round);
    pair.settle();
    expect(rounds(link)).toEqual(expected);
    expect(link.faults).toEqual([]);
  });

  it("asked for while others are on the way are all served: the peer will not ask for them again", () => {
    for (const round of [5, 16, 17, 40]) {
      const link = new LinkPair({ bufferBytes: 1 });
      link.diallerRound = 100;
      const pair = link.connect();
      pair.step(pair.right);
      pair.step(pair.left);
      // Serving 1 to 16, with a full buffer after the first.
      link.askProofs("abc", round);
      while (pair.step(pair.left));
      pair.settle();
      expect(rounds(link)).toEqual(expect.arrayContaining(range(round, round + PROOFS_PER_REQUEST)));
      expect(rounds(link).length).toBeLessThanOrEqual(2 * PROOFS_PER_REQUEST);
      expect(new Set(rounds(link)).size).toBe(rounds(link).length);
    }
  });

  it("come once, over any number of connections", () => {
    const link = new LinkPair();
    link.diallerRound = 3;
    link.say(envelope(3, "a"));
    for (let time = 0; time < 3; time++) link.connect().settle();
    expect(link.names).toEqual(["proof-1", "proof-2", "a"]);
  });

  it("come before messages also when these were lost on an earlier connection", () => {
    const link = new LinkPair();
    link.diallerRound = 4;
    link.acceptorRound = 4;
    link.say(envelope(4, "a"));
    const first = link.connect();
    first.step(first.right);
    first.step(first.left);
    link.acceptorRound = 2;
    link.connect().settle();
    expect(link.names).toEqual(["proof-2", "proof-3", "a"]);
  });

  it("that the peer has left behind are not sent any more", () => {
    const link = new LinkPair({ bufferBytes: 1 });
    link.diallerRound = 10;
    const pair = link.connect();
    pair.step(pair.right);
    pair.step(pair.left);
    link.askProofs("abc", 8);
    // A request that was overtaken on its way tells nothing.
    link.askProofs("abc", 4);
    pair.settle();
    expect(rounds(link)).toEqual([1, 8, 9]);
  });
});

describe("back-pressure", () => {
  it("a peer that does not read costs what live instances say, and gets no more than its buffer", () => {
    const link = new LinkPair({ bufferBytes: 1000 });
    const pair = link.connect();
    pair.settle();
    pair.right.pause();
    for (let round = 1; round <= 200; round++) {
      for (let message = 0; message < 5; message++) link.say(envelope(round, message, 100));
      if (round > 2) link.retire(`abc/${round - 2}`);
      expect(link.heldBytes).toBeLessThanOrEqual(3 * 5 * 102);
      expect(pair.left.queuedBytes).toBeLessThanOrEqual(1000 + 200);
    }
    expect(pair.left.overruns).toBe(0);
    pair.right.resume();
    pair.settle();
    expect(link.names.slice(-10)).toEqual(["0", "1", "2", "3", "4", "0", "1", "2", "3", "4"]);
    expect(pair.left.overruns).toBe(0);
  });

  it("requests of a peer that does not read are not written beyond its buffer either", () => {
    const link = new LinkPair({ bufferBytes: 100 });
    link.diallerRound = 50;
    link.acceptorRound = 50;
    const pair = link.connect();
    pair.settle();
    pair.right.pause();
    link.say(...range(0, 50).map((name) => envelope(50, name)));
    for (let time = 0; time < 20; time++) {
      link.askRepeat();
      link.askProofs("abc", 1);
      while (pair.step(pair.left));
    }
    expect(pair.left.overruns).toBe(0);
    expect(pair.left.queuedBytes).toBeLessThanOrEqual(200);
  });

  const MIB = 1024 * 1024;

  it("a peer that sends faster than its messages are handled is paused, and resumed", () => {
    const link = new LinkPair({ bufferBytes: 64 * MIB, holdMessages: true });
    const pair = link.connect();
    link.say(...range(0, 30).map((name) => envelope(1, name, MIB)));
    pair.settle();
    expect(pair.right.isPaused).toBe(true);
    expect(link.heard).toHaveLength(16);
    // Not at each message, lest it be paused again at once.
    for (let done = 0; done < 7; done++) link.handle();
    expect(pair.right.isPaused).toBe(true);
    for (let done = 0; done < 2; done++) link.handle();
    expect(pair.right.isPaused).toBe(false);
    while (link.held.length > 0 || link.heard.length < 30) {
      link.handle();
      pair.settle();
    }
    expect(link.names).toEqual(range(0, 30).map(String));
  });

  it("a new connection does not get around it", () => {
    const link = new LinkPair({ bufferBytes: 64 * MIB, holdMessages: true });
    link.say(...range(0, 60).map((name) => envelope(1, name, MIB)));
    for (let time = 0; time < 10; time++) link.connect().settle();
    expect(link.heard).toHaveLength(16);
    expect(link.pair?.right.isPaused).toBe(true);
    while (link.heard.length < 60) {
      link.handle();
      link.pair?.settle();
    }
    expect(link.names).toEqual(range(0, 60).map(String));
  });
});
