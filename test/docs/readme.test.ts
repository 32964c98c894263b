/** What the documentation says is so: its commands run, its snippets compile, its links and paths exist, its numbers are the code's. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { openClient, type PartyState } from "../../src/cli/cluster-client.js";
import { reservePorts } from "../../src/cli/ports.js";
import { toHex } from "../../src/core/bytes.js";
import { requireTool } from "../support/tools.js";
import {
  anchors,
  type Block,
  type Document,
  documents,
  mentionedPaths,
  parse,
  relativeLinks,
  ROOT,
  tableRows,
} from "./markdown.js";

const BIN = join(ROOT, "bin", "abcast.mjs");
/** Knows primes: the tests of `abcast init` search some. */
const INIT = join(ROOT, "test", "support", "init.mjs");
const DOCUMENTS = documents();
const byPath = new Map(DOCUMENTS.map((document) => [document.path, document]));

function documentOf(path: string): Document {
  const document = byPath.get(path);
  if (document === undefined) throw new Error(`${path} does not exist`);
  return document;
}

describe("commands", () => {
  const runnable = DOCUMENTS.filter(({ blocks }) =>
    blocks.some(({ language, skipped }) => language === "sh" && !skipped),
  );

  test("there are some in the README", () => {
    expect(runnable.map(({ path }) => path)).toContain("README.md");
  });

  test.for(runnable.map((document) => [document.path, document] as const))("%s", async ([path, { blocks }]) => {
    const sandbox = await Sandbox.create();
    try {
      for (const block of blocks) {
        if (block.language !== "sh" || block.skipped || !hasTools(block)) continue;
        await sandbox.settled();
        const { code, output } = await sandbox.run(block.code);
        expect(code, `${path}:${block.line}\n${block.code}\n${output}`).toBe(block.exitCode);
      }
    } finally {
      await sandbox.remove();
    }
  });
});

/** Tools that the reader may lack; who has none skips the block, except in CI. */
function hasTools({ code }: Block): boolean {
  return ["curl", "openssl", "python3"].every((tool) => !code.includes(`${tool} `) || requireTool(tool));
}

/** Of a cluster of four, and of a gateway. */
const PORTS = 9;
/** For replicas to say how they are. */
const STATUS_MS = 60_000;

/** A directory with what a reader of the documentation has before him, and `npx abcast` being this checkout's. */
class Sandbox {
  readonly #directory: string;
  readonly #basePort: number;

  static async create(): Promise<Sandbox> {
    const sandbox = new Sandbox(mkdtempSync(join(tmpdir(), "abcast-docs-")), await reservePorts(PORTS));
    for (const name of ["README.md", "LICENSE", "docs"])
      cpSync(join(ROOT, name), join(sandbox.#work, name), { recursive: true });
    const node = `exec '${process.execPath}'`;
    sandbox.#command("abcast", `[ "$1" != init ] || ${node} '${INIT}' "$@"\n${node} '${BIN}' "$@"`);
    sandbox.#command("npx", `[ "$1" = abcast ] || { echo "npx $1 is not for tests" >&2; exit 99; }\nexec "$@"`);
    return sandbox;
  }

  private constructor(directory: string, basePort: number) {
    this.#directory = directory;
    this.#basePort = basePort;
    mkdirSync(this.#work);
    mkdirSync(join(directory, "bin"));
  }

  get #work(): string {
    return join(this.#directory, "work");
  }

  #command(name: string, script: string): void {
    const path = join(this.#directory, "bin", name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  /** Every command but the last must end with 0. */
  run(code: string): Promise<{ readonly code: number | null; readonly output: string }> {
    const script = code
      .replace(/--base-port \d+/g, `--base-port ${this.#basePort}`)
      .replaceAll("127.0.0.1:8080", `127.0.0.1:${this.#basePort + PORTS - 1}`);
    const env = { ...process.env, PATH: `${join(this.#directory, "bin")}:${process.env["PATH"] ?? ""}` };
    return finished(
      spawn("bash", ["-euo", "pipefail", "-c", script], { cwd: this.#work, env, stdio: ["ignore", "pipe", "pipe"] }),
    );
  }

  get #clusters(): readonly string[] {
    const directories = readdirSync(this.#work).map((name) => join(this.#work, name));
    return directories.filter((directory) => existsSync(join(directory, "party-0")));
  }

  /** From one block to the next a reader takes longer than replicas do until all have what some have ordered. */
  async settled(): Promise<void> {
    for (const cluster of this.#clusters.filter((directory) => existsSync(join(directory, "party-0", "node.pid")))) {
      const { client } = await openClient(join(cluster, "client-0.json"));
      try {
        while (!areSettled([...(await client.status(STATUS_MS)).values()])) await sleep(50);
      } finally {
        client.close();
      }
    }
  }

  /** Stops whatever the commands started. */
  async remove(): Promise<void> {
    for (const cluster of this.#clusters)
      await finished(spawn(process.execPath, [BIN, "down", cluster], { stdio: ["ignore", "pipe", "pipe"] }));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function areSettled(states: readonly (PartyState | string)[]): boolean {
  const logs = states.map((state) => (typeof state === "string" ? "" : `${state.sequence} ${toHex(state.logDigest)}`));
  return logs[0] !== "" && new Set(logs).size === 1;
}

async function finished(child: ChildProcess): Promise<{ readonly code: number | null; readonly output: string }> {
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  return { code, output };
}

describe("snippets", () => {
  test("compile against what the package exports", () => {
    const sources = new Map<string, string>();
    for (const { path, blocks } of DOCUMENTS) {
      for (const { language, code, line, skipped } of blocks) {
        if (language === "ts" && !skipped) sources.set(join(ROOT, `${path.replaceAll("/", "-")}-${line}.ts`), code);
      }
    }
    expect(sources.size).toBeGreaterThan(0);
    expect(typeErrors(sources)).toEqual([]);
  });
});

/** Compiles files that exist only here, as a user's program would be, in a package that can name this one. */
function typeErrors(sources: ReadonlyMap<string, string>): readonly string[] {
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: unknown };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  const disk = ts.createCompilerHost({ ...options, noEmit: true });
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => sources.has(path) || disk.fileExists(path),
    readFile: (path) => sources.get(path) ?? disk.readFile(path),
    getSourceFile: (path, ...rest) => {
      const text = sources.get(path);
      return text === undefined
        ? disk.getSourceFile(path, ...rest)
        : ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
    },
  };
  const program = ts.createProgram([...sources.keys()], { ...options, noEmit: true }, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file === undefined ? "" : `:${file.getLineAndCharacterOfPosition(start ?? 0).line + 1}`;
    return `${file?.fileName ?? ""}${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

describe.for(DOCUMENTS.map((document) => [document.path, document] as const))("%s", ([path, document]) => {
  test("links to what exists", () => {
    for (const link of relativeLinks(document)) {
      const target = link.path === "" ? path : join(dirname(path), link.path);
      expect(existsSync(join(ROOT, target)), `${target} exists`).toBe(true);
      if (link.anchor !== "") expect(anchors(documentOf(target)), target).toContain(link.anchor);
    }
  });

  test("mentions only paths that exist", () => {
    for (const mentioned of mentionedPaths(document))
      expect(existsSync(join(ROOT, mentioned)), `${mentioned} exists`).toBe(true);
  });
});

describe("tables", () => {
  test("docs/LIMITS.md gives the bounds that the code has", () => {
    const rows = tableRows(documentOf("docs/LIMITS.md"));
    const checked = rows.filter(([name = ""]) => /^`\w+`$/.test(name));
    expect(checked.length).toBeGreaterThan(30);
    for (const [name = "", value = "", file = ""] of checked) {
      const identifier = name.replaceAll("`", "");
      const source = readFileSync(join(ROOT, file.replaceAll("`", "")), "utf8");
      expect(valueInTable(value), `"${value}" of ${identifier}`).not.toBeNaN();
      expect(valueInSource(source, identifier), `${identifier} in ${file}`).toBe(valueInTable(value));
    }
  });

  test("docs/LIMITS.md and README.md name metrics that there are", () => {
    const sources = ["monitoring", "process-metrics"].map((name) =>
      readFileSync(join(ROOT, `src/adapters/http/${name}.ts`), "utf8"),
    );
    for (const path of ["docs/LIMITS.md", "README.md"]) {
      const named = [...documentOf(path).text.matchAll(/`((?:abcast|process|nodejs)_[a-z_]+)`/g)];
      expect(named.length).toBeGreaterThan(5);
      for (const [, name = ""] of named)
        expect(
          sources.some((source) => source.includes(`"${name}"`)),
          `${name} in ${path}`,
        ).toBe(true);
    }
  });

  test("ARCHITECTURE.md gives the import rules that test/architecture.test.ts checks", () => {
    const rules = readFileSync(join(ROOT, "test/architecture.test.ts"), "utf8");
    const rooms = [...rules.matchAll(/^ {4}"?([\w/*.]+)"?: \{ imports: \[(.*?)\]/gm)].map(
      ([, room = "", imports = ""]) => ({
        room,
        imports: [...imports.matchAll(/"([^"]+)"/g)].map(([, name]) => name),
      }),
    );
    expect(rooms.length).toBeGreaterThan(8);
    const rows = tableRows(documentOf("ARCHITECTURE.md"));
    for (const { room, imports } of rooms) {
      const row = rows.find(([name]) => name === `\`${room}\``);
      const listed = [...(row?.[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name);
      expect(listed, room).toEqual(imports);
    }
  });
});

/** `8 MiB`, `5 s`, `4,096`, in bytes, milliseconds, or as it is. */
function valueInTable(text: string): number {
  const [, digits = "", unit = ""] = /^([\d,]+) ?([a-zA-Z]*)$/.exec(text) ?? [];
  const factor = { "": 1, bytes: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, ms: 1, s: 1000 }[unit];
  return factor === undefined || digits === "" ? Number.NaN : Number(digits.replaceAll(",", "")) * factor;
}

/** `NAME = 64 * 1024;`, `name: 64,` or `?? 64,`: arithmetic on literals. */
function valueInSource(source: string, name: string): number {
  const expression =
    new RegExp(`\\b${name}(?: =|:|: limits\\.${name} \\?\\?) ([\\d_ *+()]+)[;,\\n }]`).exec(source)?.[1] ?? "";
  return evaluate(expression);
}

function evaluate(expression: string): number {
  const power = (text: string): number =>
    text
      .split("**")
      .map((factor) => Number(factor.trim().replaceAll("_", "")))
      .reduceRight((right, left) => left ** right);
  const product = (text: string): number =>
    text
      .replaceAll("**", "^")
      .split("*")
      .map((factor) => power(factor.replaceAll("^", "**")))
      .reduce((left, right) => left * right, 1);
  return expression === ""
    ? Number.NaN
    : expression
        .split("+")
        .map(product)
        .reduce((left, right) => left + right, 0);
}

describe("the markers", () => {
  const block = (text: string): Block | undefined => parse("x.md", text).blocks[0];

  test("skip a block, or say how it ends", () => {
    expect(block("```sh\ntrue\n```\n")).toMatchObject({ skipped: false, exitCode: 0, code: "true\n", line: 2 });
    expect(block("<!-- test: skip (why) -->\n```sh\ntrue\n```\n")?.skipped).toBe(true);
    expect(block("<!-- test: exit 1 -->\n```sh\nfalse\n```\n")?.exitCode).toBe(1);
    expect(() => block("<!-- test: skip -->\n```sh\ntrue\n```\n")).toThrow("no such marker");
  });

  test("a failing command is noticed, also in the middle of a block", async () => {
    const sandbox = await Sandbox.create();
    try {
      expect((await sandbox.run("false\ntrue")).code).toBe(1);
      expect((await sandbox.run("npx abcast frob")).code).toBe(2);
      expect((await sandbox.run("npx other")).code).toBe(99);
    } finally {
      await sandbox.remove();
    }
  });
});
