/** Operations and queries of the bidding service as a client makes them, with answers that make sense. */
import {
  type BiddingAnswer,
  type BiddingOperation,
  type BiddingQuery,
  type BiddingReply,
  decodeBiddingAnswer,
  decodeBiddingReply,
  encodeBiddingOperation,
  encodeBiddingQuery,
  type Refusal,
} from "../services/bidding/index.js";
import type { CallOptions, Called, Caller, ClientQueryOptions } from "./types.js";

const SERVICE = "bidding";

/** Where in the log it was done. */
export type BiddingPosition = Pick<Called, "sequence" | "round">;
export type ReplyOf<Kind extends BiddingReply["kind"]> = Extract<BiddingReply, { readonly kind: Kind }> &
  BiddingPosition;
export type AnswerOf<Kind extends BiddingAnswer["kind"]> = Extract<BiddingAnswer, { readonly kind: Kind }>;

/** The service refused: nothing was changed, but that a registered key has used a number. */
export class BiddingRefusedError extends Error {
  override readonly name = "BiddingRefusedError";
  readonly reason: Refusal;

  constructor(reason: Refusal) {
    super(`the bidding service refused: ${reason}`);
    this.reason = reason;
  }
}

/** There is no auction, or no book, with this number. */
export class NoAuctionError extends Error {
  override readonly name = "NoAuctionError";
}

export interface BiddingCalls {
  execute<Kind extends BiddingReply["kind"]>(
    kind: Kind,
    operation: BiddingOperation,
    options: CallOptions | undefined,
  ): Promise<{ readonly reply: ReplyOf<Kind>; readonly called: Called }>;
  /** Undefined: there is no such thing. */
  find<Kind extends BiddingAnswer["kind"]>(
    kind: Kind,
    query: BiddingQuery,
    options: ClientQueryOptions | undefined,
  ): Promise<AnswerOf<Kind> | undefined>;
}

/** All: @throws as `Client.call` and `Client.query`; BiddingRefusedError */
export function biddingCalls(caller: Pick<Caller, "call" | "query">): BiddingCalls {
  return {
    async execute(kind, operation, options) {
      const called = await caller.call(SERVICE, encodeBiddingOperation(operation), options);
      const { sequence, round } = called;
      const reply = decodeBiddingReply(called.reply);
      if (!reply.ok) throw new Error(`the service's reply is malformed: ${reply.error}`);
      const { value } = reply;
      if (value.kind === "refused") throw new BiddingRefusedError(value.reason);
      if (!isOf(value, kind)) throw new Error(`the service answered "${value.kind}", which makes no sense here`);
      return { reply: { ...value, sequence, round }, called };
    },
    async find(kind, query, options) {
      const answered = await caller.query(SERVICE, encodeBiddingQuery(query), options);
      const answer = decodeBiddingAnswer(answered.answer);
      if (!answer.ok) throw new Error(`the service's answer is malformed: ${answer.error}`);
      const { value } = answer;
      if (value.kind === "absent") return undefined;
      if (!isOf(value, kind)) throw new Error(`the service answered "${value.kind}", which makes no sense here`);
      return value;
    },
  };
}

/** What of a call's options is for the queries that it takes. */
export function timeOf(options: CallOptions | undefined): ClientQueryOptions {
  return options?.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
}

function isOf<Value extends { readonly kind: string }, Kind extends string>(
  value: Value,
  kind: Kind,
): value is Extract<Value, { readonly kind: Kind }> {
  return value.kind === kind;
}
