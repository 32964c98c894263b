/** `abcast log`: the ordered log as one party has it on disk; the replica may be running. */
import { once } from "node:events";
import type { Command } from "commander";
import { type StorageReader, openReader } from "../../adapters/storage/index.js";
import { decode } from "../../core/codec.js";
import { toHex } from "../../core/bytes.js";
import type { LedgerEntry } from "../../replica/storage.js";
import { documentDigestCodec } from "../../services/notary/index.js";
import { decodePayload } from "../../wire/payload.js";
import { checkPartyDirectory } from "../launch.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";
import { storeDirectory } from "../store-directory.js";

const PAGE_ENTRIES = 1024;

export function registerLog(program: Command): void {
  program
    .command("log")
    .summary("print the ordered log of a party")
    .description(
      "Prints what the party in DIR has delivered, in order, from its store. With --json one {sequence, round, payload} a line, the payload in hexadecimal.",
    )
    .argument("<DIR>", "the party's directory")
    .option("--from <SEQUENCE>", "start at this number", wholeNumber(1, Number.MAX_SAFE_INTEGER), 1)
    .addOption(jsonOption())
    .addHelpText("after", example("abcast log cluster/party-0", "abcast log cluster/party-0 --json | tail -n 1"))
    .action(log);
}

async function log(directory: string, options: { readonly from: number; readonly json?: boolean }): Promise<void> {
  const output = createOutput(options);
  // Else a mistyped path would be reported as a party that has lost its store.
  checkPartyDirectory(directory);
  const store = openReader(storeDirectory(directory));
  try {
    for (let next = options.from; ;) {
      const entries = page(store, next);
      for (const entry of entries) {
        const { sequence, round, payload } = entry;
        output.result({ sequence, round, payload: toHex(payload) }, describe(entry));
        next = sequence + 1;
      }
      if (entries.length < PAGE_ENTRIES) return;
      if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
    }
  } finally {
    await store.close();
  }
}

/** A page at a time: whoever reads our output slowly holds neither memory nor an old state of the store. */
function page(store: StorageReader, from: number): readonly LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (const entry of store.ledger(from)) {
    entries.push(entry);
    if (entries.length === PAGE_ENTRIES) break;
  }
  return entries;
}

function describe({ sequence, round, payload }: LedgerEntry): string {
  return `${String(sequence).padStart(8)}  round ${round}  ${contentOf(payload)}`;
}

function contentOf(bytes: Uint8Array): string {
  const payload = decodePayload(bytes);
  if (!payload.ok) return toHex(bytes);
  if (payload.value.kind === "rejoin") return `party ${payload.value.party} is back without its store`;
  if (payload.value.kind === "duty")
    return `${payload.value.service} duty ${payload.value.number} of party ${payload.value.party}`;
  const { action, client } = payload.value;
  const whose = `for ${toHex(client).slice(0, 16)}`;
  if (action.kind === "void") return `void ${whose}`;
  if (action.kind === "calls") return `${action.service} ${action.operations.length} operations ${whose}`;
  const digest = action.service === "notary" ? decode(documentDigestCodec, action.operation) : undefined;
  const what = digest?.ok === true ? `sha256:${toHex(digest.value.value)}` : toHex(action.operation.subarray(0, 32));
  return `${action.service} ${what} ${whose}`;
}
