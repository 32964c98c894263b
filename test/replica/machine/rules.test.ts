import { describe, expect, it } from "vitest";
import { concat, toHex } from "../../../src/core/bytes.js";
import { InvariantError } from "../../../src/core/protocol.js";
import { type Machine, REJOIN_RANDOM_BYTES, rejoinNonce } from "../../../src/replica/machine/index.js";
import { MAX_KNOWN_PAYLOADS, PayloadReader } from "../../../src/replica/machine/payload-reader.js";
import { decode, encode, u64 } from "../../../src/core/codec.js";
import { decodePayload, encodePayload } from "../../../src/wire/payload.js";
import { decodeReplies } from "../../../src/wire/replies.js";
import {
  clientKey,
  CLUSTER,
  duty,
  ListService,
  machineOptions,
  newMachine,
  Ordered,
  rejoin,
  request,
  type RequestFields,
  sessionId,
  sha256,
  signed,
  STRANGER,
  unsignedRequest,
} from "./fixture.js";

const ME = clientKey(0);
const S = sessionId(1000);
const operation = Uint8Array.of(0, 1);
const of = (fields: Partial<RequestFields>): Uint8Array =>
  request({ client: 0, session: S, number: 1, operation, ...fields });
const listOf = (machine: Machine): ListService => {
  const service = machine.service("list");
  if (!(service instanceof ListService)) throw new Error("no list");
  return service;
};

describe("what may be ordered", () => {
  const isAdmitted = (payload: Uint8Array): boolean => newMachine().admission().identify(payload) !== undefined;

  it("takes a client's signed request, a void one, and a party's rejoin", () => {
    expect(isAdmitted(of({}))).toBe(true);
    expect(isAdmitted(of({ operation: undefined }))).toBe(true);
    expect(isAdmitted(of({ number: 257, acknowledged: 1 }))).toBe(true);
    expect(isAdmitted(rejoin(3, new Uint8Array(32)))).toBe(true);
    expect(isAdmitted(duty(3, 1, operation))).toBe(true);
  });

  const unsigned = unsignedRequest({ client: 0, session: S, number: 1, operation });
  it.each([
    ["bytes that are no payload", Uint8Array.of(1, 2, 3)],
    ["another cluster's request", signed({ ...unsigned, cluster: new Uint8Array(32) })],
    ["a stranger's", signed({ ...unsigned, client: STRANGER })],
    ["one with another's signature", encodePayload({ kind: "request", ...unsigned, signature: new Uint8Array(64) })],
    ["number 0", of({ number: 0, acknowledged: 0 })],
    ["one that acknowledges itself", of({ number: 5, acknowledged: 5 })],
    ["one that is too far ahead of what it acknowledges", of({ number: 258, acknowledged: 1 })],
    ["one for a service that there is not", of({ service: "missing" })],
    ["what the service refuses", of({ operation: Uint8Array.of(255) })],
    [
      "a rejoin with a wrong signature",
      encodePayload({
        kind: "rejoin",
        cluster: CLUSTER,
        party: 1,
        nonce: new Uint8Array(32),
        signature: new Uint8Array(64),
      }),
    ],
    ["a rejoin of a party that there is not", rejoin(4, new Uint8Array(32))],
    ["a duty of a party that there is not", duty(4, 1, operation)],
    ["a duty for a service that takes none", duty(1, 1, operation, "another")],
    ["a duty for a service that there is not", duty(1, 1, operation, "missing")],
    ["a duty that the service refuses", duty(1, 1, Uint8Array.of(255))],
    ["a duty with a wrong signature", concat(duty(1, 1, operation).slice(0, -64), new Uint8Array(64))],
  ])("not %s", (_, payload) => {
    expect(isAdmitted(payload)).toBe(false);
    expect(() => newMachine().apply({ round: 1, payloads: [payload], timeMs: undefined })).toThrow(InvariantError);
  });

  it("remembers what is right, a bounded number of it, and not what is wrong", () => {
    let verified = 0;
    const list = new ListService("list");
    const options = machineOptions({
      verifyClient: () => {
        verified++;
        return true;
      },
      services: [list],
    });
    const reader = new PayloadReader(options, new Map([["list", list]]));
    const good = of({});
    for (let time = 0; time < 3; time++) expect(reader.read(good)).toBeDefined();
    expect(verified).toBe(1);
    for (let number = 1; number <= 100; number++) reader.read(of({ number, service: "missing" }));
    expect(reader.size).toBe(1);
    for (let number = 1; number <= MAX_KNOWN_PAYLOADS + 10; number++) reader.read(of({ number, operation: undefined }));
    expect(reader.size).toBeLessThanOrEqual(MAX_KNOWN_PAYLOADS);
    expect(reader.size).toBeGreaterThan(MAX_KNOWN_PAYLOADS / 4);
  });
});

describe("a request with several operations", () => {
  const several = (...operations: readonly Uint8Array[]): Uint8Array =>
    signed({
      ...unsignedRequest({ client: 0, session: S, number: 1 }),
      action: { kind: "calls", service: "list", operations },
    });

  it("is executed as a whole, in order, at one place", () => {
    const { machine, ...replica } = new Ordered();
    expect(replica.admission.identify(several(operation, Uint8Array.of(0, 2)))).toBeDefined();
    const contexts: unknown[] = [];
    const list = listOf(machine);
    const apply = list.apply.bind(list);
    list.apply = (context, bytes) => {
      contexts.push(context);
      return apply(context, bytes);
    };
    const payload = several(operation, Uint8Array.of(0, 2), Uint8Array.of(0, 3));
    const [applied] = machine.apply({
      round: 9,
      payloads: [payload, rejoin(1, new Uint8Array(32).fill(1))],
      timeMs: 77,
    });
    expect(contexts).toEqual([0, 1, 2].map((index) => ({ sequence: 1, index, round: 9, roundTimeMs: 77, client: ME })));
    expect(list.executed.map((item) => item.operation[1])).toEqual([1, 2, 3]);
    expect(applied?.outcome?.outcome).toMatchObject({ action: "calls", service: "list", sequence: 1 });
    const replies = decodeReplies(applied?.outcome?.outcome.reply ?? new Uint8Array());
    expect(replies).toEqual({ ok: true, value: [1, 2, 3].map((count) => Uint8Array.of(0, 0, 0, count)) });
    expect(machine.tip.sequence).toBe(2);
  });

  it("leaves out the replies for which there is no room, and executes all the same", () => {
    const { machine } = new Ordered();
    const kibibytes = (count: number): Uint8Array => Uint8Array.of(count, 0);
    const payload = several(kibibytes(40), kibibytes(30), kibibytes(1));
    const [applied] = machine.apply({ round: 1, payloads: [payload], timeMs: undefined });
    const replies = decodeReplies(applied?.outcome?.outcome.reply ?? new Uint8Array());
    expect(replies.ok && replies.value.map(({ length }) => length)).toEqual([4 + 40 * 1024]);
    expect(listOf(machine).executed).toHaveLength(3);
  });

  it("is not admitted with one that the service refuses among them", () => {
    expect(
      newMachine()
        .admission()
        .identify(several(operation, Uint8Array.of(255))),
    ).toBeUndefined();
  });

  it("is not admitted on anything but a plain yes: who writes no TypeScript may answer with a promise", () => {
    const machine = newMachine();
    listOf(machine).validate = () => Promise.resolve(false) as unknown as boolean;
    expect(machine.admission().identify(several(operation))).toBeUndefined();
  });

  it("has at least one", () => {
    const one = several(new Uint8Array());
    const list = one.length - 64 - 8;
    expect(decodePayload(one).ok).toBe(true);
    const none = concat(one.subarray(0, list), new Uint8Array(4), one.subarray(list + 8));
    expect(decodePayload(none)).toMatchObject({ ok: false, error: expect.stringContaining("no operation") as string });
  });
});

describe("a request", () => {
  it("is executed with its place, its round's time and its client, and answered", () => {
    const { machine, ...replica } = new Ordered();
    expect(replica.admission.isOpen("whatever/1/1")).toBe(true);
    const contexts: unknown[] = [];
    const list = listOf(machine);
    const apply = list.apply.bind(list);
    list.apply = (context, bytes) => {
      contexts.push(context);
      return apply(context, bytes);
    };
    const payload = of({});
    const applied = machine.apply({ round: 9, payloads: [payload], timeMs: 77 });
    expect(contexts).toEqual([{ sequence: 1, index: 0, round: 9, roundTimeMs: 77, client: ME }]);
    const outcome = {
      digest: sha256(payload),
      sequence: 1,
      round: 9,
      timeMs: 77,
      reply: Uint8Array.of(0, 0, 0, 1),
      action: "call",
      service: "list",
    };
    expect(applied).toEqual([
      {
        entry: { sequence: 1, round: 9, timeMs: 77, payload },
        outcome: { client: ME, session: S, number: 1, digest: sha256(payload), outcome },
      },
    ]);
    expect(machine.outcome(ME, S, 1)).toEqual({ kind: "done", ...outcome });
    expect(machine.tip).toMatchObject({ round: 9, sequence: 1, timeMs: 77 });
  });

  it("keeps no view of the payload's buffer", () => {
    const machine = newMachine();
    const list = listOf(machine);
    list.apply = (_, bytes) => bytes;
    const payload = of({});
    const [applied] = machine.apply({ round: 1, payloads: [payload], timeMs: undefined });
    payload.fill(9);
    expect(machine.outcome(ME, S, 1)).toMatchObject({ reply: operation });
    expect(applied?.outcome).toMatchObject({ client: ME, session: S });
  });

  it("that is void takes its number and executes nothing", () => {
    const replica = new Ordered();
    replica.round([of({ operation: undefined })]);
    const status = replica.machine.outcome(ME, S, 1);
    expect(status).toMatchObject({ kind: "done", action: "void", reply: undefined, service: "", sequence: 1 });
    expect(replica.round([of({})])).toEqual([]);
    expect(listOf(replica.machine).executed).toEqual([]);
  });

  it("with a number that another has is not executed; who asks sees the other's digest", () => {
    const [first, second] = [of({ operation: Uint8Array.of(0, 1) }), of({ operation: Uint8Array.of(0, 2) })];
    const replica = new Ordered();
    expect(replica.round([first, second])).toHaveLength(1);
    expect(replica.round([second])).toEqual([]);
    expect(replica.machine.outcome(ME, S, 1)).toMatchObject({ kind: "done", digest: sha256(first) });
  });

  it("is no other's: clients, sessions and numbers are apart", () => {
    const replica = new Ordered();
    const all = [of({}), of({ client: 1 }), of({ session: sessionId(1000, 1) }), of({ session: sessionId(1001) })];
    expect(replica.round([...all, of({ number: 2 })])).toHaveLength(5);
  });

  it("stops the replica when atomic broadcast brings it twice, or under a number that is closed or evicted", () => {
    const refused = (before: readonly Uint8Array[], payload: Uint8Array): void => {
      const replica = new Ordered();
      replica.round(before);
      const { length } = listOf(replica.machine).executed;
      expect(() => replica.machine.apply({ round: 2, payloads: [payload], timeMs: undefined })).toThrow(InvariantError);
      expect(listOf(replica.machine).executed).toHaveLength(length);
      // Half of a round may have been executed.
      expect(() => replica.machine.snapshot()).toThrow(InvariantError);
      expect(() => replica.admission.deliver(replica.admission.identify(payload) ?? "", payload)).toThrow(
        InvariantError,
      );
    };
    refused([of({})], of({}));
    refused([of({})], of({ operation: undefined }));
    refused([of({ number: 9, acknowledged: 8 })], of({ number: 8 }));
    refused(
      Array.from({ length: 65 }, (_, index) => of({ session: sessionId(index) })),
      of({ session: sessionId(0), number: 7 }),
    );
    refused([rejoin(1, new Uint8Array(32))], rejoin(1, new Uint8Array(32)));
    const admission = newMachine().admission();
    expect(() => admission.deliver(admission.identify(of({})) ?? "", of({ number: 2 }))).toThrow(InvariantError);
  });

  it("of an earlier round or time stops the replica", () => {
    const machine = newMachine();
    machine.apply({ round: 3, payloads: [of({})], timeMs: 50 });
    expect(() => machine.apply({ round: 3, payloads: [], timeMs: 60 })).toThrow(InvariantError);
    expect(() => machine.apply({ round: 4, payloads: [], timeMs: 49 })).toThrow(InvariantError);
    machine.apply({ round: 4, payloads: [], timeMs: undefined });
    expect(machine.tip.timeMs).toBe(50);
  });
});

describe("a session", () => {
  it("forgets what is acknowledged, for ever", () => {
    const replica = new Ordered();
    replica.round([of({ number: 1 }), of({ number: 3, acknowledged: 0 })]);
    replica.round([of({ number: 4, acknowledged: 2 })]);
    const kinds = [1, 2, 3, 4, 5].map((number) => replica.machine.outcome(ME, S, number).kind);
    expect(kinds).toEqual(["closed", "closed", "done", "done", "open"]);
    // An older acknowledgement takes nothing back.
    replica.round([of({ number: 5, acknowledged: 0 })]);
    expect(replica.machine.outcome(ME, S, 2)).toEqual({ kind: "closed" });
    expect(replica.round([of({ number: 2 })])).toEqual([]);
  });

  it("gives way to a later one when there are too many; it and all before it are evicted, also those never seen", () => {
    const replica = new Ordered();
    for (let index = 0; index < 64; index++) replica.round([of({ session: sessionId(10 * index + 10) })]);
    expect(replica.machine.outcome(ME, sessionId(10), 1).kind).toBe("done");
    expect(replica.machine.outcome(ME, sessionId(9), 1).kind).toBe("evicted");
    expect(replica.round([of({ session: sessionId(9) })])).toEqual([]);
    // Above the least there is room at its cost.
    replica.round([of({ session: sessionId(15) })]);
    for (const [opened, kind] of [
      [10, "evicted"],
      [5, "evicted"],
      [15, "done"],
      [14, "evicted"],
      [16, "open"],
    ] as const)
      expect(replica.machine.outcome(ME, sessionId(opened), 1).kind).toBe(kind);
    expect(replica.machine.outcome(clientKey(1), sessionId(5), 1).kind).toBe("open");
    expect(replica.round([of({ session: sessionId(10), number: 2 })])).toEqual([]);
  });

  it("is after another that was opened at the same time when its nonce is greater", () => {
    const replica = new Ordered();
    for (let index = 0; index < 64; index++) replica.round([of({ session: sessionId(5, index + 1) })]);
    replica.round([of({ session: sessionId(5, 200) })]);
    expect(replica.machine.outcome(ME, sessionId(5, 1), 1).kind).toBe("evicted");
    expect(replica.machine.outcome(ME, sessionId(5, 2), 1).kind).toBe("done");
    expect(replica.machine.outcome(ME, sessionId(4, 255), 1).kind).toBe("evicted");
  });
});

describe("bounds", () => {
  it("hold under a client that uses all it may, and its neighbour loses nothing", () => {
    const replica = new Ordered();
    replica.round([of({ client: 1, operation: Uint8Array.of(60) })]);
    for (let opened = 1; opened <= 66; opened++) {
      const session = sessionId(opened);
      const requests = Array.from({ length: 260 }, (_, index) =>
        of({
          session,
          number: index + 1,
          acknowledged: Math.max(0, index - 255),
          operation: Uint8Array.of(index === 7 ? 60 : 0),
        }),
      );
      replica.round(requests);
    }
    const sizeOf = (machine: Machine): number =>
      machine
        .snapshot()
        .filter(([kind]) => kind === 1)
        .reduce((sum, chunk) => sum + chunk.length, 0);
    // An outcome has 62 bytes, and what its reply and its service's name take.
    expect(sizeOf(replica.machine)).toBeLessThan(64 * (256 * 80 + 64) + 256 * 1024 + 64 * 1024);
    expect(sizeOf(replica.machine)).toBeGreaterThan(64 * 256 * 62);
    expect(replica.admission.snapshot().length).toBeLessThan(64 * (256 * 4 + 64));
    expect(replica.machine.outcome(clientKey(1), S, 1)).toMatchObject({ kind: "done" });
    expect(replica.machine.outcome(clientKey(1), S, 1)).not.toMatchObject({ reply: undefined });
  });

  it("drop the oldest replies of a client, and keep their outcomes", () => {
    const replica = new Ordered();
    // 63 KiB and 4 bytes each: four fit.
    for (let index = 0; index < 6; index++)
      replica.round([of({ session: sessionId(50 - index), operation: Uint8Array.of(63) })]);
    const replies = Array.from({ length: 6 }, (_, index) => replica.machine.outcome(ME, sessionId(50 - index), 1)).map(
      (status) => status.kind === "done" && status.reply !== undefined,
    );
    expect(replies).toEqual([false, false, true, true, true, true]);
    expect(replica.machine.outcome(ME, sessionId(50), 1)).toMatchObject({ kind: "done", sequence: 1, service: "list" });
    // What is acknowledged makes room.
    replica.round([of({ session: sessionId(48), number: 2, operation: undefined })]);
    replica.round([of({ session: sessionId(48), number: 3, acknowledged: 1, operation: Uint8Array.of(63) })]);
    expect(replica.machine.outcome(ME, sessionId(47), 1)).not.toMatchObject({ reply: undefined });
  });

  it("count no reply of a session that was evicted", () => {
    const replica = new Ordered();
    const long = Uint8Array.of(60);
    const kept = of({ session: sessionId(10), operation: long });
    replica.round([
      kept,
      ...[1, 2, 3].map((number) => of({ session: sessionId(1), number, acknowledged: 0, operation: long })),
    ]);
    replica.round(
      Array.from({ length: 63 }, (_, index) => of({ session: sessionId(20 + index), operation: undefined })),
    );
    expect(replica.machine.outcome(ME, sessionId(1), 1).kind).toBe("evicted");
    replica.round([of({ session: sessionId(20), number: 2, operation: long })]);
    const status = replica.machine.outcome(ME, sessionId(10), 1);
    expect(status.kind === "done" && status.reply?.length).toBe(4 + 60 * 1024);
  });

  it("stop a service that answers or keeps too much, and name it", () => {
    const tooLong = of({ operation: Uint8Array.of(70) });
    expect(() => new Ordered().round([tooLong])).toThrow(/service list made a reply of/);
    expect(() => newMachine().query("list", Uint8Array.of(70))).toThrow(/service list made a reply of/);
    const machine = newMachine();
    listOf(machine).snapshot = () => [new Uint8Array(64 * 1024 + 1)];
    expect(() => machine.snapshot()).toThrow(/service list made a chunk of/);
  });
});

describe("services", () => {
  it("are asked by name", () => {
    const machine = newMachine();
    new Ordered(machine).round([of({})]);
    expect(machine.query("list", new Uint8Array())).toEqual(Uint8Array.of(0, 0, 0, 1));
    expect(machine.query("another", new Uint8Array())).toEqual(Uint8Array.of(0, 0, 0, 0));
    expect(machine.query("missing", new Uint8Array())).toBeUndefined();
    expect(machine.service("another")?.name).toBe("another");
  });

  it.each([
    ["two of one name", [new ListService("a"), new ListService("a")]],
    ["names that are none", [new ListService("A")]],
    ["too many", Array.from({ length: 65 }, (_, index) => new ListService(`s${index}`))],
  ])("not %s", (_, services) => {
    expect(() => newMachine({ services })).toThrow(RangeError);
  });
});

describe("a duty", () => {
  it("is executed with its place and its party, for nobody to be told", () => {
    const { machine } = new Ordered();
    const contexts: unknown[] = [];
    const { duties } = listOf(machine);
    if (duties === undefined) throw new Error("no duties");
    duties.apply = (context) => void contexts.push(context);
    const payload = duty(2, 1, operation);
    expect(machine.apply({ round: 9, payloads: [payload], timeMs: 77 })).toEqual([
      { entry: { sequence: 1, round: 9, timeMs: 77, payload } },
    ]);
    expect(contexts).toEqual([{ sequence: 1, index: 0, round: 9, roundTimeMs: 77, party: 2 }]);
  });

  it("is the next of its party, or none: one in a round, and none twice", () => {
    const replica = new Ordered();
    expect(replica.round([duty(2, 2, operation)])).toEqual([]);
    expect(replica.round([duty(2, 1, operation), duty(2, 1, Uint8Array.of(0, 9)), duty(1, 1, operation)])).toHaveLength(
      2,
    );
    expect(replica.round([duty(2, 1, operation), duty(2, 3, operation)])).toEqual([]);
    expect(replica.machine.nextDuty(2)).toBe(2);
    expect(replica.round([duty(2, 2, operation)])).toHaveLength(1);
    expect(listOf(replica.machine).executed).toHaveLength(3);
  });

  it("stops the replica when atomic broadcast brings one that is not the next", () => {
    const machine = newMachine();
    expect(() => machine.apply({ round: 1, payloads: [duty(1, 2, operation)], timeMs: undefined })).toThrow(
      InvariantError,
    );
  });

  it("is due when a service says so, under the next number", () => {
    const replica = new Ordered();
    replica.round([duty(3, 1, operation)]);
    const debtor = { party: 3, nowMs: 1000, decryptionShare: () => new Uint8Array() };
    expect(replica.machine.due(debtor)).toEqual({ number: 2, service: "list", operation: Uint8Array.of(0, 7) });
    expect(replica.machine.due({ ...debtor, party: 2 })).toBeUndefined();
    expect(replica.machine.due({ ...debtor, nowMs: 999 })).toBeUndefined();
  });
});

describe("a rejoin", () => {
  const nonce = (time: number): Uint8Array => rejoinNonce(time, new Uint8Array(REJOIN_RANDOM_BYTES).fill(time));

  it("counts from its round on, and takes a place in the log", () => {
    const replica = new Ordered();
    expect(replica.machine.rejoinedIn(2)).toBeUndefined();
    replica.round([of({})]);
    expect(replica.round([rejoin(2, nonce(1))])).toMatchObject([{ entry: { sequence: 2 }, rejoined: 2 }]);
    expect(replica.machine.rejoinedIn(2)).toEqual({ nonce: nonce(1), round: 2 });
    expect(replica.machine.rejoinedIn(1)).toBeUndefined();
  });

  it("of earlier can be ordered by nobody again, however many there were", () => {
    const replica = new Ordered();
    for (const time of [1, 2, 3]) expect(replica.round([rejoin(2, nonce(time))])).toHaveLength(1);
    for (const time of [1, 2, 3]) expect(replica.round([rejoin(2, nonce(time))])).toEqual([]);
    expect(replica.machine.rejoinedIn(2)?.round).toBe(3);
    expect(replica.round([rejoin(1, nonce(1))])).toHaveLength(1);
  });

  it("has a nonce that grows with time", () => {
    expect(decode(u64, nonce(12345).subarray(0, 8))).toEqual({ ok: true, value: 12345 });
    expect(nonce(1)).toHaveLength(32);
    expect(toHex(nonce(256)) > toHex(nonce(255))).toBe(true);
    expect(() => rejoinNonce(1, encode(u64, 1))).toThrow(RangeError);
  });
});
