/** How a client's calls fail. Where the outcome of a call is unknown, the error has the handle to ask for it. */
import type { CallHandle } from "./handle.js";

/** The client was closed before the answer came. */
export class ClientClosedError extends Error {
  override readonly name = "ClientClosedError";
  handle?: CallHandle;
}

/** Too few replicas answered in time; says of each why. What was asked may still be ordered. */
export class ClusterUnreachableError extends Error {
  override readonly name: string = "ClusterUnreachableError";
  /** Of the call, if it was sent: `Client.outcome` says what became of it. */
  handle?: CallHandle;

  /** `reasons`: by party. */
  constructor(
    message: string,
    readonly reasons: readonly string[],
  ) {
    super(message);
  }
}

/** As above, and so many replicas said that they are busy that an honest one is. */
export class BusyError extends ClusterUnreachableError {
  override readonly name = "BusyError";

  constructor(
    message: string,
    reasons: readonly string[],
    readonly retryAfterMs: number,
  ) {
    super(message, reasons);
  }
}

/** So many replicas refuse the request that it cannot succeed. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  handle?: CallHandle;
}

/** The caller's signal ended the wait. What was asked may still be ordered. */
export class CallAbortedError extends Error {
  override readonly name = "CallAbortedError";
  handle?: CallHandle;
}

/**
 * The session of the call was evicted: later sessions of the same client took its place. The call was executed before that, or
 * never will be, and nobody remembers which. Other calls go on in a new session.
 */
export class SessionEvictedError extends Error {
  override readonly name = "SessionEvictedError";
  handle?: CallHandle;
}

/** Another payload took the call's number, as `outcome` has one do: the call was not executed and never will be. */
export class NotExecutedError extends Error {
  override readonly name = "NotExecutedError";
}

/** The call was executed, but the replicas keep its reply no more. */
export class ReplyLostError extends Error {
  override readonly name = "ReplyLostError";

  constructor(
    readonly sequence: number,
    readonly round: number,
  ) {
    super(`the call was executed as number ${sequence}, but its reply is not kept any more`);
  }
}

/** This client has said that it needs the outcome no more, so that nobody remembers it. */
export class OutcomeForgottenError extends Error {
  override readonly name = "OutcomeForgottenError";
}
