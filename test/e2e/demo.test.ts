/**
 * The demo, as a user runs it: real processes, a SIGKILL, a corrupted replica. Its own checks are the assertions; here it
 * must also leave nothing behind, whether it ends or is interrupted.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { DemoReport } from "../../src/cli/demo/demo.js";
import { LONG_S } from "../cli/local-cluster.js";
import { WITH_KNOWN_PRIMES } from "../support/with-known-primes.js";

const BIN = join(import.meta.dirname, "../../bin/abcast.mjs");

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What is left in the temporary directory that the demo was given. */
  readonly leftFiles: readonly string[];
  readonly leftProcesses: readonly string[];
}

async function runDemo(words: readonly string[], interruptWhen?: (stdout: string) => boolean): Promise<Ended> {
  const temporary = mkdtempSync(join(tmpdir(), "abcast-demo-test-"));
  const env = { ...process.env, ...WITH_KNOWN_PRIMES, TMPDIR: temporary };
  const child = spawn(process.execPath, [BIN, "demo", ...words], { env });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => {
    stdout += text.toString();
    // Perhaps more than once, as impatient people do.
    if (interruptWhen?.(stdout) === true) child.kill("SIGINT");
  });
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const [status] = (await once(child, "close")) as [number | null];
  // A process that was killed needs a moment to vanish from the table, on a busy machine a long one.
  for (let poll = 0; poll < 3_000 && processesWithin(temporary).length > 0; poll++) await sleep(100);
  const ended = {
    status,
    stdout,
    stderr,
    leftFiles: readdirSync(temporary),
    leftProcesses: processesWithin(temporary),
  };
  rmSync(temporary, { recursive: true, force: true });
  return ended;
}

/** Command lines of live processes that name `directory`; where there is no /proc, nothing is known of them. */
function processesWithin(directory: string): readonly string[] {
  if (!existsSync("/proc/self/cmdline")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLine(pid))
    .filter((line) => line.includes(directory));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // It ended meanwhile.
  }
}

describe("abcast demo", () => {
  test("--json: every check holds, attacks are accused, nothing is left behind", async () => {
    const { status, stdout, stderr, leftFiles, leftProcesses } = await runDemo(["--json"]);
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as DemoReport;
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.checks.length).toBeGreaterThanOrEqual(13);
    expect(new Set(report.accusations.map(({ party }) => party))).toEqual(new Set([0]));
    expect(report.documents.length).toBeGreaterThanOrEqual(9);
    expect(leftFiles).toEqual([]);
    expect(leftProcesses).toEqual([]);
  });

  test("--keep leaves a cluster of honest replicas up, and the commands that it prints work on it", async () => {
    const temporary = mkdtempSync(join(tmpdir(), "abcast-demo-keep-"));
    const abcast = (...words: readonly string[]): string => {
      const env = { ...process.env, ...WITH_KNOWN_PRIMES, TMPDIR: temporary };
      const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...words], { encoding: "utf8", env });
      expect(status, `${stdout}${stderr}`).toBe(0);
      return stdout;
    };
    try {
      const story = abcast("demo", "--keep");
      const [, cluster = ""] = /still up, in (.+)\. Try:/.exec(story) ?? [];
      expect(processesWithin(temporary)).toHaveLength(existsSync("/proc/self/cmdline") ? 4 : 0);
      const commands = [...story.matchAll(/^ {2}npx abcast (.+)$/gm)].map(([, words = ""]) => words.split(" "));
      expect(commands.map(([name]) => name)).toEqual(["notarize", "verify", "status", "log", "down"]);
      const document = join(temporary, "README.md");
      writeFileSync(document, "a document\n");
      const inTemporary = (word: string): string => (word.startsWith("README") ? join(temporary, word) : word);
      for (const words of commands) {
        // All answer at some time; a busy machine needs more of it than people would wait.
        const patience = words[0] === "status" ? ["--timeout", LONG_S] : [];
        const output = abcast(...words.map(inTemporary), ...patience);
        if (words[0] === "verify") expect(output).toMatch(/^valid: /);
        if (words[0] === "status") expect(output.match(/ active /g)).toHaveLength(4);
      }
      expect(cluster.startsWith(temporary)).toBe(true);
    } finally {
      const left = readdirSync(temporary).find((name) => name.startsWith("abcast-demo-"));
      if (left !== undefined) spawnSync(process.execPath, [BIN, "down", join(temporary, left, "cluster")]);
      rmSync(temporary, { recursive: true, force: true });
    }
    expect(processesWithin(temporary)).toEqual([]);
  });

  test.each([
    ["while replicas start", "A dealer makes"],
    ["while documents are notarised", "number"],
    ["while the corrupted replica starts", "is hacked"],
  ])("interrupted %s it leaves nothing behind", async (_when, phrase) => {
    const { status, leftFiles, leftProcesses } = await runDemo([], (stdout) => stdout.includes(phrase));
    expect(status).toBe(130);
    expect(leftFiles).toEqual([]);
    expect(leftProcesses).toEqual([]);
  });
});
