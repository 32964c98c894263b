/**
 * The package as whoever installs it has it: the packed tarball in an empty TypeScript project, type-checked, with the examples of docs/replica.md run as
 * they stand.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reservePorts } from "../../src/cli/ports.js";
import { parse, ROOT } from "../docs/markdown.js";
import { DIGEST, PUBLIC, receiptText } from "../rest/fixture.js";

const run = promisify(execFile);
const project = mkdtempSync(join(tmpdir(), "abcast-package-"));
const running: ChildProcess[] = [];
const { blocks } = parse("docs/replica.md", readFileSync(join(ROOT, "docs/replica.md"), "utf8"));
const [replica = "", client = ""] = blocks.filter(({ language }) => language === "ts").map(({ code }) => code);

const PROJECT = {
  name: "greeters",
  version: "1.0.0",
  type: "module",
  private: true,
};
const COMPILER_OPTIONS = {
  target: "ES2022",
  module: "NodeNext",
  moduleResolution: "NodeNext",
  types: ["node"],
  strict: true,
  skipLibCheck: true,
};

/** Notarises and verifies by the REST API, of a replica that has one receipt. */
const REST_PROGRAM = `
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { notarize, openClient, type Receipt, RestError, verify } from "abcast/client";

const [receipt, publicFile, digest] = process.argv.slice(2) as [string, string, string];
const server = createServer((_, response) => void response.end(receipt)).listen(0, "127.0.0.1", async () => {
  const source = new URL(\`http://127.0.0.1:\${(server.address() as AddressInfo).port}\`);
  const made: Receipt = await notarize(source, digest, { new: true });
  const other = await notarize(source, "0".repeat(64)).catch((error: unknown) => error);
  const { valid } = await verify(made, JSON.parse(publicFile), digest);
  console.log(valid, other instanceof RestError && other.code, typeof openClient);
  server.close();
});
`;

function devDependency(name: string): string {
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  return `${name}@${devDependencies[name] ?? ""}`;
}

async function inProject(command: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, [...args], { cwd: project });
  return stdout;
}

/** Starts the example for one party; resolves when it serves. */
async function start(party: number): Promise<void> {
  const directory = join(project, "greeters", `party-${party}`);
  const child = spawn(process.execPath, ["replica.js", directory], {
    cwd: project,
    stdio: ["ignore", "ignore", "inherit"],
  });
  running.push(child);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

beforeAll(async () => {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout) as [{ readonly filename: string }];
  writeFileSync(join(project, "package.json"), JSON.stringify(PROJECT));
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
  await inProject(
    "npm",
    "install",
    "--ignore-scripts",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    `./${filename}`,
    devDependency("typescript"),
    devDependency("@types/node"),
  );
  writeFileSync(join(project, "replica.ts"), replica);
  writeFileSync(join(project, "client.ts"), client);
  writeFileSync(join(project, "rest.ts"), REST_PROGRAM);
  writeFileSync(join(project, "page.js"), 'export { notarize, verify } from "abcast/client";\n');
});

afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }
  rmSync(project, { recursive: true, force: true });
});

describe("the packed tarball", () => {
  it("has an example of a service in under 40 lines", () => {
    expect(replica.trimEnd().split("\n").length).toBeLessThan(40);
  });

  it("type-checks in an empty project, without our options", async () => {
    await inProject(join(project, "node_modules/.bin/tsc"), "-p", ".");
  });

  it("notarises and verifies over REST, in Node.js and in a bundle for browsers", async () => {
    const receipt = receiptText();
    const given = [receipt, JSON.stringify(PUBLIC), DIGEST];
    expect(await inProject(process.execPath, "rest.js", ...given)).toBe("true not-understood function\n");
    const bundle = await rolldown({ input: join(project, "page.js"), cwd: project, platform: "browser" });
    const { output } = await bundle.write({ file: join(project, "bundle.mjs"), format: "esm", minify: true });
    await bundle.close();
    const [{ code, imports }] = output;
    expect(imports).toEqual([]);
    expect(code).not.toMatch(/["']node:|\brequire\(/);
    const page = `import { verify } from "./bundle.mjs"; const [receipt, config, digest] = process.argv.slice(1);
      console.log((await verify(receipt, JSON.parse(config), digest)).valid);`;
    expect(await inProject(process.execPath, "--input-type=module", "-e", page, "--", ...given)).toBe("true\n");
  });

  it("replicates the example's service over four processes, and a client calls it", async () => {
    const ports = String(await reservePorts(8));
    const abcast = join(project, "node_modules/.bin/abcast");
    await inProject(abcast, "init", "--n", "4", "--own-services", "greeter", "--base-port", ports, "--out", "greeters");
    for (const party of [0, 1, 2, 3]) await start(party);
    const call = (): Promise<string> => inProject(process.execPath, "client.js", join("greeters", "client-0.json"));
    expect(await call()).toBe("1: Hello Ann, number 1; greeted 1 times.\n");
    expect(await call()).toBe("2: Hello Ann, number 2; greeted 2 times.\n");
    running[0]?.kill("SIGKILL");
    expect(await call()).toBe("3: Hello Ann, number 3; greeted 3 times.\n");
    for (const child of running.slice(1)) {
      const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
      child.kill("SIGTERM");
      expect(await ended).toBe(0);
    }
  });
});
