/** Errors of a REST API: problem details (RFC 9457), with a code for programs that stays the same. */
import { STATUS_CODES } from "node:http";
import { z } from "zod";
import type { HttpAnswer } from "../http/index.js";

export const problemSchema = z
  .object({
    type: z.literal("about:blank"),
    title: z.string().describe("the name of the status"),
    status: z.int().min(400).max(599),
    code: z.string().describe("for programs: it stays the same"),
    detail: z.string().describe("for people"),
    errors: z
      .array(z.object({ at: z.string(), message: z.string() }))
      .optional()
      .describe("what is wrong with which parameter or field"),
  })
  .describe("an error (RFC 9457)");

export type Problem = z.output<typeof problemSchema>;

export interface ProblemDetails {
  readonly status: number;
  /** Lower-case words with hyphens. */
  readonly code: string;
  readonly detail: string;
  readonly errors?: Problem["errors"];
  /** When to ask again. */
  readonly retryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends a request with a problem. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly details: ProblemDetails;

  constructor(details: ProblemDetails) {
    super(details.detail);
    this.details = details;
  }
}

export function problemAnswer({ status, code, detail, errors, retryAfterMs, headers }: ProblemDetails): HttpAnswer {
  const problem: Problem = {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    code,
    detail,
    ...(errors && { errors }),
  };
  return {
    status,
    contentType: "application/problem+json",
    body: `${JSON.stringify(problem)}\n`,
    headers: {
      ...headers,
      ...(retryAfterMs !== undefined && { "Retry-After": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
    },
  };
}
