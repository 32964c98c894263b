/** The unit for systemd: its directives exist, and so does what they name. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ROOT } from "../docs/markdown.js";
import { abcastProblems } from "./command-lines.js";

const UNIT = readFileSync(join(ROOT, "deploy/abcast@.service"), "utf8");

/** Those of systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.kill(5), version 250, that a replica may have use for. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Unit: "After Description Documentation StartLimitBurst StartLimitIntervalSec Wants",
  Service:
    "AmbientCapabilities CapabilityBoundingSet Environment ExecReload ExecStart ExecStartPre Group LimitCORE LimitNOFILE LoadCredential " +
    "LockPersonality NoNewPrivileges PrivateDevices PrivateTmp ProtectClock ProtectControlGroups ProtectHome ProtectHostname " +
    "ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem RemoveIPC Restart RestartSec " +
    "RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID RuntimeDirectory RuntimeDirectoryMode " +
    "StateDirectory StateDirectoryMode SystemCallArchitectures SystemCallErrorNumber SystemCallFilter TimeoutStopSec Type UMask User",
  Install: "WantedBy",
};

interface Directive {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

function directivesOf(text: string): readonly Directive[] {
  let section = "";
  return text.split("\n").flatMap((line) => {
    if (line === "" || line.startsWith("#")) return [];
    const header = /^\[(\w+)\]$/.exec(line)?.[1];
    section = header ?? section;
    const [, name = line, value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return header === undefined ? [{ section, name, value }] : [];
  });
}

async function problemsOf(text: string): Promise<readonly string[]> {
  const directives = directivesOf(text);
  const values = (wanted: string): string[] =>
    directives.filter(({ name }) => name === wanted).map(({ value }) => value);
  const problems = directives
    .filter(({ section, name }) => !(DIRECTIVES[section] ?? "").split(" ").includes(name))
    .map(({ section, name }) => `[${section}] has no ${name}`);
  problems.push(...(await abcastProblems(values("ExecStart").join("\n"))));
  if (!values("ExecStart").join("\n").startsWith("/usr/local/bin/abcast node ")) problems.push("starts no replica");

  const directories = [
    ...values("StateDirectory").flatMap((value) => value.split(" ").map((name) => `/var/lib/${name}`)),
    ...values("RuntimeDirectory").map((name) => `/run/${name}`),
  ];
  const named = [...values("ExecStart"), ...values("ExecStartPre"), ...values("Environment")].join(" ");
  for (const [path] of named.matchAll(/(?<![\w}])\/(var|run)\/\S+/g)) {
    if (!directories.some((directory) => `${path}/`.startsWith(`${directory}/`)))
      problems.push(`${path} is in no directory of the unit`);
  }
  const credentials = new Set(values("LoadCredential").map((value) => value.split(":")[0]));
  for (const [, name] of named.matchAll(/\$\{CREDENTIALS_DIRECTORY\}\/(\w+)/g))
    if (!credentials.has(name)) problems.push(`no credential ${name}`);
  // The copy that ExecStartPre makes is the file that the replica reads.
  const copy = /\/passphrase (\S+)$/.exec(values("ExecStartPre").join(""))?.[1];
  if (!values("Environment").join(" ").split(" ").includes(`ABCAST_PASSPHRASE_FILE=${copy}`))
    problems.push("the passphrase is not where the replica looks for it");
  return problems;
}

test("the unit is right", async () => {
  expect(await problemsOf(UNIT)).toEqual([]);
});

describe("a mistake is found:", () => {
  test.for([
    ["a directive that is not there", "ProtectHome=", "ProtectHomes=", "[Service] has no ProtectHomes"],
    ["a directive in another section", "[Install]\n", "[Install]\nRestart=no\n", "[Install] has no Restart"],
    ["an option that is not there", "abcast node /var", "abcast node --party /var", "unknown option '--party'"],
    ["another program", "ExecStart=/usr/local/bin/abcast", "ExecStart=/usr/bin/abcast", "starts no replica"],
    ["a command that is not there", "abcast node /var", "abcast run /var", "unknown command"],
    [
      "a place that cannot be written",
      "node /var/lib/abcast/%i",
      "node /var/lib/notary/%i",
      "/var/lib/notary/%i is in no",
    ],
    [
      "a credential that is not loaded",
      "LoadCredential=passphrase",
      "LoadCredential=phrase",
      "no credential passphrase",
    ],
    [
      "a passphrase elsewhere",
      "FILE=/run/abcast/%i/passphrase",
      "FILE=/run/abcast/%i/phrase",
      "not where the replica looks",
    ],
  ] as const)("%s", async ([, right, wrong, problem]) => {
    expect(UNIT).toContain(right);
    expect((await problemsOf(UNIT.replace(right, wrong))).join("\n")).toContain(problem);
  });
});

test("it is hardened, but for what the JavaScript engine needs", () => {
  const directives = directivesOf(UNIT).map(({ name, value }) => `${name}=${value}`);
  for (const line of ["User=abcast", "ProtectSystem=strict", "NoNewPrivileges=true", "CapabilityBoundingSet="])
    expect(directives).toContain(line);
  expect(directives).toContain("Restart=on-failure");
  expect(directives.join("\n")).not.toContain("MemoryDenyWriteExecute");
});

describe.runIf(existsSync("/usr/bin/systemd-analyze"))("systemd-analyze verify", () => {
  /** What it has to say; the program, which is not installed here, is another that is. */
  function verify(text: string): string {
    const directory = mkdtempSync(join(tmpdir(), "abcast-unit-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, "abcast@.service");
    writeFileSync(file, text.replace("ExecStart=/usr/local/bin/abcast", "ExecStart=/bin/true"));
    const { stdout, stderr } = spawnSync("/usr/bin/systemd-analyze", ["verify", "--man=no", file], {
      encoding: "utf8",
    });
    // Of other units of the machine, there may be something to say, too.
    return (stdout + stderr)
      .split("\n")
      .filter((line) => line.includes("abcast"))
      .join("\n");
  }

  test("finds nothing, and finds a mistake", () => {
    expect(verify(UNIT)).toBe("");
    expect(verify(UNIT.replace("ProtectHome=", "ProtectHomes="))).toContain("ProtectHomes");
  });
});
