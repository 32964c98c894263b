/** What the tests of the key-value service share: operations, and a map to compare with. */
import fc from "fast-check";
import { expect } from "vitest";
import { toHex } from "../../../src/core/bytes.js";
import { bytes, encode, list, struct, u64 } from "../../../src/core/codec.js";
import {
  createKv,
  decodeKvAnswer,
  decodeKvReply,
  encodeKvOperation,
  type KvAnswer,
  type KvCondition,
  type KvCurrent,
  type KvEntry,
  type KvOperation,
  type KvReply,
} from "../../../src/services/kv/index.js";
import type { Service } from "../../../src/services/service.js";
import { applied } from "../support/service.js";

export const NO_BYTES = new Uint8Array();

export function replyOf(encoded: Uint8Array): KvReply {
  const decoded = decodeKvReply(encoded);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value;
}

export function answerOf(encoded: Uint8Array): KvAnswer {
  const decoded = decodeKvAnswer(encoded);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value;
}

export function ask(service: Service, sequence: number, operation: KvOperation): KvReply {
  return replyOf(applied(service, sequence, encodeKvOperation(operation)));
}

/** A map with one entry for each key, all with values of this size, written by operations 1, 2, ... */
export function kvWith(keys: readonly Uint8Array[], valueBytes: number): Service {
  const kv = createKv();
  for (const [index, key] of keys.entries()) {
    const value = new Uint8Array(valueBytes).fill(index);
    expect(ask(kv, index + 1, { kind: "put", key, condition: { kind: "none" }, value }).kind).toBe("written");
  }
  return kv;
}

/** A chunk as anybody might make it, of the right form or not. */
export function chunkWith(from: Uint8Array, to: Uint8Array, entries: readonly KvEntry[]): Uint8Array {
  const any = bytes(2 ** 20);
  const entry = struct({ key: any, version: u64, value: any });
  return encode(struct({ from: any, to: any, entries: list(entry, 2 ** 20) }), { from, to, entries });
}

/** Few keys, so that operations meet; of all lengths. */
export const anyKey = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 2, max: 7 }),
  fc.nat(3).map((last) => new Uint8Array(256).fill(3).with(255, last)),
);

const anySize = fc.oneof(fc.nat(20), fc.integer({ min: 500, max: 4000 }), fc.integer({ min: 6000, max: 20_000 }));
export const anyValue = fc
  .record({ size: anySize, fill: fc.nat(255) })
  .map(({ size, fill }) => new Uint8Array(size).fill(fill));

/** What is asked of the present state; "right" conditions hold of it. */
export interface Intent {
  readonly kind: KvOperation["kind"];
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly condition: "none" | "absent" | "version" | "value";
  readonly isRight: boolean;
}

const put = fc.constant("put" as const);
export const anyIntent: fc.Arbitrary<Intent> = fc.record({
  kind: fc.oneof(put, put, fc.constant("delete" as const), fc.constant("get" as const)),
  key: anyKey,
  value: anyValue,
  condition: fc.constantFrom("none", "none", "absent", "version", "value"),
  isRight: fc.boolean(),
});

/** What the service has to do, as simple as it can be said. */
export class Model {
  readonly #entries = new Map<string, KvEntry>();

  operationFor({ kind, key, value, condition, isRight }: Intent): KvOperation {
    if (kind === "get") return { kind, key };
    const entry = this.#entries.get(toHex(key));
    const right = isRight && entry !== undefined;
    const conditions: Record<Intent["condition"], KvCondition> = {
      none: { kind: "none" },
      absent: { kind: "absent" },
      version: { kind: "version", version: right ? entry.version : 1_000_000 },
      value: { kind: "value", value: right ? entry.value : Uint8Array.of(1, 2, 3) },
    };
    return kind === "put"
      ? { kind, key, condition: conditions[condition], value }
      : { kind, key, condition: conditions[condition] };
  }

  apply(sequence: number, operation: KvOperation): KvReply {
    const name = toHex(operation.key);
    const entry = this.#entries.get(name);
    const current = this.current(operation.key);
    if (operation.kind === "get") return current;
    const { condition } = operation;
    const holds =
      condition.kind === "none" ||
      (condition.kind === "absent" && entry === undefined) ||
      (condition.kind === "version" && entry?.version === condition.version) ||
      (condition.kind === "value" && entry !== undefined && toHex(entry.value) === toHex(condition.value));
    if (!holds) return { kind: "conflict", current };
    if (operation.kind === "put") {
      this.#entries.set(name, { key: operation.key, version: sequence, value: operation.value });
      return { kind: "written", version: sequence };
    }
    this.#entries.delete(name);
    return entry === undefined ? { kind: "absent" } : { kind: "deleted", version: entry.version };
  }

  current(key: Uint8Array): KvCurrent {
    const entry = this.#entries.get(toHex(key));
    return entry === undefined ? { kind: "absent" } : { kind: "present", version: entry.version, value: entry.value };
  }

  /** In the order of the keys' bytes, which is that of their hexadecimal digits. */
  entries(): readonly KvEntry[] {
    return [...this.#entries.keys()].sort().flatMap((name) => this.#entries.get(name) ?? []);
  }
}
