/** The key-value service, as clients use it. Keys and values are bytes; text is taken as UTF-8. */
import { utf8 } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import {
  type KvCondition,
  type KvCurrent,
  type KvOperation,
  type KvReply,
  decodeKvAnswer,
  decodeKvReply,
  encodeKvOperation,
  encodeKvQuery,
} from "../services/kv/index.js";
import type { CallOptions, Called, Caller, ClientQueryOptions } from "./types.js";

const SERVICE = "kv";

/** Where in the log it was done or seen. */
interface Position {
  /** Of a read: the state has at least so many payloads. */
  readonly sequence: number;
  readonly round: number;
  /** Parties that answered as no honest one does, as far as it mattered. */
  readonly faulty: readonly PartyId[];
}

export type KvRead = Position &
  ({ readonly found: true; readonly value: Uint8Array; readonly version: number } | { readonly found: false });

/** `ok` false: the condition does not hold, and nothing was changed; `current` is what is there. */
export type KvWrite = Position &
  ({ readonly ok: true; readonly version: number } | { readonly ok: false; readonly current: KvPresent | undefined });

export interface KvPresent {
  readonly value: Uint8Array;
  readonly version: number;
}

/** `found` false: there was nothing to delete. */
export type KvDeletion = Position &
  ({ readonly ok: true; readonly found: boolean } | { readonly ok: false; readonly current: KvPresent | undefined });

/** What a write expects to find. A version is the number of the write that made the value. */
export type KvExpected =
  | { readonly absent: true }
  | { readonly version: number }
  | { readonly value: Uint8Array | string };

/** All keys and values together are as large as they may be: nothing was written. */
export class KvFullError extends Error {
  override readonly name = "KvFullError";
}

export interface Kv {
  /** @throws as `Client.query`; EncodeError when the key is empty or too long */
  get(key: Uint8Array | string, options?: ClientQueryOptions): Promise<KvRead>;
  /** @throws as `Client.call`; KvFullError; EncodeError when key or value are too long */
  put(key: Uint8Array | string, value: Uint8Array | string, options?: CallOptions): Promise<KvWrite>;
  /** Compare and swap: writes if what is there is what is expected. */
  cas(
    key: Uint8Array | string,
    expected: KvExpected,
    value: Uint8Array | string,
    options?: CallOptions,
  ): Promise<KvWrite>;
  delete(
    key: Uint8Array | string,
    options?: CallOptions & { readonly expected?: KvExpected | undefined },
  ): Promise<KvDeletion>;
}

export function openKv(caller: Caller): Kv {
  const execute = async (operation: KvOperation, options: CallOptions | undefined) => {
    const called = await caller.call(SERVICE, encodeKvOperation(operation), options);
    return { reply: replyOf(called), position: positionOf(called) };
  };
  const write = async (
    key: Uint8Array | string,
    condition: KvCondition,
    value: Uint8Array | string,
    options: CallOptions | undefined,
  ): Promise<KvWrite> => {
    const operation = { kind: "put", key: bytesOf(key), condition, value: bytesOf(value) } as const;
    const { reply, position } = await execute(operation, options);
    if (reply.kind === "written") return { ok: true, version: reply.version, ...position };
    if (reply.kind === "conflict") return { ok: false, current: presentOf(reply.current), ...position };
    if (reply.kind === "full") throw new KvFullError("the store is full: nothing was written");
    throw unexpected(reply);
  };
  return {
    async get(key, options = {}) {
      const { consistency, minSequence: _least, ...rest } = options;
      // The log has an operation for it, which is answered at one place, whatever else goes on.
      if (consistency === "ordered") {
        const honest = { ...rest, acknowledgements: "honest" } as const;
        const { reply, position } = await execute({ kind: "get", key: bytesOf(key) }, honest);
        return { ...readOf(reply), ...position };
      }
      const answered = await caller.query(SERVICE, encodeKvQuery({ kind: "get", key: bytesOf(key) }), options);
      const answer = decodeKvAnswer(answered.answer);
      if (!answer.ok) throw new Error(`the service's answer is malformed: ${answer.error}`);
      return { ...readOf(answer.value), ...positionOf(answered) };
    },
    put: (key, value, options) => write(key, { kind: "none" }, value, options),
    cas: (key, expected, value, options) => write(key, conditionOf(expected), value, options),
    async delete(key, { expected, ...options } = {}) {
      const condition = expected === undefined ? ({ kind: "none" } as const) : conditionOf(expected);
      const { reply, position } = await execute({ kind: "delete", key: bytesOf(key), condition }, options);
      if (reply.kind === "conflict") return { ok: false, current: presentOf(reply.current), ...position };
      if (reply.kind === "deleted" || reply.kind === "absent") {
        return { ok: true, found: reply.kind === "deleted", ...position };
      }
      throw unexpected(reply);
    },
  };
}

function bytesOf(text: Uint8Array | string): Uint8Array {
  return typeof text === "string" ? utf8(text) : text;
}

function conditionOf(expected: KvExpected): KvCondition {
  if ("absent" in expected) return { kind: "absent" };
  if ("version" in expected) return { kind: "version", version: expected.version };
  return { kind: "value", value: bytesOf(expected.value) };
}

function replyOf({ reply }: Called): KvReply {
  const decoded = decodeKvReply(reply);
  if (!decoded.ok) throw new Error(`the service's reply is malformed: ${decoded.error}`);
  return decoded.value;
}

function positionOf({ sequence, round, faulty }: Position): Position {
  return { sequence, round, faulty };
}

function readOf(reply: { readonly kind: string } | KvCurrent) {
  if (reply.kind === "absent") return { found: false } as const;
  if (reply.kind === "present" && "value" in reply) {
    return { found: true, value: reply.value, version: reply.version } as const;
  }
  throw unexpected(reply);
}

function presentOf(current: KvCurrent): KvPresent | undefined {
  return current.kind === "present" ? { value: current.value, version: current.version } : undefined;
}

/** An honest party stands behind every reply that is believed: a defect of the service, or of this. */
function unexpected({ kind }: { readonly kind: string }): Error {
  return new Error(`the service answered "${kind}", which makes no sense here`);
}
