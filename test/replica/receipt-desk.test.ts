import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, toHex, utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { ReceiptDesk } from "../../src/replica/receipt-desk.js";
import type { ReplicaState } from "../../src/replica/replica.js";
import {
  type ClientFrame,
  clientFrameCodec,
  MAX_ACCUSATIONS,
  MAX_CLIENT_FRAME_BYTES,
  MAX_REPLY_FRAME_BYTES,
  MAX_SUBMIT_BYTES,
  REFUSALS,
  type Refusal,
  type ReplyFrame,
  replyFrameCodec,
} from "../../src/wire/client-frames.js";
import { MemoryPair } from "../support/memory-connection.js";

fc.configureGlobal({ seed: 22 });

const CLUSTER = new Uint8Array(32).fill(1);
const HELLO: ClientFrame = { kind: "hello", version: 1, cluster: CLUSTER };
const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
// All of one length, as shares of one party are.
const shareOf = (statement: Uint8Array): Uint8Array => concat(utf8("share of "), hash(statement));
const proofOf = (statement: Uint8Array): Uint8Array => concat(utf8("proof of "), statement);
const submit = (name: string): ClientFrame => ({ kind: "submit", payload: utf8(name) });

/** A client's connection to the desk. */
class Visitor {
  readonly pair: MemoryPair;
  readonly replies: ReplyFrame[] = [];

  constructor(desk: ReceiptDesk, bufferBytes = 1024 * 1024, client = 0) {
    this.pair = new MemoryPair({
      left: { kind: "party", party: 0 },
      right: { kind: "client", client },
      bufferBytes,
    });
    this.pair.left.start({
      onFrame: (frame) => {
        const reply = decode(replyFrameCodec, frame);
        if (!reply.ok) throw new Error(reply.error);
        expect(frame.length).toBeLessThanOrEqual(MAX_REPLY_FRAME_BYTES);
        this.replies.push(reply.value);
      },
      onWritable: () => undefined,
      onClose: () => undefined,
    });
    this.pair.right.start(desk.open(this.pair.right));
  }

  say(...frames: readonly (ClientFrame | Uint8Array)[]): this {
    for (const frame of frames)
      this.pair.left.send(frame instanceof Uint8Array ? frame : encode(clientFrameCodec, frame));
    this.pair.settle();
    return this;
  }

  /** Short: `share 1`, `proven 1`, `busy`, … without the welcome. */
  get heard(): string[] {
    this.pair.settle();
    return this.replies.flatMap((reply) => {
      if (reply.kind === "share") return [`${reply.proof.length > 0 ? "proven" : "share"} ${reply.sequence}`];
      if (reply.kind === "refused") return [String(REFUSALS[reply.code])];
      return reply.kind === "state" ? ["state"] : [];
    });
  }
}

/** A desk whose replica does what the test says: `order` delivers what was queued. */
class Office {
  readonly queued: Uint8Array[] = [];
  readonly log: Uint8Array[] = [];
  room = 10_000;
  sharesMade = 0;
  accusations: ReplicaState["accusations"] = [];
  readonly desk = new ReceiptDesk({
    cluster: CLUSTER,
    hash,
    isValid: (payload) => payload[0] !== "!".charCodeAt(0),
    submit: (payload) => {
      if (this.queued.length >= this.room) return false;
      this.queued.push(payload);
      return true;
    },
    state: () => ({
      party: 2,
      state: "active",
      round: 3,
      sequence: this.log.length,
      logDigest: new Uint8Array(32).fill(4),
      sentFrames: 12,
      sentBytes: 3456,
      relayedFrames: 0,
      relayedBytes: 0,
      accusations: this.accusations,
    }),
    entry: (sequence) => ({
      sequence,
      round: 10 + sequence,
      digest: { algorithm: "sha256", value: new Uint8Array(32) },
      client: new Uint8Array(32),
      statement: this.log[sequence - 1] ?? utf8("none"),
    }),
    share: (statement) => {
      this.sharesMade++;
      return shareOf(statement);
    },
    shareBytes: shareOf(new Uint8Array()).length,
    prove: (statement, done) => {
      this.sharesMade++;
      const finish = (): void => done(this.canProve ? concat(shareOf(statement), proofOf(statement)) : undefined);
      if (this.isSlow) this.proofs.push(finish);
      else finish();
    },
    later: (work) => (this.isBusy ? void this.postponed.push(work) : work()),
  });
  /** Proofs are made elsewhere: `proofs` has those that are not ready. */
  isSlow = false;
  canProve = true;
  readonly proofs: (() => void)[] = [];
  /** While it is, work waits in `postponed`. */
  isBusy = false;
  readonly postponed: (() => void)[] = [];

  /** One turn of the event loop. */
  turn(): void {
    for (const work of this.postponed.splice(0)) work();
  }

  order(): void {
    for (const payload of this.queued.splice(0)) {
      this.log.push(payload);
      this.desk.delivered(hash(payload), this.log.length);
    }
  }

  visitor(bufferBytes?: number, client?: number): Visitor {
    return new Visitor(this.desk, bufferBytes, client).say(HELLO);
  }
}

describe("the desk", () => {
  it("welcomes, and hands out the share when the payload is delivered", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit("a"));
    expect(visitor.replies).toEqual([{ kind: "welcome" }]);
    office.order();
    expect(visitor.heard).toEqual(["share 1"]);
    expect(visitor.replies[1]).toEqual({
      kind: "share",
      id: hash(utf8("a")),
      sequence: 1,
      round: 11,
      share: shareOf(utf8("a")),
      proof: new Uint8Array(0),
    });
  });

  it("queues a payload once, whoever submits it how often, and answers each who waits once", () => {
    const office = new Office();
    const [one, two] = [office.visitor().say(submit("a"), submit("a")), office.visitor().say(submit("a"))];
    expect(office.queued).toHaveLength(1);
    office.order();
    expect([one.heard, two.heard]).toEqual([["share 1"], ["share 1"]]);
  });

  it("answers at once after the delivery, queuing nothing", () => {
    const office = new Office();
    office.visitor().say(submit("a"));
    office.order();
    expect(office.visitor().say(submit("a"), submit("a")).heard).toEqual(["share 1", "share 1"]);
    expect(office.queued).toHaveLength(0);
  });

  it("proves a share when asked", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit("a"));
    office.order();
    visitor.say({ kind: "prove", id: hash(utf8("a")) });
    expect(visitor.heard).toEqual(["share 1", "proven 1"]);
    expect(visitor.replies[2]).toMatchObject({ share: shareOf(utf8("a")), proof: proofOf(utf8("a")) });
  });

  it("waits for a proof that is made elsewhere, and goes on without one that cannot be made", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit("a"));
    office.order();
    office.isSlow = true;
    visitor.say({ kind: "prove", id: hash(utf8("a")) }, submit("a"));
    expect(visitor.heard).toEqual(["share 1"]);
    office.canProve = false;
    office.proofs.shift()?.();
    expect(visitor.heard).toEqual(["share 1", "share 1"]);
    // One that is ready after the end is not sent.
    office.canProve = true;
    visitor.say({ kind: "prove", id: hash(utf8("a")) });
    office.desk.close();
    office.proofs.shift()?.();
    expect(visitor.heard).toEqual(["share 1", "share 1"]);
  });

  it.each<[string, ClientFrame, Refusal, Uint8Array]>([
    ["an invalid payload", submit("!bad"), "invalid-payload", hash(utf8("!bad"))],
    [
      "a request for a proof of what was not delivered",
      { kind: "prove", id: hash(utf8("x")) },
      "unknown-payload",
      hash(utf8("x")),
    ],
  ])("refuses %s by name and stays open", (_, frame, refusal, id) => {
    const office = new Office();
    const visitor = office.visitor().say(frame, submit("good"));
    expect(visitor.heard).toEqual([refusal]);
    expect(visitor.replies[1]).toMatchObject({ id });
    expect(office.queued).toEqual([utf8("good")]);
  });

  it("says busy when there is no room, and takes the payload when there is", () => {
    const office = new Office();
    office.room = 1;
    const visitor = office.visitor().say(submit("a"), submit("b"));
    expect(visitor.heard).toEqual(["busy"]);
    // To wait for what is queued needs no room.
    const other = office.visitor().say(submit("a"));
    expect(other.heard).toEqual([]);
    office.order();
    visitor.say(submit("b"));
    office.order();
    expect(visitor.heard).toEqual(["busy", "share 1", "share 2"]);
    expect(other.heard).toEqual(["share 1"]);
  });

  it("lets one connection wait for so many payloads and no more", () => {
    const office = new Office();
    const visitor = office.visitor();
    for (let index = 0; index < 1024; index++) visitor.say(submit(`p${index}`));
    expect(visitor.heard).toEqual([]);
    visitor.say(submit("more"));
    expect(visitor.heard).toEqual(["busy"]);
    expect(office.visitor().say(submit("more")).heard).toEqual([]);
    office.order();
    expect(visitor.say(submit("after")).heard).toHaveLength(1 + 1024);
    expect(office.queued).toEqual([utf8("after")]);
  });

  it("forgets who has gone", () => {
    const office = new Office();
    const [gone, stays] = [office.visitor().say(submit("a"), submit("b")), office.visitor().say(submit("b"))];
    const { sent } = gone.pair.right;
    gone.pair.break();
    office.order();
    expect(gone.pair.right.sent).toBe(sent);
    expect(stays.heard).toEqual(["share 2"]);
    // Nothing was even computed for who is not there.
    expect(office.sharesMade).toBe(1);
    // The payload that nobody waited for any more was ordered all the same.
    expect(office.visitor().say(submit("a")).heard).toEqual(["share 1"]);
  });

  it("tells its state, with as many accusations as fit", () => {
    const office = new Office();
    office.accusations = Array.from({ length: 600 }, (_, index) => ({
      party: index % 4,
      fault: "vote-contradicts-commit",
      tag: "t".repeat(160),
      count: Number.MAX_SAFE_INTEGER,
    }));
    const visitor = office.visitor().say({ kind: "status" });
    expect(visitor.replies[1]).toEqual({
      kind: "state",
      state: "active",
      round: 3,
      sequence: 0,
      logDigest: new Uint8Array(32).fill(4),
      sentFrames: 12,
      sentBytes: 3456,
      accusations: office.accusations.slice(0, MAX_ACCUSATIONS),
    });
  });

  it("closes all connections when it closes", () => {
    const office = new Office();
    const visitors = [office.visitor(), office.visitor()];
    office.desk.close();
    for (const { pair } of visitors) {
      pair.settle();
      expect(pair.isBroken).toBe(true);
    }
  });

  it("does not read a client that does not read its replies", () => {
    const office = new Office();
    const visitor = office.visitor(200);
    visitor.say(submit("a"));
    office.order();
    visitor.pair.settle();
    visitor.pair.left.pause();
    for (let time = 0; time < 100; time++) visitor.say({ kind: "prove", id: hash(utf8("a")) });
    expect(visitor.pair.right.isPaused).toBe(true);
    expect(visitor.pair.right.queuedBytes).toBeLessThan(500);
    visitor.pair.left.resume();
    visitor.pair.settle();
    expect(visitor.heard).toHaveLength(1 + 100);
  });
});

describe("shares cost time, which", () => {
  it("is taken one share at a time, in turn among clients, and a client that asks for more is not read", () => {
    const office = new Office();
    const greedy = [office.visitor().say(submit("a")), office.visitor(), office.visitor()];
    const modest = office.visitor(undefined, 1);
    office.order();
    office.isBusy = true;
    for (const visitor of greedy)
      for (let time = 0; time < 100; time++) visitor.say({ kind: "prove", id: hash(utf8("a")) });
    modest.say(submit("a"));
    expect(greedy.map(({ pair }) => pair.right.isPaused)).toEqual([true, true, true]);
    const made = office.sharesMade;
    office.turn();
    expect(office.sharesMade).toBe(made + 1);
    office.turn();
    expect(modest.heard).toEqual(["share 1"]);
    for (let turns = 0; turns < 1000; turns++) {
      office.turn();
      for (const { pair } of greedy) pair.settle();
    }
    expect(greedy.map(({ heard }) => heard.length)).toEqual([101, 100, 100]);
  });

  it("is not spent on who has gone, nor after the end", () => {
    const office = new Office();
    const [gone, stays] = [office.visitor().say(submit("a")), office.visitor(undefined, 1)];
    office.order();
    office.isBusy = true;
    const made = office.sharesMade;
    gone.say(submit("a"), submit("a"));
    stays.say(submit("a"), submit("a"));
    gone.pair.break();
    office.turn();
    office.desk.close();
    for (let turns = 0; turns < 10; turns++) office.turn();
    expect(office.sharesMade).toBe(made + 1);
  });
});

describe("a connection that does not keep to the protocol", () => {
  it.each<[string, readonly (ClientFrame | Uint8Array)[]]>([
    ["a submission before the hello", [submit("a")]],
    ["a question before the hello", [{ kind: "status" }]],
    ["garbage before the hello", [Uint8Array.of(200)]],
    ["garbage after it", [HELLO, Uint8Array.of(1, 2, 3)]],
    ["a frame with a byte too many", [HELLO, concat(encode(clientFrameCodec, { kind: "status" }), Uint8Array.of(0))]],
    ["a second hello", [HELLO, HELLO]],
  ])("is closed: %s", (_, frames) => {
    const office = new Office();
    const visitor = new Visitor(office.desk).say(...frames, submit("b"));
    expect(visitor.pair.isBroken).toBe(true);
    expect(office.queued).toEqual([]);
    expect(visitor.heard).toEqual([]);
  });

  it.each<[Refusal, ClientFrame]>([
    ["wrong-version", { ...HELLO, version: 2 }],
    ["wrong-cluster", { ...HELLO, cluster: new Uint8Array(32) }],
  ])("is told %s and not served", (refusal, hello) => {
    const office = new Office();
    const visitor = new Visitor(office.desk).say(hello);
    expect(visitor.heard).toEqual([refusal]);
    expect(visitor.replies).toHaveLength(1);
    visitor.say(submit("a"));
    expect(office.queued).toEqual([]);
    expect(visitor.pair.isBroken).toBe(true);
  });

  it("throws nothing, whatever it sends", () => {
    const anyFrame = fc.oneof(
      fc.constantFrom<ClientFrame>(HELLO, { kind: "status" }, submit("a"), submit("!"), {
        kind: "prove",
        id: hash(utf8("a")),
      }),
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      // Mutations of a frame that would be good.
      fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => {
        const bytes = encode(clientFrameCodec, submit("mutated"));
        bytes[at % bytes.length] = value;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 20 }), (frames) => {
        const office = new Office();
        new Visitor(office.desk).say(...frames);
        office.order();
        expect(office.visitor().say(submit("b")).heard).toEqual([]);
        office.order();
        expect(office.log.map(toHex)).toContain(toHex(utf8("b")));
      }),
      { numRuns: 300 },
    );
  });
});

describe("the wire's bounds", () => {
  it("let the greatest submission through", () => {
    const frame = encode(clientFrameCodec, { kind: "submit", payload: new Uint8Array(MAX_SUBMIT_BYTES) });
    expect(frame.length).toBeLessThanOrEqual(MAX_CLIENT_FRAME_BYTES);
  });
});
