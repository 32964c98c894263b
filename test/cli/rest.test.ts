/** The REST API of a cluster of real processes, by curl and by programs. The tests build on one another. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadClient, loadPublic } from "../../src/replica/config-files.js";
import { formatReceipt, notarize } from "../../src/rest/index.js";
import { isConsistent, isIncluded, leafHash } from "../../src/tlog/index.js";
import { createEd25519Signer } from "../../src/crypto/ed25519/ed25519.js";
import { signRequest } from "../../src/wire/payload.js";
import { eventually } from "../support/eventually.js";
import { requireTool } from "../support/tools.js";
import { sha256 } from "../../src/cli/sha256.js";
import { LocalCluster } from "./local-cluster.js";

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("the REST API of a cluster", () => {
  const cluster = new LocalCluster();
  afterAll(() => cluster.remove());
  let ports: readonly number[] = [];
  let openApi: OpenApi;
  const ajv = new Ajv2020({ strict: false, formats: { base64: true } });

  const url = (path: string, party = 0): string => `http://127.0.0.1:${ports[party]}${path}`;

  beforeAll(async () => {
    await cluster.init("--allow-origin", "https://good.example");
    // Who waits for something to come true asks often.
    for (const party of [0, 1, 2, 3]) {
      const file = join(cluster.party(party), "config.json");
      const config = JSON.parse(readFileSync(file, "utf8")) as { readonly rest?: object };
      const rest = { ...config.rest, requestsPerSecond: 10_000, burst: 10_000 };
      writeFileSync(file, JSON.stringify({ ...config, rest }));
    }
    await cluster.ok("up", cluster.directory);
    ports = (await loadPublic(cluster.publicFile)).parties.map(({ httpPort }) => httpPort);
    openApi = (await (await fetch(url("/v1/openapi.json"))).json()) as OpenApi;
    ajv.addSchema(openApi, "api");
  });

  /** Against what the document declares for the route. */
  function conform(route: string, method: string, status: number, value: unknown): void {
    const responses = openApi.paths[route]?.[method]?.responses;
    const [type, name] = status === 200 ? ["application/json", "200"] : ["application/problem+json", "default"];
    expect(responses?.[name]?.content[type], `${method} ${route}`).toBeDefined();
    const escape = (text: string): string => encodeURIComponent(text.replaceAll("~", "~0").replaceAll("/", "~1"));
    const pointer = ["paths", route, method, "responses", name ?? "", "content", type ?? "", "schema"]
      .map(escape)
      .join("/");
    const validate: ValidateFunction = ajv.compile({ $ref: `api#/${pointer}` });
    expect(validate(value), JSON.stringify([validate.errors, value])).toBe(true);
  }

  async function ask(
    route: string,
    path = route,
    init?: RequestInit,
    party = 0,
  ): Promise<{ readonly status: number; readonly value: unknown }> {
    const answer = await fetch(url(path, party), init);
    const value: unknown = await answer.json();
    conform(route, (init?.method ?? "GET").toLowerCase(), answer.status, value);
    return { status: answer.status, value };
  }

  /** The receipt. */
  const post = async (digest: string, more: object = {}, party = 0) => {
    const { status, value } = await ask(
      "/v1/entries",
      "/v1/entries",
      { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ digest, ...more }) },
      party,
    );
    expect(status, JSON.stringify(value)).toBe(200);
    return value as { readonly sequence: number };
  };

  it("has a description that is OpenAPI 3.1", async () => {
    const result = await new Validator().validate({ ...openApi });
    expect(result).toMatchObject({ valid: true });
    expect(Object.keys(openApi.paths).sort()).toEqual([
      "/v1/auctions",
      "/v1/auctions/commands",
      "/v1/auctions/{auction}",
      "/v1/auctions/{auction}/award",
      "/v1/auctions/{auction}/bids",
      "/v1/auctions/{auction}/counter",
      "/v1/auctions/{auction}/sealing",
      "/v1/bidding/commands",
      "/v1/bidding/keys",
      "/v1/bidding/keys/{key}",
      "/v1/books/{book}",
      "/v1/books/{book}/orders",
      "/v1/checkpoint",
      "/v1/config",
      "/v1/documents",
      "/v1/entries",
      "/v1/entries/{number}",
      "/v1/events",
      "/v1/kv/{key}",
      "/v1/openapi.json",
      "/v1/proofs/consistency",
      "/v1/proofs/inclusion",
      "/v1/receipts",
      "/v1/receipts/{number}",
      "/v1/requests",
      "/v1/status",
    ]);
    expect((await ask("/v1/openapi.json")).status).toBe(200);
  });

  it.runIf(requireTool("curl"))("notarises by curl, and gives receipts that abcast verify takes", async () => {
    writeFileSync(join(cluster.work, "document"), "I owe you a cake.\n");
    const curl = (...args: readonly string[]): string => {
      const { status, stdout, stderr } = spawnSync("curl", ["-sS", "--fail", ...args], {
        cwd: cluster.work,
        encoding: "utf8",
      });
      expect(status, stderr).toBe(0);
      return stdout;
    };
    curl("--data-binary", "@document", "-o", "receipt", url("/v1/documents"));
    await cluster.ok(
      "verify",
      join(cluster.work, "document"),
      join(cluster.work, "receipt"),
      "--public",
      cluster.publicFile,
    );
    const receipt = readFileSync(join(cluster.work, "receipt"), "utf8");
    expect(JSON.parse(receipt)).toMatchObject({ format: "abcast-receipt/1", sequence: 1 });
    // Known: the same again, at every replica, by whatever way.
    const digest = digestOf("I owe you a cake.\n");
    for (const party of [0, 1, 2, 3]) {
      await eventually(() => expect(curl(url(`/v1/receipts/1`, party))).toBe(receipt));
      expect(curl(url(`/v1/receipts?digest=${digest}`, party))).toBe(receipt);
      expect(curl("--json", JSON.stringify({ digest }), url("/v1/entries", party))).toBe(receipt);
    }
    for (const party of [0, 3])
      expect(JSON.parse(formatReceipt(await notarize(url("", party), digest)))).toEqual(JSON.parse(receipt));
    const { sequence, time } = await notarize(url(""), digest, { new: true });
    expect([sequence, time]).toEqual([
      2,
      expect.toSatisfy((ms) => ms >= (JSON.parse(receipt) as { time: number }).time),
    ]);
  });

  it("gives one receipt to all who ask for a digest at the same time", async () => {
    const asked = await Promise.all(Array.from({ length: 8 }, () => post(digestOf("at once"))));
    expect(new Set(asked.map((receipt) => JSON.stringify(receipt))).size).toBe(1);
    // Others may have made the receipt before this replica has the entry.
    await eventually(async () => {
      const { value } = await ask("/v1/entries", "/v1/entries?from=3");
      expect(value).toMatchObject({ entries: [{ digest: digestOf("at once") }], next: null });
    });
  });

  it("lists what was notarised, also by others and several at a time", async () => {
    const papers = join(cluster.work, "papers");
    spawnSync("mkdir", [papers]);
    for (const name of ["a", "b", "c"]) writeFileSync(join(papers, name), name);
    await cluster.ok("notarize", "--recursive", papers, "--cluster", cluster.client());
    interface Page {
      readonly entries: readonly {
        readonly sequenceNumber: number;
        readonly index: number;
        readonly logIndex: number;
        readonly time: number;
      }[];
      readonly next: number | null;
    }
    const page = (query: string) => ask("/v1/entries", `/v1/entries${query}`).then(({ value }) => value as Page);
    await eventually(async () => expect((await page("")).entries).toHaveLength(6));
    expect(await page("?limit=2")).toMatchObject({ entries: [{ sequenceNumber: 1 }, { sequenceNumber: 2 }], next: 3 });
    const rest = await page("?from=4&limit=1");
    expect(rest.entries.map(({ sequenceNumber, index, logIndex }) => [sequenceNumber, index, logIndex])).toEqual([
      [4, 0, 3],
      [4, 1, 4],
      [4, 2, 5],
    ]);
    expect(rest.next).toBeNull();
    expect(rest.entries.every(({ time }) => time > 1_700_000_000_000)).toBe(true);
    expect((await ask("/v1/entries/{number}", "/v1/entries/4")).value).toMatchObject({ code: "several-documents" });
    expect((await ask("/v1/entries/{number}", "/v1/entries/4?index=1")).value).toMatchObject({ index: 1 });
    const { value } = await ask("/v1/receipts/{number}", "/v1/receipts/4?index=2");
    const [, , { time } = { time: 0 }] = rest.entries;
    expect(value).toMatchObject({ sequence: 4, format: "abcast-receipt/1", time });
    const { leaf } = (await ask("/v1/proofs/inclusion", "/v1/proofs/inclusion?number=4&index=2")).value as {
      leaf: string;
    };
    expect(bytes(leaf)).toEqual(leafHash(sha256, bytes((value as { statement: string }).statement)));
  });

  it("proves that documents are in the log, and that the log only grows", async () => {
    interface Proof {
      readonly logIndex: number;
      readonly root: string;
      readonly leaf: string;
      readonly proof: readonly string[];
    }
    const prove = async (number: number, index: number, size: number): Promise<Proof> => {
      const path = `/v1/proofs/inclusion?number=${number}&index=${index}&size=${size}`;
      return (await ask("/v1/proofs/inclusion", path)).value as Proof;
    };
    const { root, leaf, proof, logIndex } = await prove(4, 1, 6);
    const inclusion = { leaf: bytes(leaf), root: bytes(root), proof: proof.map(bytes), size: 6, index: logIndex };
    expect(isIncluded(sha256, inclusion)).toBe(true);
    const old = await prove(1, 0, 2);
    const path = "/v1/proofs/consistency?from=2&to=6";
    const grown = (await ask("/v1/proofs/consistency", path)).value as Omit<Proof, "leaf">;
    expect(grown.root).toBe(root);
    const consistency = {
      oldSize: 2,
      oldRoot: bytes(old.root),
      size: 6,
      root: bytes(root),
      proof: grown.proof.map(bytes),
    };
    expect(isConsistent(sha256, consistency)).toBe(true);
    await eventually(async () => {
      const note = await (await fetch(url("/v1/checkpoint"))).text();
      expect(note).toContain(`\n6\n${root}\n`);
    });
  });

  it("says how the replicas are, and what the cluster is", async () => {
    const parties = Array.from({ length: 4 }, (_, party) => ({ party, state: "active", connected: true }));
    await eventually(async () => expect((await ask("/v1/status")).value).toMatchObject({ party: 0, parties }));
    expect((await ask("/v1/config")).value).toEqual(JSON.parse(readFileSync(cluster.publicFile, "utf8")));
  });

  it("has its word of the key-value store, or a proof, and takes requests that a client has signed", async () => {
    expect(await ask("/v1/kv/{key}", "/v1/kv/none")).toMatchObject({ status: 404, value: { code: "no-such-key" } });
    const proved = await ask("/v1/kv/{key}", "/v1/kv/none?consistency=any");
    expect([200, 404]).toContain(proved.status);
    const config = await loadClient(cluster.client());
    const signer = createEd25519Signer(config.signing);
    const unsigned = {
      cluster: config.public.cluster,
      client: signer.publicKey,
      session: { opened: 1, nonce: new Uint8Array(8) },
      number: 1,
      acknowledged: 0,
      action: { kind: "void" },
    } as const;
    const body = signRequest(unsigned, { hash: sha256, sign: (statement) => signer.sign(statement) });
    const ordered = await ask("/v1/requests", "/v1/requests", { method: "POST", body: Buffer.from(body) });
    expect(ordered).toMatchObject({ status: 200, value: { isVoid: true, reply: null } });
    const again = await ask("/v1/requests", "/v1/requests", { method: "POST", body: Buffer.from(body) });
    expect(again).toEqual(ordered);
    const refused = await ask("/v1/requests", "/v1/requests", { method: "POST", body: "nonsense" });
    expect(refused).toMatchObject({ status: 400, value: { code: "invalid-payload" } });
  });

  it("tells of new entries as they come, and goes on where a client was", async () => {
    const open = async (path: string, headers: Record<string, string> = {}) => {
      const controller = new AbortController();
      const answer = await fetch(url(path), { headers, signal: controller.signal });
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      return { controller, answer };
    };
    const read = async ({ controller, answer }: Awaited<ReturnType<typeof open>>, count: number): Promise<string> => {
      let text = "";
      for await (const chunk of answer.body ?? []) {
        text += new TextDecoder().decode(chunk as Uint8Array);
        if (text.split("event: entry").length > count && text.endsWith("\n\n")) break;
      }
      controller.abort();
      return text;
    };
    const live = await open("/v1/events");
    const { sequence } = await post(digestOf("live"));
    expect(await read(live, 1)).toContain(`id: ${sequence}\nevent: entry\ndata: {"sequenceNumber":${sequence},`);
    const again = await read(await open("/v1/events?from=1", { "Last-Event-ID": "3" }), 4);
    // The documents of one number have its id after the last one only.
    expect(again.match(/^id: .*$/gm)).toEqual(["id: 4", `id: ${sequence}`]);
  });

  it("refuses what it does not understand, as problems", async () => {
    const problems: [string, string, RequestInit | undefined, number, string][] = [
      ["/v1/entries/{number}", "/v1/entries/0", undefined, 400, "invalid-parameter"],
      ["/v1/entries/{number}", "/v1/entries/99", undefined, 404, "no-such-entry"],
      ["/v1/receipts/{number}", "/v1/receipts/99", undefined, 404, "no-such-entry"],
      ["/v1/receipts", `/v1/receipts?digest=${"0".repeat(64)}`, undefined, 404, "no-such-entry"],
      ["/v1/entries", "/v1/entries?limit=9999", undefined, 400, "invalid-parameter"],
      ["/v1/entries", "/v1/entries", { method: "POST", body: "{}" }, 415, "wrong-content-type"],
      ["/v1/proofs/consistency", "/v1/proofs/consistency?from=2&to=999", undefined, 404, "no-such-size"],
    ];
    for (const [route, path, init, status, code] of problems)
      expect(await ask(route, path, init), path).toMatchObject({ status, value: { status, code } });
  });

  it.runIf(requireTool("curl"))("takes no document that is too long", () => {
    writeFileSync(join(cluster.work, "long"), new Uint8Array(16 * 1024 * 1024 + 1));
    const { stdout } = spawnSync("curl", ["-sS", "--data-binary", "@long", url("/v1/documents")], {
      cwd: cluster.work,
      encoding: "utf8",
    });
    expect(JSON.parse(stdout)).toMatchObject({ status: 413, code: "body-too-long" });
  });

  it("lets pages of the sites that init was told use it, and no others", async () => {
    for (const [origin, status, allowed] of [
      ["https://good.example", 200, "https://good.example"],
      ["https://evil.example", 403, null],
    ] as const) {
      const init = { method: "POST", body: "of a page", headers: { Origin: origin } };
      const answer = await fetch(url("/v1/documents"), init);
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([status, allowed]);
    }
  });

  it("is what it was after a restart, whatever became of the index", async () => {
    await cluster.settled();
    const before = await ask("/v1/entries");
    await cluster.ok("down", cluster.directory);
    writeFileSync(join(cluster.party(0), "documents.mdb"), "damaged");
    await cluster.ok("up", cluster.directory);
    for (const party of [0, 1, 2, 3])
      await eventually(async () => expect(await ask("/v1/entries", "/v1/entries", undefined, party)).toEqual(before));
  });
});
