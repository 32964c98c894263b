/**
 * What a replica's desk serves over REST: its own word of the key-value store, or a proof, and requests that clients have signed. It signs
 * nothing for anybody; to write with a plain PUT, run a gateway.
 */
import { z } from "zod";
import { collect } from "../../adapters/http/index.js";
import { bytesRoute, jsonRoute, ProblemError, type Route } from "../../adapters/rest/index.js";
import { toBase64 } from "../../core/base64.js";
import { kvProofSchema, outcomeSchema } from "../../rest/schemas.js";
import { decodeKvAnswer, encodeKvQuery, MAX_KEY_BYTES } from "../../services/kv/index.js";
import { MAX_SUBMIT_BYTES, type ReplyFrame } from "../../wire/client-frames.js";
import { askDesk, type DeskAccess } from "../ask-desk.js";
import { foundHeaders, keyNamed, positionHeaders } from "../kv-http.js";
import { outcomeIn, replied } from "./desk-replies.js";
import { CALL_PROBLEMS } from "./failures.js";

/** For a request to arrive. */
const REQUEST_TIMEOUT_MS = 20_000;
/** What it costs to check a signature, and to have something ordered. */
const ORDER_COST = 5;
/** A proof takes a chunk of a checkpoint. */
const READ_COST = 2;

const OCTETS = "application/octet-stream";

export interface DeskRoutesOptions extends DeskAccess {
  /** Of the cluster. */
  readonly services: readonly string[];
}

export function deskRoutes(options: DeskRoutesOptions): Route[] {
  return options.services.includes("kv") ? [requestRoute(options), kvRoute(options)] : [requestRoute(options)];
}

function requestRoute(access: DeskAccess): Route {
  return jsonRoute({
    method: "POST",
    path: "/v1/requests",
    operationId: "submitRequest",
    summary: "orders a request that a client has signed and encoded, and says what became of its number",
    problems: {
      ...CALL_PROBLEMS,
      "invalid-payload": "the bytes are no signed request of a client of this cluster",
      "number-closed": "its client said that it needs the outcome no more",
      "session-evicted": "later sessions of its client took the place of this one",
    },
    cost: ORDER_COST,
    body: { kind: "stream", maxBytes: MAX_SUBMIT_BYTES, timeoutMs: REQUEST_TIMEOUT_MS },
    answer: { name: "Outcome", schema: outcomeSchema },
    async run({ body }) {
      const payload = await collect(body);
      const outcome = outcomeIn(await askDesk(access, { kind: "submit", payload, want: "reply" }));
      const { sequence, round, timeMs, isVoid, reply } = outcome;
      return {
        digest: toBase64(outcome.digest),
        sequence,
        round,
        timeMs: timeMs === 0 ? null : timeMs,
        isVoid,
        reply: reply === undefined ? null : toBase64(reply),
      };
    },
  });
}

function kvRoute(access: DeskAccess): Route {
  return bytesRoute({
    method: "GET",
    path: "/v1/kv/{key*}",
    operationId: "readKey",
    summary: "what this replica has under a key of the key-value store; or a proof of what a certified checkpoint has",
    problems: {
      ...CALL_PROBLEMS,
      "no-such-key": "there is none, as far as this replica knows",
      "no-proof": "no certified checkpoint shows it yet",
    },
    cost: READ_COST,
    params: { key: z.string().describe(`bytes, percent-encoded: 1 to ${MAX_KEY_BYTES}`) },
    query: {
      consistency: z
        .enum(["local", "any"])
        .optional()
        .describe("local, or left out: this replica's own word, as bytes; any: a proof, as JSON (docs/clients.md)"),
    },
    contentType: OCTETS,
    headers: {
      ETag: "the version, in quotes",
      "Abcast-Sequence": "payloads in the state that was read",
      "Abcast-Round": "the state's round",
    },
    json: { name: "KvProof", schema: kvProofSchema },
    async run({ params, query }) {
      const key = keyNamed(params.key);
      if (typeof key === "string") {
        const errors = [{ at: "path.key", message: key }];
        throw new ProblemError({ status: 400, code: "invalid-parameter", detail: `path.key: ${key}`, errors });
      }
      const question = { id: new Uint8Array(32), service: "kv", query: encodeKvQuery({ kind: "get", key }) };
      const state = query.consistency === "any" ? "certified" : "local";
      const reply = replied(await askDesk(access, { kind: "query", state, ...question, minSequence: 0 }));
      if (reply.kind === "proof") return { json: proofJson(reply) };
      if (reply.kind === "answer") return valueIn(reply);
      throw new Error(`the desk answered with ${reply.kind}`);
    },
  });
}

/** @throws ProblemError when there is none */
function valueIn({ sequence, round, answer }: Extract<ReplyFrame, { readonly kind: "answer" }>) {
  const current = decodeKvAnswer(answer);
  if (!current.ok || current.value.kind === "malformed" || current.value.kind === "entries")
    throw new Error("the key-value store answers what is no value");
  const position = { sequence, round };
  if (current.value.kind === "present")
    return { bytes: current.value.value, headers: foundHeaders(current.value, position) };
  const detail = `there is no such key after ${sequence} payloads`;
  throw new ProblemError({ status: 404, code: "no-such-key", detail, headers: positionHeaders(position) });
}

function proofJson(proof: Extract<ReplyFrame, { readonly kind: "proof" }>): z.input<typeof kvProofSchema> {
  const { summary, certificate, index, chunk, path } = proof;
  return {
    summary: toBase64(summary),
    certificate: toBase64(certificate),
    index,
    chunk: toBase64(chunk),
    path: path.map(toBase64),
  };
}
