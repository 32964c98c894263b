/** What a replica's desk answers, for routes that ask it. */
import { ProblemError } from "../../adapters/rest/index.js";
import { type Refusal, REFUSALS, type ReplyFrame } from "../../wire/client-frames.js";
import type { DeskReply } from "../ask-desk.js";
import { CALL_PROBLEMS, notServing } from "./failures.js";

/** When to ask again where nobody has said. */
const RETRY_MS = 1_000;

const STATUSES: Partial<Record<Refusal, number>> = { "invalid-payload": 400, "unknown-service": 404, "no-proof": 404 };

type Reply = Exclude<ReplyFrame, { readonly kind: "refused" }>;

/** @throws ProblemError for refusals, and where there is no answer */
export function replied(reply: DeskReply): Reply {
  if (reply === "closed") throw notServing();
  if (reply === "late") {
    const detail = CALL_PROBLEMS["no-answer-in-time"];
    throw new ProblemError({ status: 504, code: "no-answer-in-time", detail, retryAfterMs: RETRY_MS });
  }
  if (reply.kind !== "refused") return reply;
  const { code, reason: detail, retryAfterMs } = reply;
  if (retryAfterMs > 0) throw new ProblemError({ status: 503, code: "busy", detail, retryAfterMs });
  const refusal = REFUSALS[code];
  const status = (refusal && STATUSES[refusal]) ?? 409;
  throw new ProblemError({ status, code: refusal ?? "refused", detail });
}

/** To a request to be ordered. @throws ProblemError as above */
export function outcomeIn(reply: DeskReply): Extract<ReplyFrame, { readonly kind: "reply" }> {
  const outcome = replied(reply);
  if (outcome.kind !== "reply") throw new Error(`the desk answered with ${outcome.kind}`);
  return outcome;
}
