/** Bidders and auctioneers whom the dealer never knew, in a cluster of real processes. In order. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadBidder } from "../../src/cli/bidder-file.js";
import { signedOperation } from "../../src/client/index.js";
import { toBase64 } from "../../src/core/base64.js";
import { toHex } from "../../src/core/bytes.js";
import type { ClusterPublic } from "../../src/replica/config.js";
import { loadPublic } from "../../src/replica/config-files.js";
import { encodeBiddingOperation } from "../../src/services/bidding/index.js";
import { LocalCluster } from "./local-cluster.js";
import { otherCluster } from "./other-cluster.js";
import { runCli } from "./run-cli.js";

const cluster = new LocalCluster();
let shared: ClusterPublic;
afterAll(() => cluster.remove());
beforeAll(async () => {
  await cluster.init("--clients", "3", "--checkpoint-interval", "4");
  await cluster.ok("up", cluster.directory);
  shared = await loadPublic(cluster.publicFile);
});

const at = (name: string): string => join(cluster.work, name);
type Result = Record<string, unknown>;

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await runCli([...args, "--json"], env);
  return { code, stderr, result: stdout === "" ? undefined : (JSON.parse(stdout) as Result) };
}

/** The client is the one who acts, unless there is a `--key`; else the courier. */
const as = (client: number, ...args: readonly string[]) => run([...args, "--cluster", cluster.client(client)]);

async function decided(auction: number): Promise<Result> {
  for (;;) {
    const { result } = await as(0, "auction", "show", String(auction));
    if (result?.["stage"] === "decided") return result;
    await sleep(100);
  }
}

/** Makes a key file, and the registration that its holder hands out. */
async function makeKey(name: string, file: string, ...more: readonly string[]): Promise<string> {
  const made = await run([
    "auction",
    "key",
    "--name",
    name,
    "--out",
    at(file),
    "--public",
    cluster.publicFile,
    ...more,
  ]);
  expect(made).toMatchObject({ code: 0, result: { format: "abcast-registration/1", name } });
  const registration = at(`${file}.registration`);
  writeFileSync(registration, JSON.stringify(made.result));
  return registration;
}

const keyIn = (registration: string): string =>
  String((JSON.parse(readFileSync(registration, "utf8")) as Result)["key"]);

describe("a key", () => {
  it("is made where its holder is: secret, and never in another's place", async () => {
    await makeKey("Early Ltd", "early.json");
    expect(statSync(at("early.json")).mode & 0o777).toBe(0o600);
    const content = readFileSync(at("early.json"), "utf8");
    const again = await run(["auction", "key", "--name", "x", "-o", at("early.json"), "--public", cluster.publicFile]);
    expect(again).toMatchObject({ code: 2 });
    expect(again.stderr).toContain("exists already");
    expect(readFileSync(at("early.json"), "utf8")).toBe(content);
    const named = await run(["auction", "key", "--name", "two  spaces", "-o", at("x"), "--public", cluster.publicFile]);
    expect(named).toMatchObject({ code: 2 });
    expect(named.stderr).toContain("printable ASCII");
  });

  it("is printed for people as a registration, and nothing else on stdout", async () => {
    const args = ["auction", "key", "--name", "People", "-o", at("people.json"), "--public", cluster.publicFile];
    const { stdout, stderr } = await runCli(args);
    expect(JSON.parse(stdout)).toMatchObject({ format: "abcast-registration/1", name: "People" });
    expect(stderr).toContain(at("people.json"));
    expect(stdout).not.toContain("signing");
  });

  it("is registered by a client, once, from a registration of this cluster that nobody has changed", async () => {
    const registration = at("early.json.registration");
    const json = JSON.parse(readFileSync(registration, "utf8")) as Result;
    const changed = at("changed.json");
    writeFileSync(changed, JSON.stringify({ ...json, name: "Late Ltd" }));
    expect(await as(1, "auction", "register", changed)).toMatchObject({ code: 1, result: { reason: "bad-proof" } });
    writeFileSync(changed, JSON.stringify({ ...json, cluster: "00".repeat(32) }));
    const other = await as(1, "auction", "register", changed);
    expect(other).toMatchObject({ code: 2 });
    expect(other.stderr).toContain("is another cluster's");
    expect(await as(1, "auction", "register", registration)).toMatchObject({ code: 0, result: { name: "Early Ltd" } });
    expect(await as(2, "auction", "register", registration)).toMatchObject({
      code: 1,
      result: { reason: "known-key" },
    });
    const sponsor = toHex(shared.clients[1]?.publicKey ?? new Uint8Array());
    expect(await as(0, "auction", "keys")).toMatchObject({
      result: { keys: [{ key: json["key"], name: "Early Ltd", sponsor, least: 1 }] },
    });
  });

  it("is for the cluster in its file", async () => {
    const other = await otherCluster(shared);
    await expect(loadBidder(at("early.json"), other)).rejects.toThrow("is another cluster's");
    expect((await loadBidder(at("early.json"), shared)).publicKey).toHaveLength(32);
    const mistaken = await as(0, "auction", "bid", "1", "5", "--key", cluster.client(1));
    expect(mistaken).toMatchObject({ code: 2 });
    expect(mistaken.stderr).toContain("needed is a bidder's key");
  });
});

describe("a bidder whom nobody knew at init", () => {
  it("registers, bids in a sealed tender, wins, and has an award that verifies", async () => {
    const registration = await makeKey("Bidder Ltd", "bidder.json");
    const key = keyIn(registration);
    expect(await as(1, "auction", "register", registration)).toMatchObject({ code: 0 });
    const client = toHex(shared.clients[2]?.publicKey ?? new Uint8Array());
    const base = ["auction", "create", "--kind", "tender", "--title", "paint", "--unit", "EUR"];
    const unknown = await as(0, ...base, "--bidder", "Bidder GmbH");
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toContain("no registered key has this name");
    const created = await as(0, ...base, "--bidder", "Bidder Ltd", "--bidder", client);
    expect(created).toMatchObject({ code: 0, result: { auction: 1 } });

    expect(await as(1, "auction", "bid", "1", "70", "--key", at("early.json"))).toMatchObject({
      code: 1,
      result: { reason: "not-bidder" },
    });
    expect(await as(2, "auction", "bid", "1", "50")).toMatchObject({ code: 0, result: { bid: 1 } });
    // Any client carries it, also one that bids against it.
    expect(await as(2, "auction", "bid", "1", "45", "--key", at("bidder.json"))).toMatchObject({ result: { bid: 2 } });
    expect(await as(0, "auction", "bid", "1", "40", "--key", at("bidder.json"))).toMatchObject({ result: { bid: 3 } });
    expect(await as(0, "auction", "show", "1")).toMatchObject({
      result: {
        terms: { bidders: [key, client] },
        bids: [{ bidder: client }, { bidder: key, standing: "replaced" }, { bidder: key, amount: null }],
        names: { [key]: "Bidder Ltd" },
      },
    });
    expect(await as(0, "auction", "close", "1")).toMatchObject({ code: 0 });
    expect(await decided(1)).toMatchObject({ outcome: { bid: 3, price: 40 } });
    const text = await cluster.ok("auction", "show", "1", "--cluster", cluster.client(2));
    expect(text).toContain(`"Bidder Ltd" (${key}) won with bid 3, at 40 EUR`);

    expect(await as(1, "auction", "award", "1", "-o", at("paint.award"))).toMatchObject({ code: 0 });
    const verified = await run(["verify", at("paint.award"), "--public", cluster.publicFile]);
    expect(verified).toMatchObject({ code: 0, result: { valid: true, outcome: { winner: key, price: 40 } } });
  });

  it("is known after a restart from a checkpoint, and numbers go on", async () => {
    for (let round = 0; round < 8; round++) await as(0, "counter", "add", "1");
    await cluster.killNow(2);
    await cluster.ok("up", cluster.directory);
    const { result } = await as(0, "auction", "keys");
    expect(result).toMatchObject({
      keys: [
        { name: "Early Ltd", least: 2 },
        { name: "Bidder Ltd", least: 3 },
      ],
    });
    await cluster.settled();
  });
});

describe("an auctioneer whom nobody knew at init", () => {
  it("sells and trades with a key under a passphrase", async () => {
    const secret = at("passphrase");
    writeFileSync(secret, "correct horse\n", { mode: 0o600 });
    const registration = await makeKey("Auctioneer", "seller.json", "--passphrase-file", secret);
    expect(readFileSync(at("seller.json"), "utf8")).toContain("abcast-protected/1");
    expect(await as(0, "auction", "register", registration)).toMatchObject({ code: 0 });
    const env = { ABCAST_PASSPHRASE_FILE: secret };
    const sell = (...args: readonly string[]) =>
      run([...args, "--cluster", cluster.client(1), "--key", at("seller.json")], env);
    const created = await sell("auction", "create", "--kind", "open", "--title", "a boat");
    expect(created).toMatchObject({ code: 0, result: { auction: 2 } });
    expect(await sell("auction", "bid", "2", "5")).toMatchObject({ code: 1, result: { reason: "not-bidder" } });
    expect(await as(1, "auction", "bid", "2", "5")).toMatchObject({ code: 0 });
    expect(await as(1, "auction", "bid", "2", "6", "--key", at("early.json"))).toMatchObject({ code: 0 });
    expect(await as(1, "auction", "withdraw", "2", "--key", at("early.json"))).toMatchObject({ code: 0 });
    expect(await as(1, "auction", "close", "2")).toMatchObject({ code: 1, result: { reason: "not-owner" } });
    expect(await sell("auction", "close", "2")).toMatchObject({ code: 0 });
    expect(await decided(2)).toMatchObject({
      outcome: { bid: 1, price: 5 },
      names: { [keyIn(registration)]: "Auctioneer" },
    });

    expect(await sell("auction", "create", "--kind", "book", "--title", "grain")).toMatchObject({
      result: { auction: 3 },
    });
    expect(await sell("book", "place", "3", "sell", "4", "--price", "9")).toMatchObject({ result: { resting: 4 } });
    expect(await as(1, "book", "show", "3")).toMatchObject({ result: { orders: [] } });
    expect(await sell("book", "show", "3")).toMatchObject({ result: { orders: [{ order: 1, quantity: 4 }] } });
    expect(await sell("book", "cancel", "3", "1")).toMatchObject({ result: { quantity: 4 } });
  });
});

describe("a replica", () => {
  it("carries a command that a key has signed, once, for who has no client's file", async () => {
    const key = await loadBidder(at("early.json"), shared);
    const base = `http://127.0.0.1:${shared.parties[1]?.httpPort ?? 0}/v1/bidding`;
    const shown = (await (await fetch(`${base}/keys/${toHex(key.publicKey)}`)).json()) as { readonly least: number };
    const terms = { kind: "book", title: "by post", unit: "", bidders: [], closesAtMs: undefined } as const;
    const command = { kind: "create", terms } as const;
    const operation = signedOperation({ cluster: shared.cluster, number: shown.least, command }, key);
    const body = JSON.stringify({ operation: toBase64(encodeBiddingOperation(operation)) });
    const headers = { "Content-Type": "application/json" };
    const first = await fetch(`${base}/commands`, { method: "POST", headers, body });
    const done = (await first.json()) as { readonly auction: number };
    expect(first.status, JSON.stringify(done)).toBe(200);
    expect(await as(0, "auction", "show", String(done.auction))).toMatchObject({
      result: { owner: toHex(key.publicKey), names: { [toHex(key.publicKey)]: "Early Ltd" } },
    });
    const second = await fetch(`${base}/commands`, { method: "POST", headers, body });
    expect([second.status, await second.json()]).toMatchObject([409, { code: "old-number" }]);
  });
});
