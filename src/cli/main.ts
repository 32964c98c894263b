/** The `abcast` command. bin/abcast.mjs loads this module, which runs at once. */
import { registerDemo } from "./commands/demo.js";
import { registerInit } from "./commands/init.js";
import { registerKeygen } from "./commands/keygen.js";
import { registerLog } from "./commands/log.js";
import { registerNode } from "./commands/node.js";
import { registerNotarize } from "./commands/notarize.js";
import { registerProtect } from "./commands/protect.js";
import { registerReceipt } from "./commands/receipt.js";
import { registerSimulate } from "./commands/simulate.js";
import { registerTrace } from "./commands/trace.js";
import { registerStatus } from "./commands/status.js";
import { registerStructure } from "./commands/structure.js";
import { registerUnseal } from "./commands/unseal.js";
import { registerDown, registerUp } from "./commands/up.js";
import { registerVerify } from "./commands/verify.js";
import { run } from "./program.js";

process.exitCode = await run(process.argv, [
  registerInit,
  registerUp,
  registerDown,
  registerNode,
  registerNotarize,
  registerVerify,
  registerReceipt,
  registerStatus,
  registerLog,
  registerKeygen,
  registerUnseal,
  registerProtect,
  registerStructure,
  registerSimulate,
  registerTrace,
  registerDemo,
]);
