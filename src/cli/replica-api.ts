/**
 * What a replica serves over HTTP besides what monitors ask: its own word of the key-value store, or a proof, and requests that clients
 * have signed. It signs nothing for anybody; to write with a plain PUT, run a gateway.
 *
 *     GET  /v1/kv/KEY       this replica's value, its version as ETag; ?consistency=any: a proof as JSON
 *     POST /v1/requests     orders a signed request (application/octet-stream), and says what became of it as JSON
 */
import { type HttpAnswer, type HttpApi, jsonAnswer, refusal } from "../adapters/http/index.js";
import { decode, encode } from "../core/codec.js";
import type { Connection, ConnectionHandlers } from "../replica/links.js";
import { decodeKvAnswer, encodeKvQuery } from "../services/kv/index.js";
import {
  CLIENT_PROTOCOL_VERSION,
  type ClientFrame,
  clientFrameCodec,
  MAX_SUBMIT_BYTES,
  REFUSALS,
  type ReplyFrame,
  replyFrameCodec,
} from "../wire/client-frames.js";
import { absentAnswer, foundAnswer, isAnswer, keyOfPath, KV_PREFIX } from "./kv-http.js";

const REQUESTS_PATH = "/v1/requests";
/** Below the server's bound on a connection's life. */
const ANSWER_TIMEOUT_MS = 8_000;

export interface ReplicaApiOptions {
  readonly cluster: Uint8Array;
  /** `Desk.open`; undefined while the replica serves nobody. */
  open(connection: Connection): ConnectionHandlers | undefined;
}

export function replicaApis(options: ReplicaApiOptions): HttpApi[] {
  const api = replicaApi(options);
  return [
    { ...api, prefix: KV_PREFIX },
    { ...api, prefix: REQUESTS_PATH },
  ];
}

function replicaApi(options: ReplicaApiOptions): Omit<HttpApi, "prefix"> {
  return {
    maxBodyBytes: MAX_SUBMIT_BYTES,
    async handle({ method, path, query, body }) {
      if (path === REQUESTS_PATH) {
        if (method !== "POST") return { ...refusal(405, "method not allowed"), allow: "POST" };
        return replyAnswer(await askDesk(options, { kind: "submit", payload: body, want: "reply" }));
      }
      const key = keyOfPath(path);
      if (isAnswer(key)) return key;
      if (method === "PUT" || method === "DELETE") {
        return {
          ...refusal(405, "a replica signs for no client: write through a gateway, or POST /v1/requests"),
          allow: "GET, HEAD",
        };
      }
      if (method !== "GET" && method !== "HEAD") return { ...refusal(405, "method not allowed"), allow: "GET, HEAD" };
      const state = { local: "local", any: "certified" }[query.get("consistency") ?? "local"];
      if (state !== "local" && state !== "certified") return refusal(400, "consistency is local or any at a replica");
      const question = encodeKvQuery({ kind: "get", key });
      const id = new Uint8Array(32);
      return replyAnswer(
        await askDesk(options, { kind: "query", id, state, service: "kv", query: question, minSequence: 0 }),
      );
    },
  };
}

/** What the desk answers one frame, as it would a client's. */
export function askDesk(options: ReplicaApiOptions, frame: ClientFrame): Promise<ReplyFrame | "closed" | "late"> {
  return new Promise((resolve) => {
    let handlers: ConnectionHandlers | undefined;
    const finish = (reply: ReplyFrame | "closed" | "late"): void => {
      clearTimeout(timer);
      handlers?.onClose("answered");
      handlers = undefined;
      resolve(reply);
    };
    const timer = setTimeout(() => finish("late"), ANSWER_TIMEOUT_MS);
    handlers = options.open({
      peer: { kind: "client", client: -1 },
      send(bytes) {
        const reply = decode(replyFrameCodec, bytes);
        if (reply.ok && reply.value.kind !== "welcome") finish(reply.value);
        return true;
      },
      pause: () => undefined,
      resume: () => undefined,
      close: () => finish("closed"),
    });
    const hello = { kind: "hello", version: CLIENT_PROTOCOL_VERSION, cluster: options.cluster } as const;
    if (handlers === undefined) return finish("closed");
    handlers.onFrame(encode(clientFrameCodec, hello));
    handlers?.onFrame(encode(clientFrameCodec, frame));
  });
}

function replyAnswer(reply: ReplyFrame | "closed" | "late"): HttpAnswer {
  if (reply === "late") return refusal(504, "not executed in time; it may still be");
  if (reply === "closed") return { ...refusal(503, "this replica starts or stops"), headers: { "Retry-After": "1" } };
  switch (reply.kind) {
    case "reply": {
      const { sequence, round, timeMs, isVoid } = reply;
      const [digest, bytes] = [base64(reply.digest), reply.reply === undefined ? null : base64(reply.reply)];
      return jsonAnswer(200, { digest, sequence, round, timeMs: timeMs === 0 ? null : timeMs, isVoid, reply: bytes });
    }
    case "answer": {
      const { sequence, round, answer } = reply;
      const current = decodeKvAnswer(answer);
      if (!current.ok || current.value.kind === "malformed" || current.value.kind === "entries") {
        throw new Error("the key-value store answers what is no value");
      }
      return current.value.kind === "present"
        ? foundAnswer(current.value, { sequence, round })
        : absentAnswer({ sequence, round });
    }
    case "proof": {
      const { summary, certificate, index, chunk, path } = reply;
      return jsonAnswer(200, {
        summary: base64(summary),
        certificate: base64(certificate),
        index,
        chunk: base64(chunk),
        path: path.map(base64),
      });
    }
    case "refused":
      return refusedAnswer(reply);
    case "share":
    case "state":
    case "welcome":
      break;
  }
  throw new Error(`the desk answered with ${reply.kind}`);
}

function refusedAnswer({ code, reason, retryAfterMs }: Extract<ReplyFrame, { kind: "refused" }>): HttpAnswer {
  const name = REFUSALS[code] ?? "refused";
  const answer = (status: number): HttpAnswer => jsonAnswer(status, { error: reason, code: name });
  if (retryAfterMs > 0) {
    return { ...answer(503), headers: { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) } };
  }
  if (name === "unknown-service" || name === "no-proof") return answer(404);
  return name === "invalid-payload" ? answer(400) : answer(409);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
