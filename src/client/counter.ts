/** The counter service, as clients use it. */
import { decodeCounterReply, encodeCounterOperation } from "../services/counter/index.js";
import type { CallOptions, Caller, ClientQueryOptions } from "./types.js";

const SERVICE = "counter";

export interface CounterTotal {
  readonly total: number;
  /** Of a read: the state has at least so many payloads. */
  readonly sequence: number;
  readonly round: number;
}

export interface Counter {
  /** `ok` false: the total would be too large; nothing was added. @throws as `Client.call` */
  add(delta: number, options?: CallOptions): Promise<CounterTotal & { readonly ok: boolean }>;
  /** @throws as `Client.query` */
  read(options?: ClientQueryOptions): Promise<CounterTotal>;
}

export function openCounter(caller: Caller): Counter {
  return {
    async add(delta, options) {
      const operation = encodeCounterOperation({ kind: "add", delta });
      const { reply, sequence, round } = await caller.call(SERVICE, operation, options);
      const { total, kind } = totalOf(reply);
      return { ok: kind === "total", total, sequence, round };
    },
    async read(options) {
      const { answer, sequence, round } = await caller.query(
        SERVICE,
        encodeCounterOperation({ kind: "read" }),
        options,
      );
      return { total: totalOf(answer).total, sequence, round };
    },
  };
}

function totalOf(reply: Uint8Array): { readonly kind: "total" | "overflow"; readonly total: number } {
  const decoded = decodeCounterReply(reply);
  if (!decoded.ok) throw new Error(`the service's reply is malformed: ${decoded.error}`);
  if (decoded.value.kind === "malformed") throw new Error("the service says that what it was asked is malformed");
  return decoded.value;
}
