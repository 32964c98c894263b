/** `abcast init` with primes that are known, instead of a search of seconds. Runs what is built. */
import { registerInit } from "../../dist/cli/commands/init.js";
import { OTHER_PRIMES_1024, OTHER_PRIMES_1536, PRIMES_1024, PRIMES_1536 } from "./safe-primes.mjs";

const KNOWN = new Map([
  [2048, { receipt: PRIMES_1024, token: OTHER_PRIMES_1024 }],
  [3072, { receipt: PRIMES_1536, token: OTHER_PRIMES_1536 }],
]);

export const registerKnownInit = (program) => registerInit(program, KNOWN);
