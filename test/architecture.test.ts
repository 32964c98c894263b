/** Who may import whom, and what no source file may contain. The reasons are in ARCHITECTURE.md. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { check, type Rules } from "./support/source-checker.js";

const RULES: Rules = {
  rooms: {
    core: { imports: [], browser: true, deterministic: true },
    crypto: { imports: ["core", "npm:*", "node:*"] },
    // What replicas and clients say to each other, as bytes.
    wire: { imports: ["core"], browser: true, deterministic: true },
    protocols: { imports: ["core"], browser: true, deterministic: true },
    // The notary's documents are a log.
    services: { imports: ["core", "tlog"], browser: true, deterministic: true },
    // Transparency logs: trees, tiles, notes, as others have them.
    tlog: { imports: ["core"], browser: true },
    // What the replica and the simulator make of links that fail.
    relay: { imports: ["core", "wire"], browser: true, deterministic: true },
    // The protocols for other programs than ours, over links in memory or, in the one file that is for Node, TLS.
    agreement: { imports: ["core", "protocols", "replica/links.ts"], browser: true },
    "agreement/tls*.ts": { imports: ["core", "replica/links.ts", "adapters", "node:crypto"] },
    // Runs the production code: of the replica only what itself touches no Node module.
    sim: {
      imports: ["core", "protocols", "relay", "replica", "wire", "npm:@noble/hashes", "npm:zod"],
      browser: true,
      deterministic: true,
    },
    // A receipt names what the notary's statement says, an award what the bidding service's does.
    verify: {
      imports: [
        "core",
        "tlog",
        "services/notary/statement.ts",
        "services/notary/log-head.ts",
        "services/bidding/*.ts",
        "npm:@noble/hashes",
      ],
      browser: true,
    },
    // The replica is logic behind ports, which the adapters implement.
    replica: { imports: ["core", "crypto", "wire", "relay", "protocols", "services/service.ts", "npm:zod"] },
    // Its configuration is files and fingerprints, within the bounds of the protocol's messages.
    "replica/config*.ts": {
      imports: [
        "core",
        "crypto",
        "protocols/atomic-broadcast/messages.ts",
        "protocols/multivalued-agreement/messages.ts",
        "npm:zod",
        "node:crypto",
        "node:fs*",
        "node:path",
      ],
    },
    adapters: { imports: ["core", "type crypto", "tlog", "replica", "npm:*", "node:*"] },
    client: {
      imports: ["core", "crypto", "wire", "verify", "services", "replica/links.ts", "replica/checkpoint-summary.ts"],
    },
    // The REST API as its users see it, and a client of it.
    rest: { imports: ["core", "verify", "npm:zod"], browser: true },
    // Pages: the simulator's, and those that replicas serve, which check what they are told.
    web: { imports: ["core", "sim", "verify", "npm:@noble/hashes"], browser: true },
    // Bids are encrypted and commands signed where they are made.
    "web/auctions/*.ts": {
      imports: ["core", "wire", "verify", "services/bidding/*.ts", "crypto/ristretto/tdh2-encrypt.ts", "npm:@noble/*"],
      browser: true,
    },
    cli: { imports: ["*"] },
  },
  maxLines: 450,
  protocolHeader: ["Source", "Properties", "Messages", "Deviations", "Limits"],
};

function readSources(): Map<string, string> {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const paths = readdirSync(`${root}/src`, { recursive: true, encoding: "utf8" })
    .map((path) => `src/${path.replaceAll("\\", "/")}`)
    .filter((path) => /\.[mc]?tsx?$/.test(path));
  return new Map(paths.map((path) => [path, readFileSync(`${root}/${path}`, "utf8")]));
}

describe("the sources", () => {
  const sources = readSources();

  it("are found, also of each room whose emptiness would hide a mistake", () => {
    expect(sources.size).toBeGreaterThan(20);
    for (const room of Object.keys(RULES.rooms).filter((name) => !name.includes("/"))) {
      expect(
        [...sources.keys()].some((path) => path.startsWith(`src/${room}/`)),
        room,
      ).toBe(true);
    }
  });

  it("keep the rules", () => {
    expect(check(sources, RULES)).toEqual([]);
  });
});

describe("the checker", () => {
  const checkFiles = (files: Record<string, string>): string[] => check(new Map(Object.entries(files)), RULES);
  const problemsIn = (path: string, text: string): string[] =>
    checkFiles({
      "src/core/codec.ts": "export const codec = 1;",
      "src/crypto/suite.ts": "export const suite = 1;",
      "src/replica/host.ts": "export const host = 1;",
      "src/replica/disk.ts": 'import type { Stats } from "node:fs"; export type Disk = Stats;',
      "src/adapters/tls/index.ts": "export const tls = 1;",
      [path]: text,
    }).filter((problem) => !problem.startsWith("src/replica/disk.ts"));

  it.each([
    ["src/core/a.ts", 'import { b } from "./codec.js"; export const random = Math.floor(1.5);'],
    ["src/core/a.ts", "export interface A { Date: number } export const a = (b: A) => b.Date; // Date, setTimeout"],
    ["src/sim/a.ts", 'import { host } from "../replica/host.js"; import { sha256 } from "@noble/hashes/sha2.js";'],
    ["src/sim/a.ts", 'import type { Disk } from "../replica/disk.js";'],
    ["src/replica/config-files.ts", 'import "node:fs"; import "./host.js";'],
    [
      "src/adapters/a.ts",
      'import { host } from "../replica/host.js"; import type { suite } from "../crypto/suite.js";',
    ],
    ["src/crypto/a.ts", 'import { createHash } from "node:crypto"; import x from "@noble/hashes/sha2.js";'],
    ["src/cli/a.ts", 'import "../adapters/tls/index.js"; await import("node:fs");'],
    ["src/client/a.ts", "export const later = async () => new Promise((done) => setTimeout(done, Date.now()));"],
    ["src/protocols/p/p.ts", "/** Source: x. Properties: x. Messages: x. Deviations: x. Limits: x. */\nexport {};"],
  ])("accepts %s: %s", (path, text) => {
    expect(problemsIn(path, text)).toEqual([]);
  });

  it.each([
    ["src/core/a.ts", 'import "../crypto/suite.js";', "core may not import crypto/suite.ts"],
    ["src/core/a.ts", 'import type { suite } from "../crypto/suite.js";', "core may not import crypto/suite.ts"],
    ["src/core/a.ts", 'export * from "../crypto/suite.js";', "core may not import crypto/suite.ts"],
    ["src/core/a.ts", 'type S = import("../crypto/suite.js").S;', "core may not import crypto/suite.ts"],
    ["src/core/a.ts", 'const s = import("../crypto/suite.js");', "core may not import crypto/suite.ts"],
    ["src/core/a.ts", 'const s = require("fs");', "core may not import fs"],
    ["src/core/a.ts", 'import fs = require("fs");', "core may not import fs"],
    ["src/core/a.ts", "const s = import(name);", "core may not import <computed>"],
    ["src/core/a.ts", 'import "./gone.js";', "imports ./gone.js, which does not exist"],
    ["src/core/a.ts", 'import type { Hash } from "node:crypto";', "core may not import node:crypto"],
    ["src/core/a.ts", 'import "zod";', "core may not import zod"],
    ["src/sim/a.ts", 'import "@noble/hashes-evil";', "sim may not import @noble/hashes-evil"],
    ["src/sim/a.ts", 'import "../adapters/tls/index.js";', "sim may not import adapters/tls/index.ts"],
    ["src/verify/a.ts", 'import "node:crypto";', "verify may not import node:crypto"],
    ["src/adapters/a.ts", 'import { suite } from "../crypto/suite.js";', "adapters may not import crypto/suite.ts"],
    ["src/adapters/a.ts", 'import { type suite } from "../crypto/suite.js";', "adapters may not import crypto"],
    ["src/replica/a.ts", 'import "../adapters/tls/index.js";', "replica may not import adapters/tls/index.ts"],
    ["src/replica/a.ts", 'import "node:fs";', "replica may not import node:fs"],
    ["src/replica/config.ts", 'import "node:net";', "replica/config*.ts may not import node:net"],
    ["src/client/a.ts", 'import "../replica/host.js";', "client may not import replica/host.ts"],
    ["src/nowhere/a.ts", "export {};", 'no room "nowhere"'],
    ["src/a.ts", "export {};", 'no room ""'],
    ["src/core/a.ts", "const now = Date.now();", "Date is not deterministic"],
    ["src/core/a.ts", "let when: Date;", "Date is not deterministic"],
    ["src/core/a.ts", "const later = { setTimeout };", "setTimeout is not deterministic"],
    ["src/core/a.ts", "setImmediate(run);", "setImmediate is not deterministic"],
    ["src/core/a.ts", "queueMicrotask(run);", "queueMicrotask is not deterministic"],
    ["src/core/a.ts", "globalThis.run();", "globalThis is not deterministic"],
    ["src/core/a.ts", "let p: Promise<void>;", "Promise is not deterministic"],
    ["src/protocols/a.ts", "async () => 1;", "async is not deterministic"],
    ["src/services/a.ts", "await run();", "await is not deterministic"],
    ["src/sim/a.ts", "Math.random();", "Math.random is not deterministic"],
    ["src/sim/a.ts", 'Math["random"]();', "Math.random is not deterministic"],
    ["src/sim/a.ts", "const { random } = Math;", "Math.random is not deterministic"],
    ["src/core/a.ts", "process.exit(1);", "process is not deterministic"],
    ["src/core/a.ts", "console.log(1);", "console is not deterministic"],
    ["src/cli/a.ts", "let a: any;", "the type any"],
    ["src/cli/a.ts", "f(a as readonly any[]);", "the type any"],
    ["src/cli/a.ts", "// @ts-ignore", "silences the compiler"],
    ["src/cli/a.ts", "/* @ts-expect-error */", "silences the compiler"],
    ["src/cli/a.ts", "\n".repeat(451), "451 lines, more than 450"],
    ["src/protocols/p/p.ts", "/** Source. Properties. Messages. Limits. */", "the header comment lacks Deviations"],
    ["src/protocols/p/p.ts", "export {};\n/** Source Properties Messages Deviations Limits */", "lacks Source"],
    ["src/protocols/p/q.ts", "export {};", "src/protocols/p/p.ts: the protocol's own file is missing"],
    ["src/core/a.ts", 'import "./a.js";', "src/core/a.ts imports itself"],
  ])("refuses %s: %s", (path, text, problem) => {
    expect(problemsIn(path, text).join("\n")).toContain(problem);
  });

  it("follows imports to Node's modules", () => {
    expect(
      checkFiles({
        "src/sim/a.ts": 'import "../replica/b.js";',
        "src/replica/b.ts": 'import "./c.js";',
        "src/replica/c.ts": 'import "node:fs";',
      }),
    ).toContain("src/sim/a.ts → src/replica/b.ts → src/replica/c.ts → node:fs: sim runs in a browser");
  });

  it("finds cycles of any length, also of types only, and names each once", () => {
    expect(
      checkFiles({
        "src/core/a.ts": 'import "./b.js";',
        "src/core/b.ts": 'import type {} from "./c.js"; import "./d.js";',
        "src/core/c.ts": 'export * from "./a.js";',
        "src/core/d.ts": "export {};",
      }),
    ).toEqual(["import cycle: src/core/a.ts, src/core/b.ts, src/core/c.ts"]);
  });
});
