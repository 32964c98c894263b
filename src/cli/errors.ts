/**
 * How a command ends. Exit codes:
 *
 *     0   done, and everything that was checked holds
 *     1   checked and found invalid
 *     2   usage or input: an option, a file or a field of it cannot be used
 *     3   the cluster cannot be reached
 *     70  a defect of abcast itself
 */
import { CommanderError } from "commander";
import { StorageError } from "../adapters/storage/errors.js";
import { ClusterUnreachableError, RefusedError, SessionEvictedError } from "../client/errors.js";
import { KvFullError } from "../client/kv.js";
import { StaleStoreError } from "../core/protocol.js";
import { KeyError } from "../crypto/errors.js";
import { InputError, systemProblem } from "../replica/input-error.js";

export { InputError };

export const EXIT = { ok: 0, invalid: 1, input: 2, unreachable: 3, internal: 70 } as const;

/** Something was checked and is not valid. The message is the reason. */
export class InvalidError extends Error {
  override readonly name = "InvalidError";
}

/** Too few parties of the cluster answer. The message says which and how. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

export interface Failure {
  readonly code: "invalid" | "usage" | "input" | "unreachable" | "internal";
  readonly exitCode: number;
  /** For people; names the file, field or option at fault. */
  readonly message: string;
  readonly file?: string;
  readonly field?: string;
  readonly option?: string;
}

/** What to do when no party so much as listens; `reasons`: why each does not answer. To be appended to a message. */
export function startHint(reasons: readonly string[]): string {
  const down = reasons.every((reason) => reason.includes("ECONNREFUSED"));
  return down ? "; start the replicas with abcast up" : "";
}

/** What to tell about `error`, whatever it is. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof InputError)
    return { code: "input", exitCode: EXIT.input, message: error.message, ...error.place };
  if (error instanceof InvalidError) return { code: "invalid", exitCode: EXIT.invalid, message: error.message };
  if (error instanceof UnreachableError)
    return { code: "unreachable", exitCode: EXIT.unreachable, message: error.message };
  if (error instanceof ClusterUnreachableError) {
    const message = error.message + startHint(error.reasons);
    return { code: "unreachable", exitCode: EXIT.unreachable, message };
  }
  if (error instanceof SessionEvictedError)
    return { code: "unreachable", exitCode: EXIT.unreachable, message: error.message };
  if (error instanceof StaleStoreError) {
    const message = `${error.message}. It is a copy, or was put back from one, or another process runs this party elsewhere. End that, move the store away and run abcast rejoin DIR`;
    return { code: "input", exitCode: EXIT.input, message };
  }
  if (error instanceof RefusedError || error instanceof KvFullError)
    return { code: "input", exitCode: EXIT.input, message: error.message };
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, "");
    const option = /^(?:unknown |required )?option '.*?(--[^ ']+)/.exec(message)?.[1];
    return { code: "usage", exitCode: EXIT.input, message, ...(option === undefined ? {} : { option }) };
  }
  if (error instanceof StorageError || error instanceof KeyError) {
    return { code: "input", exitCode: EXIT.input, message: error.message };
  }
  const problem = systemProblem(error);
  if (problem !== undefined) {
    const path = error instanceof Error && "path" in error ? String(error.path) : undefined;
    if (path === undefined) return { code: "input", exitCode: EXIT.input, message: problem };
    return { code: "input", exitCode: EXIT.input, message: `${path}: ${problem}`, file: path };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "internal",
    exitCode: EXIT.internal,
    message: `internal error: ${message}; this is a defect of abcast: set ABCAST_DEBUG=1 for the details and report it`,
  };
}
