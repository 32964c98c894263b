/** `abcast fsck`: is a party's store whole? */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { z } from "zod";
import { StorageError } from "../../adapters/storage/index.js";
import { EXIT } from "../errors.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { refuseRunning, storeIn } from "../store-directory.js";

export function registerFsck(program: Command): void {
  program
    .command("fsck")
    .summary("check a party's store")
    .description(
      "Reads all of the store in DIR and checks it: each record of the log, each batch, each value of the tables, the chunks of each checkpoint, and that log and tables fit. Changes nothing. Exit code 1 when something is damaged. The party must not run.",
    )
    .argument("<DIR>", "the party's directory, or its store")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast fsck cluster/party-0"))
    .action(fsck);
}

async function fsck(directory: string, options: { readonly json?: boolean }): Promise<void> {
  const output = createOutput(options);
  const store = storeIn(directory);
  refuseRunning(directory);
  const checked = await checkInChild(store);
  const { problems, records, lastInput, values, batches, cutBytes } = checked;
  const isSound = problems.length === 0;
  const tail =
    cutBytes === 0 ? "" : `; an incomplete record of ${cutBytes} bytes at the end, which the next start cuts off`;
  output.result(
    { sound: isSound, ...checked },
    isSound
      ? `sound: ${records} records with inputs up to ${lastInput}, ${values} values in the tables, ${batches} batches in files${tail}`
      : [`damaged: ${store}`, ...problems.map((problem) => `  ${problem}`)].join("\n"),
  );
  if (!isSound) process.exitCode = EXIT.invalid;
}

const checkedSchema = z.strictObject({
  problems: z.array(z.string()),
  records: z.number(),
  lastInput: z.number(),
  values: z.number(),
  batches: z.number(),
  cutBytes: z.number(),
});
const outcomeSchema = z.union([z.strictObject({ checked: checkedSchema }), z.strictObject({ refused: z.string() })]);

/** LMDB takes what it reads for its own: damage to its pages may end the process that reads them. */
async function checkInChild(store: string): Promise<z.infer<typeof checkedSchema>> {
  const program = fileURLToPath(new URL("../fsck-child.js", import.meta.url));
  const child = spawn(process.execPath, [program, store], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on("error", reject).on("close", (...how) => resolve(how));
  });
  if (code !== 0) {
    const how = signal ?? /^\w*Error.*$/m.exec(stderr)?.[0] ?? `exit code ${code}`;
    const problem = `${store}/store.mdb: reading the tables ended the process (${how}): the file is damaged`;
    return { problems: [problem], records: 0, lastInput: 0, values: 0, batches: 0, cutBytes: 0 };
  }
  const outcome = outcomeSchema.parse(JSON.parse(stdout));
  if ("refused" in outcome) throw new StorageError(outcome.refused);
  return outcome.checked;
}
