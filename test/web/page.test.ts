/** The page in a headless Chromium, opened as a file: what one does with it, and what it then says. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type BrowserContextOptions, type Locator, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PRESETS } from "../../src/core/presets.js";
import { type SimulationOptions, record, replay } from "../../src/sim/simulation.js";
import { formatTrace, parseTrace } from "../../src/sim/trace-file.js";
import { findChromium } from "../support/chromium.js";
import { ROOT } from "../docs/markdown.js";

const executablePath = findChromium();
const folder = mkdtempSync(join(tmpdir(), "abcast-page-"));
const file = join(folder, "index.html");
let browser: Browser | undefined;

beforeAll(async () => {
  if (executablePath === undefined) return;
  const { status, stderr } = spawnSync(process.execPath, ["src/web/build.mjs", folder], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the page cannot be built:\n${stderr}`);
  // Where tests run as root, as in containers, Chromium's own sandbox does not start.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface OpenPage {
  readonly page: Page;
  readonly verdict: Locator;
  readonly press: (name: string) => Promise<void>;
  readonly choose: (name: string, option: string) => Promise<void>;
  /** Plays on until the verdict is final. */
  readonly toTheEnd: () => Promise<string>;
}

/** Opens the page, and sees to it that it asks nobody for anything and that nothing goes wrong in it. */
async function withPage(
  use: (open: OpenPage) => Promise<void>,
  options: BrowserContextOptions = { viewport: { width: 1000, height: 800 } },
): Promise<void> {
  if (browser === undefined) throw new Error("no browser");
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(600_000);
  const requests: string[] = [];
  const problems: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  // What the policy forbids may be attempted without a word on the console.
  await page.exposeFunction("noteViolation", (what: string) => problems.push(what));
  await page.addInitScript(
    'document.addEventListener("securitypolicyviolation", (event) => noteViolation(event.violatedDirective))',
  );
  const url = pathToFileURL(file).href;
  await page.goto(url);
  const verdict = page.locator("#verdict");
  const press = async (name: string): Promise<void> => page.getByRole("button", { name, exact: true }).click();
  try {
    await use({
      page,
      verdict,
      press,
      choose: async (name, option) => {
        await page.getByRole("combobox", { name, exact: true }).selectOption(option);
      },
      toTheEnd: async () => {
        await press("To the end");
        const final = page.locator('#verdict:is([data-verdict="equal"], [data-verdict="violation"])');
        await final.waitFor();
        return (await final.textContent()) ?? "";
      },
    });
    // A file that is saved or read is a blob of the page's own.
    expect(requests.filter((request) => !request.startsWith("blob:"))).toEqual([url]);
    expect(problems).toEqual([]);
  } finally {
    await context.close();
  }
}

async function logsOf(page: Page): Promise<string[]> {
  const logs = await page.locator(".party").all();
  return Promise.all(
    logs.map(
      async (log) =>
        `${(await log.locator("li").allTextContents()).join()} ${await log.locator(".digest").textContent()}`,
    ),
  );
}

function step(page: Page, steps: number): Promise<void> {
  return page.getByRole("button", { name: "Step", exact: true }).click({ clickCount: steps });
}

async function load(page: Page, name: string, text: string): Promise<void> {
  await page.locator("#file").setInputFiles({ name, mimeType: "application/json", buffer: Buffer.from(text) });
}

async function saved(page: Page): Promise<string> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save trace" }).click();
  return readFileSync(await (await download).path(), "utf8");
}

describe.skipIf(executablePath === undefined)("the page", () => {
  test("opens from a file and runs to its end: all logs are equal", () =>
    withPage(async ({ page, verdict, toTheEnd }) => {
      expect(await verdict.textContent()).toContain("equal so far");
      expect(await page.locator("#diagram line").count()).toBeGreaterThan(4);
      expect(await toTheEnd()).toMatch(
        /^The honest logs are equal: 4 payloads in \d+ rounds\. Every property holds\.$/,
      );
      const logs = await logsOf(page);
      expect(logs).toHaveLength(4);
      expect(logs[0]).toMatch(/^payload \d,payload \d,payload \d,payload \d digest [0-9a-f]{16}$/);
      expect(new Set(logs).size).toBe(1);
      expect(await page.locator("#trace").textContent()).toMatch(/^Trace SHA-256 [0-9a-f]{64}$/);
    }));

  test("payloads travel in certified batches, or within agreement", () =>
    withPage(async ({ page, press, choose, toTheEnd }) => {
      expect(await saved(page)).toContain('"dissemination": "certified"');
      await choose("Payloads", "within agreement");
      await press("New run");
      expect(await toTheEnd()).toMatch(/^The honest logs are equal: 4 payloads/);
      expect(await saved(page)).toContain('"dissemination": "inline"');
    }));

  test("plays, pauses and steps; the diagram scrolls back", () =>
    withPage(async ({ page, press }) => {
      const steps = async (): Promise<number> => Number(await page.locator("#counters dd").first().textContent());
      await press("Play");
      await page
        .locator("#counters dd")
        .first()
        .filter({ hasText: /[1-9]\d/ })
        .waitFor();
      await press("Pause");
      const paused = await steps();
      await step(page, 80);
      expect(await steps()).toBe(paused + 80);
      await page.locator("#scroll").fill("0");
      expect(await page.locator("#position").textContent()).toMatch(/^0 to 60, of \d+$/);
      await step(page, 1);
      expect(await page.locator("#position").textContent()).toMatch(/^0 to 60, of \d+$/);
      expect(await page.locator("#diagram title").first().textContent()).toContain("0 to 60");
    }));

  test("a party lies and another one crashes: the logs of the others stay equal, and who crashed catches up", () =>
    withPage(async ({ page, press, choose, toTheEnd }) => {
      await choose("Group", "7 parties");
      await choose("Liars lie", "whenever they can");
      await press("New run");
      await press("Make party 3 lie");
      await step(page, 40);
      await press("Crash party 1");
      await step(page, 40);
      expect(await page.locator(".party h3").allTextContents()).toEqual(
        ["honest", "down", "honest", "lies", "honest", "honest", "honest"].map((state, i) => `Party ${i}: ${state}`),
      );
      await press("Restart party 1");
      // The liar has payloads of its own.
      expect(await toTheEnd()).toMatch(/^The honest logs are equal: ([4-9]|\d\d) payloads/);
      const logs = await logsOf(page);
      for (const name of ["payload 0", "payload 1", "payload 2", "payload 3"]) expect(logs[1]).toContain(name);
      expect(new Set(logs.filter((_, party) => party !== 3)).size).toBe(1);
      expect(await page.locator("#counters").textContent()).toMatch(/lies[1-9]/);
      await page.locator("#scroll").fill("20");
      expect(await page.locator("#diagram .attacked, #diagram .accused").count()).toBeGreaterThan(0);
    }));

  test("links are slowed, cut and mended; a run that waits for them says so", () =>
    withPage(async ({ page, press, toTheEnd }) => {
      await press("Link 0–1 is whole; make it slow");
      await press("Link 0–1 is slow; make it cut");
      await press("Crash party 3");
      await press("Play");
      await page.locator("#status", { hasText: "waits for what is down or cut" }).waitFor();
      await press("Restart party 3");
      await press("Link 0–1 is cut; make it whole");
      expect(await toTheEnd()).toContain("The honest logs are equal: 4 payloads");
      expect(new Set(await logsOf(page)).size).toBe(1);
    }));

  test("more failures than tolerated: the page says what broke, and that nothing was promised", () =>
    withPage(async ({ page, press, toTheEnd }) => {
      await press("Stop party 0 for ever");
      await press("Stop party 1 for ever");
      expect(await toTheEnd()).toMatch(/^Violation of termination: .*More parties fail than the group tolerates/);
      expect(await page.getByRole("button", { name: "Make party 2 lie" }).isDisabled()).toBe(true);
    }));

  test("a payload of one's own is ordered, also after the end; the saved trace replays elsewhere", () =>
    withPage(async ({ page, press, choose, toTheEnd }) => {
      await press("Link 1–2 is whole; make it slow");
      await step(page, 30);
      await press("Make party 0 lie");
      expect(await toTheEnd()).toContain("The honest logs are equal");
      const payload = page.getByRole("textbox", { name: "Payload" });
      await payload.fill("héllo <b>");
      await choose("for party", "2");
      await payload.press("Enter");
      expect(await toTheEnd()).toContain("The honest logs are equal");
      expect((await logsOf(page))[1]).toContain("héllo <b>");
      const trace = parseTrace(await saved(page));
      if (!trace.ok) throw new Error(trace.error);
      const { options, recording } = trace.value;
      const again = replay(options, recording.actions);
      expect(again).toEqual(recording);
      expect(await page.locator("#trace").textContent()).toBe(`Trace SHA-256 ${again.traceSha256}`);
    }));

  test("a run that is saved half-way is a trace as well", () =>
    withPage(async ({ page, press }) => {
      await step(page, 25);
      await press("Link 0–3 is whole; make it slow");
      await press("Link 0–3 is slow; make it cut");
      const text = await saved(page);
      const trace = parseTrace(text);
      if (!trace.ok) throw new Error(trace.error);
      expect(trace.value.recording.failure).toBeUndefined();
      await load(page, "half.json", text);
      await page.locator("#status", { hasText: "Replays a file: action 0 of " }).waitFor();
    }));

  test.each<[string, SimulationOptions]>([
    ["a swarm of faults", { seed: 7, n: 4 }],
    ["two channels at random", { seed: 3, n: 5, order: "random", channels: ["abc", "other"] }],
    ["a preset", { seed: 2, preset: "hybrid-8", payloads: 2 }],
    ["a run that breaks", { seed: 1, n: 4, maxSteps: 50 }],
  ])("plays a trace that Node recorded, to the same end: %s", (_, options) =>
    withPage(async ({ page, press, verdict, toTheEnd }) => {
      const recording = record(options);
      await load(page, "trace.json", formatTrace({ options, recording }));
      await page.locator("#status", { hasText: "Replays a file: action 0" }).waitFor();
      expect(await page.getByRole("button", { name: "Crash party 0" }).isDisabled()).toBe(true);
      await step(page, 3);
      expect(await page.locator("#status").textContent()).toContain("action 3 of");
      expect(await verdict.getAttribute("data-verdict")).toBe("so-far");
      await toTheEnd();
      expect(await page.locator("#trace").textContent()).toBe(
        `Trace SHA-256 ${recording.traceSha256}, as the file says`,
      );
      expect(await verdict.getAttribute("data-verdict")).toBe(recording.failure === undefined ? "equal" : "violation");
      if (recording.failure !== undefined) expect(await verdict.textContent()).toContain(recording.failure.message);
      await press("New run");
      expect(await page.locator("#trace").textContent()).toBe("");
    }),
  );

  test("a file that is dropped is played; one that says another hash is found out", () =>
    withPage(async ({ page, toTheEnd }) => {
      const options = { seed: 4, n: 4 };
      const recording = record(options);
      const text = formatTrace({ options, recording: { ...recording, traceSha256: "0".repeat(64) } });
      await page.evaluate(`{
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([${JSON.stringify(text)}], "dropped.json"));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
      }`);
      await page.locator("#status", { hasText: "Replays a file" }).waitFor();
      await toTheEnd();
      expect(await page.locator("#trace").textContent()).toBe(
        `Trace SHA-256 ${recording.traceSha256}; the file says ${"0".repeat(64)}`,
      );
    }));

  const valid = formatTrace({ options: { seed: 1, n: 4 }, recording: record({ seed: 1, n: 4 }) });
  test.each([
    ["no JSON", "{", "is no trace file"],
    ["another format", valid.replace("abcast-trace/1", "abcast-trace/2"), "is no trace file: format"],
    ["an action that is none", valid.replace(/"deliver [^"]+"/, '"fly 1>2"'), "is no action"],
    ["a group that is none", valid.replace('"n": 4', '"n": 4, "vectorSize": 90'), "90"],
    ["markup", valid.replace(/"deliver [^"]+"/, '"<img src=x onerror=alert(1)>"'), "<img src=x"],
  ])("says what is wrong with a file: %s", (_, text, message) =>
    withPage(async ({ page, toTheEnd }) => {
      await load(page, "broken.json", text);
      const error = page.getByRole("alert");
      await error.waitFor();
      expect(await error.textContent()).toContain(message);
      // What was there goes on.
      expect(await toTheEnd()).toContain("The honest logs are equal");
    }),
  );

  test.each(PRESETS.map(({ name, n }) => [name, n] as const))("begins with the preset %s", (name, n) =>
    withPage(async ({ page, press, choose }) => {
      await choose("Group", `preset ${name}`);
      await press("New run");
      await step(page, 5);
      expect(await page.locator(".party").count()).toBe(n);
      expect(await page.locator("#links button").count()).toBe((n * (n - 1)) / 2);
    }),
  );

  test("fits a phone, in the dark, without motion, with 16 parties", () =>
    withPage(
      async ({ page, press, choose }) => {
        await choose("Group", "16 parties");
        await press("New run");
        await press("Play");
        await page.locator("#counters dd").first().filter({ hasText: /[1-9]/ }).waitFor();
        await press("Pause");
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
        expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(21, 23, 27)");
      },
      { viewport: { width: 360, height: 740 }, colorScheme: "dark", reducedMotion: "reduce" },
    ));

  test("everything that one can use has a name and is reached by the keyboard", () =>
    withPage(async ({ page }) => {
      const controls = await page.locator("button, input, select, summary, [tabindex]").all();
      const tree = await page.locator("body").ariaSnapshot();
      expect(controls.length).toBeGreaterThan(30);
      expect(
        tree.split("\n").filter((line) => /- (button|textbox|combobox|spinbutton|slider)(:| \[|$)/.test(line)),
      ).toEqual([]);
      const unreachable = await page.evaluate(
        '[...document.querySelectorAll("[tabindex]")].filter((one) => one.tabIndex < 0).length',
      );
      expect(unreachable).toBe(0);
      const names = await page
        .locator("button")
        .evaluateAll((all) => all.map((one) => one.getAttribute("aria-label") ?? one.textContent));
      // Names tell them apart.
      expect(new Set(names).size).toBe(names.length);
      await page.locator("#play").focus();
      await page.keyboard.press("Tab");
      await page.keyboard.press("Space");
      expect(await page.locator("#counters dd").first().textContent()).toBe("1");
    }));
});

test.skipIf(executablePath === undefined)(
  "the page is one file, and its policy lets it ask nobody for anything",
  () => {
    const page = readFileSync(file, "utf8");
    expect(page).toContain("default-src 'none'; script-src 'sha256-");
    expect(page).not.toMatch(/<(?:script|link|img|iframe|object)[^>]*\s(?:src|href|data)=/i);
    const target = join(folder, "again");
    expect(spawnSync(process.execPath, ["src/web/build.mjs", target], { cwd: ROOT }).status).toBe(0);
    expect(readFileSync(join(target, "index.html"), "utf8")).toBe(page);
  },
);
