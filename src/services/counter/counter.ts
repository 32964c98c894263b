/** A counter that many clients add to: the smallest service that keeps something, to learn from how one is written. */
import { decode, type Decoded, encode, struct, u32, u64, union, type Value } from "../../core/codec.js";
import type { Service } from "../service.js";

const operationCodec = union({
  /** Adds `delta`, unless the total would go beyond 2^53-1. */
  add: struct({ delta: u32 }),
  /** Also a query. */
  read: struct({}),
});
export type CounterOperation = Value<typeof operationCodec>;

const replyCodec = union({
  total: struct({ total: u64 }),
  /** Nothing was added; `total` is what it is. */
  overflow: struct({ total: u64 }),
  /** What was asked is no operation, or no query. */
  malformed: struct({}),
});
export type CounterReply = Value<typeof replyCodec>;

const stateCodec = struct({ total: u64 });

/** Also a query, when it reads. @throws EncodeError when `delta` is no u32 */
export function encodeCounterOperation(operation: CounterOperation): Uint8Array {
  return encode(operationCodec, operation);
}

/** Of an operation or a query. Total. */
export function decodeCounterReply(bytes: Uint8Array): Decoded<CounterReply> {
  return decode(replyCodec, bytes);
}

export function createCounter(): Service {
  let total = 0;
  return {
    name: "counter",

    validate: (operation) => decode(operationCodec, operation).ok,

    apply(_context, bytes) {
      const operation = decode(operationCodec, bytes);
      if (!operation.ok) return encode(replyCodec, { kind: "malformed" });
      if (operation.value.kind === "add") {
        const sum = total + operation.value.delta;
        if (sum > Number.MAX_SAFE_INTEGER) return encode(replyCodec, { kind: "overflow", total });
        total = sum;
      }
      return encode(replyCodec, { kind: "total", total });
    },

    query: (query) => answer(total, query),

    snapshot: () => [encode(stateCodec, { total })],

    restore(chunks) {
      const [chunk, ...others] = chunks;
      const state = chunk === undefined ? undefined : decode(stateCodec, chunk);
      if (state?.ok !== true || others.length > 0) throw new Error("the counter's snapshot is none");
      total = state.value.total;
    },

    answerFrom(chunk, query) {
      const state = decode(stateCodec, chunk);
      return state.ok ? { answer: answer(state.value.total, query) } : undefined;
    },
  };
}

function answer(total: number, query: Uint8Array): Uint8Array {
  const decoded = decode(operationCodec, query);
  const isRead = decoded.ok && decoded.value.kind === "read";
  return encode(replyCodec, isRead ? { kind: "total", total } : { kind: "malformed" });
}
