/** For scripts of ours that are called in a way that they do not know: one line on what is wrong, where, and what to do; exit code 2. */
import { parseArgs } from "node:util";

/** Ends the process. */
export function usageError(script, problem, advice) {
  console.error(`${script}: ${problem}; ${advice}`);
  process.exit(2);
}

/** As `parseArgs` of node:util has them, from the command line. */
export function parseOptions(script, config) {
  try {
    return parseArgs(config);
  } catch (error) {
    const [problem] = error.message.split(/\.\s/);
    const names = Object.keys(config.options).map((name) => `--${name}`);
    return usageError(script, problem, `the options are ${names.join(", ")}`);
  }
}

/** The value of an option that has one of `choices`; otherwise ends the process. */
export function choiceOf(script, values, name, choices) {
  const value = values[name];
  if (choices.includes(value)) return value;
  return usageError(script, `--${name} is ${value}`, `it is one of ${choices.join(", ")}`);
}
