import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, toHex } from "../../../src/core/bytes.js";
import { decode, encode } from "../../../src/core/codec.js";
import { MAX_CLIENTS } from "../../../src/replica/config.js";
import { InvariantError } from "../../../src/core/protocol.js";
import {
  clientChunks,
  decodeChunk,
  encodeChunk,
  MAX_STATE_CHUNK_BYTES,
  type StateChunk,
} from "../../../src/replica/machine/chunks.js";
import { clientsCodec, MAX_SESSION_CLIENTS, outcomeCodec } from "../../../src/replica/machine/client-codec.js";
import { answerFromChunk, type Machine, type Outcome, SnapshotError } from "../../../src/replica/machine/index.js";
import { sessionKey, sessionOfKey } from "../../../src/replica/machine/session-key.js";
import type { ClientRecord } from "../../../src/replica/machine/sessions.js";
import {
  clientKey,
  duty,
  ListService,
  newMachine,
  Ordered,
  rejoin,
  request,
  sessionId,
  snapshotText,
} from "./fixture.js";

fc.configureGlobal({ seed: 52 });

/** Of every kind something, and of one client more than goes into a chunk. */
function filled(): Ordered {
  const replica = new Ordered();
  for (let index = 0; index < 70; index++) {
    const fields = { session: sessionId(index), number: 2 };
    replica.round(
      [0, 1, 9].map((client) => request({ client, ...fields, operation: Uint8Array.of(client === 0 ? index % 3 : 0) })),
      1000 + index,
    );
    replica.round([request({ client: 0, ...fields, number: 4, acknowledged: 1, operation: undefined })]);
  }
  replica.round([rejoin(1, new Uint8Array(32).fill(3)), rejoin(3, new Uint8Array(32).fill(4))]);
  replica.round([duty(2, 1, Uint8Array.of(0)), duty(1, 1, Uint8Array.of(0))]);
  return replica;
}
const chunksOf = (machine: Machine): StateChunk[] =>
  machine.snapshot().map((chunk) => {
    const decoded = decodeChunk(chunk);
    if (!decoded.ok) throw new Error(decoded.error);
    return decoded.value;
  });

describe("a snapshot", () => {
  it("has the tip, then clients, then services by name, each within its bound", () => {
    const { machine } = filled();
    const kinds = chunksOf(machine).map((chunk) => (chunk.kind === "service" ? chunk.name : chunk.kind));
    expect(kinds).toEqual(["tip", ...Array<string>(4).fill("clients"), "list", "list", "list"]);
    for (const chunk of machine.snapshot()) expect(chunk.length).toBeLessThanOrEqual(MAX_STATE_CHUNK_BYTES);
  });

  it("restores into a machine that has the same snapshot; it keeps nothing of the bytes", () => {
    const { machine } = filled();
    const before = snapshotText(machine);
    const restored = newMachine();
    const chunks = machine.snapshot().map((chunk) => chunk.slice());
    restored.restore(chunks);
    for (const chunk of chunks) chunk.fill(0);
    expect(snapshotText(restored)).toBe(before);
    expect(restored.tip).toEqual(machine.tip);
  });

  it("of the start is one chunk, and restores", () => {
    const replica = filled();
    const start = newMachine().snapshot();
    expect(start).toHaveLength(1);
    replica.machine.restore(start);
    expect(snapshotText(replica.machine)).toBe(start.map(toHex).join());
    expect(replica.machine.tip.timeMs).toBeUndefined();
  });

  it("changes no chunk of a client whose key begins otherwise", () => {
    const replica = filled();
    const before = new Set(replica.machine.snapshot().map(toHex));
    replica.round([request({ client: 9, session: sessionId(1000), number: 1, operation: Uint8Array.of(1) })]);
    const changed = chunksOf(replica.machine).filter((chunk) => !before.has(toHex(encodeChunk(chunk))));
    expect(changed.map((chunk) => (chunk.kind === "clients" ? chunk.firstByte : chunk.kind))).toContain(
      clientKey(9)[0],
    );
    expect(changed.some((chunk) => chunk.kind === "clients" && chunk.firstByte !== clientKey(9)[0])).toBe(false);
  });

  it("is refused without any of its chunks, with one twice, or with two in another order; the machine stays as it was", () => {
    const chunks = filled().machine.snapshot();
    const machine = newMachine();
    new Ordered(machine).round([request({ client: 0, session: sessionId(1), number: 1, operation: Uint8Array.of(1) })]);
    const before = snapshotText(machine);
    for (let index = 0; index < chunks.length; index++) {
      const chunk = chunks[index] ?? new Uint8Array();
      const rest = chunks.slice(index + 1);
      const start = chunks.slice(0, index);
      // A state without the last clients is a state, too.
      const isLastOfClients = chunk[0] === 1 && (rest[0]?.[0] !== 1 || rest[0]?.[1] !== chunk[1]);
      const wrong = [
        [...start, chunk, chunk, ...rest],
        [...start, ...rest.slice(0, 1), chunk, ...rest.slice(1)],
      ];
      // The order of its chunks is for the service to check.
      if (rest.length === 0 || (chunk[0] === 2 && rest[0]?.[0] === 2)) wrong.pop();
      if (!isLastOfClients) wrong.push([...start, ...rest]);
      for (const others of wrong) {
        if (others.map(toHex).join() === chunks.map(toHex).join()) continue;
        expect(() => machine.restore(others), `chunk ${index}`).toThrow(SnapshotError);
      }
    }
    expect(snapshotText(machine)).toBe(before);
  });

  it("is refused, or is the snapshot of what it leads to, whatever its bytes", () => {
    const chunks = filled().machine.snapshot();
    const edit = fc.record({
      chunk: fc.nat(chunks.length - 1),
      at: fc.nat(300),
      remove: fc.nat(2),
      insert: fc.uint8Array({ maxLength: 2 }),
    });
    const accepted = { count: 0 };
    fc.assert(
      fc.property(edit, ({ chunk: index, at, remove, insert }) => {
        const machine = newMachine();
        const chunk = chunks[index] ?? new Uint8Array();
        const changed = concat(chunk.subarray(0, at), insert, chunk.subarray(at + remove));
        const others = chunks.map((other, place) => (place === index ? changed : other));
        try {
          machine.restore(others);
        } catch (error) {
          // A service's own chunk, whose form is the service's.
          expect(error instanceof SnapshotError || index >= chunks.length - 3).toBe(true);
          return;
        }
        accepted.count++;
        expect(snapshotText(machine)).toBe(others.map(toHex).join(" "));
      }),
      { numRuns: 400 },
    );
    expect(accepted.count).toBeGreaterThan(0);
  });

  it("is refused when it has other services; new ones begin in their first state", () => {
    const list = (name: string): ListService => new ListService(name);
    const two = filled().machine.snapshot();
    expect(() => newMachine({ services: [list("list")] }).restore(two)).toThrow(/has a service another/);
    const three = [list("list"), list("another"), list("third")];
    expect(() => newMachine({ services: three }).restore(two)).toThrow(/has no service third/);
    const machine = newMachine({ services: three, newServices: ["third"] });
    const payload = request({
      client: 0,
      session: sessionId(1),
      number: 1,
      operation: Uint8Array.of(1),
      service: "third",
    });
    new Ordered(machine).round([payload]);
    machine.restore(two);
    expect(machine.query("third", new Uint8Array())).toEqual(new Uint8Array(4));
    expect(machine.query("list", new Uint8Array())).toEqual(Uint8Array.of(0, 0, 0, 212));
  });

  it("that a service refuses leaves a machine that nobody can use", () => {
    const chunks = filled().machine.snapshot();
    const bad = encodeChunk({ kind: "service", name: "list", bytes: Uint8Array.of(1) });
    const machine = newMachine();
    expect(() => machine.restore([...chunks.slice(0, -1), bad])).toThrow("truncated");
    expect(() => machine.query("list", new Uint8Array())).toThrow(InvariantError);
    expect(() => machine.restore(chunks)).toThrow(InvariantError);
    expect(() => machine.outcome(clientKey(0), sessionId(1), 1)).toThrow(InvariantError);
    expect(() => machine.admission()).toThrow(InvariantError);
    expect(() => machine.rejoinedIn(1)).toThrow(InvariantError);
    expect(() => machine.apply({ round: 1, payloads: [], timeMs: undefined })).toThrow(InvariantError);
  });
});

const anOutcome = (sequence: number, reply?: Uint8Array): Outcome => ({
  digest: new Uint8Array(32),
  sequence,
  round: 1,
  timeMs: undefined,
  reply,
  action: "call" as const,
  service: "list",
});
const key = (opened: number): string => sessionKey(sessionId(opened));
const client = toHex(clientKey(0));
const session = (opened: number, outcomes: ClientRecord<Outcome>["sessions"][0]["outcomes"], acknowledged = 0) => ({
  session: key(opened),
  acknowledged,
  outcomes,
});
const one = [{ number: 1, outcome: anOutcome(1) }];

describe("sessions in a snapshot", () => {
  /** The snapshot of the start, but with these clients, and a tip that is far enough for them. */
  const restoreWith = (records: readonly ClientRecord<Outcome>[], tip = { round: 9, sequence: 900 }): Machine => {
    const machine = newMachine();
    const [start] = chunksOf(machine);
    if (start?.kind !== "tip") throw new Error("no tip");
    machine.restore([encodeChunk({ ...start, ...tip }), ...clientChunks(records)]);
    return machine;
  };

  it("are taken when they could be", () => {
    expect(restoreWith([{ client, sessions: [session(1, one)] }]).outcome(clientKey(0), sessionId(1), 1).kind).toBe(
      "done",
    );
  });

  const record = (...sessions: ClientRecord<Outcome>["sessions"][0][]): ClientRecord<Outcome>[] => [
    { client, sessions },
  ];
  const long = new Uint8Array(60 * 1024);
  it.each<[string, readonly ClientRecord<Outcome>[]]>([
    ["a client twice", [...record(session(1, one)), ...record(session(1, [{ number: 1, outcome: anOutcome(2) }]))]],
    ["a client without sessions", record()],
    ["sessions out of order", record(session(2, one), session(1, [{ number: 1, outcome: anOutcome(2) }]))],
    ["a session in which nothing was executed", record(session(1, []))],
    ["numbers out of order", record(session(1, [...one, { number: 1, outcome: anOutcome(2) }]))],
    ["what was acknowledged", record(session(1, one, 1))],
    ["a number beyond the window", record(session(1, [{ number: 258, outcome: anOutcome(1) }], 1))],
    [
      "more replies than are kept",
      record(
        session(
          1,
          [1, 2, 3, 4, 5].map((number) => ({ number, outcome: anOutcome(number, long) })),
        ),
      ),
    ],
    ["a place in the log twice", record(session(1, [...one, { number: 2, outcome: anOutcome(1) }]))],
    ["a place beyond the tip", record(session(1, [{ number: 1, outcome: anOutcome(901) }]))],
    ["a round beyond the tip", record(session(1, [{ number: 1, outcome: { ...anOutcome(1), round: 10 } }]))],
  ])("not with %s", (_, records) => {
    expect(() => restoreWith(records)).toThrow(SnapshotError);
  });

  it("have bounds as the cluster's clients have", () => {
    expect(MAX_SESSION_CLIENTS).toBe(MAX_CLIENTS);
  });

  it("have keys in their order", () => {
    const anyId = fc.record({ opened: fc.maxSafeNat(), nonce: fc.uint8Array({ minLength: 8, maxLength: 8 }) });
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        expect(sessionOfKey(sessionKey(a))).toEqual(a);
        const order = a.opened - b.opened || Buffer.compare(a.nonce, b.nonce);
        expect(Math.sign(order)).toBe(sessionKey(a) < sessionKey(b) ? -1 : sessionKey(a) > sessionKey(b) ? 1 : 0);
      }),
    );
  });

  it("have one encoding, and others are refused", () => {
    const codec = clientsCodec(outcomeCodec);
    const encoded = encode(
      codec,
      record(
        session(1, one),
        session(2, [{ number: 3, outcome: { ...anOutcome(2, long.slice(0, 3)), timeMs: 0 } }], 2),
      ),
    );
    fc.assert(
      fc.property(fc.nat(encoded.length), fc.uint8Array({ maxLength: 3 }), fc.nat(3), (at, insert, remove) => {
        const changed = concat(encoded.subarray(0, at), insert, encoded.subarray(at + remove));
        const decoded = decode(codec, changed);
        if (decoded.ok) expect(encode(codec, decoded.value)).toEqual(changed);
        else expect(decoded.error).not.toBe("");
      }),
      { numRuns: 500 },
    );
  });
});

describe("an admission's snapshot", () => {
  it("makes an equal one, and is refused when it is none", () => {
    const { machine, admission } = filled();
    const snapshot = admission.snapshot();
    expect(machine.restoreAdmission(snapshot).snapshot()).toEqual(snapshot);
    for (const cut of [1, snapshot.length - 1])
      expect(() => machine.restoreAdmission(snapshot.subarray(0, cut))).toThrow(SnapshotError);
    expect(() => machine.restoreAdmission(new Uint8Array())).toThrow(SnapshotError);
  });

  it("is apart from the machine's state", () => {
    const { machine, admission } = filled();
    const payload = request({ client: 0, session: sessionId(500), number: 1 });
    admission.deliver(admission.identify(payload) ?? "", payload);
    expect(admission.isOpen(admission.identify(payload) ?? "")).toBe(false);
    expect(machine.admission().isOpen(admission.identify(payload) ?? "")).toBe(true);
  });
});

describe("a read from one chunk", () => {
  it("says where to look, and answers from the right one", () => {
    const { machine } = filled();
    const answers = machine.snapshot().map((chunk) => machine.answerFrom(chunk, "list", new Uint8Array()));
    const counts = [100, 100, 12].map((count) => ({ answer: Uint8Array.of(0, 0, 0, count) }));
    expect(answers).toEqual([...Array<string>(5).fill("after"), ...counts]);
    const ofList = machine.snapshot().at(-1) ?? new Uint8Array();
    expect(machine.answerFrom(ofList, "another", new Uint8Array())).toBe("before");
    expect(answerFromChunk(ofList, "third", new ListService("third"), new Uint8Array())).toBe("after");
    expect(machine.answerFrom(ofList, "missing", new Uint8Array())).toBeUndefined();
    expect(answerFromChunk(ofList, "list", {}, new Uint8Array())).toBeUndefined();
  });

  it("is total", () => {
    const { machine } = filled();
    const [, ...others] = machine.snapshot();
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(others.length - 1), fc.nat(60), (bytes, index, at) => {
        const chunk = others[index] ?? new Uint8Array();
        machine.answerFrom(bytes, "list", bytes);
        machine.answerFrom(concat(chunk.subarray(0, at), bytes, chunk.subarray(at)), "list", bytes);
      }),
    );
    expect(machine.answerFrom(new Uint8Array(), "list", new Uint8Array())).toBeUndefined();
  });
});
