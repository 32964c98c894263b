/** bin/abcast.mjs builds what is stale: tried on a small project with the real compiler. */
import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "./run-cli.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function project(): string {
  const root = temporaryDirectory();
  for (const directory of ["bin", "src/cli", "node_modules"]) mkdirSync(join(root, directory), { recursive: true });
  copyFileSync(join(ROOT, "bin/abcast.mjs"), join(root, "bin/abcast.mjs"));
  symlinkSync(join(ROOT, "node_modules/typescript"), join(root, "node_modules/typescript"));
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    rootDir: "src",
    outDir: "dist",
    types: [],
    lib: ["es2023"],
    strict: true,
  };
  writeFileSync(join(root, "tsconfig.build.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  writeFileSync(join(root, "package.json"), '{"type": "module"}');
  say(root, "one");
  return root;
}

/** The program prints `word`. */
function say(root: string, word: string): void {
  writeFileSync(
    join(root, "src/cli/main.ts"),
    `declare const console: { log(text: string): void };\nconst word: string = ${JSON.stringify(word)};\nconsole.log(word);\n`,
  );
}

async function start(root: string, bin = join(root, "bin/abcast.mjs"), args: readonly string[] = []) {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

describe("bin/abcast.mjs", () => {
  it("builds once, and again when a source changes, appears or disappears", async () => {
    const root = project();
    expect(await start(root)).toEqual({ code: 0, stdout: "one\n", stderr: "building…\n" });
    expect(await start(root)).toEqual({ code: 0, stdout: "one\n", stderr: "" });
    say(root, "two");
    // Also a source that is older than the build counts when it is not the one that was built.
    utimesSync(join(root, "src/cli/main.ts"), 1, 1);
    expect(await start(root)).toEqual({ code: 0, stdout: "two\n", stderr: "building…\n" });
    writeFileSync(join(root, "src/other.ts"), "export {};\n");
    expect((await start(root)).stderr).toBe("building…\n");
    rmSync(join(root, "src/other.ts"));
    expect((await start(root)).stderr).toBe("building…\n");
    expect(existsSync(join(root, "dist/other.js"))).toBe(false);
    expect(readdirSync(join(root, "build"))).toEqual([]);
  });

  it("accepts what `npm run build` made, when it is newer than the sources", async () => {
    const root = project();
    await start(root);
    rmSync(join(root, "dist/.built-from"));
    expect((await start(root)).stderr).toBe("");
    const later = Date.now() / 1000 + 60;
    utimesSync(join(root, "src/cli/main.ts"), later, later);
    expect((await start(root)).stderr).toBe("building…\n");
  });

  it("builds once when many start at the same time", async () => {
    const root = project();
    const runs = await Promise.all([start(root), start(root), start(root), start(root)]);
    expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual(Array.from({ length: 4 }, () => [0, "one\n"]));
    expect(runs.filter(({ stderr }) => stderr === "building…\n")).toHaveLength(1);
  });

  it("takes over the lock of a process that died", async () => {
    const root = project();
    mkdirSync(join(root, "build"));
    writeFileSync(join(root, "build/lock"), "999999999");
    expect((await start(root)).code).toBe(0);
  });

  it("starts through a symbolic link, as npm makes it", async () => {
    const root = project();
    mkdirSync(join(root, "node_modules/.bin"));
    const link = join(root, "node_modules/.bin/abcast");
    symlinkSync("../../bin/abcast.mjs", link);
    expect(await start(root, link)).toMatchObject({ code: 0, stdout: "one\n" });
  });

  it("shows type errors, exits with 2 and keeps the last good build", async () => {
    const root = project();
    await start(root);
    const before = statSync(join(root, "dist/cli/main.js")).mtimeMs;
    writeFileSync(join(root, "src/cli/wrong.ts"), "export const wrong: string = 1;\n");
    const { code, stdout, stderr } = await start(root);
    expect(stderr).toContain("src/cli/wrong.ts(1,14): error TS2322");
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([2, ""]);
    expect(statSync(join(root, "dist/cli/main.js")).mtimeMs).toBe(before);
    expect(readdirSync(join(root, "build"))).toEqual([]);
  });

  it("says what to do without the compiler", async () => {
    const root = project();
    rmSync(join(root, "node_modules"), { recursive: true });
    const { code, stderr } = await start(root);
    expect(stderr).toContain("typescript is not installed; run `npm ci`");
    expect(code).toBe(2);
    const json = await start(root, undefined, ["--json"]);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "build" } });
  });

  it("uses dist alone in an installed package, and says when there is none", async () => {
    const root = project();
    await start(root);
    rmSync(join(root, "src"), { recursive: true });
    rmSync(join(root, "node_modules"), { recursive: true });
    expect(await start(root)).toEqual({ code: 0, stdout: "one\n", stderr: "" });
    rmSync(join(root, "dist"), { recursive: true });
    expect((await start(root)).stderr).toContain("neither src nor dist");
    expect(readFileSync(join(root, "package.json"), "utf8")).toContain("module");
  });
});
