/**
 * Reading a cluster's files. Whatever is wrong becomes an InputError that names the file and the field;
 * a file is read whole, checked whole, and only then used.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { fromUtf8 } from "../core/bytes.js";
import type { Decoded } from "../core/codec.js";
import { parseJson, parseJsonBytes } from "../core/json.js";
import { decryptWithPassphrase } from "../crypto/ceremony/passphrase.js";
import { protectedSchema } from "./config-ceremony.js";
import {
  type ChannelSettings,
  type ClientConfig,
  type ClusterPublic,
  clientConfigSchema,
  type PartyConfig,
  type PartyKeys,
  partyConfigSchema,
  partyKeysSchema,
  publicSchema,
  resolveLimits,
} from "./config.js";
import { checkClient, checkParty, checkPartyKeys, checkPublic, type Issue } from "./config-checks.js";
import { InputError, naming } from "./input-error.js";

export { InputError };

export const MAX_CONFIG_FILE_BYTES = 8 * 1024 * 1024;

/** A party's directory, loaded and checked. */
export interface Party {
  /** The directory that it was loaded from. */
  readonly directory: string;
  readonly config: PartyConfig;
  /** The cluster's rules and this party's limits, with the defaults filled in. */
  readonly channel: ChannelSettings;
  readonly public: ClusterPublic;
  readonly keys: PartyKeys;
}

/** @throws InputError when the file cannot be read or is not a valid public file. */
export async function loadPublic(path: string): Promise<ClusterPublic> {
  const cluster = await readFileAs(path, publicSchema, "open");
  refuse(path, await checkPublic(cluster));
  return cluster;
}

/**
 * config.json, public.json and keys.json of `directory`.
 * @throws InputError when one of them is missing, malformed, readable by others (the keys), or does not
 * fit the others.
 */
export async function loadParty(directory: string, passphrase?: PassphraseSource): Promise<Party> {
  const file = (name: string): string => join(directory, name);
  const config = await readFileAs(file("config.json"), partyConfigSchema, "open");
  const cluster = await loadPublic(file("public.json"));
  refuse(file("config.json"), checkParty(config, cluster));
  const keys = await readFileAs(file("keys.json"), partyKeysSchema, "secret", passphrase);
  refuse(file("keys.json"), await checkPartyKeys(keys, config.party, cluster));
  const channel = { ...cluster.channel, ...resolveLimits(config.limits, cluster.channel) };
  return { directory, config, channel, public: cluster, keys };
}

/** @throws InputError when the file is missing, malformed, readable by others, or contradicts itself. */
export async function loadClient(path: string, passphrase?: PassphraseSource): Promise<ClientConfig> {
  const client = await readFileAs(path, clientConfigSchema, "secret", passphrase);
  refuse(path, await checkClient(client));
  return client;
}

/** "secret": refused when anybody but its owner may read or write it. */
export type FileAccess = "open" | "secret";

/** Where the passphrase of the secret file at `path` comes from; undefined when nobody has one. */
export type PassphraseSource = (path: string) => Promise<string | undefined>;

/** @throws InputError naming `path` and the field. */
export async function readFileAs<T extends z.ZodType>(
  path: string,
  schema: T,
  access: FileAccess,
  passphrase?: PassphraseSource,
  maxBytes = MAX_CONFIG_FILE_BYTES,
): Promise<z.output<T>> {
  const { text, mode } = await readText(path, maxBytes);
  const json = access === "secret" ? await unprotect(path, parseJson(text), passphrase) : parseJson(text);
  const parsed = json.ok ? schema.safeParse(json.value) : undefined;
  const issues = parsed?.error?.issues ?? [];
  // Before the access: a public file that was named by mistake may be read by all.
  for (const issue of issues) refuseOtherKind(path, issue, json.ok ? json.value : undefined);
  if (access === "secret" && process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new InputError(
      { file: path },
      `holds secret keys but others may access it (mode ${(mode & 0o777).toString(8)}); run: chmod 600 ${shellWord(path)}`,
    );
  }
  if (!json.ok) throw new InputError({ file: path }, json.error);
  if (parsed?.success) return parsed.data;
  refuse(path, issues.toSorted((a, b) => rank(a) - rank(b)).map(issueOf));
  throw new InputError({ file: path }, "does not have the expected form");
}

/** The content of a file that may be under a passphrase. @throws InputError when it is, and the right one is not to be had */
async function unprotect(
  path: string,
  json: Decoded<unknown>,
  passphrase?: PassphraseSource,
): Promise<Decoded<unknown>> {
  if (!json.ok || formatOf(json.value) !== "abcast-protected/1") return json;
  const parsed = protectedSchema.safeParse(json.value);
  if (!parsed.success) refuse(path, parsed.error.issues.map(issueOf));
  const phrase = parsed.success ? await passphrase?.(path) : undefined;
  if (!parsed.success || phrase === undefined) {
    throw new InputError(
      { file: path },
      "is under a passphrase; write it to a file that only you can read, and name that in ABCAST_PASSPHRASE_FILE",
    );
  }
  const opened = await decryptWithPassphrase(parsed.data, phrase);
  if (opened.kind === "invalid") throw new InputError({ file: path }, opened.reason);
  return parseJsonBytes(opened.plaintext);
}

function formatOf(content: unknown): unknown {
  return typeof content === "object" && content !== null && "format" in content ? content.format : undefined;
}

/** By their `format`. */
const FILE_KINDS: ReadonlyMap<unknown, string> = new Map([
  ["abcast-public/4", "a cluster's public file, public.json"],
  ["abcast-party/1", "a party's settings, config.json"],
  ["abcast-party-keys/2", "a party's keys, keys.json"],
  ["abcast-client/2", "a client's file, client-I.json"],
  ["abcast-bidder/1", "a bidder's key"],
  ["abcast-registration/1", "the registration of a bidder's key"],
  ["abcast-receipt/1", "a receipt"],
  ["abcast-evidence/1", "evidence of a party's misbehaviour"],
  ["abcast-identity/2", "a party's own keys, identity.json"],
  ["abcast-card/2", "a party's card, card.json"],
  ["abcast-sealed/1", "a party's sealed folder, party-I.sealed"],
  ["abcast-spare/1", "an encrypted spare share, spare-I.sealed"],
  ["abcast-protected/1", "a secret file under a passphrase"],
]);

/** Throws when `issue` is that the file at `path`, with `content`, is another one of ours than is needed. */
function refuseOtherKind(path: string, issue: z.core.$ZodIssue, content: unknown): void {
  if (!isOfFormat(issue) || issue.code !== "invalid_value") return;
  const format = formatOf(content);
  const [is, needed] = [FILE_KINDS.get(format), FILE_KINDS.get(issue.values[0])];
  if (is === undefined || needed === undefined) return;
  throw new InputError({ file: path, field: "format" }, `is "${String(format)}": this is ${is}; needed is ${needed}`);
}

function isOfFormat({ path }: z.core.$ZodIssue): boolean {
  return path.length === 1 && path[0] === "format";
}

/** Unknown fields before missing ones: a misspelt field is both. Another format explains all others. */
function rank(issue: z.core.$ZodIssue): number {
  return isOfFormat(issue) ? 0 : issue.code === "unrecognized_keys" ? 1 : 2;
}

/** A regular file of at most `maxBytes`. @throws InputError when it is none, larger, or not UTF-8 */
export async function readText(
  path: string,
  maxBytes: number,
): Promise<{ readonly text: string; readonly mode: number }> {
  // Non-blocking, so that a named pipe is refused below instead of waited for.
  const handle = await naming(path, open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    // One descriptor for all questions: the file that is checked is the file that is read.
    const status = await naming(path, handle.stat());
    if (status.isDirectory()) throw new InputError({ file: path }, "is a directory, a file is needed");
    if (!status.isFile()) throw new InputError({ file: path }, "is not a regular file");
    const content = new Uint8Array(maxBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await naming(path, handle.read(content, length, content.length - length, length));
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length > maxBytes) throw new InputError({ file: path }, `is larger than ${maxBytes} bytes`);
    }
    try {
      return { text: fromUtf8(content.subarray(0, length)), mode: status.mode };
    } catch {
      throw new InputError({ file: path }, "is not UTF-8 text");
    }
  } finally {
    await handle.close();
  }
}

export function shellWord(text: string): string {
  return /^[A-Za-z0-9._/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function issueOf(issue: z.core.$ZodIssue): Issue {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  if (issue.code === "unrecognized_keys")
    return { path: [...path, issue.keys[0] ?? ""], message: "unknown field; remove it" };
  if (issue.code === "invalid_type" && issue.message.endsWith("received undefined"))
    return { path, message: "is missing" };
  return { path, message: issue.message.replace(/^Invalid input: /, "") };
}

/** Throws the first issue; the others are only counted, because one mistake often causes several. */
export function refuse(file: string, issues: readonly Issue[]): void {
  const [first, ...others] = issues;
  if (first === undefined) return;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  throw new InputError({ file, field: fieldPath(first.path) }, first.message + more);
}

/** `["parties", 2, "port"]` as `parties[2].port`. */
function fieldPath(path: readonly (string | number)[]): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}
