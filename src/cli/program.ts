/** Runs a command line: parses it, runs the command, turns every failure into a message and an exit code. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import type { Commands } from "./commands.js";
import { describeFailure, EXIT } from "./errors.js";
import { printFailure } from "./output.js";

/**
 * @param argv as in `process.argv`
 * @returns the exit code; never rejects
 */
export async function run(argv: readonly string[], commands: Commands): Promise<number> {
  // `abcast log DIR | head` ends by closing our stdout; that is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    throw error;
  });
  const program = new Command("abcast");
  try {
    program
      .description(
        "Asynchronous atomic broadcast: a group of servers that do not trust each other acts as one trusted service.",
      )
      .version(packageVersion())
      .showSuggestionAfterError()
      // A command may have an option with the name of one of the program's, such as --version.
      .enablePositionalOptions()
      .exitOverride()
      // Errors are printed below, in one form for all of them.
      .configureOutput({ outputError: () => {} })
      .addHelpText(
        "after",
        "\nExit codes: 0 ok, 1 checked and found invalid, 2 usage or input, 3 cluster not reachable, 70 a defect of abcast.",
      );
    for (const load of needed(argv[2], commands)) (await load())(program);
    requireOptionsLast(program);
    await program.parseAsync([...argv]);
    return exitCodeOfProcess();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    // Commander has printed the help already: a command without its subcommand.
    if (error instanceof CommanderError && error.code === "commander.help") return EXIT.input;
    const failure = describeFailure(error);
    const json = wantsJson(argv);
    printFailure(failure, json, failure.code === "usage" ? usageHint(program, argv) : undefined);
    if (process.env["ABCAST_DEBUG"] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return failure.exitCode;
  }
}

/** The command that the first argument names; for its version, the program needs none; for all else, such as help, all. */
function needed(first: string | undefined, commands: Commands): readonly Commands[string][] {
  if (first === "--version" || first === "-V") return [];
  const named = first === undefined || !Object.hasOwn(commands, first) ? undefined : commands[first];
  return named === undefined ? Object.values(commands) : [named];
}

/** Commander looks for missing options before unknown ones, and so would not name a misspelt one. */
function requireOptionsLast(command: Command): void {
  const required = command.options.filter(({ mandatory }) => mandatory);
  for (const option of required) option.makeOptionMandatory(false);
  command.hook("preAction", () => {
    const missing = required.find((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing === undefined) return;
    command.error(`error: required option '${missing.flags}' not specified`, {
      code: "commander.missingMandatoryOptionValue",
    });
  });
  for (const child of command.commands) requireOptionsLast(child);
}

/** A command that ends with a verdict sets `process.exitCode` instead of throwing. */
function exitCodeOfProcess(): number {
  return Number(process.exitCode ?? EXIT.ok);
}

/** From the raw arguments, because the failure may be that they could not be parsed. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes("--json");
}

/** "Try ..." with the innermost command that the arguments name. */
function usageHint(program: Command, argv: readonly string[]): string {
  const path = [program.name()];
  let command = program;
  for (const word of argv.slice(2)) {
    const next = command.commands.find((child) => child.name() === word);
    if (next === undefined) break;
    path.push(word);
    command = next;
  }
  return `Try: ${path.join(" ")} --help`;
}

function packageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  const json: unknown = JSON.parse(readFileSync(file, "utf8"));
  return typeof json === "object" && json !== null && "version" in json ? String(json.version) : "unknown";
}
