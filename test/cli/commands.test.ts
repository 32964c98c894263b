/** The commands are loaded when they are needed, under the names that they have. */
import { Command } from "commander";
import { describe, expect, it, vi } from "vitest";
import { COMMANDS, type Commands } from "../../src/cli/commands.js";
import { run } from "../../src/cli/program.js";
import { runCli } from "./run-cli.js";

const NAMES = Object.keys(COMMANDS);

it.each(NAMES)("%s is the name of the command that is loaded for it", async (name) => {
  const program = new Command();
  (await COMMANDS[name]?.())?.(program);
  expect(program.commands.map((command) => command.name())).toEqual([name]);
});

describe("abcast loads", () => {
  /** The names of those that a command line loads, of two. */
  async function loaded(...args: readonly string[]): Promise<readonly string[]> {
    const names: string[] = [];
    const quiet = (["stdout", "stderr"] as const).map((name) => vi.spyOn(process[name], "write").mockReturnValue(true));
    const toy = (name: string): Commands[string] => {
      return async () => {
        names.push(name);
        return (program) => program.command(name).action(() => undefined);
      };
    };
    try {
      await run(["node", "abcast", ...args], { toy: toy("toy"), other: toy("other") });
      return names;
    } finally {
      for (const spy of quiet) spy.mockRestore();
    }
  }

  it("the command that is named, and for its version none", async () => {
    expect(await loaded("other")).toEqual(["other"]);
    expect(await loaded("toy", "--help")).toEqual(["toy"]);
    expect(await loaded("--version")).toEqual([]);
    expect(await loaded("-V")).toEqual([]);
  });

  it("all for whatever else: help, a misspelt name, the name of what every object has", async () => {
    const lines = [[], ["--help"], ["help"], ["help", "toy"], ["tyo"], ["toString"], ["--json", "toy"]];
    for (const args of lines) expect(await loaded(...args), args.join(" ")).toEqual(["toy", "other"]);
  });
});

it("abcast --help lists all, in order, and a misspelt one is recognised", async () => {
  const { stdout } = await runCli(["--help"]);
  const [, list = ""] = stdout.split("Commands:\n");
  expect([...list.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name)).toEqual([...NAMES, "help"]);
  expect((await runCli(["verfiy"])).stderr).toContain("unknown command 'verfiy'\n(Did you mean verify?)");
  expect(await runCli(["help", "verify"])).toEqual(await runCli(["verify", "--help"]));
});
