/** Values of command-line options. A refused value is a usage error in which commander names the option. */
import { InvalidArgumentError, Option } from "commander";
import type { z } from "zod";
import { originField } from "../replica/config.js";

/** A parser for a whole number from `min` to `max`; `or` says what else there is, which the caller parses. */
export function wholeNumber(min: number, max: number, or = ""): (text: string) => number {
  return (text) => {
    const value = /^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}${or}.`);
    }
    return value;
  };
}

/** A parser for text that `schema` describes. */
export function checkedText(schema: z.ZodType): (text: string) => string {
  return (text) => {
    const problem = schema.safeParse(text).error?.issues[0];
    if (problem !== undefined) throw new InvalidArgumentError(`It ${problem.message}.`);
    return text;
  };
}

/** The `--json` that every command has. */
export function jsonOption(): Option {
  return new Option("--json", "print the result as JSON on stdout, errors as JSON on stderr");
}

/** Origins whose pages may use the REST API; may be given more than once. */
export function allowOriginOption(): Option {
  const check = checkedText(originField);
  return new Option(
    "--allow-origin <ORIGIN>",
    'a site whose pages may use the REST API, such as https://example.org, or "*"; more than once for several',
  ).argParser((text: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), check(text)]);
}

/** An example for a command's help, with `addHelpText("after", ...)`. */
export function example(...lines: readonly string[]): string {
  return `\nExample:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
}
