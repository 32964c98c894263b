/** What becomes of a call to the cluster that fails, as a problem of a REST API. */
import { ProblemError } from "../../adapters/rest/index.js";
import {
  BusyError,
  CallAbortedError,
  ClientClosedError,
  ClusterUnreachableError,
  NotExecutedError,
  RefusedError,
  ReplyLostError,
  SessionEvictedError,
} from "../../client/index.js";

/** When to ask again where nobody has said. */
const RETRY_MS = 1_000;

/** The problems that calls end with, for the table of routes. */
export const CALL_PROBLEMS = {
  busy: "the cluster, or this replica, has too much to do; it may have been done",
  "no-answer-in-time": "too few replicas answered; it may have been done",
  "not-serving": "this replica starts, stops, or has no requests ordered for others",
} as const;

/** @throws ProblemError where the call fails by what is no defect */
export async function asProblems<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw problemOf(error) ?? error;
  }
}

export function notServing(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "not-serving",
    detail: CALL_PROBLEMS["not-serving"],
    retryAfterMs: RETRY_MS,
  });
}

function problemOf(error: unknown): ProblemError | undefined {
  if (error instanceof BusyError)
    return new ProblemError({
      status: 503,
      code: "busy",
      detail: CALL_PROBLEMS.busy,
      retryAfterMs: error.retryAfterMs,
    });
  if (error instanceof ClientClosedError || error instanceof CallAbortedError) return notServing();
  const isLost =
    error instanceof ClusterUnreachableError ||
    error instanceof SessionEvictedError ||
    error instanceof ReplyLostError ||
    error instanceof NotExecutedError ||
    error instanceof RefusedError;
  if (!isLost) return undefined;
  return new ProblemError({
    status: 504,
    code: "no-answer-in-time",
    detail: CALL_PROBLEMS["no-answer-in-time"],
    retryAfterMs: RETRY_MS,
  });
}
