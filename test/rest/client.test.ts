/** The client of the REST API: what it sends, and that it believes nothing that a replica answers. */
import { rolldown } from "rolldown";
import { describe, expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "../../src/core/bytes.js";
import { rsaPublicKeyPem } from "../../src/crypto/rsa/key.js";
import { findReceipt, followEntries, notarize, parseReceipt, RestError, verify } from "../../src/rest/index.js";
import { receiptKeyOf } from "../../src/rest/public-config.js";
import { publicKeyFromPem } from "../../src/verify/index.js";
import { RECEIPT_KEY, sha256 } from "../client/receipt-parties.js";
import { DIGEST, DOCUMENT, PUBLIC, receiptText } from "./fixture.js";

const SOURCE = "http://replica.example:7404";
const RECEIPT = receiptText();

type Body = ConstructorParameters<typeof Response>[0];

interface Asked {
  readonly url: string;
  readonly init: RequestInit | undefined;
}

/** A replica that gives this answer to everything. */
function replica(body: Body, init: ResponseInit = {}): { readonly asked: Asked[]; readonly fetch: typeof fetch } {
  const asked: Asked[] = [];
  const answer: typeof fetch = (input, request) => {
    asked.push({ url: input instanceof Request ? input.url : String(input), init: request });
    return Promise.resolve(new Response(body, init));
  };
  return { asked, fetch: answer };
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it did not fail");
  return error;
}

describe("notarize", () => {
  it.each([
    ["bytes", DOCUMENT],
    ["an ArrayBuffer", Uint8Array.from(DOCUMENT).buffer],
    ["a Blob", new Blob([Uint8Array.from(DOCUMENT)])],
    ["a view of a part of a buffer", Uint8Array.of(1, ...DOCUMENT, 2).subarray(1, -1)],
    ["a digest", DIGEST],
  ])("sends the digest of %s, and nothing else of it", async (_, document) => {
    const { asked, fetch } = replica(RECEIPT);
    const receipt = await notarize(SOURCE, document, { fetch, apiKey: "secret", new: true });
    expect(receipt).toMatchObject({ sequence: 3, digest: { value: DIGEST } });
    expect(asked.map(({ url, init }) => [url, init?.method, init?.body])).toEqual([
      [`${SOURCE}/v1/entries`, "POST", JSON.stringify({ digest: DIGEST, new: true })],
    ]);
    expect(Object.fromEntries(new Headers(asked[0]?.init?.headers))).toEqual({
      authorization: "Bearer secret",
      "content-type": "application/json",
    });
    expect(await verify(receipt, PUBLIC, document)).toEqual({ valid: true });
  });

  it.each([
    ["a number", "5"],
    ["a list of bytes", "[1, 2]"],
    ["nothing", "null"],
    ["an object", "{}"],
  ])("hashes nothing in place of %s, as a program without types may give it", async (_, json) => {
    const { asked, fetch } = replica(RECEIPT);
    expect(await failure(notarize(SOURCE, JSON.parse(json), { fetch }))).toBeInstanceOf(TypeError);
    expect(asked).toEqual([]);
  });

  it("hashes the bytes of what is seen as wider numbers", async () => {
    const wide: unknown = Uint16Array.of(0x1234, 0xabcd);
    const { asked, fetch } = replica(RECEIPT);
    await failure(notarize(SOURCE, wide as Uint8Array, { fetch }));
    const digest = toHex(sha256(new Uint8Array(Uint16Array.of(0x1234, 0xabcd).buffer)));
    expect(asked[0]?.init?.body).toBe(JSON.stringify({ digest }));
  });

  it.each<[string, Body, ResponseInit, string]>([
    ["another document's receipt", receiptText(sha256(utf8("other"))), {}, "another document"],
    ["a receipt that contradicts itself", RECEIPT.replace('"sequence": 3', '"sequence": 4'), {}, "contradicts itself"],
    ["no receipt", "{}", {}, "no receipt"],
    ["something that is no JSON", "<html>", {}, "no receipt"],
    ["too much", new Uint8Array(8 * 1024 * 1024 + 1), {}, "longer than"],
    ["an error of something else", "<html>", { status: 502 }, "status 502"],
    [
      "a problem that is none",
      "{",
      { status: 503, headers: { "Content-Type": "application/problem+json" } },
      "not JSON",
    ],
  ])("takes %s for what it is", async (_, body, init, message) => {
    const error = await failure(notarize(SOURCE, DOCUMENT, { fetch: replica(body, init).fetch }));
    expect(error).toBeInstanceOf(RestError);
    expect(error).toMatchObject({ code: "not-understood", message: expect.stringContaining(message) as string });
  });

  it("says which problem it was, and when to ask again", async () => {
    const problem = JSON.stringify({ status: 429, code: "rate-limited", detail: "too much" });
    const headers = { "Content-Type": "application/problem+json", "Retry-After": "3" };
    const { fetch } = replica(problem, { status: 429, headers });
    const error = await failure(notarize(SOURCE, DOCUMENT, { fetch }));
    expect(error).toMatchObject({ status: 429, code: "rate-limited", retryAfterMs: 3_000 });
  });

  it("takes no digest that is none", async () => {
    const { asked, fetch } = replica(RECEIPT);
    for (const digest of ["I owe you", "ab", DIGEST.toUpperCase()])
      expect(await failure(notarize(SOURCE, digest, { fetch }))).toBeInstanceOf(TypeError);
    expect(asked).toEqual([]);
  });
});

describe("findReceipt", () => {
  it("asks by the digest", async () => {
    const { asked, fetch } = replica(RECEIPT);
    expect(await findReceipt(SOURCE, DOCUMENT, { fetch })).toMatchObject({ sequence: 3 });
    expect(asked.map(({ url }) => url)).toEqual([`${SOURCE}/v1/receipts?digest=${DIGEST}`]);
  });
});

describe("verify", () => {
  it("takes a receipt as text, as JSON, and as it was parsed", async () => {
    const parsed = parseReceipt(RECEIPT);
    if (!parsed.ok) throw new Error(parsed.error);
    for (const receipt of [RECEIPT, JSON.parse(RECEIPT) as object, parsed.value])
      expect(await verify(receipt, PUBLIC, DOCUMENT)).toEqual({ valid: true });
  });

  it("finds out another document, another cluster, another key, and what is no receipt", async () => {
    const { receipt } = PUBLIC.keys;
    const modulus = `${receipt.modulus.slice(0, 20)}${receipt.modulus[20] === "A" ? "B" : "A"}${receipt.modulus.slice(21)}`;
    for (const [text, config, document] of [
      [RECEIPT, PUBLIC, utf8("another")],
      [RECEIPT, { ...PUBLIC, cluster: "0".repeat(64) }, DOCUMENT],
      [RECEIPT, { ...PUBLIC, keys: { receipt: { ...receipt, modulus } } }, DOCUMENT],
      [RECEIPT.replace('"round": 2', '"round": 1'), PUBLIC, DOCUMENT],
      ["{}", PUBLIC, DOCUMENT],
      ["x", PUBLIC, DOCUMENT],
    ] as const)
      expect(await verify(text, config, document)).toMatchObject({ valid: false });
    // What JSON.parse may give, and what it never does.
    for (const receipt of [null, 1, true, [], undefined] as unknown[])
      expect(await verify(receipt as object, PUBLIC, DOCUMENT)).toMatchObject({ valid: false });
  });

  it("refuses what is no public file", async () => {
    for (const config of [undefined, 1, {}, { ...PUBLIC, keys: {} }, { ...PUBLIC, cluster: "x" }])
      expect(await failure(verify(RECEIPT, config, DOCUMENT))).toBeInstanceOf(TypeError);
  });

  it("makes the key as OpenSSL does", () => {
    expect(receiptKeyOf(PUBLIC).receiptKeySpki).toEqual(publicKeyFromPem(rsaPublicKeyPem(RECEIPT_KEY)));
    expect(fromHex(PUBLIC.cluster)).toHaveLength(32);
  });
});

describe("followEntries", () => {
  const entry = (sequenceNumber: number): string => {
    const data = { sequenceNumber, index: 0, digest: DIGEST, round: 1, time: null, client: DIGEST, logIndex: 0 };
    return `id: ${sequenceNumber}\nevent: entry\ndata: ${JSON.stringify(data)}\n\n`;
  };

  async function numbers(body: Body, from?: number): Promise<readonly number[]> {
    const { fetch } = replica(body);
    const found: number[] = [];
    for await (const { sequenceNumber } of followEntries(SOURCE, { fetch, ...(from !== undefined && { from }) }))
      found.push(sequenceNumber);
    return found;
  }

  it("gives entries, however they are cut, and nothing else", async () => {
    const text = `retry: 2000\n\n${entry(4)}:\n\n${entry(5)}event: other\ndata: {}\n\n`;
    expect(await numbers(text)).toEqual([4, 5]);
    const pieces = Array.from({ length: Math.ceil(text.length / 7) }, (_, at) => text.slice(at * 7, at * 7 + 7));
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(utf8(piece));
        controller.close();
      },
    });
    expect(await numbers(stream)).toEqual([4, 5]);
  });

  it("fails on events that are none, or that never end", async () => {
    for (const body of ["event: entry\ndata: {}\n\n", "event: entry\ndata: {\n\n", `data: ${"x".repeat(70_000)}`])
      expect(await failure(numbers(body))).toMatchObject({ code: "not-understood" });
  });
});

describe("in a browser", () => {
  it("is a bundle that reaches nothing of Node.js", async () => {
    const bundle = await rolldown({ input: "src/rest/index.ts", platform: "browser" });
    const { output } = await bundle.generate({ format: "esm", minify: true });
    await bundle.close();
    expect(output).toHaveLength(1);
    const [{ code, imports, dynamicImports }] = output;
    expect([...imports, ...dynamicImports]).toEqual([]);
    expect(code).not.toMatch(/["']node:|\brequire\(|\bprocess\.|\bBuffer\b/);
    // Schemas are for types only.
    expect(code).not.toContain("ZodType");
  });
});
