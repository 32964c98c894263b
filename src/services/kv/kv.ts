/**
 * A map from keys to values with versions, for reads and conditional writes. A key's version is the sequence
 * number of the operation that wrote it, so that no two writes ever have the same.
 */
import { equalBytes } from "../../core/bytes.js";
import type { ApplyContext, Service } from "../service.js";
import {
  decodeKvOperation,
  decodeKvQuery,
  encodeKvAnswer,
  encodeKvReply,
  type KvAnswer,
  type KvCondition,
  type KvCurrent,
  type KvOperation,
  type KvQuery,
  type KvReply,
} from "./messages.js";
import { decodePage, entriesFrom, type Entry, entryAt, type Page, placeOf, sideOf } from "./page.js";
import { Pages } from "./pages.js";

export function createKv(): Service {
  let pages = Pages.empty();
  return {
    name: "kv",

    validate: (operation) => decodeKvOperation(operation).ok,

    apply(context, bytes) {
      const operation = decodeKvOperation(bytes);
      return encodeKvReply(operation.ok ? execute(pages, context, operation.value) : { kind: "malformed" });
    },

    query(bytes) {
      const query = decodeKvQuery(bytes);
      if (!query.ok) return encodeKvAnswer({ kind: "malformed" });
      return encodeKvAnswer(answerIn(pages.pageOf(keyOf(query.value)), query.value));
    },

    snapshot: () => pages.chunks(),

    restore(chunks) {
      pages = Pages.of(chunks);
    },

    /** Also undefined when `bytes` is no query. */
    answerFrom(chunk, bytes) {
      const page = decodePage(chunk);
      const query = decodeKvQuery(bytes);
      if (page === undefined || !query.ok) return undefined;
      const side = sideOf(page, keyOf(query.value));
      return side === "inside" ? { answer: encodeKvAnswer(answerIn(page, query.value)) } : side;
    },
  };
}

function execute(pages: Pages, { sequence }: ApplyContext, operation: KvOperation): KvReply {
  const entry = pages.get(operation.key);
  if (operation.kind === "get") return current(entry);
  if (!holds(operation.condition, entry)) return { kind: "conflict", current: current(entry) };
  if (operation.kind === "put") {
    const isWritten = pages.put({ key: operation.key, version: sequence, value: operation.value });
    return isWritten ? { kind: "written", version: sequence } : { kind: "full" };
  }
  if (entry === undefined) return { kind: "absent" };
  pages.delete(operation.key);
  return { kind: "deleted", version: entry.version };
}

function holds(condition: KvCondition, entry: Entry | undefined): boolean {
  if (condition.kind === "none") return true;
  if (condition.kind === "absent" || entry === undefined) return condition.kind === "absent" && entry === undefined;
  return condition.kind === "version" ? entry.version === condition.version : equalBytes(entry.value, condition.value);
}

function current(entry: Entry | undefined): KvCurrent {
  return entry === undefined ? { kind: "absent" } : { kind: "present", version: entry.version, value: entry.value };
}

/** The key that says which page answers. */
function keyOf(query: KvQuery): Uint8Array {
  return query.kind === "get" ? query.key : query.from;
}

function answerIn(page: Page, query: KvQuery): KvAnswer {
  return query.kind === "get"
    ? current(entryAt(page, placeOf(page, query.key)))
    : { kind: "entries", ...entriesFrom(page, query.from, query.limit) };
}
