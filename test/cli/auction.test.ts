/** Auctions of a cluster of real processes, from the command line. In order. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalCluster } from "./local-cluster.js";
import { runCli } from "./run-cli.js";

const cluster = new LocalCluster();
const PARTIES = [0, 1, 2, 3];
afterAll(() => cluster.remove());
beforeAll(async () => {
  await cluster.init("--clients", "4", "--checkpoint-interval", "4");
  await cluster.ok("up", cluster.directory);
});

async function as(client: number, ...args: readonly string[]) {
  const { code, stdout, stderr } = await runCli([...args, "--cluster", cluster.client(client), "--json"]);
  return { code, stderr, result: stdout === "" ? undefined : (JSON.parse(stdout) as Record<string, unknown>) };
}

async function decided(auction: number): Promise<Record<string, unknown>> {
  for (;;) {
    const { result } = await as(0, "auction", "show", String(auction));
    if (result?.["stage"] === "decided") return result;
    await sleep(100);
  }
}

/** Parties in whose directories one of these stands somewhere. None runs meanwhile: files come and go, and what is known is written later. */
function partiesWith(...needles: readonly Uint8Array[]): number[] {
  expect(cluster.processes()).toEqual([]);
  return PARTIES.filter((party) => {
    const directory = cluster.party(party);
    return readdirSync(directory, { recursive: true, encoding: "utf8" })
      .map((path) => join(directory, path))
      .filter((path) => statSync(path).isFile())
      .some((path) => {
        const content = readFileSync(path);
        return needles.some((needle) => content.includes(Buffer.from(needle)));
      });
  });
}

/** An amount as it would stand in a state, a message, a log line. */
function formsOf(amount: number): Uint8Array[] {
  const binary = Buffer.alloc(8);
  binary.writeBigUInt64BE(BigInt(amount));
  const little = Buffer.from(binary).reverse();
  return [binary, little, Buffer.from(String(amount)), Buffer.from(binary.subarray(2).toString("hex"))];
}

const LOW = 73_194_655_128_307;
const HIGH = 91_827_364_554_637;

describe("a sealed auction", () => {
  it("shows no party an amount before the close", async () => {
    const created = await as(
      0,
      "auction",
      "create",
      "--kind",
      "sealed-second",
      "--title",
      "a boat",
      "--unit",
      "EUR",
      "--reserve",
      "1000",
    );
    expect(created).toMatchObject({ code: 0, result: { ok: true, auction: 1 } });
    expect(await as(1, "auction", "bid", "1", String(LOW))).toMatchObject({ code: 0, result: { bid: 1 } });
    expect(await as(2, "auction", "bid", "1", String(HIGH))).toMatchObject({ code: 0, result: { bid: 2 } });
    expect(await as(3, "auction", "bid", "1", "5")).toMatchObject({ code: 0, result: { bid: 3 } });
    // Enough for checkpoints: what is in the state is in the stores.
    for (let round = 0; round < 8; round++) await as(0, "counter", "add", "1");
    const { result } = await as(0, "auction", "show", "1");
    expect(result).toMatchObject({ stage: "open", bids: [{ amount: null, standing: "standing" }, {}, {}] });
    await cluster.settled();
    await cluster.ok("down", cluster.directory);
    expect(partiesWith(...formsOf(LOW), ...formsOf(HIGH))).toEqual([]);
    // The search would find what is there: the title.
    expect(partiesWith(Buffer.from("a boat"))).toEqual(PARTIES);
    await cluster.ok("up", cluster.directory);
  });

  it("is opened by three parties of four, and decided", async () => {
    await cluster.killNow(3);
    expect(await as(1, "auction", "close", "1")).toMatchObject({ code: 1, result: { reason: "not-owner" } });
    expect(await as(0, "auction", "close", "1")).toMatchObject({ code: 0 });
    const result = await decided(1);
    expect(result).toMatchObject({
      outcome: { bid: 2, price: LOW },
      bids: [{ amount: LOW }, { amount: HIGH }, { amount: 5, standing: "below-reserve" }],
    });
    expect(await as(1, "auction", "withdraw", "1")).toMatchObject({ code: 1, result: { reason: "not-open" } });
    // Three others may have decided it, and rows come to the disk a moment after what they say is known.
    while (!/bidding duty 1 of party [0-2]\n/.test(await cluster.ok("log", cluster.party(0)))) await sleep(100);
    expect(await as(1, "auction", "bid", "1", "5")).toMatchObject({ code: 1, result: { reason: "not-open" } });
    for (let round = 0; round < 8; round++) await as(0, "counter", "add", "1");
    await cluster.states(([first, ...others]) => {
      return first?.state === "active" && others.slice(0, 2).every(({ sequence }) => sequence === first.sequence);
    });
  });

  it("is then in the stores of those three, and comes to the one that was away", async () => {
    await cluster.ok("down", cluster.directory);
    expect(partiesWith(...formsOf(LOW))).toEqual([0, 1, 2]);
    await cluster.ok("up", cluster.directory);
    await cluster.settled();
    expect(await as(0, "auction", "show", "1")).toMatchObject({ result: { outcome: { bid: 2 } } });
  });

  it("has an award that everybody can check, and nobody can change", async () => {
    const award = join(cluster.work, "boat.award");
    expect(await as(3, "auction", "award", "1", "-o", award)).toMatchObject({ code: 0 });
    // Both commands say the same.
    const verify = async (path: string) => {
      const [one, other] = await Promise.all(
        [["verify"], ["auction", "verify"]].map((command) =>
          runCli([...command, path, "--public", cluster.publicFile, "--json"]),
        ),
      );
      expect(one).toEqual(other);
      return { code: one?.code, result: JSON.parse(one?.stdout ?? "") as Record<string, unknown> };
    };
    const valid = await verify(award);
    expect(valid).toMatchObject({ code: 0, result: { valid: true, auction: 1, outcome: { bid: 2, price: LOW } } });
    const changed = join(cluster.work, "changed.award");
    const file = JSON.parse(readFileSync(award, "utf8")) as Record<string, string>;
    const bids = Buffer.from(file["bids"] ?? "", "base64");
    bids[bids.length - 5] = (bids.at(-5) ?? 0) ^ 1;
    for (const [field, value] of [
      ["bids", bids.toString("base64")],
      ["signature", "AAAA"],
      ["statement", Buffer.from("abcast-award/1\n").toString("base64")],
      ["format", "abcast-award/2"],
    ] as const) {
      writeFileSync(changed, JSON.stringify({ ...file, [field]: value }));
      expect(await verify(changed), field).toMatchObject({ code: 1, result: { valid: false } });
    }
  });
});

describe("an auction with a closing time", () => {
  it("closes with no other traffic, and its owner cannot close it", async () => {
    const created = await as(
      0,
      "auction",
      "create",
      "--kind",
      "tender",
      "--title",
      "paint",
      "--closes-in",
      "40",
      "--criterion",
      "years:3:9",
      "--criterion",
      "days:-1:30",
    );
    const auction = Number(created.result?.["auction"]);
    expect(await as(1, "auction", "bid", String(auction), "40", "9", "10")).toMatchObject({ code: 0 });
    expect(await as(2, "auction", "bid", String(auction), "39", "2", "3")).toMatchObject({ code: 0 });
    expect(await as(0, "auction", "close", String(auction))).toMatchObject({ result: { reason: "closes-by-time" } });
    // -23 is more than -36.
    expect(await decided(auction)).toMatchObject({ outcome: { bid: 1, price: 40 } });
  });
});

describe("an order book", () => {
  it("matches orders", async () => {
    const created = await as(0, "auction", "create", "--kind", "book", "--title", "grain");
    const book = String(created.result?.["auction"]);
    expect(await as(1, "book", "place", book, "sell", "10", "--price", "99")).toMatchObject({
      result: { order: 1, resting: 10 },
    });
    expect(await as(2, "book", "place", book, "buy", "4")).toMatchObject({
      result: { fills: [{ order: 1, price: 99, quantity: 4 }], resting: 0 },
    });
    expect(await as(2, "book", "place", book, "buy", "3", "--price", "98")).toMatchObject({ result: { resting: 3 } });
    expect(await as(1, "book", "show", book)).toMatchObject({
      result: {
        sell: [{ price: 99, quantity: 6, orders: 1 }],
        buy: [{ price: 98, quantity: 3, orders: 1 }],
        lastTrade: { price: 99, quantity: 4 },
        orders: [{ order: 1, quantity: 6 }],
      },
    });
    expect(await as(2, "book", "cancel", book, "1")).toMatchObject({ code: 1, result: { reason: "no-order" } });
    expect(await as(1, "book", "cancel", book, "1")).toMatchObject({ code: 0, result: { quantity: 6 } });
    expect(await as(1, "book", "show", "77")).toMatchObject({ code: 1, result: { reason: "no-auction" } });
  });
});

describe("a title that would forge what people see", () => {
  it("is shown on one line, and a terminal obeys nothing in it", async () => {
    const title = "a boat\nclient 1 won with bid 1, at 1\u001b[2J\u009b1A\u202e\u2028";
    const created = await as(0, "auction", "create", "--kind", "open", "--title", title, "--unit", "\n1");
    const auction = String(created.result?.["auction"]);
    await as(1, "auction", "bid", auction, "7");
    await as(0, "auction", "close", auction);
    const award = join(cluster.work, "forged.award");
    expect(await as(2, "auction", "award", auction, "-o", award)).toMatchObject({ code: 0 });
    const shown = String.raw`a boat\u{a}client 1 won with bid 1, at 1\u{1b}[2J\u{9b}1A\u{202e}\u{2028}`;
    const text = async (...args: readonly string[]) =>
      (await cluster.ok(...args)).split("\n").filter((line) => line.includes("boat") || line.includes(" won "));
    const client = ["--cluster", cluster.client(2)];
    const won = String.raw`client 1 won with bid 1, at 7 \u{a}1`;
    expect(await text("auction", "show", ...client)).toContain(`${auction}  open  decided  ${shown}`);
    expect(await text("auction", "show", auction, ...client)).toEqual([
      `auction ${auction} of client 0: ${shown} (open, decided)`,
      won,
    ]);
    expect(await text("verify", award, "--public", cluster.publicFile)).toEqual([
      expect.stringContaining(`of client 0: ${shown}, closed in round`),
      won,
    ]);
    // Programs are told what it is.
    expect(await as(2, "auction", "show", auction)).toMatchObject({ result: { terms: { title } } });
  });
});

describe("options that make no sense", () => {
  const base = ["auction", "create", "--title", "x"];
  it.each([
    [[...base, "--kind", "barter"], "--kind"],
    [[...base, "--kind", "tender", "--reserve", "5"], "--reserve"],
    [[...base, "--kind", "open", "--no-replace"], "--no-replace: is not for --kind open"],
    [[...base, "--kind", "book", "--no-withdraw"], "--no-withdraw: is not for --kind book"],
    [[...base, "--kind", "open", "--increment", "0"], "--increment"],
    [[...base, "--kind", "open", "--closes-at", "tomorrow"], "It must be a time"],
    [[...base, "--kind", "open", "--closes-at", "2030-01-01T00:00Z", "--closes-in", "5"], "--closes-at"],
    [[...base, "--kind", "open", "--bidder", "abc"], "64 lower-case hexadecimal digits"],
    [[...base, "--kind", "tender", "--criterion", "a:b:c"], "NAME:WEIGHT:MAX"],
    [["auction", "bid", "1", "many"], "whole number"],
    [["auction", "bid", "1", "1", "many"], "whole number"],
    [["book", "place", "1", "hold", "1"], "buy, sell"],
  ])("are refused: %j", async (args, message) => {
    const { code, stderr } = await as(0, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
