/** The `abcast` command. bin/abcast.mjs loads this module, which runs at once. */
import { registerInit } from "./commands/init.js";
import { registerReceipt } from "./commands/receipt.js";
import { registerVerify } from "./commands/verify.js";
import { run } from "./program.js";

process.exitCode = await run(process.argv, [registerInit, registerVerify, registerReceipt]);
