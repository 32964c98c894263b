/** Requests to the REST API of a replica. What it answers is bounded, and not believed. Runs in a browser. */

/** Where a replica, or a proxy before some, serves the API: `http://127.0.0.1:7404`. */
export type RestSource = string | URL;

export interface RestOptions {
  readonly apiKey?: string;
  readonly signal?: AbortSignal;
  /** Of the program, if not the one that there is. */
  readonly fetch?: typeof fetch;
}

/** What a replica answered in place of what it was asked for. */
export class RestError extends Error {
  override readonly name = "RestError";
  /** Of HTTP. */
  readonly status: number;
  /** The problem's code (docs/rest.md); `not-understood`: the answer is none of this API. */
  readonly code: string;
  /** When to ask again, where the answer says so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status: number, code: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

const NOT_UNDERSTOOD = "not-understood";

export function notUnderstood(message: string, status = 200): RestError {
  return new RestError(message, status, NOT_UNDERSTOOD);
}

/** The answer, when it is 200. @throws RestError; what `fetch` throws when nobody answers, or the signal is aborted */
export async function ask(
  source: RestSource,
  path: string,
  init: RequestInit,
  { apiKey, signal, fetch: given }: RestOptions,
): Promise<Response> {
  const request = given ?? fetch;
  const headers = new Headers(init.headers);
  if (apiKey !== undefined) headers.set("Authorization", `Bearer ${apiKey}`);
  const answer = await request(new URL(path, source), { ...init, headers, ...(signal && { signal }) });
  if (answer.ok) return answer;
  throw problemOf(answer, await textOf(answer));
}

/** Of an answer; longer ones are none. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** @throws RestError when it is too long */
export async function textOf(answer: Response): Promise<string> {
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let [text, sizeBytes] = ["", 0];
  for (;;) {
    const chunk = await reader?.read();
    if (chunk === undefined || chunk.done) return text + decoder.decode();
    sizeBytes += chunk.value.length;
    if (sizeBytes > MAX_ANSWER_BYTES) {
      await reader?.cancel();
      throw notUnderstood(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`, answer.status);
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
}

/** @throws RestError */
export function parse(text: string, status = 200): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw notUnderstood("the answer is not JSON", status);
  }
}

function problemOf(answer: Response, text: string): RestError {
  const { status } = answer;
  const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  const problem =
    answer.headers.get("content-type")?.startsWith("application/problem+json") === true ? parse(text, status) : {};
  const isProblem = typeof problem === "object" && problem !== null && "code" in problem && "detail" in problem;
  const [code, detail] = isProblem
    ? [String(problem.code), String(problem.detail)]
    : [NOT_UNDERSTOOD, `status ${status}`];
  return new RestError(`${code}: ${detail}`, status, code, retryAfterMs);
}
