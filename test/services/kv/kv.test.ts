import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/core/bytes.js";
import { EncodeError } from "../../../src/core/codec.js";
import {
  createKv,
  decodeKvAnswer,
  decodeKvOperation,
  decodeKvQuery,
  decodeKvReply,
  encodeKvAnswer,
  encodeKvOperation,
  encodeKvQuery,
  encodeKvReply,
  type KvCondition,
  type KvEntry,
  type KvOperation,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
} from "../../../src/services/kv/index.js";
import { MAX_OPERATION_BYTES, MAX_REPLY_BYTES, type Service } from "../../../src/services/service.js";
import { applied, chunksOf, mutation, restored, shown } from "../support/service.js";
import { answerOf, anyIntent, anyKey, anyValue, ask, kvWith, Model, NO_BYTES, replyOf } from "./support.js";

const a = utf8("a");
const none: KvCondition = { kind: "none" };

/** All entries, as a client gets them that goes on from `next`. */
function allEntries(kv: Service, limit: number): KvEntry[] {
  const all: KvEntry[] = [];
  let from: Uint8Array = NO_BYTES;
  do {
    const answer = answerOf(kv.query(encodeKvQuery({ kind: "range", from, limit })));
    if (answer.kind !== "entries") throw new Error(answer.kind);
    expect(answer.entries.length).toBeLessThanOrEqual(limit);
    all.push(...answer.entries);
    from = answer.next;
  } while (from.length > 0);
  return all;
}

describe("the key-value service", () => {
  it("does what a map does, also when it was restored on the way", () => {
    fc.assert(
      fc.property(
        fc.array(anyIntent, { minLength: 1, maxLength: 150, size: "max" }),
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        (intents, at, limit) => {
          const kv = createKv();
          let other = createKv();
          const model = new Model();
          for (const [index, intent] of intents.entries()) {
            if (index === at % intents.length) other = restored(createKv, chunksOf(kv));
            const operation = model.operationFor(intent);
            const sequence = index + 10;
            const reply = ask(kv, sequence, operation);
            expect(shown(reply)).toEqual(shown(model.apply(sequence, operation)));
            expect(shown(ask(other, sequence, operation))).toEqual(shown(reply));
          }
          expect(shown(chunksOf(other))).toEqual(shown(chunksOf(kv)));
          expect(shown(allEntries(kv, limit))).toEqual(shown(model.entries()));
          for (const { key } of intents) {
            expect(shown(answerOf(other.query(encodeKvQuery({ kind: "get", key }))))).toEqual(
              shown(model.current(key)),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("leaves a snapshot that was taken as it is", () => {
    const keys = Array.from({ length: 100 }, (_, index) => utf8(`key ${index}`));
    const kv = kvWith(keys, 500);
    const chunks = chunksOf(kv);
    const copies = chunks.map((chunk) => chunk.slice());
    for (const key of keys) ask(kv, 1000, { kind: "put", key, condition: none, value: a });
    for (const key of keys) ask(kv, 1000, { kind: "delete", key, condition: none });
    expect(shown(chunks)).toEqual(shown(copies));
    expect(shown(chunksOf(kv))).not.toEqual(shown(copies));
  });

  it("keeps the encoding of what was not changed", () => {
    const kv = kvWith(
      Array.from({ length: 100 }, (_, index) => utf8(`key ${index}`)),
      500,
    );
    const before = chunksOf(kv);
    ask(kv, 1000, { kind: "put", key: utf8("key 7"), condition: none, value: a });
    const after = chunksOf(kv);
    expect(after.length).toBe(before.length);
    expect(after.filter((chunk, index) => chunk !== before[index])).toHaveLength(1);
  });
});

describe("conditions", () => {
  const value = utf8("value");
  const other = utf8("other");
  const present = { kind: "present", version: 5, value } as const;
  const kvWithA = (): Service => {
    const kv = createKv();
    expect(ask(kv, 5, { kind: "put", key: a, condition: none, value })).toEqual({ kind: "written", version: 5 });
    return kv;
  };

  it.each<KvCondition>([none, { kind: "version", version: 5 }, { kind: "value", value }])("hold: %o", (condition) => {
    const kv = kvWithA();
    expect(ask(kv, 6, { kind: "put", key: a, condition, value: other })).toEqual({ kind: "written", version: 6 });
    expect(ask(kv, 7, { kind: "get", key: a })).toEqual({ kind: "present", version: 6, value: other });
    const again = kvWithA();
    expect(ask(again, 6, { kind: "delete", key: a, condition })).toEqual({ kind: "deleted", version: 5 });
    expect(ask(again, 7, { kind: "get", key: a })).toEqual({ kind: "absent" });
  });

  it.each<KvCondition>([
    { kind: "absent" },
    { kind: "version", version: 6 },
    { kind: "version", version: 0 },
    { kind: "value", value: other },
    { kind: "value", value: NO_BYTES },
  ])("do not hold: %o", (condition) => {
    const kv = kvWithA();
    const conflict = { kind: "conflict", current: present };
    expect(ask(kv, 6, { kind: "put", key: a, condition, value: other })).toEqual(conflict);
    expect(ask(kv, 6, { kind: "delete", key: a, condition })).toEqual(conflict);
    expect(ask(kv, 7, { kind: "get", key: a })).toEqual(present);
  });

  it("of an absent key", () => {
    const kv = createKv();
    const conflict = { kind: "conflict", current: { kind: "absent" } };
    for (const condition of [
      { kind: "version", version: 0 },
      { kind: "value", value: NO_BYTES },
    ] as const) {
      expect(ask(kv, 6, { kind: "put", key: a, condition, value })).toEqual(conflict);
      expect(ask(kv, 6, { kind: "delete", key: a, condition })).toEqual(conflict);
    }
    expect(ask(kv, 6, { kind: "delete", key: a, condition: none })).toEqual({ kind: "absent" });
    expect(ask(kv, 6, { kind: "delete", key: a, condition: { kind: "absent" } })).toEqual({ kind: "absent" });
    expect(ask(kv, 7, { kind: "put", key: a, condition: { kind: "absent" }, value })).toEqual({
      kind: "written",
      version: 7,
    });
  });
});

describe("bounds", () => {
  const largest = new Uint8Array(MAX_VALUE_BYTES).fill(9);
  const longest = new Uint8Array(MAX_KEY_BYTES).fill(9);

  it("let the largest key and value through", () => {
    const kv = kvWith([longest], MAX_VALUE_BYTES);
    const conflict = applied(
      kv,
      2,
      encodeKvOperation({ kind: "put", key: longest, condition: { kind: "absent" }, value: largest }),
    );
    expect(conflict.length).toBeLessThanOrEqual(MAX_REPLY_BYTES);
    expect(replyOf(conflict).kind).toBe("conflict");
    expect(chunksOf(kv)).toHaveLength(1);
  });

  it("refuse larger ones, and a key without bytes", () => {
    for (const key of [NO_BYTES, new Uint8Array(MAX_KEY_BYTES + 1)]) {
      expect(() => encodeKvOperation({ kind: "get", key })).toThrow(EncodeError);
      expect(() => encodeKvQuery({ kind: "get", key })).toThrow(EncodeError);
    }
    const value = new Uint8Array(MAX_VALUE_BYTES + 1);
    expect(() => encodeKvOperation({ kind: "put", key: a, condition: none, value })).toThrow(EncodeError);
    expect(() => encodeKvQuery({ kind: "range", from: NO_BYTES, limit: 0 })).toThrow("a limit of 0");
    const noKey = Uint8Array.of(0, 0, 0, 0, 0);
    const kv = createKv();
    expect(kv.validate?.(noKey)).toBe(false);
    expect(replyOf(applied(kv, 1, noKey)).kind).toBe("malformed");
    expect(answerOf(kv.query(noKey)).kind).toBe("malformed");
  });

  it("refuse an operation that is too large as a whole", () => {
    // Between the bounds of the fields and that of the operation: tag, lengths, key, condition's tag.
    const frame = 1 + 4 + 1 + 1 + 4 + 4;
    const rest = MAX_OPERATION_BYTES - frame - MAX_VALUE_BYTES;
    const operation = (valueBytes: number): KvOperation => ({
      kind: "put",
      key: a,
      condition: { kind: "value", value: largest },
      value: new Uint8Array(valueBytes),
    });
    const fits = encodeKvOperation(operation(rest));
    expect(fits.length).toBe(MAX_OPERATION_BYTES);
    expect(decodeKvOperation(fits).ok).toBe(true);
    expect(() => encodeKvOperation(operation(rest + 1))).toThrow(EncodeError);

    // The same with one byte more in the value.
    const larger = new Uint8Array(fits.length + 1);
    larger.set(fits);
    const at = fits.length - rest - 4;
    new DataView(larger.buffer).setUint32(at, rest + 1);
    expect(decodeKvOperation(larger).ok).toBe(false);
    expect(createKv().validate?.(larger)).toBe(false);
    expect(replyOf(applied(createKv(), 1, larger)).kind).toBe("malformed");
  });
});

describe("hostile bytes", () => {
  const kv = kvWith([a, utf8("b"), utf8("c")], 3000);
  const anyEncoded = fc.oneof(
    anyIntent.map((intent) => encodeKvOperation(new Model().operationFor(intent))),
    anyKey.map((key) => encodeKvQuery({ kind: "get", key })),
    fc
      .tuple(anyKey, fc.integer({ min: 1, max: 2 ** 32 - 1 }))
      .map(([from, limit]) => encodeKvQuery({ kind: "range", from, limit })),
    fc.tuple(fc.maxSafeNat(), anyValue).map(([version, value]) => encodeKvReply({ kind: "present", version, value })),
    anyKey.map((next) => encodeKvAnswer({ kind: "entries", entries: [{ key: a, version: 1, value: a }], next })),
    fc.constant(encodeKvReply({ kind: "conflict", current: { kind: "absent" } })),
  );
  const anyHostile = fc.oneof(fc.uint8Array({ maxLength: 60 }), anyEncoded, mutation(anyEncoded));

  it("have one meaning or none", () => {
    fc.assert(
      fc.property(anyHostile, (hostile) => {
        const operation = decodeKvOperation(hostile);
        if (operation.ok) expect(shown(encodeKvOperation(operation.value))).toBe(shown(hostile));
        const query = decodeKvQuery(hostile);
        if (query.ok) expect(shown(encodeKvQuery(query.value))).toBe(shown(hostile));
        const reply = decodeKvReply(hostile);
        if (reply.ok) expect(shown(encodeKvReply(reply.value))).toBe(shown(hostile));
        const answer = decodeKvAnswer(hostile);
        if (answer.ok) expect(shown(encodeKvAnswer(answer.value))).toBe(shown(hostile));
      }),
      { numRuns: 500 },
    );
  });

  it("are answered, and what is no operation changes nothing", () => {
    fc.assert(
      fc.property(anyHostile, (hostile) => {
        const before = chunksOf(kv);
        const isOperation = decodeKvOperation(hostile).ok;
        expect(kv.validate?.(hostile)).toBe(isOperation);
        const copy = restored(createKv, before);
        expect(replyOf(applied(copy, 9, hostile)).kind === "malformed").toBe(!isOperation);
        if (!isOperation) expect(shown(chunksOf(copy))).toEqual(shown(before));

        const answer = kv.query(hostile.slice());
        expect(answer.length).toBeLessThanOrEqual(MAX_REPLY_BYTES);
        expect(answerOf(answer).kind === "malformed").toBe(!decodeKvQuery(hostile).ok);
        expect(shown(chunksOf(kv))).toEqual(shown(before));
      }),
      { numRuns: 300 },
    );
  });
});
