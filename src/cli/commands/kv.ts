/** `abcast kv`: reads and writes the cluster's key-value store. */
import { type Command, Option } from "commander";
import {
  type ClientQueryOptions,
  type Fanout,
  type KvExpected,
  type KvPresent,
  type KvWrite,
} from "../../client/index.js";
import { fromUtf8, utf8 } from "../../core/bytes.js";
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from "../../services/kv/index.js";
import { type Client, openClient } from "../cluster-client.js";
import { EXIT, InputError } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { type Output, createOutput } from "../output.js";
import { passphrase } from "../passphrase.js";
import { readStdin } from "../standard-input.js";

interface Options {
  readonly cluster: string;
  readonly timeout: number;
  readonly fanout?: Fanout;
  readonly json?: boolean;
}

interface GetOptions extends Options {
  readonly consistency: NonNullable<ClientQueryOptions["consistency"]>;
}

interface ConditionOptions extends Options {
  readonly absent?: boolean;
  readonly version?: number;
}

export function registerKv(program: Command): void {
  const kv = program
    .command("kv")
    .summary("read and write the cluster's key-value store")
    .description(
      "Reads and writes the key-value store that the cluster replicates. Exit code 1 when a key is not there, or a condition does not hold.",
    );
  common(kv.command("get"))
    .description("Prints the value of KEY.")
    .argument("<KEY>", "text")
    .addOption(
      new Option(
        "--consistency <WHAT>",
        "quorum: the present value; ordered: read at a place in the log; any: of the last checkpoint, proved by one replica",
      )
        .choices(["any", "quorum", "ordered"])
        .default("quorum"),
    )
    .addHelpText("after", example("abcast kv get name --cluster cluster/client-0.json"))
    .action(get);
  common(kv.command("put"))
    .description("Writes VALUE as the value of KEY.")
    .argument("<KEY>", "text")
    .argument("<VALUE>", 'text; "-" reads it from stdin')
    .addHelpText("after", example("abcast kv put name Ada --cluster cluster/client-0.json"))
    .action(put);
  condition(common(kv.command("cas")))
    .description(
      "Writes VALUE if the value of KEY is EXPECTED; with --absent or --version, which take the place of EXPECTED, if there is none, or if it is of that version.",
    )
    .argument("<KEY>", "text")
    .argument("<EXPECTED_OR_VALUE>", "EXPECTED, before VALUE; with --absent or --version, VALUE")
    .argument("[VALUE]", 'text; "-" reads it from stdin')
    .addHelpText(
      "after",
      example(
        "abcast kv cas name Ada Grace --cluster cluster/client-0.json",
        "abcast kv cas name Ada --absent --cluster cluster/client-0.json",
      ),
    )
    .action(cas);
  condition(common(kv.command("delete")))
    .description("Deletes KEY; with --version, if it has that version.")
    .argument("<KEY>", "text")
    .addHelpText("after", example("abcast kv delete name --cluster cluster/client-0.json"))
    .action(remove);
}

function common(command: Command): Command {
  return command
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json")
    .option("--timeout <SECONDS>", "how long to wait for enough replicas", wholeNumber(1, 86_400), 30)
    .addOption(
      new Option("--fanout <HOW>", "widen: ask one replica first, others when it is slow; all: at once").choices([
        "widen",
        "all",
      ]),
    )
    .addOption(jsonOption());
}

function condition(command: Command): Command {
  return command
    .option("--absent", "if there is no value")
    .option("--version <NUMBER>", "if the value is of this version", wholeNumber(0, Number.MAX_SAFE_INTEGER));
}

async function withClient(
  options: Options,
  work: (client: Client, output: Output, timeoutMs: number) => Promise<void>,
): Promise<void> {
  const { cluster, fanout, timeout } = options;
  const { client } = await openClient(cluster, passphrase, fanout === undefined ? {} : { fanout });
  try {
    await work(client, createOutput(options), timeout * 1000);
  } finally {
    client.close();
  }
}

async function get(key: string, options: GetOptions): Promise<void> {
  const bytes = keyOf(key);
  await withClient(options, async (client, output, timeoutMs) => {
    const { consistency } = options;
    const read = await client.kv.get(bytes, { consistency, timeoutMs });
    noteFaulty(output, read.faulty);
    const { sequence, round } = read;
    if (!read.found) {
      process.exitCode = EXIT.invalid;
      if (output.json) output.result({ key, found: false, value: null, version: null, sequence, round }, "");
      else output.note(`there is no ${key}`);
      return;
    }
    const value = valueFields(read);
    if (output.json) return output.result({ key, found: true, ...value, version: read.version, sequence, round }, "");
    // As it is, also where it is not text; a line feed only for people.
    process.stdout.write(read.value);
    if (process.stdout.isTTY) process.stdout.write("\n");
  });
}

async function put(key: string, text: string, options: Options): Promise<void> {
  const [bytes, value] = [keyOf(key), await valueOf(text)];
  await withClient(options, async (client, output, timeoutMs) => {
    const written = await client.kv.put(bytes, value, { timeoutMs });
    noteFaulty(output, written.faulty);
    report(output, key, written);
  });
}

async function cas(key: string, first: string, second: string | undefined, options: ConditionOptions): Promise<void> {
  const bytes = keyOf(key);
  const stated = expectedOf(options);
  if (stated !== undefined && second !== undefined) {
    throw new InputError(
      { option: options.absent === true ? "--absent" : "--version" },
      "takes the place of EXPECTED: give KEY and VALUE",
    );
  }
  if (stated === undefined && second === undefined) {
    throw new InputError({}, "give KEY, EXPECTED and VALUE, or KEY and VALUE with --absent or --version");
  }
  const expected = stated ?? { value: utf8(first) };
  const value = await valueOf(second ?? first);
  await withClient(options, async (client, output, timeoutMs) => {
    const written = await client.kv.cas(bytes, expected, value, { timeoutMs });
    noteFaulty(output, written.faulty);
    report(output, key, written);
  });
}

async function remove(key: string, options: ConditionOptions): Promise<void> {
  const bytes = keyOf(key);
  await withClient(options, async (client, output, timeoutMs) => {
    const deleted = await client.kv.delete(bytes, { expected: expectedOf(options), timeoutMs });
    noteFaulty(output, deleted.faulty);
    if (!deleted.ok) return reportConflict(output, key, deleted, deleted.current);
    const { found, sequence, round } = deleted;
    if (!found) process.exitCode = EXIT.invalid;
    if (output.json) output.result({ key, ok: true, committed: true, found, sequence, round }, "");
    else if (found) output.result({}, `deleted ${key} (number ${sequence}, round ${round})`);
    else output.note(`there is no ${key}`);
  });
}

function report(output: Output, key: string, written: KvWrite): void {
  if (!written.ok) return reportConflict(output, key, written, written.current);
  const { version, sequence, round } = written;
  output.result(
    { key, ok: true, committed: true, version, sequence, round },
    `wrote ${key}, version ${version} (round ${round})`,
  );
}

function reportConflict(
  output: Output,
  key: string,
  { sequence, round }: { readonly sequence: number; readonly round: number },
  current: KvPresent | undefined,
): void {
  process.exitCode = EXIT.invalid;
  const there =
    current === undefined
      ? { found: false, value: null, version: null }
      : { found: true, ...valueFields(current), version: current.version };
  const is = current === undefined ? `there is no ${key}` : `${key} has version ${current.version}`;
  output.result({ key, ok: false, committed: true, ...there, sequence, round }, `nothing was changed: ${is}`);
}

/** As text where it is text. */
function valueFields({ value }: KvPresent): { readonly value: string | null; readonly valueBase64?: string } {
  try {
    return { value: fromUtf8(value) };
  } catch {
    return { value: null, valueBase64: Buffer.from(value).toString("base64") };
  }
}

function noteFaulty(output: Output, faulty: readonly number[]): void {
  for (const party of faulty) output.note(`party ${party} answered as no honest one does`);
}

function expectedOf({ absent, version }: ConditionOptions): KvExpected | undefined {
  if (absent === true && version !== undefined) {
    throw new InputError({ option: "--version" }, "cannot be given with --absent");
  }
  if (absent === true) return { absent: true };
  return version === undefined ? undefined : { version };
}

function keyOf(text: string): Uint8Array {
  const key = utf8(text);
  if (key.length > 0 && key.length <= MAX_KEY_BYTES) return key;
  throw new InputError({}, `KEY has ${key.length} bytes, it must have 1 to ${MAX_KEY_BYTES}`);
}

async function valueOf(text: string): Promise<Uint8Array> {
  const value = text === "-" ? await readStdin(MAX_VALUE_BYTES) : utf8(text);
  if (value !== undefined && value.length <= MAX_VALUE_BYTES) return value;
  throw new InputError(
    {},
    `VALUE has more than ${MAX_VALUE_BYTES} bytes; notarise longer documents, or store their parts`,
  );
}
