/** What every command has: help with an example, and errors that name what is wrong. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Finished, runCli, runLine } from "./run-cli.js";

/** The commands, and arguments with which only what a test adds is wrong. */
const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ["init", ["--n", "4", "--out", "/nowhere/out"]],
  ["node", ["/nowhere/party-0"]],
  ["up", ["/nowhere"]],
  ["down", ["/nowhere"]],
  ["notarize", ["/nowhere/file", "--cluster", "/nowhere/client-0.json"]],
  ["verify", ["/nowhere/file", "/nowhere/receipt", "--public", "/nowhere/public.json"]],
  ["receipt export", ["/nowhere/receipt", "--statement", "/nowhere/s", "--signature", "/nowhere/g"]],
  ["evidence verify", ["/nowhere/evidence.json", "--public", "/nowhere/public.json"]],
  ["kv get", ["key", "--cluster", "/nowhere/client-0.json"]],
  ["kv put", ["key", "value", "--cluster", "/nowhere/client-0.json"]],
  ["kv cas", ["key", "expected", "value", "--cluster", "/nowhere/client-0.json"]],
  ["kv delete", ["key", "--cluster", "/nowhere/client-0.json"]],
  ["counter add", ["1", "--cluster", "/nowhere/client-0.json"]],
  ["counter read", ["--cluster", "/nowhere/client-0.json"]],
  ["watch", ["/nowhere", "--cluster", "/nowhere/client-0.json"]],
  ["auction create", ["--kind", "open", "--title", "x", "--cluster", "/nowhere/client-0.json"]],
  ["auction withdraw", ["1", "--cluster", "/nowhere/client-0.json"]],
  ["auction close", ["1", "--cluster", "/nowhere/client-0.json"]],
  ["auction show", ["1", "--cluster", "/nowhere/client-0.json"]],
  ["auction award", ["1", "--cluster", "/nowhere/client-0.json", "--out", "/nowhere/award"]],
  ["auction verify", ["/nowhere/award", "--public", "/nowhere/public.json"]],
  ["auction key", ["--name", "x", "--public", "/nowhere/public.json", "--out", "/nowhere/key"]],
  ["auction register", ["/nowhere/registration", "--cluster", "/nowhere/client-0.json"]],
  ["auction keys", ["--cluster", "/nowhere/client-0.json"]],
  ["book place", ["1", "buy", "1", "--cluster", "/nowhere/client-0.json"]],
  ["book cancel", ["1", "1", "--cluster", "/nowhere/client-0.json"]],
  ["book show", ["1", "--cluster", "/nowhere/client-0.json"]],
  ["monitor", ["http://127.0.0.1:9/tlog/", "--public", "/nowhere/public.json"]],
  ["gateway", ["--cluster", "/nowhere/client-0.json"]],
  ["status", ["--cluster", "/nowhere/client-0.json"]],
  ["log", ["/nowhere/party-0"]],
  ["fsck", ["/nowhere/party-0"]],
  ["inspect", ["/nowhere/party-0"]],
  ["export", ["/nowhere/party-0"]],
  ["backup", ["/nowhere/party-0", "--out", "/nowhere/out"]],
  ["restore", ["/nowhere/backup", "--out", "/nowhere/out"]],
  ["rejoin", ["/nowhere/party-0"]],
  ["trace", ["/nowhere/trace.json"]],
  ["demo", []],
  ["bench", []],
];

/** Lines with a command that end soon, and what is wrong with each. */
function linesOf(command: string, args: readonly string[]) {
  const words = command.split(" ");
  const option = args.findLast((arg) => arg.startsWith("--")) ?? "";
  const misspelt = [...words, ...args.map((arg) => (arg === option ? arg.slice(0, -1) : arg))];
  return {
    help: [...words, "--help"],
    unknown: [...words, ...args, "--colour"],
    surplus: [...words, ...args, "surplus", "--json"],
    ...(option !== "" && { misspelt, misspeltJson: [...misspelt, "--json"] }),
    ...(args.length > 0 && { missing: words }),
    ...(args.length > 0 && command !== "init" && { noFile: [...words, ...args, "--json"] }),
  };
}

const LINES = COMMANDS.flatMap(([command, args]) => Object.values(linesOf(command, args)));
const FINISHED = new Map<string, Finished>();
const nameOf = (line: readonly string[]): string => JSON.stringify(line);

beforeAll(async () => {
  for (const line of LINES) FINISHED.set(nameOf(line), await runLine(line));
});

/** What became of a line. */
function ended(line: readonly string[] | undefined): Finished {
  const finished = FINISHED.get(nameOf(line ?? []));
  if (finished === undefined) throw new Error(`the line was not run: ${line?.join(" ")}`);
  return finished;
}

describe.each(COMMANDS)("abcast %s", (command, args) => {
  const lines = linesOf(command, args);

  it("has help with an example", () => {
    const { code, stdout, stderr } = ended(lines.help);
    expect(stdout).toContain(`Usage: abcast ${command} `);
    expect(stdout).toContain(`\n  $ abcast ${command}`);
    expect(stdout).toContain("--json");
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("names an unknown option and a superfluous argument", () => {
    const unknown = ended(lines.unknown);
    expect(unknown.stderr).toContain("abcast: unknown option '--colour'");
    expect(unknown.stderr).toContain(`Try: abcast ${command} --help`);
    expect([unknown.code, unknown.stdout]).toEqual([2, ""]);

    const surplus = ended(lines.surplus);
    expect(JSON.parse(surplus.stderr)).toMatchObject({ error: { code: "usage" } });
    expect(surplus.stderr).toContain("too many arguments");
    expect([surplus.code, surplus.stdout]).toEqual([2, ""]);
  });

  it.runIf(lines.misspelt !== undefined)("names a misspelt option, not the one that is missing", () => {
    const option = args.findLast((arg) => arg.startsWith("--")) ?? "";
    const misspelt = option.slice(0, -1);
    const { code, stderr } = ended(lines.misspelt);
    expect(stderr).toContain(`abcast: unknown option '${misspelt}'\n(Did you mean ${option}?)\n`);
    expect(code).toBe(2);
    const json = ended(lines.misspeltJson);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "usage", option: misspelt } });
  });

  it.runIf(lines.noFile !== undefined)("names a file that is not there", () => {
    const { code, stdout, stderr } = ended(lines.noFile);
    const { error } = JSON.parse(stderr) as { error: { code: string; file: string; message: string } };
    expect(error).toMatchObject({ code: "input", file: expect.stringMatching(/^\/nowhere/) as string });
    expect(error.message).toContain("no such file or directory");
    expect([code, stdout]).toEqual([2, ""]);
  });

  it.runIf(lines.missing !== undefined)("names a required argument or option that is missing", () => {
    const { code, stderr } = ended(lines.missing);
    expect(stderr).toMatch(/^abcast: (missing required argument|required option) '/);
    expect(code).toBe(2);
  });
});

it("abcast --help lists the exit codes", async () => {
  const { stdout } = await runCli(["--help"]);
  expect(stdout).toContain("3 cluster not reachable, 70 a defect of abcast.");
});
