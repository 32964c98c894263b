/** Options that are numbers. */
import { usageError } from "../support/usage.mjs";

/** Reads those of `values` that are asked for; what is no positive number, or where it must be no whole one, ends the process. */
export function numberReader(script, values) {
  const read = (name, isRight, kind) => {
    const value = Number(values[name]);
    if (!isRight(value)) usageError(script, `--${name} ${values[name]} makes no sense`, `give a positive ${kind}`);
    return value;
  };
  return {
    whole: (name) => read(name, (value) => Number.isSafeInteger(value) && value > 0, "whole number"),
    positive: (name) => read(name, (value) => Number.isFinite(value) && value > 0, "number"),
  };
}
