import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, toHex, utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { Desk } from "../../src/replica/desk/index.js";
import type { Applied, OutcomeStatus } from "../../src/replica/machine/index.js";
import type { Service, StatementKey } from "../../src/services/service.js";
import {
  type ClientFrame,
  clientFrameCodec,
  MAX_ACCUSATIONS,
  CLIENT_PROTOCOL_VERSION,
  MAX_CLIENT_FRAME_BYTES,
  MAX_QUERY_BYTES,
  MAX_REPLY_FRAME_BYTES,
  MAX_SUBMIT_BYTES,
  type PartyState,
  REFUSALS,
  type Refusal,
  type ReplyFrame,
  replyFrameCodec,
  type Want,
} from "../../src/wire/client-frames.js";
import { type Request, decodePayload, encodePayload } from "../../src/wire/payload.js";
import { encodeReplies } from "../../src/wire/replies.js";
import { replyStatement } from "../../src/wire/reply-statement.js";
import { MemoryPair } from "../support/memory-connection.js";

fc.configureGlobal({ seed: 22 });

const CLUSTER = new Uint8Array(32).fill(1);
const KEYS = [0, 1, 2, 3].map((client) => new Uint8Array(32).fill(50 + client));
const HELLO: ClientFrame = { kind: "hello", version: CLIENT_PROTOCOL_VERSION, cluster: CLUSTER };
const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
// All of one length, as shares of one party are.
const shareOf = (statement: Uint8Array): Uint8Array => concat(utf8("share of "), hash(statement));
const proofOf = (statement: Uint8Array): Uint8Array => concat(utf8("proof of "), statement);

/** Of the payloads that the desk's cluster orders. */
const LONGEST = 250 * 1024;
const OPERATIONS = Array.from({ length: 4 }, () => new Uint8Array(50_000));

const session = (opened = 1) => ({ opened, nonce: new Uint8Array(8) });

/** A payload: of a number, a session and a client; with another text, another payload for the same. */
function payloadOf(
  number: number,
  { text = "a", opened = 1, client = 0, operations = undefined as readonly Uint8Array[] | undefined } = {},
): Uint8Array {
  return encodePayload({
    kind: "request",
    cluster: CLUSTER,
    client: KEYS[client] ?? new Uint8Array(32),
    session: session(opened),
    number,
    acknowledged: 0,
    action: operations
      ? { kind: "calls", service: "echo", operations }
      : { kind: "call", service: "echo", operation: utf8(text) },
    signature: new Uint8Array(64),
  });
}

/** One that counts as four. */
const long = (number: number): Uint8Array =>
  payloadOf(number, { operations: Array.from({ length: 5 }, () => new Uint8Array(51_000)) });

/** By one byte. */
function longerThan(sizeBytes: number): Uint8Array {
  const rest = sizeBytes + 1 - payloadOf(1, { operations: [new Uint8Array(0), ...OPERATIONS] }).length;
  return payloadOf(1, { operations: [new Uint8Array(rest), ...OPERATIONS] });
}

function replyTo(action: Request["action"]): Uint8Array | undefined {
  const done = (operation: Uint8Array): Uint8Array => concat(utf8("done "), operation);
  if (action.kind === "void") return undefined;
  return action.kind === "call" ? done(action.operation) : encodeReplies(Array.from(action.operations, done));
}

const submit = (payload: Uint8Array, want: Want = "reply"): ClientFrame => ({ kind: "submit", payload, want });
const wait = (number: number, id: Uint8Array, want: Want = "reply"): ClientFrame => {
  return { kind: "await", id, session: session(), number, want };
};
const query = (
  text: string,
  state: "local" | "certified" = "local",
  minSequence = 0,
  service = "echo",
): ClientFrame => {
  return { kind: "query", id: hash(utf8(text)), state, service, query: utf8(text), minSequence };
};

/** A client's connection to the desk. */
class Visitor {
  readonly pair: MemoryPair;
  readonly replies: ReplyFrame[] = [];
  readonly isRefused: boolean;

  constructor(desk: Desk, client = 0, bufferBytes = 1024 * 1024) {
    this.pair = new MemoryPair({ left: { kind: "party", party: 0 }, right: { kind: "client", client }, bufferBytes });
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
    const handlers = desk.open(this.pair.right);
    this.isRefused = handlers === undefined;
    if (handlers !== undefined) this.pair.right.start(handlers);
  }

  say(...frames: readonly (ClientFrame | Uint8Array)[]): this {
    for (const frame of frames)
      this.pair.left.send(frame instanceof Uint8Array ? frame : encode(clientFrameCodec, frame));
    this.pair.settle();
    return this;
  }

  /** Short: `reply 1`, `share 1`, `proven 1`, `busy`, … without the welcome. */
  get heard(): string[] {
    this.pair.settle();
    return this.replies.flatMap((reply) => {
      if (reply.kind === "share") return [`${reply.proof.length > 0 ? "proven" : "share"} ${reply.sequence}`];
      if (reply.kind === "reply") return [`reply ${reply.sequence}`];
      if (reply.kind === "refused") return [String(REFUSALS[reply.code])];
      return reply.kind === "welcome" ? [] : [reply.kind];
    });
  }
}

/** A desk whose replica does what the test says: `order` delivers what was queued. */
class Office {
  readonly queued: Uint8Array[] = [];
  readonly statuses = new Map<string, OutcomeStatus>();
  sequence = 0;
  room = 10_000;
  isReady = true;
  isProvable = true;
  isDurable = true;
  made = 0;
  /** Those that were asked to sign. */
  readonly keys: string[] = [];
  asked = 0;
  lookUps = 0;
  accusations: PartyState["accusations"] = [];
  signsAsIs = false;
  statementKey: StatementKey | undefined;
  signsNothing = false;
  /** What the service adds for a signature that requests share, while it has it. */
  attachment: Uint8Array | undefined;
  keepsReplies = true;
  /** Proofs are made elsewhere: `proofs` has those that are not ready. */
  isSlow = false;
  canProve = true;
  readonly proofs: (() => void)[] = [];
  /** While it is, work waits in `postponed`. */
  isBusy = false;
  readonly postponed: (() => void)[] = [];
  readonly desk = new Desk({
    cluster: CLUSTER,
    maxPayloadBytes: LONGEST,
    hash,
    clientKey: (client) => KEYS[client],
    digestOf: hash,
    isValid: (payload) => !toHex(payload).includes(toHex(utf8("bad"))),
    submit: (payload) => {
      if (!this.isReady) return "not-ready";
      if (this.queued.length >= this.room) return "busy";
      this.queued.push(payload.slice());
      return "taken";
    },
    outcome: (client, { opened }, number) => {
      this.lookUps++;
      return this.statuses.get(`${toHex(client)}/${opened}/${number}`) ?? { kind: "open" };
    },
    service: (name) => (name === "echo" ? this.#service() : undefined),
    position: () => (this.isReady ? { sequence: this.sequence, round: 7 } : undefined),
    isDurable: () => this.isDurable,
    document: (sequence, index) =>
      sequence === 9 && index < 2
        ? { digest: hash(utf8("payload")), round: 4, statement: utf8(`document ${index}`) }
        : undefined,
    find: ([first]) => (first === 1 ? { sequence: 9, index: 1 } : undefined),
    proof: () =>
      this.isProvable
        ? { summary: utf8("s"), certificate: utf8("c"), index: 1, chunk: utf8("chunk"), path: [new Uint8Array(32)] }
        : undefined,
    state: () => ({
      state: "active",
      round: 3,
      sequence: this.sequence,
      timeMs: 5,
      logDigest: new Uint8Array(32).fill(4),
      checkpointRound: 2,
      catchUp: { toRound: 9, chunksReceived: 1, chunks: 4, roundsBehind: 6 },
      services: ["echo"],
      logBytes: 1,
      tableBytes: 2,
      sentFrames: 12,
      sentBytes: 3456,
      clocks: [{ party: 1, aheadMs: 0, behindMs: 7, isFar: false }],
      accusations: this.accusations,
    }),
    signer: (key) => {
      this.keys.push(key);
      return {
        share: (statement) => {
          this.made++;
          return shareOf(statement);
        },
        shareBytes: shareOf(new Uint8Array()).length,
        prove: (statement, done) => {
          this.made++;
          const finish = (): void => done(this.canProve ? concat(shareOf(statement), proofOf(statement)) : undefined);
          if (this.isSlow) this.proofs.push(finish);
          else finish();
        },
      };
    },
    later: (work) => (this.isBusy ? void this.postponed.push(work) : work()),
  });

  #service(): Service {
    return {
      name: "echo",
      apply: () => new Uint8Array(),
      query: (bytes) => {
        this.asked++;
        return concat(utf8("answer to "), bytes);
      },
      snapshot: () => [],
      restore: () => undefined,
      ...(this.signsAsIs && { statement: (reply: Uint8Array) => concat(utf8("as is "), reply) }),
      ...(this.statementKey && { statementKey: this.statementKey }),
      ...(this.signsNothing && { statement: () => undefined }),
      shared: {
        ofRequest: () => this.attachment && { attachment: this.attachment, statement: this.attachment },
        statement: (_replies, attachment) => attachment,
      },
    };
  }

  /** One turn of the event loop. */
  turn(): void {
    for (const work of this.postponed.splice(0)) work();
  }

  /** Executes what is queued; of several payloads with one number, the first. */
  order(tells = true): void {
    const applied: Applied[] = [];
    for (const payload of this.queued.splice(0)) {
      const decoded = decodePayload(payload);
      if (!decoded.ok || decoded.value.kind !== "request") throw new Error("no request was queued");
      const { client, session: of, number, action } = decoded.value;
      const key = `${toHex(client)}/${of.opened}/${number}`;
      if (this.statuses.has(key)) continue;
      const outcome = {
        digest: hash(payload),
        sequence: ++this.sequence,
        round: 10,
        timeMs: undefined,
        reply: this.keepsReplies ? replyTo(action) : undefined,
        action: action.kind,
        service: "echo",
      };
      this.statuses.set(key, { kind: "done", ...outcome });
      applied.push({
        entry: { sequence: this.sequence, round: 10, timeMs: undefined, payload },
        outcome: { client, session: of, number, digest: hash(payload), outcome },
      });
    }
    if (tells) this.desk.delivered(applied);
  }

  visitor(client?: number, bufferBytes?: number): Visitor {
    return new Visitor(this.desk, client, bufferBytes).say(HELLO);
  }
}

describe("the desk", () => {
  it("welcomes, and says what became of the number when it is taken", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit(payloadOf(1)));
    expect(visitor.replies).toEqual([{ kind: "welcome", state: "active", round: 3, sequence: 0 }]);
    office.order();
    expect(visitor.heard).toEqual(["reply 1"]);
    const id = hash(payloadOf(1));
    expect(visitor.replies[1]).toEqual({
      kind: "reply",
      id,
      digest: id,
      sequence: 1,
      round: 10,
      timeMs: 0,
      isVoid: false,
      reply: utf8("done a"),
    });
  });

  it("keeps what a service adds until it is the signature's turn, though the service has it no more by then", () => {
    const office = new Office();
    office.attachment = utf8("head");
    const payload = payloadOf(1, { operations: [utf8("a"), utf8("b")] });
    const visitor = office.visitor().say(submit(payload, "share"));
    office.isBusy = true;
    office.order();
    office.attachment = undefined;
    office.turn();
    visitor.pair.settle();
    expect(visitor.replies[1]).toMatchObject({ attachment: utf8("head"), share: shareOf(utf8("head")) });
  });

  it("signs the receipt of any document in the log, for whoever asks", () => {
    const office = new Office();
    const ask = (sequence: number, index: number, want: "share" | "proof" = "share"): ClientFrame => {
      return { kind: "document", id: hash(utf8("x")), sequence, index, want };
    };
    const visitor = office.visitor().say(ask(9, 1), ask(9, 1, "proof"));
    const statement = utf8("document 1");
    const answer = {
      kind: "share",
      id: hash(utf8("x")),
      digest: hash(utf8("payload")),
      sequence: 9,
      round: 4,
      timeMs: 0,
      isVoid: false,
      reply: statement,
      attachment: new Uint8Array(0),
      share: shareOf(statement),
    };
    expect(visitor.replies.slice(1)).toEqual([
      { ...answer, proof: new Uint8Array(0) },
      { ...answer, proof: proofOf(statement) },
    ]);
    expect(new Set(office.keys)).toEqual(new Set(["receipt"]));
    expect(visitor.say(ask(9, 2), ask(8, 0)).heard.slice(2)).toEqual(["no-document", "no-document"]);
  });

  it("says where a document is, if it knows, in the client's turn", () => {
    const office = new Office();
    const ask = (first: number): ClientFrame => {
      return { kind: "find", id: hash(utf8("x")), digest: new Uint8Array(32).fill(first) };
    };
    const visitor = office.visitor().say(ask(1), ask(2));
    expect(visitor.replies[1]).toEqual({ kind: "found", id: hash(utf8("x")), sequence: 9, index: 1 });
    expect(visitor.replies[2]).toMatchObject({ kind: "refused", id: hash(utf8("x")), retryAfterMs: 0 });
    expect(visitor.heard.at(-1)).toBe("no-document");
  });

  it("tells who had another payload with the number which one took it", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit(payloadOf(1)), submit(payloadOf(1, { text: "b" })));
    expect(office.queued).toHaveLength(2);
    office.order();
    expect(visitor.heard).toEqual(["reply 1", "reply 1"]);
    expect(visitor.replies[2]).toMatchObject({ id: hash(payloadOf(1, { text: "b" })), digest: hash(payloadOf(1)) });
  });

  it("queues a payload once, whoever submits it how often, and answers each who waits once", () => {
    const office = new Office();
    const [one, two] = [
      office.visitor().say(submit(payloadOf(1)), submit(payloadOf(1))),
      office.visitor().say(submit(payloadOf(1))),
    ];
    expect(office.queued).toHaveLength(1);
    office.order();
    expect([one.heard, two.heard]).toEqual([["reply 1"], ["reply 1"]]);
  });

  it("answers at once when the number was taken before, queuing nothing", () => {
    const office = new Office();
    office.visitor().say(submit(payloadOf(1)));
    office.order();
    const [again, other] = [submit(payloadOf(1)), submit(payloadOf(1, { text: "b" }))];
    expect(office.visitor().say(again, other, wait(1, hash(payloadOf(1)))).heard).toEqual(Array(3).fill("reply 1"));
    expect(office.queued).toHaveLength(0);
  });

  it("lets a client wait for what it has others order, and takes the payload later", () => {
    const office = new Office();
    const id = hash(payloadOf(1));
    const visitor = office.visitor().say(wait(1, id));
    expect(office.queued).toHaveLength(0);
    visitor.say(submit(payloadOf(1)));
    expect(office.queued).toHaveLength(1);
    office.order();
    expect(visitor.heard).toEqual(["reply 1"]);
    // A number is the client's own, whoever else has one like it.
    expect(office.visitor(1).say(wait(1, id)).heard).toEqual([]);
    expect(office.visitor(9).say(wait(1, id)).heard).toEqual(["invalid-payload"]);
  });

  it("signs the reply with all that it is a reply to", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit(payloadOf(1), "share"));
    office.order();
    expect(visitor.heard).toEqual(["share 1"]);
    const reply = utf8("done a");
    const [client = new Uint8Array()] = KEYS;
    const place = { cluster: CLUSTER, client, session: session(), number: 1 };
    const statement = replyStatement({ ...place, sequence: 1, round: 10, service: "echo", reply });
    expect(visitor.replies[1]).toMatchObject({
      kind: "share",
      share: shareOf(statement),
      proof: new Uint8Array(0),
      reply,
    });
    visitor.say(submit(payloadOf(1), "proof"));
    expect(visitor.replies[2]).toMatchObject({ share: shareOf(statement), proof: proofOf(statement) });
    office.signsAsIs = true;
    visitor.say(submit(payloadOf(1), "share"));
    expect(visitor.replies[3]).toMatchObject({ share: shareOf(utf8("as is done a")) });
    expect(new Set(office.keys)).toEqual(new Set(["receipt"]));
  });

  it("signs with another key the service's own statements only", () => {
    const office = new Office();
    office.statementKey = "token";
    office.signsAsIs = true;
    const visitor = office.visitor().say(submit(payloadOf(1), "share"));
    office.order();
    expect(new Set(office.keys)).toEqual(new Set(["token"]));
    office.signsNothing = true;
    visitor.say(submit(payloadOf(1), "share"));
    expect(office.keys.at(-1)).toBe("receipt");
    expect(visitor.replies[2]).not.toMatchObject({ share: shareOf(utf8("as is done a")) });
  });

  it("signs several replies as what they are, whatever the service signs of one", () => {
    const office = new Office();
    office.signsAsIs = true;
    const payload = payloadOf(1, { operations: [utf8("a"), utf8("b")] });
    const visitor = office.visitor().say(submit(payload, "share"));
    office.order();
    expect(visitor.heard).toEqual(["share 1"]);
    const reply = encodeReplies([utf8("done a"), utf8("done b")]);
    const [client = new Uint8Array()] = KEYS;
    const place = { cluster: CLUSTER, client, session: session(), number: 1 };
    const statement = replyStatement({ ...place, sequence: 1, round: 10, service: "echo", reply });
    expect(visitor.replies[1]).toMatchObject({ kind: "share", reply, share: shareOf(statement) });
  });

  it("signs nothing where there is no reply", () => {
    const office = new Office();
    office.keepsReplies = false;
    const visitor = office.visitor().say(submit(payloadOf(1), "share"));
    office.order();
    expect(visitor.heard).toEqual(["reply 1"]);
    expect(office.made).toBe(0);
  });

  it("waits for a proof that is made elsewhere, and goes on without one that cannot be made", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit(payloadOf(1), "share"));
    office.order();
    office.isSlow = true;
    visitor.say(submit(payloadOf(1), "proof"), submit(payloadOf(1), "share"));
    expect(visitor.heard).toEqual(["share 1"]);
    office.canProve = false;
    office.proofs.shift()?.();
    expect(visitor.heard).toEqual(["share 1", "share 1"]);
    // One that is ready after the end is not sent.
    office.canProve = true;
    visitor.say(submit(payloadOf(1), "proof"));
    office.desk.close();
    office.proofs.shift()?.();
    expect(visitor.heard).toEqual(["share 1", "share 1"]);
  });

  it.each<[string, ClientFrame, Refusal, Uint8Array]>([
    [
      "an invalid payload",
      submit(payloadOf(1, { text: "bad" })),
      "invalid-payload",
      hash(payloadOf(1, { text: "bad" })),
    ],
    ["what is no payload", submit(utf8("?")), "invalid-payload", hash(utf8("?"))],
    ["a query to no service", query("q", "local", 0, "none"), "unknown-service", hash(utf8("q"))],
    ["a query for a proof to no service", query("q", "certified", 0, "none"), "unknown-service", hash(utf8("q"))],
    ["a query to a state that it has not yet", query("q", "local", 1), "not-ready", hash(utf8("q"))],
  ])("refuses %s by name and stays open", (_, frame, refusal, id) => {
    const office = new Office();
    const visitor = office.visitor().say(frame, submit(payloadOf(7)));
    expect(visitor.heard).toEqual([refusal]);
    expect(visitor.replies[1]).toMatchObject({ id });
    office.order();
    expect(visitor.heard).toEqual([refusal, "reply 1"]);
  });

  it("does not take the word of a replica that it lost its store", () => {
    const office = new Office();
    const rejoin = { kind: "rejoin", cluster: CLUSTER, party: 1, nonce: new Uint8Array(32) } as const;
    const payload = encodePayload({ ...rejoin, signature: new Uint8Array(64) });
    expect(office.visitor().say(submit(payload)).heard).toEqual(["invalid-payload"]);
  });

  it.each<[OutcomeStatus["kind"], Refusal]>([
    ["closed", "number-closed"],
    ["evicted", "session-evicted"],
  ])("says of a number that is %s that it is", (kind, refusal) => {
    const office = new Office();
    office.statuses.set(`${toHex(KEYS[0] ?? new Uint8Array())}/1/1`, { kind } as OutcomeStatus);
    const visitor = office.visitor().say(submit(payloadOf(1)));
    expect(visitor.heard).toEqual([refusal]);
    expect(visitor.replies[1]).toMatchObject({ retryAfterMs: 0 });
    expect(office.queued).toEqual([]);
  });

  it("tells who waits in a session that others took the place of", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit(payloadOf(1)), submit(payloadOf(2)));
    const stays = office.visitor(1).say(submit(payloadOf(1, { client: 1 })));
    office.queued.length = 0;
    const evict = (number: number): unknown =>
      office.statuses.set(`${toHex(KEYS[0] ?? new Uint8Array())}/1/${number}`, { kind: "evicted" });
    evict(1);
    evict(2);
    office.visitor().say(submit(payloadOf(1, { opened: 2 })));
    office.order();
    expect(visitor.heard).toEqual(["session-evicted", "session-evicted"]);
    expect(stays.heard).toEqual([]);
  });

  it("tells who waits for a number that the client has acknowledged in a later one", () => {
    const office = new Office();
    const visitor = office.visitor().say(wait(1, hash(payloadOf(1))), submit(payloadOf(2)));
    office.statuses.set(`${toHex(KEYS[0] ?? new Uint8Array())}/1/1`, { kind: "closed" });
    office.order();
    expect(visitor.heard).toEqual(["reply 1", "number-closed"]);
  });

  it("looks up once what a client waits for, however much of it was executed together", () => {
    const office = new Office();
    const sessions = Array.from({ length: 100 }, (_, index) => index + 2);
    const visitor = office.visitor();
    for (const opened of sessions)
      visitor.say({ kind: "await", id: hash(utf8("x")), session: session(opened), number: 1, want: "reply" });
    const requests = Array.from({ length: 50 }, (_, index) => submit(payloadOf(index + 1)));
    office.visitor().say(...requests);
    office.lookUps = 0;
    office.order();
    expect(office.lookUps).toBe(sessions.length);
  });

  it("answers no query while the services have executed what a crash may undo", () => {
    const office = new Office();
    office.isDurable = false;
    const visitor = office.visitor().say(query("q"), query("p", "certified"), query("r"));
    const gone = office.visitor().say(query("s"));
    gone.pair.left.close();
    gone.pair.settle();
    expect(visitor.heard).toEqual(["proof"]);
    expect(office.asked).toBe(0);
    office.isDurable = true;
    office.desk.delivered([]);
    expect(visitor.heard).toEqual(["proof", "answer", "answer"]);
    expect(office.asked).toBe(2);
    office.isDurable = false;
    visitor.say(query("t"));
    office.desk.settled();
    expect(visitor.heard).toEqual(["proof", "answer", "answer", "answer"]);
  });

  it("looks everything up again when the state was replaced", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit(payloadOf(1)), submit(payloadOf(2)), wait(3, hash(payloadOf(3))));
    office.queued.pop();
    office.order(false);
    office.statuses.set(`${toHex(KEYS[0] ?? new Uint8Array())}/1/3`, { kind: "closed" });
    expect(visitor.heard).toEqual([]);
    office.desk.settled();
    expect(visitor.heard).toEqual(["reply 1", "number-closed"]);
    visitor.say(submit(payloadOf(2)));
    office.order();
    office.desk.settled();
    expect(visitor.heard).toEqual(["reply 1", "number-closed"]);
  });

  it("answers queries from its state, and with proofs", () => {
    const office = new Office();
    const visitor = office.visitor().say(query("q"), query("p", "certified"));
    expect(visitor.replies[1]).toEqual({
      kind: "answer",
      id: hash(utf8("q")),
      sequence: 0,
      round: 7,
      answer: utf8("answer to q"),
    });
    expect(visitor.replies[2]).toMatchObject({ kind: "proof", id: hash(utf8("p")), chunk: utf8("chunk"), index: 1 });
    office.isProvable = false;
    expect(visitor.say(query("p", "certified")).heard.at(-1)).toBe("no-proof");
  });

  it("says its state, with as many accusations as a frame has room for", () => {
    const office = new Office();
    const accusation = { party: 1, fault: "flood", tag: "t".repeat(160), count: 1 };
    office.accusations = Array.from({ length: MAX_ACCUSATIONS + 1 }, () => accusation);
    const visitor = office.visitor().say({ kind: "status" });
    const [, state] = visitor.replies;
    expect(state?.kind === "state" && state.accusations.length).toBe(MAX_ACCUSATIONS);
    expect(state).toMatchObject({ checkpointRound: 2, catchUp: { toRound: 9, chunks: 4 } });
  });
});

describe("the desk's bounds", () => {
  const hints = (visitor: Visitor): number[] =>
    visitor.replies.flatMap((reply) => (reply.kind === "refused" ? [reply.retryAfterMs] : []));

  it("says busy, and when to ask again, when there is no room in the queue", () => {
    const office = new Office();
    office.room = 1;
    const visitor = office.visitor().say(submit(payloadOf(1)), submit(payloadOf(2)));
    expect(visitor.heard).toEqual(["busy"]);
    expect(hints(visitor)).toEqual([250]);
    office.order();
    visitor.say(submit(payloadOf(2)));
    office.order();
    expect(visitor.heard).toEqual(["busy", "reply 1", "reply 2"]);
  });

  it("says that it is not ready while it learns, for payloads and queries", () => {
    const office = new Office();
    office.isReady = false;
    const visitor = office.visitor().say(submit(payloadOf(1)), query("q"));
    expect(visitor.heard).toEqual(["not-ready", "not-ready"]);
    expect(hints(visitor).every((hint) => hint > 0)).toBe(true);
  });

  it("lets a client wait for 1024 payloads, on all its connections together, and no other for fewer", () => {
    const office = new Office();
    const numbers = Array.from({ length: 512 }, (_, index) => index + 1);
    const [one, two] = [office.visitor(), office.visitor()];
    one.say(...numbers.map((number) => submit(payloadOf(number))));
    two.say(...numbers.map((number) => wait(512 + number, hash(payloadOf(512 + number)))));
    expect(one.say(submit(payloadOf(2000))).heard).toEqual(["busy"]);
    expect(two.say(wait(2001, new Uint8Array(32))).heard).toEqual(["busy"]);
    expect(hints(one)).toEqual([250]);
    // What waits already is no more.
    expect(two.say(wait(513, hash(payloadOf(513)))).heard).toEqual(["busy"]);
    expect(office.visitor(1).say(submit(payloadOf(1, { client: 1 }))).heard).toEqual([]);
    // Who leaves waits no more.
    two.pair.break();
    expect(one.say(submit(payloadOf(2000))).heard).toEqual(["busy"]);
    office.order();
    expect(one.heard).toHaveLength(514);
    expect(office.visitor().say(submit(payloadOf(3000))).heard).toEqual([]);
  });

  it("counts a request once for each 64 KiB, also one that was waited for before it came", () => {
    const office = new Office();
    const [one, two] = [office.visitor(), office.visitor()];
    const numbers = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
    one.say(...numbers(1, 255).map((number) => submit(long(number))));
    two.say(wait(256, hash(long(256))));
    expect([one.heard, two.heard]).toEqual([[], []]);
    // 255 times 4, 1, and 3 more are 1024.
    expect(two.say(submit(long(256))).heard).toEqual([]);
    expect(two.say(submit(payloadOf(300))).heard).toEqual(["busy"]);
    expect(office.visitor(1).say(submit(payloadOf(1, { client: 1 }))).heard).toEqual([]);
    office.order();
    expect(one.heard).toHaveLength(255);
    expect(two.heard).toEqual(["busy", "reply 256"]);
    // It waits for nothing any more: there is room for as much again, and not for a payload's part.
    two.say(...numbers(301, 255).map((number) => submit(long(number))), wait(600, hash(long(600))));
    expect(two.heard).toHaveLength(2);
    expect(two.say(submit(long(601))).heard.slice(2)).toEqual(["busy"]);
    // Who leaves waits no more, for what it brought or upgraded.
    two.say(submit(long(600)));
    two.pair.break();
    one.say(...numbers(701, 256).map((number) => submit(long(number))));
    expect(one.heard).toHaveLength(255);
  });

  it("refuses a request that is longer than the cluster orders, and says how long it may be", () => {
    const office = new Office();
    const visitor = office.visitor().say(submit(longerThan(LONGEST - 1)), submit(longerThan(LONGEST)));
    expect(office.queued).toHaveLength(1);
    expect(visitor.heard).toEqual(["invalid-payload"]);
    expect(visitor.replies.at(-1)).toMatchObject({
      id: hash(longerThan(LONGEST)),
      reason: `a request of ${LONGEST + 1} bytes, and this cluster orders at most ${LONGEST}`,
    });
  });

  it("reads a client no further whose long requests wait to be checked", () => {
    const office = new Office();
    office.isBusy = true;
    const greedy = office.visitor().say(...Array.from({ length: 16 }, () => submit(long(1))));
    expect(greedy.pair.right.isPaused).toBe(false);
    greedy.say(submit(long(1)));
    expect(greedy.pair.right.isPaused).toBe(true);
    office.isBusy = false;
    office.turn();
    greedy.pair.settle();
    expect(greedy.pair.right.isPaused).toBe(false);
  });

  it("lets a client have 8 connections; a further one is refused, until one is closed", () => {
    const office = new Office();
    const visitors = Array.from({ length: 8 }, () => office.visitor());
    expect(visitors.every(({ isRefused }) => !isRefused)).toBe(true);
    expect(new Visitor(office.desk).isRefused).toBe(true);
    expect(new Visitor(office.desk, 1).isRefused).toBe(false);
    expect(office.desk.connectionCount).toBe(9);
    visitors[0]?.pair.break();
    expect(new Visitor(office.desk).isRefused).toBe(false);
    // Who asks over HTTP is no client.
    expect(Array.from({ length: 20 }, () => new Visitor(office.desk, -1)).some(({ isRefused }) => isRefused)).toBe(
      false,
    );
  });

  it("reads a client no further that is owed many shares or answers", () => {
    for (const frame of [submit(payloadOf(1), "share"), query("q"), query("q", "certified")]) {
      const office = new Office();
      office.visitor().say(submit(payloadOf(1)));
      office.order();
      office.isBusy = true;
      const greedy = office.visitor().say(...Array.from({ length: 200 }, () => frame));
      expect(greedy.pair.right.isPaused).toBe(true);
      office.isBusy = false;
      office.turn();
      greedy.pair.settle();
      expect(greedy.heard).toHaveLength(200);
      expect(greedy.pair.right.isPaused).toBe(false);
    }
  });

  it("reads a client no further that does not read its replies", () => {
    const office = new Office();
    const slow = office.visitor(0, 4096);
    slow.pair.left.pause();
    for (let number = 1; number <= 200; number++) slow.pair.left.send(encode(clientFrameCodec, { kind: "status" }));
    slow.pair.settle();
    expect(slow.pair.right.isPaused).toBe(true);
    expect(slow.pair.right.overruns).toBe(0);
    slow.pair.left.resume();
    slow.pair.settle();
    expect(slow.replies).toHaveLength(201);
  });

  it("says its state in turn, and not to a client that is owed too much", () => {
    const office = new Office();
    office.isBusy = true;
    const greedy = office.visitor().say(...Array.from({ length: 100 }, (): ClientFrame => ({ kind: "status" })));
    const other = office.visitor(1).say({ kind: "status" });
    expect(greedy.pair.right.isPaused).toBe(true);
    expect(greedy.heard).toEqual([]);
    office.turn();
    office.turn();
    expect(other.heard).toEqual(["state"]);
    expect(greedy.heard.length).toBeLessThan(17);
  });

  it("checks payloads in turn, whoever sends how many, and waits for no proof with that", () => {
    const office = new Office();
    office.visitor().say(submit(payloadOf(1)));
    office.order();
    office.isSlow = true;
    office.visitor(2).say(submit(payloadOf(1), "proof"));
    office.isBusy = true;
    const bad = submit(payloadOf(2, { text: "bad" }));
    const greedy = office.visitor().say(...Array.from({ length: 100 }, () => bad));
    office.visitor(1).say(submit(payloadOf(1, { client: 1 })));
    expect(greedy.pair.right.isPaused).toBe(true);
    office.turn();
    expect(office.queued).toEqual([payloadOf(1, { client: 1 })]);
    expect(greedy.heard.length).toBeLessThan(5);
  });

  it("serves clients in turn, whoever asks for how much", () => {
    const office = new Office();
    office.visitor().say(submit(payloadOf(1)));
    office.order();
    office.isBusy = true;
    const greedy = office.visitor().say(...Array.from({ length: 50 }, () => submit(payloadOf(1), "share")));
    const others = [1, 2].map((client) => {
      office.statuses.set(
        `${toHex(KEYS[client] ?? new Uint8Array())}/1/1`,
        office.statuses.values().next().value ?? { kind: "open" },
      );
      return office.visitor(client).say(submit(payloadOf(1, { client }), "share"), query("q"));
    });
    for (let turns = 0; turns < 6; turns++) office.turn();
    expect(others.map(({ heard }) => heard.length)).toEqual([2, 2]);
    expect(greedy.heard.length).toBeLessThanOrEqual(4);
  });

  it("makes nothing for who has gone, nor after the end", () => {
    const office = new Office();
    office.visitor().say(submit(payloadOf(1)));
    office.order();
    office.isBusy = true;
    const [gone, stays] = [office.visitor(), office.visitor(1)];
    gone.say(submit(payloadOf(1), "share"), query("q"));
    stays.say(query("q"), query("p"));
    gone.pair.break();
    office.turn();
    expect([office.made, office.asked]).toEqual([0, 2]);
    stays.say(query("q"));
    office.desk.close();
    for (let turns = 0; turns < 10; turns++) office.turn();
    expect([office.made, office.asked]).toEqual([0, 2]);
  });
});

describe("a connection that does not keep to the protocol", () => {
  it.each<[string, readonly (ClientFrame | Uint8Array)[]]>([
    ["a submission before the hello", [submit(payloadOf(1))]],
    ["a question before the hello", [{ kind: "status" }]],
    ["garbage before the hello", [Uint8Array.of(200)]],
    ["garbage after it", [HELLO, Uint8Array.of(1, 2, 3)]],
    ["a frame with a byte too many", [HELLO, concat(encode(clientFrameCodec, { kind: "status" }), Uint8Array.of(0))]],
    ["a second hello", [HELLO, HELLO]],
  ])("is closed: %s", (_, frames) => {
    const office = new Office();
    const visitor = new Visitor(office.desk).say(...frames, submit(payloadOf(2)));
    expect(visitor.pair.isBroken).toBe(true);
    expect(office.queued).toEqual([]);
    expect(visitor.heard).toEqual([]);
  });

  it.each<[Refusal, ClientFrame]>([
    ["wrong-version", { ...HELLO, version: 1 }],
    ["wrong-cluster", { ...HELLO, cluster: new Uint8Array(32) }],
  ])("is told %s and not served", (refusal, hello) => {
    const office = new Office();
    const visitor = new Visitor(office.desk).say(hello);
    expect(visitor.heard).toEqual([refusal]);
    visitor.say(submit(payloadOf(1)));
    expect(office.queued).toEqual([]);
    expect(visitor.pair.isBroken).toBe(true);
  });

  it("throws nothing, whatever it sends", () => {
    const good: ClientFrame[] = [
      HELLO,
      { kind: "status" },
      submit(payloadOf(1)),
      submit(payloadOf(1), "share"),
      wait(1, hash(payloadOf(1)), "proof"),
      query("q"),
      query("q", "certified"),
    ];
    const anyFrame = fc.oneof(
      fc.constantFrom(...good),
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      // Mutations of a frame that would be good.
      fc.tuple(fc.constantFrom(...good), fc.nat(), fc.nat(255)).map(([frame, at, value]) => {
        const bytes = encode(clientFrameCodec, frame).slice();
        bytes[at % bytes.length] = value;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 20 }), (frames) => {
        const office = new Office();
        new Visitor(office.desk).say(...frames);
        office.order();
        const visitor = office.visitor(1).say(submit(payloadOf(1, { client: 1 })));
        office.order();
        expect(visitor.heard).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the wire's bounds", () => {
  it("let the greatest frames of a client through", () => {
    const submission = encode(clientFrameCodec, submit(new Uint8Array(MAX_SUBMIT_BYTES)));
    const question = query("q");
    const greatest = encode(clientFrameCodec, { ...question, query: new Uint8Array(MAX_QUERY_BYTES) } as ClientFrame);
    for (const frame of [submission, greatest]) expect(frame.length).toBeLessThanOrEqual(MAX_CLIENT_FRAME_BYTES);
  });

  it("let the greatest reply through", () => {
    const told = {
      id: new Uint8Array(32),
      digest: new Uint8Array(32),
      sequence: 1,
      round: 1,
      timeMs: 0,
      isVoid: false,
    };
    const share = new Uint8Array(16 * 1024);
    const frame = encode(replyFrameCodec, {
      kind: "share",
      attachment: new Uint8Array(8 * 1024),
      ...told,
      reply: new Uint8Array(64 * 1024),
      share,
      proof: concat(share, share),
    });
    expect(frame.length).toBeLessThanOrEqual(MAX_REPLY_FRAME_BYTES);
  });
});
