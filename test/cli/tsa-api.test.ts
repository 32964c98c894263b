/** `POST /tsa` at a replica: the standard's answers, whatever is asked and whatever fails. */
import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { HttpAnswer } from "../../src/adapters/http/index.js";
import { type TsaCaller, tsaApi } from "../../src/cli/tsa-api.js";
import {
  BusyError,
  ClientClosedError,
  ClusterUnreachableError,
  RefusedError,
  ReplyLostError,
  SessionEvictedError,
} from "../../src/client/index.js";
import { concat, equalBytes, fromUtf8, toHex, utf8 } from "../../src/core/bytes.js";
import { integer, namedBit, sequence } from "../../src/core/der.js";
import { encodeTsaReply } from "../../src/services/tsa/operations.js";
import { FakeCluster, HONEST, outcomes, SILENT } from "../client/fake-cluster.js";
import { flipBit } from "../crypto/fixtures.js";
import { certificate, DIGEST, POLICY, requestOf } from "../services/tsa/fixture.js";

const CHAIN = [certificate(), certificate("two")];
const QUERY = "application/timestamp-query";

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly body?: Uint8Array;
  readonly contentType?: string;
}

function ask(client: TsaCaller | undefined, asked: Asked = {}): Promise<HttpAnswer> {
  const { method = "POST", path = "/tsa", body = requestOf({ certReq: true }), contentType = QUERY } = asked;
  const api = tsaApi({ policy: POLICY, client: () => client, chain: () => CHAIN });
  const header = (name: string): string | undefined => (name === "content-type" ? contentType : undefined);
  return api.handle({ method, path, query: new URLSearchParams(), header, body });
}

const GRANTED = toHex(sequence(integer(0)));
const bytesOf = ({ body }: HttpAnswer): Uint8Array => (typeof body === "string" ? utf8(body) : body);

/** A TimeStampResp without a token, for a failure with this number. */
function expectRejection(answer: HttpAnswer, bit: number, word = ""): void {
  expect([answer.status, answer.contentType]).toEqual([200, "application/timestamp-reply"]);
  const bytes = bytesOf(answer);
  expect(toHex(bytes)).toContain(toHex(integer(2)));
  expect(equalBytes(bytes.slice(-namedBit(bit).length), namedBit(bit))).toBe(true);
  expect(fromUtf8(bytes.map((byte) => (byte < 0x80 ? byte : 0x3f)))).toContain(word);
}

const calling = (call: () => Promise<never>): TsaCaller => ({ call, callAll: call });
const CALLED = { sequence: 1, round: 1, timeMs: 1, faulty: [] };
const WAITING = encodeTsaReply({ kind: "waiting" });
/** To the request, and to what makes its token. */
const saying = (first: Uint8Array | undefined, second = first ?? WAITING): TsaCaller => ({
  callAll: () => Promise.resolve({ ...CALLED, replies: first === undefined ? [] : [first] }),
  call: () => Promise.resolve({ ...CALLED, reply: second }),
});

/** As `FakeCluster.settled`, while time passes. */
async function ended(cluster: FakeCluster, asked: Promise<HttpAnswer>): Promise<HttpAnswer> {
  const wait = { isOver: false };
  void asked.finally(() => (wait.isOver = true));
  while (!wait.isOver) {
    cluster.settle();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return asked;
}

describe("time stamps over HTTP", () => {
  it.each([
    ["all are honest", [HONEST, HONEST, HONEST, HONEST]],
    ["one is down", [HONEST, undefined, HONEST, HONEST]],
    ["one is silent", [SILENT, HONEST, HONEST, HONEST]],
    [
      "one sends shares of another signature",
      [
        HONEST,
        HONEST,
        outcomes((reply) => (reply.kind === "share" ? { ...reply, share: flipBit(reply.share, 9) } : reply)),
        HONEST,
      ],
    ],
    [
      "one tells another reply",
      [HONEST, HONEST, HONEST, outcomes((reply) => ({ ...reply, reply: encodeTsaReply({ kind: "not-waiting" }) }))],
    ],
  ])("are granted when %s", async (_, behaviours) => {
    const all = new FakeCluster(behaviours);
    const answer = await ended(all, ask(all.client));
    expect([answer.status, answer.contentType]).toEqual([200, "application/timestamp-reply"]);
    expect(toHex(bytesOf(answer))).toMatch(new RegExp(`^3082....${GRANTED}`));
    expect(toHex(bytesOf(answer))).toContain(toHex(DIGEST));
    // The request, and then what makes its token.
    expect(new Set(all.submitted.map(toHex)).size).toBe(2);
  });

  it("say what is wrong with a request, without having anything ordered", async () => {
    const never = calling(() => Promise.reject(new Error("the cluster was asked")));
    expectRejection(await ask(never, { body: utf8("garbage") }), 5);
    expectRejection(await ask(never, { body: requestOf({ algorithm: "1.2.3" }) }), 0);
    expectRejection(await ask(never, { body: requestOf({ policy: "1.2.3" }) }), 15);
    expectRejection(await ask(never, { body: concat(requestOf(), requestOf()) }), 5);
    expectRejection(await ask(undefined), 25, "ordered for others");
    const api = tsaApi({ policy: POLICY, client: () => never, chain: () => [] });
    expectRejection(api.tooLong?.() ?? { status: 0, contentType: "", body: "" }, 2, "bytes");
  });

  it.each([
    ["nobody answers", new ClusterUnreachableError("", [])],
    ["all are busy", new BusyError("", [], 5)],
    ["the replica stops", new ClientClosedError("")],
    ["the cluster refuses", new RefusedError("")],
    ["its session is gone", new SessionEvictedError("")],
    ["the reply is kept no more", new ReplyLostError(1, 1)],
  ])("fail as the standard has it when %s", async (_, error) => {
    expectRejection(await ask(calling(() => Promise.reject(error))), 25);
  });

  it("say that there is no time, or no room", async () => {
    expectRejection(await ask(saying(encodeTsaReply({ kind: "no-time" }))), 14);
    expectRejection(await ask(saying(WAITING, encodeTsaReply({ kind: "no-time" }))), 14);
    expectRejection(await ask(saying(WAITING, encodeTsaReply({ kind: "not-waiting" }))), 25);
    expectRejection(await ask(saying(undefined)), 25);
  });

  it("do not hide a defect", async () => {
    const defect = new Error("a defect");
    await expect(ask(calling(() => Promise.reject(defect)))).rejects.toBe(defect);
    await expect(ask(saying(utf8("no reply")))).rejects.toThrow("no reply");
    await expect(ask(saying(encodeTsaReply({ kind: "installed" })))).rejects.toThrow("installed");
    await expect(ask(saying(WAITING, encodeTsaReply({ kind: "installed" })))).rejects.toThrow("installed");
    await expect(ask(saying(WAITING, utf8("no reply")))).rejects.toThrow("no reply");
  });

  it("are for requests only", async () => {
    const statusOf = async (asked: Asked): Promise<number> => (await ask(undefined, asked)).status;
    expect(await statusOf({ method: "GET" })).toBe(405);
    expect(await statusOf({ contentType: "application/octet-stream" })).toBe(415);
    expect(await statusOf({ contentType: "Application/Timestamp-Query; x=y" })).toBe(200);
    expect(await statusOf({ path: "/tsaother" })).toBe(404);
    expect(await statusOf({ path: "/tsa/certificate" })).toBe(405);
  });

  it("come with the certificates in force", async () => {
    const answer = await ask(undefined, { method: "GET", path: "/tsa/certificate" });
    expect(answer.status).toBe(200);
    const blocks = fromUtf8(bytesOf(answer)).match(/-----BEGIN[^-]*-----[^-]*-----END[^-]*-----/g) ?? [];
    expect(blocks.map((block) => toHex(new Uint8Array(new X509Certificate(block).raw)))).toEqual(CHAIN.map(toHex));
  });
});
