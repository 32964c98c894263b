/** The page of auctions in a headless Chromium, against a cluster of real processes: an auction's life, in order. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPublic } from "../../../src/replica/config-files.js";
import { LocalCluster } from "../../cli/local-cluster.js";
import { runCli } from "../../cli/run-cli.js";
import { findChromium } from "../../support/chromium.js";

const executablePath = findChromium();
const PATIENCE_MS = 600_000;
const LOW = 73_194_655_128_307;
const HIGH = 91_827_364_554_637;

const cluster = new LocalCluster();
let browser: Browser | undefined;
let address = "";
/** All that any of the pages has asked for, and said. */
const asked: string[] = [];
const problems: string[] = [];

beforeAll(async () => {
  if (executablePath === undefined) return;
  await cluster.init("--clients", "3");
  await cluster.ok("up", cluster.directory);
  const { parties } = await loadPublic(cluster.publicFile);
  address = `http://127.0.0.1:${parties[1]?.httpPort ?? 0}/auctions`;
  // Where tests run as root, as in containers, Chromium's own sandbox does not start.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

afterAll(async () => {
  await browser?.close();
  cluster.remove();
});

async function open(client?: number, width = 1100): Promise<{ readonly page: Page; readonly context: BrowserContext }> {
  if (browser === undefined) throw new Error("no browser");
  const context = await browser.newContext({ viewport: { width, height: 900 }, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  context.on("request", (request) => asked.push(`${request.method()} ${request.url()} ${request.postData() ?? ""}`));
  page.on("console", (message) => problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(address);
  if (client !== undefined) {
    await page.getByLabel("client-I.json").setInputFiles(cluster.client(client));
    await page.getByText(`You are client ${client} of cluster`).waitFor();
  }
  return { page, context };
}

/** Everything that was asked, with the bytes of what is base64 in it. */
function askedBytes(): Buffer {
  const decoded = asked.flatMap((text) =>
    [...text.matchAll(/"request":"([A-Za-z0-9+/=]+)"/g)].map(([, base64 = ""]) => Buffer.from(base64, "base64")),
  );
  return Buffer.concat([Buffer.from(asked.join("\n")), ...decoded]);
}

/** An amount as it would stand in a request. */
function formsOf(amount: number): Buffer[] {
  const binary = Buffer.alloc(8);
  binary.writeBigUInt64BE(BigInt(amount));
  return [binary, Buffer.from(binary).reverse(), Buffer.from(String(amount)), Buffer.from(amount.toLocaleString("en"))];
}

describe.skipIf(executablePath === undefined)("a sealed auction on the page", () => {
  let award = "";

  test("is begun by its owner, and bid in from two other browsers, in which alone the amounts are", async () => {
    const owner = await open(0);
    await owner.page.getByLabel("Kind").selectOption("sealed-second");
    await owner.page.getByLabel("What it is about").fill("A boat");
    await owner.page.getByLabel("Reserve: less wins nothing").fill("1000");
    await owner.page.getByRole("button", { name: "Begin it" }).click();
    await owner.page.getByRole("heading", { name: "1 · A boat" }).waitFor();
    await owner.page.getByText("You began this auction, so you cannot bid in it.").waitFor();

    for (const [client, amount] of [
      [1, LOW],
      [2, 5],
      [2, HIGH],
    ] as const) {
      const { page, context } = await open(client);
      await page.getByRole("button", { name: /1 · A boat/ }).click();
      await page.getByLabel("Amount, EUR").fill(String(amount));
      await page.getByRole("button", { name: "Encrypt and bid" }).click();
      await page.getByText(/^Bid [123] is in, and sealed\.$/).waitFor();
      await page.getByText(`sealed; you bid ${amount.toLocaleString("en")} EUR`).waitFor();
      await page.getByRole("button", { name: "Take my bid back" }).waitFor();
      await context.close();
    }
    await owner.page.getByRole("listitem").filter({ hasText: "client 2" }).filter({ hasText: "replaced" }).waitFor();
    const bytes = askedBytes();
    // What was asked is there: the title stands in the command that began it.
    expect(bytes.includes("A boat")).toBe(true);
    for (const form of [...formsOf(LOW), ...formsOf(HIGH)]) expect(bytes.includes(form)).toBe(false);
    const seed = Buffer.from(
      (JSON.parse(readFileSync(cluster.client(1), "utf8")) as { readonly signing: string }).signing,
      "base64",
    );
    expect(bytes.includes(seed)).toBe(false);
    expect(bytes.includes(seed.toString("base64"))).toBe(false);
    await owner.context.close();
  });

  test("is closed by its owner, opened by the group, and awarded; who may not is told why", async () => {
    const { page } = await open(0);
    await page.getByRole("button", { name: /1 · A boat/ }).click();
    await page.getByRole("button", { name: "Close the auction" }).click();
    await page.getByText(`client 2 won with bid 3, and pays ${LOW.toLocaleString("en")} EUR.`).waitFor();
    await page
      .getByRole("listitem")
      .filter({ hasText: "client 2" })
      .filter({ hasText: HIGH.toLocaleString("en") })
      .waitFor();
    await page.getByRole("listitem").filter({ hasText: "never opened" }).waitFor();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download the award" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe("auction-1.award");
    award = join(cluster.work, "boat.award");
    await download.saveAs(award);
    const { code, stdout } = await runCli(["verify", award, "--public", cluster.publicFile]);
    expect(stdout).toContain(`client 2 won with bid 3, at ${LOW} EUR`);
    expect(code).toBe(0);
  });

  test("has an award that the page checks without any network, and refuses when it is changed", async () => {
    const { page, context } = await open();
    await context.setOffline(true);
    const check = async (path: string) => {
      await page.getByLabel("The award").setInputFiles(path);
      await page.getByLabel("public.json, from whom you trust").setInputFiles(cluster.publicFile);
      const before = asked.length;
      await page.getByRole("button", { name: "Check it" }).click();
      const verdict = page.locator("#verdict");
      await verdict.locator("strong").waitFor();
      expect(asked.slice(before).filter((request) => request.startsWith("POST"))).toEqual([]);
      return verdict.innerText();
    };
    const valid = await check(award);
    expect(valid).toContain("The award is valid.");
    expect(valid).toContain("3 bids");
    expect(valid).toContain(`bid 3, at ${LOW.toLocaleString("en")} EUR`);
    const changed = join(cluster.work, "changed.award");
    const file = JSON.parse(readFileSync(award, "utf8")) as Record<string, string>;
    const bids = Buffer.from(file["bids"] ?? "", "base64");
    bids[bids.length - 5] = (bids.at(-5) ?? 0) ^ 1;
    writeFileSync(changed, JSON.stringify({ ...file, bids: bids.toString("base64") }));
    expect(await check(changed)).toContain("This does not prove it.");
    await context.close();
  });
});

describe.skipIf(executablePath === undefined)("the page of auctions", () => {
  test("counts down to a closing time, has a field for each criterion, and fits a telephone", async () => {
    const { page } = await open(0, 360);
    await page.getByLabel("Kind").selectOption("tender");
    await page.getByLabel("What it is about").fill("Paint the bridge");
    await page.getByLabel("Criteria, one a line").fill("years of warranty, 300, 10\ndays, -1, 30");
    await page.getByLabel("Closes in minutes").fill("90");
    await page.getByRole("button", { name: "Begin it" }).click();
    await page.getByText(/^Closes in 01:\d\d:\d\d$/).waitFor();
    await page.getByText("300 × years of warranty (up to 10) − 1 × days (up to 30) − price").waitFor();
    await page.getByRole("button", { name: "Forget the key" }).click();
    await page.getByLabel("client-I.json").setInputFiles(cluster.client(1));
    await page.getByLabel("Price, EUR").fill("40000");
    await page.getByLabel("years of warranty, up to 10").fill("11");
    await page.getByLabel("days, up to 30").fill("3");
    await page.getByRole("button", { name: "Encrypt and bid" }).click();
    await page.getByRole("alert").filter({ hasText: "a whole number up to 10 is needed" }).waitFor();
    const widths = await page.evaluate<readonly number[]>("[document.documentElement.scrollWidth, window.innerWidth]");
    expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0);
  });

  test("takes the key of a bidder who is no client, whose bids the replica carries", async () => {
    const key = join(cluster.work, "bidder.json");
    const registration = join(cluster.work, "registration.json");
    writeFileSync(
      registration,
      await cluster.ok("auction", "key", "--name", "Bidder Ltd", "-o", key, "--public", cluster.publicFile),
    );
    await cluster.ok("auction", "register", registration, "--cluster", cluster.client(2));
    const { page, context } = await open();
    await page.getByLabel("client-I.json, or a registered key").setInputFiles(key);
    await page.getByText("You are “Bidder Ltd”, which is no client, of cluster").waitFor();
    await page.getByRole("button", { name: /2 · Paint the bridge/ }).click();
    await page.getByLabel("Price, EUR").fill("31000");
    await page.getByLabel("years of warranty, up to 10").fill("4");
    await page.getByLabel("days, up to 30").fill("3");
    await page.getByRole("button", { name: "Encrypt and bid" }).click();
    await page.getByText("Bid 1 is in, and sealed.").waitFor();
    await page.getByRole("button", { name: "Take my bid back" }).click();
    await page.getByText("Your bid is taken back.").waitFor();
    const { key: bidder } = JSON.parse(readFileSync(registration, "utf8")) as { readonly key: string };
    const shown = await cluster.ok("auction", "show", "2", "--cluster", cluster.client(0), "--json");
    expect(JSON.parse(shown)).toMatchObject({ bids: [{ bidder, standing: "withdrawn" }] });
    const { signing } = JSON.parse(readFileSync(key, "utf8")) as { readonly signing: string };
    expect(asked.some((request) => request.includes(signing))).toBe(false);
    await context.close();
  });

  test("says what is wrong with a file that is no client's", async () => {
    const { page } = await open();
    await page.getByLabel("client-I.json").setInputFiles(cluster.publicFile);
    await page.getByRole("alert").filter({ hasText: "it is no client-I.json of a cluster" }).waitFor();
    expect(await page.getByRole("button", { name: "Begin it" }).isDisabled()).toBe(true);
  });

  test("has done nothing that its policy forbids, and met no error", () => {
    expect(problems.filter((problem) => !problem.includes("ERR_INTERNET_DISCONNECTED"))).toEqual([]);
  });
});
