/** The key-value store over HTTP: what its requests and answers have in common, at a gateway and at a replica. */
import { type HttpAnswer, type HttpRequest, jsonAnswer, refusal } from "../adapters/http/index.js";
import type { KvExpected, KvPresent } from "../client/index.js";
import { MAX_KEY_BYTES } from "../services/kv/index.js";

const KV_PREFIX = "/v1/kv/";

/** Where in the log something was done or seen. */
interface Position {
  readonly sequence: number;
  readonly round: number;
}

/** The key that the path names; what to answer when it names none. */
export function keyOfPath(path: string): Uint8Array | HttpAnswer {
  if (!path.startsWith(KV_PREFIX)) return refusal(404, "not found");
  const key = keyNamed(path.slice(KV_PREFIX.length));
  return typeof key === "string" ? refusal(400, key) : key;
}

/** The key that percent-encoded text names; else what is wrong with it. */
export function keyNamed(text: string): Uint8Array | string {
  let key: Uint8Array;
  try {
    key = percentDecoded(text);
  } catch {
    return "the key is not percent-encoded as it must";
  }
  if (key.length > 0 && key.length <= MAX_KEY_BYTES) return key;
  return `the key has ${key.length} bytes, it must have 1 to ${MAX_KEY_BYTES}`;
}

/** Bytes, so that every key has a path. @throws URIError */
function percentDecoded(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let index = 0; index < text.length; index++) {
    if (text[index] !== "%") {
      bytes.push(text.charCodeAt(index));
      continue;
    }
    const digits = text.slice(index + 1, index + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) throw new URIError("not percent-encoded");
    bytes.push(Number.parseInt(digits, 16));
    index += 2;
  }
  return Uint8Array.from(bytes);
}

/** What a write expects, by `If-Match` and `If-None-Match`; what to answer to what makes no sense here. */
export function expectedOf(request: HttpRequest): KvExpected | undefined | HttpAnswer {
  const [match, none] = [request.header("if-match"), request.header("if-none-match")];
  if (match === undefined && none === undefined) return undefined;
  if (match === undefined && none === "*") return { absent: true };
  const version = /^"(0|[1-9][0-9]{0,15})"$/.exec(match ?? "")?.[1];
  if (none === undefined && version !== undefined && Number.isSafeInteger(Number(version))) {
    return { version: Number(version) };
  }
  return refusal(400, 'give one condition: If-Match: "VERSION", as the ETag has it, or If-None-Match: *');
}

/** The value itself. */
export function foundAnswer(present: KvPresent, position: Position): HttpAnswer {
  const headers = foundHeaders(present, position);
  return { status: 200, contentType: "application/octet-stream", body: present.value, headers };
}

export function foundHeaders(
  { version }: Pick<KvPresent, "version">,
  position: Position,
): Readonly<Record<string, string>> {
  return { ETag: `"${version}"`, ...positionHeaders(position) };
}

export function absentAnswer(position: Position): HttpAnswer {
  return { ...jsonAnswer(404, { error: "there is no such key", ...position }), headers: positionHeaders(position) };
}

export function positionHeaders({ sequence, round }: Position): Readonly<Record<string, string>> {
  return { "Abcast-Sequence": String(sequence), "Abcast-Round": String(round) };
}

export function isAnswer(value: object | undefined): value is HttpAnswer {
  return value !== undefined && "status" in value;
}
