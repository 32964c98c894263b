/** `abcast init` as it is, but for the search for primes: `node test/support/init.mjs init --n 4 --out cluster`. */
import { run } from "../../dist/cli/program.js";
import { registerKnownInit } from "./known-init.mjs";

process.exitCode = await run(process.argv, { init: async () => registerKnownInit });
