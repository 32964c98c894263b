/** The command lines in shell text, and whether the `abcast` ones are as the command line takes them. */
import { Command, CommanderError } from "commander";
import { COMMANDS } from "../../src/cli/commands.js";

/** For variables whose value an option checks. */
const VARIABLES: Readonly<Record<string, string>> = { CLUSTER: "0".repeat(64), NAME: "name" };

const KEYWORDS: ReadonlySet<string> = new Set("do done exec exit fi if then until while".split(" "));

/** Each simple command as its words, without redirections, assignments and keywords of the shell. */
export function simpleCommands(shell: string): readonly (readonly string[])[] {
  const withoutDocuments = shell.replace(/(<<'?(\w+)'?.*)\n[\s\S]*?\n\2(?=\n|$)/g, "$1").replace(/\\\n/g, " ");
  const commands: string[][] = [[]];
  for (const [token, quoted, separator] of withoutDocuments.matchAll(
    /((?:'[^']*'|"[^"]*"|\$\{\w+\}|\$\w+|[^\s;&|()'"#$]|(?<=\S)#|\$(?!\())+)|(\n|[;&|()]+|\$\(|#.*)/g,
  )) {
    if (separator !== undefined) commands.push([]);
    else if (quoted !== undefined) commands.at(-1)?.push(token.replace(/^(['"])(.*)\1$/s, "$2"));
  }
  return commands.map(withoutShell).filter((words) => words.length > 0);
}

function withoutShell(words: readonly string[]): readonly string[] {
  const redirected = words.flatMap((word, index) => {
    const isTarget = /^\d?(>>?|<<?)$/.test(words[index - 1] ?? "");
    return isTarget || /^\d?[<>]/.test(word) ? [] : [word];
  });
  const start = redirected.findIndex((word) => !KEYWORDS.has(word) && !/^\w+=/.test(word));
  const command = start === -1 ? [] : redirected.slice(start);
  // The list that a loop goes through is no command.
  return command[0] === "for" ? [] : command;
}

/** What runs in the end: without `sudo -u NAME` and `npx`; what Compose and kubectl hand to a container. */
export function innermost(words: readonly string[]): readonly string[] {
  const [first = "", second = ""] = words;
  if (first === "sudo") return innermost(words.slice(second === "-u" ? 3 : 1));
  if (first === "npx") return innermost(words.slice(1));
  if (first === "kubectl" && words.includes("--")) return innermost(words.slice(words.indexOf("--") + 1));
  const run = words.indexOf("run");
  if (first === "docker" && second === "compose" && run > 0) {
    const service = words.findIndex((word, index) => index > run && !word.startsWith("-"));
    return ["abcast", ...words.slice(service + 1)];
  }
  return words;
}

/** The arguments of each `abcast` in shell text. */
export function abcastLines(shell: string): readonly (readonly string[])[] {
  return simpleCommands(shell)
    .map(innermost)
    .filter(([name]) => name === "abcast" || name === "/usr/local/bin/abcast")
    .map((words) => words.slice(1));
}

/** Why the command line does not take `args`; undefined when it does. Runs nothing. */
export async function abcastProblem(args: readonly string[]): Promise<string | undefined> {
  const program = await abcastProgram();
  const words = args.map((word) => word.replace(/\$(\w+)/g, (whole: string, name: string) => VARIABLES[name] ?? whole));
  try {
    await program.parseAsync(words, { from: "user" });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return `abcast ${args.join(" ")}: ${error.message}`;
  }
}

/** Of all `abcast` lines in shell text. */
export async function abcastProblems(shell: string): Promise<readonly string[]> {
  const problems = await Promise.all(abcastLines(shell).map(abcastProblem));
  return problems.filter((problem) => problem !== undefined);
}

export async function commandNames(): Promise<readonly string[]> {
  return (await abcastProgram()).commands.map((command) => command.name());
}

/** All commands, with their options and arguments, doing nothing. */
async function abcastProgram(): Promise<Command> {
  const program = new Command("abcast");
  for (const load of Object.values(COMMANDS)) (await load())(program);
  disarm(program);
  return program;
}

function disarm(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  if (command.commands.length === 0) command.action(() => undefined);
  for (const child of command.commands) disarm(child);
}
