/** docs/DEPLOY.md: its commands, options, paths and names exist; those that need no host of their own run in test/docs. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ROOT } from "../docs/markdown.js";
import { partiesFileSchema } from "../../src/replica/config.js";
import { abcastLines, abcastProblems, commandNames, innermost, simpleCommands } from "./command-lines.js";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const TEXT = read("docs/DEPLOY.md");
const UNIT = read("deploy/abcast@.service");
const PROGRAMS =
  "abcast base64 cat chown cp curl docker env head install journalctl kubectl ln mv node npm rm sed systemctl ufw umask useradd";

/** Also those in lists, which are indented. */
const shellOf = (text: string): string =>
  [...text.matchAll(/^( *)```sh\n([\s\S]*?)^\1```$/gm)]
    .map(([, indent = "", code = ""]) => code.replaceAll(`\n${indent}`, "\n"))
    .join("\n");

const packageFile = z.object({ scripts: z.record(z.string(), z.string()), version: z.string() });
const { scripts, version } = packageFile.parse(JSON.parse(read("package.json")));

async function problemsOf(text: string): Promise<readonly string[]> {
  const shell = shellOf(text);
  const problems = [...(await abcastProblems(shell))];
  for (const words of simpleCommands(shell).map(innermost)) {
    const [program = "", command, script = ""] = words;
    if (!PROGRAMS.split(" ").includes(program)) problems.push(`no program ${program}`);
    if (program === "npm" && command === "run" && scripts[script] === undefined) problems.push(`no script ${script}`);
  }
  const commands = [...text.matchAll(/`abcast ([a-z-]+)/g)].map(([, name = ""]) => name);
  const known = await commandNames();
  for (const name of commands) if (!known.includes(name)) problems.push(`no command ${name}`);
  for (const [path] of text.matchAll(/(?<![\w/])deploy\/[\w./@-]*\w/g))
    if (!existsSync(join(ROOT, path))) problems.push(`no ${path}`);
  const metrics = ["monitoring", "process-metrics"].map((name) => read(`src/adapters/http/${name}.ts`)).join("\n");
  for (const [, name = ""] of text.matchAll(/`((?:abcast|process)_\w+)`/g))
    if (!metrics.includes(`"${name}"`)) problems.push(`no metric ${name}`);
  for (const [, path = ""] of text.matchAll(/[`\d](\/\w+z|\/metrics)`/g))
    if (!metrics.includes(`"${path}"`)) problems.push(`nobody answers ${path}`);
  return problems;
}

test("what it names exists", async () => {
  expect(abcastLines(shellOf(TEXT)).length).toBeGreaterThanOrEqual(7);
  expect(await problemsOf(TEXT)).toEqual([]);
});

describe("a mistake is found:", () => {
  test.for([
    [
      "an option that is not there",
      "--http-port 7480 --passphrase-file",
      "--http 7480 --passphrase-file",
      "unknown option '--http'",
    ],
    [
      "an option that is not there, in a loop",
      "--http-port 7480 --out $NAME",
      "--ports 7480 --out $NAME",
      "unknown option '--ports'",
    ],
    [
      "an option that is missing",
      "unseal dealt/party-0.sealed --identity zurich",
      "unseal dealt/party-0.sealed",
      "--identity",
    ],
    [
      "a command that is not there",
      "sudo -u abcast abcast log /var",
      "sudo -u abcast abcast logs /var",
      "unknown command",
    ],
    ["a command that is not there, in the text", "`abcast unseal` would", "`abcast open` would", "no command open"],
    ["a script that is not there", "npm run build", "npm run bild", "no script bild"],
    ["a program that is none", "sudo ln -sfn /opt/abcast-0.2.0", "sudo link -sfn /opt/abcast-0.2.0", "no program link"],
    [
      "a file that is not there",
      "-f deploy/compose.host.yaml logs",
      "-f deploy/compose.one.yaml logs",
      "no deploy/compose.one.yaml",
    ],
    ["a metric that is not there", "`abcast_queue_length`", "`abcast_queue_size`", "no metric abcast_queue_size"],
    ["an answer that nobody gives", "reasons are in `/readyz`", "reasons are in `/readz`", "nobody answers /readz"],
  ] as const)("%s", async ([, right, wrong, problem]) => {
    expect(TEXT).toContain(right);
    expect((await problemsOf(TEXT.replace(right, wrong))).join("\n")).toContain(problem);
  });
});

test("the steps put files where the unit looks for them", () => {
  const shell = shellOf(TEXT);
  const unit = UNIT.replaceAll("%i", "zurich");
  const [, credential = ""] = /LoadCredential=passphrase:(\S+)/.exec(unit) ?? [];
  const [, program = "", directory = ""] = /ExecStart=(\S+) node (\S+)/.exec(unit) ?? [];
  expect(shell).toContain(`install -m 0600 zurich.passphrase ${credential}\n`);
  expect(shell).toContain(`cp -r zurich-party ${directory}\n`);
  expect(shell).toContain(`ln -sfn /opt/abcast/bin/abcast.mjs ${program}\n`);
  expect(shell).toContain("enable --now abcast@zurich\n");
  expect(shell).toContain(
    `useradd --system --home-dir /var/lib/abcast --shell /usr/sbin/nologin ${/User=(\w+)/.exec(unit)?.[1]}\n`,
  );
  expect(shell).toContain(`/opt/abcast-${version}\n`);
  // What step 1 copies: dist is made by the build before.
  const copied = /sudo cp -r (.*) \/opt/.exec(shell)?.[1]?.split(" ") ?? [];
  expect(copied.filter((path) => !existsSync(join(ROOT, path)) && path !== "dist")).toEqual([]);
  expect(copied).toEqual(expect.arrayContaining(["bin", "dist", "package.json", "package-lock.json"]));
});

test("the steps put files where Compose and Kubernetes look for them", () => {
  const shell = shellOf(TEXT);
  const host = read("deploy/compose.host.yaml");
  for (const path of ["/var/lib/abcast/party", "/etc/abcast/passphrase"]) {
    expect(host).toMatch(new RegExp(`(source|file): ${path}\\n`));
    expect(shell).toContain(` ${path}\n`);
  }
  const user = /^USER (\S+)$/m.exec(read("deploy/Dockerfile"))?.[1] ?? "";
  expect(shell).toContain(`chown -R ${user} /var/lib/abcast/party`);

  const [, pods = ""] = /cat > pods.json <<'EOF'\n([\s\S]*?)\nEOF/.exec(shell) ?? [];
  const names = readdirSync(join(ROOT, "deploy/kubernetes")).filter((name) => name.startsWith("party-"));
  const parties = partiesFileSchema.parse(JSON.parse(pods));
  expect(parties.map((party) => party.host)).toEqual(names.map((name) => `${name}.abcast.svc.cluster.local`));
  expect(new Set(parties.map(({ port, httpPort }) => `${port} ${httpPort}`))).toEqual(new Set(["7400 7480"]));
  const script = read("deploy/kubernetes/base/statefulset.yaml");
  for (const [, file = ""] of shell.matchAll(/--from-file=pods\/party-0\/(\S+)/g))
    expect(script).toContain(`/secret/${file} `);
  expect(shell).toContain("party-0-0:/volume/incoming\n");
  expect(shell).toContain("-- mv /volume/incoming /volume/store\n");
  expect(script).toContain("until test -e /volume/store/store.mdb");
  expect(shell).toContain("--container prepare ");
});
