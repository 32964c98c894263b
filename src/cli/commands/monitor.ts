/** `abcast monitor`: follows a transparency log, and finds out when it is not what it was. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { fromHex, toHex } from "../../core/bytes.js";
import { createEd25519Verifier } from "../../crypto/ed25519/ed25519.js";
import { loadPublic } from "../../replica/config-files.js";
import { groupOf } from "../../replica/config-group.js";
import { InputError, UnreachableError } from "../errors.js";
import { logKeys, logOrigin } from "../log-publisher.js";
import { fetchFile, LogReader, type ReadCheckpoint } from "../log-reader.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput, type Output } from "../output.js";
import { sha256 } from "../sha256.js";
import { formatVerifierKey } from "../../tlog/index.js";
import { writeWhole } from "../whole-file.js";

const REQUEST_TIMEOUT_MS = 10_000;

interface Options {
  readonly public: string;
  readonly state?: string;
  readonly once?: boolean;
  readonly keys?: boolean;
  readonly interval: number;
  readonly json?: boolean;
}

export function registerMonitor(program: Command): void {
  program
    .command("monitor")
    .summary("follow a transparency log")
    .description(
      "Reads the log at URL, such as http://host:port/tlog/ of a replica: checks that enough parties have cosigned its checkpoint, that it goes on from the last one that this command has seen, and that its entries are those of its tree. Exit code 1 when they are not.",
    )
    .argument("<URL>", "where the log's files are", parseUrl)
    .requiredOption("--public <FILE>", "the cluster's public.json, from a source that you trust")
    .option("--state <FILE>", "remembers the last checkpoint from one run to the next")
    .option("--once", "look once, instead of until interrupted")
    .option("--keys", "print the parties' verifier keys (C2SP signed-note), and nothing else")
    .option("--interval <SECONDS>", "from one look to the next", wholeNumber(1, 86_400), 5)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example("abcast monitor http://127.0.0.1:7004/tlog/ --public cluster/public.json --state seen.json --once"),
    )
    .action(monitor);
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new InvalidArgumentError("It must be an http or https URL.");
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

async function monitor(url: URL, options: Options): Promise<void> {
  const output = createOutput(options);
  const cluster = await loadPublic(options.public);
  const keys = logKeys(cluster.cluster, cluster.keys.cosigning);
  if (options.keys === true) {
    const lines = keys.map((key) => formatVerifierKey(sha256, key));
    output.result({ keys: lines }, lines.join("\n"));
    return;
  }
  const reader = new LogReader({
    origin: logOrigin(cluster.cluster),
    group: groupOf(cluster),
    keys,
    verify: (publicKey, statement, signature) => createEd25519Verifier(publicKey)(statement, signature),
    fetch: (path, maxBytes) => fetchFile(url, path, maxBytes, REQUEST_TIMEOUT_MS),
  });
  const seen = new Seen(options.state);
  await seen.load(logOrigin(cluster.cluster));
  if (options.once === true) {
    await look(reader, seen, output, url);
    return;
  }
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopped.abort());
  while (!stopped.signal.aborted) {
    await look(reader, seen, output, url).catch((error: unknown) => {
      // A server that is away says nothing about the log.
      if (!(error instanceof UnreachableError)) throw error;
      process.stderr.write(`abcast: ${error.message}; trying again\n`);
    });
    await sleep(options.interval * 1000, undefined, { signal: stopped.signal }).catch(() => undefined);
  }
}

/** @throws InvalidError when the log is not to be believed, UnreachableError when it cannot be had */
async function look(reader: LogReader, seen: Seen, output: Output, url: URL): Promise<void> {
  const old = seen.last;
  const checkpoint = await reader.checkpoint();
  if (checkpoint === undefined) throw new UnreachableError(`${url.href}checkpoint: there is none yet`);
  await reader.follow(old, checkpoint);
  let entries = 0;
  for await (const _ of reader.entries(old?.size ?? 0, checkpoint.size)) entries += 1;
  await seen.save(checkpoint);
  tell(output, checkpoint, { entries, since: old?.size });
}

function tell(
  output: Output,
  { origin, size, root, cosigned }: ReadCheckpoint,
  { entries, since }: { readonly entries: number; readonly since: number | undefined },
): void {
  const parties = [...cosigned.keys()];
  const from = since === undefined ? "seen for the first time" : `goes on from ${since}`;
  output.result(
    {
      consistent: true,
      origin,
      size,
      root: toHex(root),
      since: since ?? null,
      entries,
      cosigned: Object.fromEntries(cosigned),
    },
    `${size} documents, ${from}: consistent, ${entries} new entries checked, cosigned by parties ${parties.join(", ")}`,
  );
}

const stateSchema = z.strictObject({
  format: z.literal("abcast-monitor/1"),
  origin: z.string(),
  size: z.int().nonnegative(),
  root: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The last checkpoint that was believed. */
class Seen {
  readonly #file: string | undefined;
  last: { readonly size: number; readonly root: Uint8Array } | undefined;

  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** @throws InputError when the file is no state of this log's monitor: without it a rewritten log would pass */
  async load(origin: string): Promise<void> {
    if (this.#file === undefined) return;
    const text = await readFile(this.#file, "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text === undefined) return;
    const state = stateSchema.safeParse(parsed(text));
    const root = state.success ? fromHex(state.data.root) : undefined;
    if (!state.success || root === undefined || state.data.origin !== origin)
      throw new InputError({ file: this.#file }, "is not what this command has written for this log");
    this.last = { size: state.data.size, root };
  }

  async save({ origin, size, root }: ReadCheckpoint): Promise<void> {
    this.last = { size, root };
    if (this.#file === undefined) return;
    const state = { format: "abcast-monitor/1", origin, size, root: toHex(root) };
    await writeWhole(this.#file, `${JSON.stringify(state)}\n`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
