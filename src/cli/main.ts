/** The `abcast` command. bin/abcast.mjs loads this module, which runs at once. */
import { COMMANDS } from "./commands.js";
import { run } from "./program.js";

process.exitCode = await run(process.argv, COMMANDS);
