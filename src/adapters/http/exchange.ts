/** What the HTTP server and the interfaces below it say to each other. */

export interface HttpAnswer {
  readonly status: number;
  /** Empty: there is no body. */
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** The methods that there are, where another was tried. */
  readonly allow?: string;
}

export interface TextAnswer extends HttpAnswer {
  readonly body: string;
}

/** A request before its body. */
export interface HttpHead {
  readonly method: string;
  /** Not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By its name in lower case; one that is there more than once is joined by commas. */
  readonly header: (name: string) => string | undefined;
  /** Who asks, as far as its address tells (address.ts). */
  readonly client: string;
}

export interface HttpRequest extends Omit<HttpHead, "client"> {
  readonly body: Uint8Array;
}

/** An interface that takes whole requests. */
export interface HttpApi {
  /** What its paths begin with, such as `/v1/`. */
  readonly prefix: string;
  /** A longer body is refused. */
  readonly maxBodyBytes: number;
  /** How, if not by a plain 413. */
  tooLong?(): HttpAnswer;
  handle(request: HttpRequest): Promise<HttpAnswer>;
}

/** An interface that decides by a request's head what its body may be. */
export interface StagedApi {
  readonly prefix: string;
  begin(head: HttpHead): HttpAnswer | HttpTask;
}

export type AnyHttpApi = HttpApi | StagedApi;

/** How long a client may take. */
export interface Patience {
  /** For the body to arrive. */
  readonly requestTimeoutMs: number;
  /** From here on: for the body and the answer. */
  readonly connectionLifetimeMs: number;
}

export interface HttpTask {
  readonly maxBodyBytes: number;
  /** What the server says where it cannot let it run to its end: the body is too long (413) or does not come (400, 408), or `run` throws (500). */
  refuse(status: 400 | 408 | 413 | 500, reason: string): HttpAnswer;
  /** The server's usual one unless given. */
  readonly patience?: Patience;
  /** `body` throws when it is longer, or does not arrive: these are the server's to answer. */
  run(body: AsyncIterable<Uint8Array>): Promise<HttpAnswer | HttpStream>;
}

/** An answer that goes on as long as there is something to say. */
export interface HttpStream {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Then the connection ends. */
  readonly lifetimeMs: number;
  open(sink: HttpSink): void;
}

export interface HttpSink {
  /** Bytes that the client has not taken yet. */
  readonly waitingBytes: number;
  write(text: string): void;
  /** When the client has taken all. */
  onDrain(action: () => void): void;
  /** Whoever ends it; at once when it is over already. */
  onClose(action: () => void): void;
  /** Drops what waits. */
  close(): void;
}

export class BodyTooLongError extends Error {
  override readonly name = "BodyTooLongError";
}

export function isTask(value: HttpAnswer | HttpTask): value is HttpTask {
  return "run" in value;
}

export function stagedOf(api: AnyHttpApi): StagedApi {
  if ("begin" in api) return api;
  const { prefix, maxBodyBytes } = api;
  return {
    prefix,
    begin: (head) => ({
      maxBodyBytes,
      refuse: (status, reason) => (status === 413 ? api.tooLong?.() : undefined) ?? refusal(status, reason),
      run: async (body) => api.handle({ ...head, body: await collect(body) }),
    }),
  };
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function refusal(status: number, reason: string): TextAnswer {
  return jsonAnswer(status, { error: reason });
}

export function jsonAnswer(status: number, value: object): TextAnswer {
  return { status, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}
