/**
 * Time-stamping over HTTP (RFC 3161, section 3.4), at every replica. The replica is a client of the cluster: it has the request ordered, then
 * its token made, gathers the parties' shares of the signature and puts the token together. It can withhold a token, not alter one.
 *
 *     POST /tsa               application/timestamp-query → application/timestamp-reply
 *     GET  /tsa/certificate   the certificates in force, as this replica knows them, PEM
 *
 * Whatever is wrong with a request, the answer is a TimeStampResp that says so, with status 200, as the standard has it.
 */
import { type HttpAnswer, type HttpApi, type HttpRequest, refusal } from "../adapters/http/index.js";
import {
  CallAbortedError,
  type Caller,
  ClientClosedError,
  ClusterUnreachableError,
  NotExecutedError,
  RefusedError,
  ReplyLostError,
  SessionEvictedError,
} from "../client/index.js";
import { oid } from "../core/der.js";
import {
  encodeGranted,
  encodeRejection,
  encodeToken,
  encodeTsaOperation,
  type Failure,
  judgeRequest,
  MAX_REQUEST_BYTES,
  TSA_SERVICE,
  type TsaReply,
} from "../services/tsa/index.js";
import { pem } from "./tsa-certificate.js";
import { Gathering, replyOf, USUAL } from "./tsa-gathering.js";

/** For both operations; below the server's bound on a connection's life. */
const TIMEOUT_MS = 8_000;

const QUERY_TYPE = "application/timestamp-query";
const REPLY_TYPE = "application/timestamp-reply";

export interface TsaApiOptions {
  /** The one policy, in dots and decimals. */
  readonly policy: string;
  /** This replica's client of the cluster. */
  client(): TsaCaller | undefined;
  /** The certificates in force, DER. */
  chain(): readonly Uint8Array[];
}

export type TsaCaller = Pick<Caller, "call" | "callAll">;

export function tsaApi(options: TsaApiOptions): HttpApi {
  const policy = oid(options.policy);
  const gathering = new Gathering(TIMEOUT_MS);
  const tooLong = (): HttpAnswer => rejection("badRequest", `a request has at most ${MAX_REQUEST_BYTES} bytes`);
  return {
    prefix: "/tsa",
    maxBodyBytes: MAX_REQUEST_BYTES,
    tooLong,
    async handle(request) {
      const { path, method } = request;
      if (path === "/tsa/certificate") {
        if (method !== "GET" && method !== "HEAD") return { ...refusal(405, "method not allowed"), allow: "GET, HEAD" };
        const body = options.chain().map((certificate) => pem("CERTIFICATE", certificate));
        return { status: 200, contentType: "application/x-pem-file", body: body.join("") };
      }
      if (path !== "/tsa") return refusal(404, "not found");
      if (method !== "POST") return { ...refusal(405, "method not allowed"), allow: "POST" };
      if (!isQuery(request)) return refusal(415, `a request has the Content-Type ${QUERY_TYPE}`);
      const judged = judgeRequest(request.body, policy);
      if (!judged.ok) return rejection(judged.failure, judged.reason);
      const client = options.client();
      if (client === undefined) return rejection("systemFailure", "this replica has no requests ordered for others");
      return stamped(client, gathering, request.body);
    },
  };
}

/** Of a page of another site a browser would have to ask first whether it may send this type. */
function isQuery({ header }: HttpRequest): boolean {
  return header("content-type")?.split(";")[0]?.trim().toLowerCase() === QUERY_TYPE;
}

async function stamped(client: TsaCaller, gathering: Gathering, request: Uint8Array): Promise<HttpAnswer> {
  try {
    return await stamp(client, gathering, request);
  } catch (error) {
    const reason = failureOf(error);
    if (reason === undefined) throw error;
    return rejection("systemFailure", reason);
  }
}

async function stamp(client: TsaCaller, gathering: Gathering, request: Uint8Array): Promise<HttpAnswer> {
  const deadlineMs = performance.now() + TIMEOUT_MS;
  const { sequence, index, reply: first } = await gathering.add(client, request);
  if (first.kind !== "waiting") return unstamped(first);
  // In a later round, and alone: its number is the token's.
  const timeoutMs = Math.max(1, Math.round(deadlineMs - performance.now()));
  const options = { ...USUAL, reply: "signed", timeoutMs } as const;
  const operation = encodeTsaOperation({ kind: "stamp", sequence, index });
  const { reply, signature } = await client.call(TSA_SERVICE, operation, options);
  const token = replyOf(reply);
  if (token.kind !== "token") return unstamped(token);
  if (signature === undefined) throw new Error("a signed reply without a signature");
  return reply200(encodeGranted(encodeToken(token, signature.signature)));
}

function unstamped({ kind }: TsaReply): HttpAnswer {
  if (kind === "no-time") return rejection("timeNotAvailable", "rounds of this cluster have no time");
  if (kind === "not-waiting") return rejection("systemFailure", "so many requests wait that this one was dropped");
  throw new Error(`the time-stamping authority answers ${kind}`);
}

/** What to tell who asked; undefined for what is a defect of ours. */
function failureOf(error: unknown): string | undefined {
  if (error instanceof ClusterUnreachableError) return "too few replicas answered in time; try again";
  if (error instanceof ClientClosedError || error instanceof CallAbortedError) return "this replica stops";
  if (error instanceof RefusedError) return "the cluster refuses the request; try again";
  const isLost =
    error instanceof SessionEvictedError || error instanceof ReplyLostError || error instanceof NotExecutedError;
  return isLost ? "the token was lost on its way; try again" : undefined;
}

function rejection(failure: Failure, reason: string): HttpAnswer {
  return reply200(encodeRejection(failure, reason));
}

function reply200(body: Uint8Array): HttpAnswer {
  return { status: 200, contentType: REPLY_TYPE, body };
}
