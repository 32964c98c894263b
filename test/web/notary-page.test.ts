/**
 * The notary's page in a headless Chromium, before a cluster of four real replicas, of which one has a clock that is an hour ahead. What the
 * browser asks for is on record: this replica's paths, and never a byte of a document.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, type FileChooser, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launch } from "../../src/cli/launch.js";
import { formatFile, publicSchema } from "../../src/replica/config.js";
import { loadPublic } from "../../src/replica/config-files.js";
import { LocalCluster } from "../cli/local-cluster.js";
import { otherCluster } from "../cli/other-cluster.js";
import { runCli } from "../cli/run-cli.js";
import { findChromium } from "../support/chromium.js";
import { requireTool } from "../support/tools.js";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));
const WRONG_CLOCK = fileURLToPath(new URL("../chaos/injected/clock.mjs", import.meta.url));
const HOUR_MS = 3_600_000;
const FAR_PARTY = 3;

/** What no request may have, in a form that no encoding would hide. */
const SECRET = "the-secret-of-this-document";
const DOCUMENT = { name: "contract.txt", mimeType: "text/plain", buffer: Buffer.from(`${SECRET}\n`.repeat(50_000)) };
const DIGEST = createHash("sha256").update(DOCUMENT.buffer).digest("hex");

const executablePath = findChromium();
const cluster = new LocalCluster();
let browser: Browser;
let origin: string;

beforeAll(async () => {
  if (executablePath === undefined) return;
  await cluster.init("--rsa-bits", "2048");
  origin = `http://127.0.0.1:${(await loadPublic(cluster.publicFile)).parties[0]?.httpPort}`;
  const offset = join(cluster.work, "clock");
  writeFileSync(offset, String(HOUR_MS));
  for (const party of [0, 1, 2]) await launch(cluster.party(party), [BIN, "node"]);
  process.env["CHAOS_CLOCK"] = offset;
  await launch(cluster.party(FAR_PARTY), ["--import", WRONG_CLOCK, BIN, "node"]);
  delete process.env["CHAOS_CLOCK"];
  // Where tests run as root, as in containers, Chromium's own sandbox does not start.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

afterAll(async () => {
  await browser?.close();
  cluster.remove();
});

/** Hands the open page to `use`; afterwards nothing may have gone elsewhere, or been refused by the policy. */
async function withPage(
  use: (page: Page) => Promise<void>,
  options: BrowserContextOptions = { viewport: { width: 1280, height: 900 } },
): Promise<void> {
  const context = await browser.newContext({ ...options, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(600_000);
  const problems: string[] = [];
  const requests: { readonly url: string; readonly method: string; readonly body: string }[] = [];
  context.on("request", (request) => {
    const body = request.postDataBuffer()?.toString("latin1") ?? "";
    requests.push({ url: request.url(), method: request.method(), body });
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    // Without a network the page goes on asking how the group is.
    if (!message.text().includes("ERR_INTERNET_DISCONNECTED")) problems.push(message.text());
  });
  await page.exposeFunction("noteViolation", (what: string) => problems.push(what));
  await page.addInitScript(
    'document.addEventListener("securitypolicyviolation", (event) => noteViolation(event.violatedDirective))',
  );
  try {
    await page.goto(origin);
    await use(page);
    expect(problems).toEqual([]);
    expect(requests.length).toBeGreaterThan(3);
    for (const { url, method, body } of requests) {
      if (url.startsWith("blob:")) continue;
      expect(new URL(url).origin).toBe(origin);
      expect(`${url} ${body}`, `${method} ${url}`).not.toContain(SECRET);
      // A digest, or a request for a time stamp: nothing as long as the document.
      expect(body.length).toBeLessThan(1024);
      if (method !== "GET") expect(["/v1/entries", "/tsa"]).toContain(new URL(url).pathname);
    }
  } finally {
    await context.close();
  }
}

async function downloaded(page: Page, button: string, name: string): Promise<string> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).first().click();
  const saved = await download;
  expect(saved.suggestedFilename()).toBe(name);
  const path = join(cluster.work, name);
  copyFileSync(await saved.path(), path);
  return path;
}

/** Makes a round. */
async function notariseAgain(): Promise<void> {
  const body = JSON.stringify({ digest: DIGEST, new: true });
  const headers = { "Content-Type": "application/json" };
  const { status } = await fetch(`${origin}/v1/entries`, { method: "POST", headers, body });
  expect(status).toBe(200);
}

/** Whose clocks each replica finds far from the group's. */
async function farByParty(): Promise<readonly (readonly number[])[]> {
  const status = await cluster.status();
  return status.map(({ clocks }) => clocks.flatMap(({ party, isFar }) => (isFar ? [party] : [])));
}

async function notarised(page: Page): Promise<void> {
  await page.locator("#documents").setInputFiles(DOCUMENT);
  await page.locator(".document .pill", { hasText: "signed by the group" }).first().waitFor();
}

/** What axe finds against WCAG 2.2 AA: names, roles, contrast, landmarks, live regions. */
async function complaintsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>("axe.run()");
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** Of several documents, which share a signature. */
async function sharedReceipt(): Promise<string> {
  const directory = join(cluster.work, "many");
  mkdirSync(directory);
  writeFileSync(join(directory, DOCUMENT.name), DOCUMENT.buffer);
  for (let count = 0; count < 4; count++) writeFileSync(join(directory, `other-${count}`), String(count));
  await cluster.ok("notarize", "--recursive", directory, "--cluster", cluster.client());
  return join(directory, `${DOCUMENT.name}.receipt`);
}

/** Of another cluster with the same receipt key. */
async function otherPublicFile(): Promise<string> {
  const path = join(cluster.work, "other-public.json");
  writeFileSync(path, formatFile(publicSchema, await otherCluster(await loadPublic(cluster.publicFile))));
  return path;
}

describe.skipIf(executablePath === undefined)("the notary's page", () => {
  test("gives a file its number, and a receipt and a time stamp that other programs accept", () =>
    withPage(async (page) => {
      await notarised(page);
      const card = page.locator(".document").first();
      expect(await card.locator(".digest").textContent()).toBe(`SHA-256 ${DIGEST}`);
      const number = await card.locator("dd.number").textContent();
      await page
        .locator("#log li.own", { hasText: DIGEST.slice(0, 16) })
        .first()
        .waitFor();
      expect(await page.locator("#said").textContent()).toContain(`contract.txt has number ${number}`);
      expect(await card.locator("dt", { hasText: "Ordered at" }).count()).toBe(1);

      const document = join(cluster.work, DOCUMENT.name);
      writeFileSync(document, DOCUMENT.buffer);
      const receipt = await downloaded(page, "Download receipt", "contract.txt.receipt.json");
      const { code, stdout } = await runCli(["verify", document, receipt, "--public", cluster.publicFile]);
      expect(code, stdout).toBe(0);

      const stamp = await downloaded(page, "Get a time stamp", "contract.txt.tsr");
      await card.locator("dt", { hasText: "Time stamp" }).waitFor();
      if (!requireTool("openssl")) return;
      const certificate = join(cluster.directory, "tsa-certificate.pem");
      const said = execFileSync("openssl", ["ts", "-verify", "-data", document, "-in", stamp, "-CAfile", certificate], {
        encoding: "utf8",
        stdio: "pipe",
      });
      expect(said).toContain("Verification: OK");
    }));

  test("checks receipts offline, by the replica's public.json or one's own, and says what is wrong", () =>
    withPage(async (page) => {
      await notarised(page);
      const receipt = readFileSync(await downloaded(page, "Download receipt", "contract.txt.receipt.json"), "utf8");
      await page.context().setOffline(true);
      const verdict = page.locator("#verdict strong");
      const check = async (document: Buffer, text: string, own?: string): Promise<string> => {
        await page.locator("#verify-document").setInputFiles({ ...DOCUMENT, buffer: document });
        await page
          .locator("#verify-receipt")
          .setInputFiles({ name: "r.json", mimeType: "application/json", buffer: Buffer.from(text) });
        await page.getByRole("radio", { name: own === undefined ? "this replica" : "one that I have" }).check();
        if (own !== undefined) await page.locator("#verify-public").setInputFiles(own);
        await page.getByRole("button", { name: "Check it" }).click();
        await verdict.waitFor();
        return `${await verdict.textContent()} ${await page.locator("#verdict ul").textContent()}`;
      };
      const VALID = /^The receipt is valid\./;
      const INVALID = /^This does not prove it\./;
      expect(await check(DOCUMENT.buffer, receipt)).toMatch(VALID);
      expect(await page.locator("#verdict ul").textContent()).toMatch(/in round [\d,]+, at .*20\d\d/);
      expect(await check(DOCUMENT.buffer, receipt, cluster.publicFile)).toMatch(VALID);
      const shared = readFileSync(await sharedReceipt(), "utf8");
      expect(await check(DOCUMENT.buffer, shared, cluster.publicFile)).toMatch(/valid.*by a path of \d+ hashes/);
      expect(await check(DOCUMENT.buffer, receipt, await otherPublicFile())).toMatch(INVALID);
      const other = await check(Buffer.from("another document"), receipt);
      expect(other).toMatch(INVALID);
      expect(other).toContain(DIGEST);
      const forged = JSON.stringify({ ...(JSON.parse(receipt) as object), sequence: 1_000_000 });
      expect(await check(DOCUMENT.buffer, forged)).toMatch(INVALID);
      expect(await check(DOCUMENT.buffer, "<b>no receipt</b>")).toContain("r.json is no receipt");
      await page.context().setOffline(false);
    }));

  test("shows the group: how far each is, whose clock is wrong, and who is gone", () =>
    withPage(async (page) => {
      const party = (number: number) => page.locator(".party").nth(number);
      while ((await farByParty()).some((far) => far.length === 0))
        for (let count = 0; count < 8; count++) await notariseAgain();
      expect(await farByParty()).toEqual([0, 1, 2, 3].map(() => [FAR_PARTY]));
      await party(FAR_PARTY).locator(".note.warn").waitFor();
      expect(await party(FAR_PARTY).locator(".note").textContent()).toMatch(
        /^Its clock is (1 hour|5\d minutes) ahead, say/,
      );
      expect(await page.locator(".note").count()).toBe(1);
      expect((await cluster.status()).flatMap(({ accusations }) => accusations)).toEqual([]);
      await cluster.killNow(2);
      await party(2).locator(".pill.bad", { hasText: "unreachable" }).waitFor();
      expect(await page.locator("#replica").textContent()).toContain("replica 0 · active");
      await launch(cluster.party(2), [BIN, "node"]);
      await party(2).locator(".pill.good").waitFor();
    }));

  test("fits a phone, light and dark, and is used by keyboard alone", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await withPage(
        async (page) => {
          // Listened for from the beginning: the browser must know before the key is pressed.
          const chooser = new Promise<FileChooser>((resolve) => page.once("filechooser", resolve));
          await notarised(page);
          await page.locator(".party").nth(3).waitFor();
          const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
          expect(overflow).toBeLessThanOrEqual(0);
          expect(await complaintsOf(page)).toEqual([]);
          await page.locator("#documents").focus();
          await page.keyboard.press("Space");
          await (await chooser).setFiles({ ...DOCUMENT, name: "by-keyboard.txt" });
          await page.locator(".document", { hasText: "by-keyboard.txt" }).waitFor();
        },
        { viewport: { width: 360, height: 740 }, colorScheme, reducedMotion: "reduce" },
      );
    }
  });
});
