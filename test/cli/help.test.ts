/** What every command has: help with an example, and errors that name what is wrong. */
import { describe, expect, it } from "vitest";
import { runCli } from "./run-cli.js";

/** The commands, and arguments with which only what a test adds is wrong. */
const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ["init", ["--n", "4", "--out", "/nowhere/out"]],
  ["node", ["/nowhere/party-0"]],
  ["up", ["/nowhere"]],
  ["down", ["/nowhere"]],
  ["notarize", ["/nowhere/file", "--cluster", "/nowhere/client-0.json"]],
  ["verify", ["/nowhere/file", "/nowhere/receipt", "--public", "/nowhere/public.json"]],
  ["receipt export", ["/nowhere/receipt", "--statement", "/nowhere/s", "--signature", "/nowhere/g"]],
  ["status", ["--cluster", "/nowhere/client-0.json"]],
  ["log", ["/nowhere/party-0"]],
  ["trace", ["/nowhere/trace.json"]],
  ["demo", []],
];

describe.each(COMMANDS)("abcast %s", (command, args) => {
  const words = command.split(" ");

  it("has help with an example", async () => {
    const { code, stdout, stderr } = await runCli([...words, "--help"]);
    expect(stdout).toContain(`Usage: abcast ${command} `);
    expect(stdout).toContain(`\n  $ abcast ${command}`);
    expect(stdout).toContain("--json");
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("names an unknown option and a superfluous argument", async () => {
    const unknown = await runCli([...words, ...args, "--colour"]);
    expect(unknown.stderr).toContain("abcast: unknown option '--colour'");
    expect(unknown.stderr).toContain(`Try: abcast ${command} --help`);
    expect([unknown.code, unknown.stdout]).toEqual([2, ""]);

    const surplus = await runCli([...words, ...args, "surplus", "--json"]);
    expect(JSON.parse(surplus.stderr)).toMatchObject({ error: { code: "usage" } });
    expect(surplus.stderr).toContain("too many arguments");
    expect([surplus.code, surplus.stdout]).toEqual([2, ""]);
  });

  it.runIf(args.some((arg) => arg.startsWith("--")))(
    "names a misspelt option, not the one that is missing",
    async () => {
      const option = args.findLast((arg) => arg.startsWith("--")) ?? "";
      const misspelt = option.slice(0, -1);
      const line = [...words, ...args.map((arg) => (arg === option ? misspelt : arg))];
      const { code, stderr } = await runCli(line);
      expect(stderr).toContain(`abcast: unknown option '${misspelt}'\n(Did you mean ${option}?)\n`);
      expect(code).toBe(2);
      const json = await runCli([...line, "--json"]);
      expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "usage", option: misspelt } });
    },
  );

  it.runIf(args.length > 0 && command !== "init")("names a file that is not there", async () => {
    const { code, stdout, stderr } = await runCli([...words, ...args, "--json"]);
    const { error } = JSON.parse(stderr) as { error: { code: string; file: string; message: string } };
    expect(error).toMatchObject({ code: "input", file: expect.stringMatching(/^\/nowhere/) as string });
    expect(error.message).toContain("no such file or directory");
    expect([code, stdout]).toEqual([2, ""]);
  });

  it.runIf(args.length > 0)("names a required argument or option that is missing", async () => {
    const { code, stderr } = await runCli(words);
    expect(stderr).toMatch(/^abcast: (missing required argument|required option) '/);
    expect(code).toBe(2);
  });
});

it("abcast --help lists the exit codes", async () => {
  const { stdout } = await runCli(["--help"]);
  expect(stdout).toContain("3 cluster not reachable, 70 a defect of abcast.");
});
