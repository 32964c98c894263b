/** `abcast init` as it is, but for the search for primes: `node test/support/init.mjs init --n 4 --out cluster`. Runs what is built. */
import { registerInit } from "../../dist/cli/commands/init.js";
import { run } from "../../dist/cli/program.js";
import { OTHER_PRIMES_1024, OTHER_PRIMES_1536, PRIMES_1024, PRIMES_1536 } from "./safe-primes.mjs";

const KNOWN = new Map([
  [2048, { receipt: PRIMES_1024, token: OTHER_PRIMES_1024 }],
  [3072, { receipt: PRIMES_1536, token: OTHER_PRIMES_1536 }],
]);

process.exitCode = await run(process.argv, { init: async () => (program) => registerInit(program, KNOWN) });
