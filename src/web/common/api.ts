/** Requests to the replica that served the page, and to nobody else: paths only, never addresses. */

/** Far above anything that a page asks for. */
const MAX_ANSWER_CHARACTERS = 16 * 1024 * 1024;

/** The replica answered that it does not do it, or did not answer; `message` is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** @throws ApiError */
export async function getText(path: string): Promise<string> {
  return textOf(await request(path, {}));
}

/** @throws ApiError */
export async function getJson(path: string): Promise<unknown> {
  return jsonOf(await getText(path));
}

/** The answer as it came. @throws ApiError */
export async function postJson(path: string, body: object): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  return textOf(await request(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

/** @throws ApiError */
export async function postBytes(path: string, type: string, body: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const response = await request(path, { method: "POST", headers: { "Content-Type": type }, body });
  return new Uint8Array(await response.arrayBuffer());
}

async function request(path: string, options: RequestInit): Promise<Response> {
  if (!/^\/(?!\/)/.test(path)) throw new TypeError(`${path} is no path of this replica`);
  let response: Response;
  try {
    response = await fetch(path, { ...options, redirect: "error", referrerPolicy: "no-referrer" });
  } catch {
    throw new ApiError(0, "this replica does not answer; it may have stopped, or the network is gone");
  }
  if (!response.ok) throw new ApiError(response.status, reasonOf(await textOf(response), response.status));
  return response;
}

async function textOf(response: Response): Promise<string> {
  const text = await response.text();
  if (text.length > MAX_ANSWER_CHARACTERS) throw new ApiError(response.status, "the replica's answer is too long");
  return text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(200, "the replica answers what is no JSON");
  }
}

/** Of problem details (RFC 9457), or of the older `{"error": …}`. */
function reasonOf(text: string, status: number): string {
  try {
    const problem: unknown = JSON.parse(text);
    const reason = stringIn(problem, "detail") ?? stringIn(problem, "title") ?? stringIn(problem, "error");
    if (reason !== undefined) return reason;
  } catch {
    // No JSON: the status has to do.
  }
  return `the replica answers with status ${status}`;
}

/** The field when it is there and text. */
export function stringIn(value: unknown, name: string): string | undefined {
  const field = fieldOf(value, name);
  return typeof field === "string" ? field : undefined;
}

/** The field when it is there and a number. */
export function numberIn(value: unknown, name: string): number | undefined {
  const field = fieldOf(value, name);
  return typeof field === "number" && Number.isFinite(field) ? field : undefined;
}

/** The field when it is a list, else nothing. */
export function listIn(value: unknown, name: string): readonly unknown[] {
  const field = fieldOf(value, name);
  return Array.isArray(field) ? field : [];
}

export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
