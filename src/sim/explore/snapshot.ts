/**
 * The whole state of a protocol instance as a tree of plain values, by reflection, so that a field which is added to a protocol is in it
 * without anybody's doing. Private fields (`#x`) cannot be read by reflection: the explorer runs on a copy of the compiled
 * sources in which they are called `_x` and nothing else differs (test/support/open-sources.mjs).
 */
import { toHex } from "../../core/bytes.js";
import { PartySet } from "../../core/party-set.js";

export type Snapshot = string | readonly Snapshot[] | Fields;

export interface Fields {
  readonly [field: string]: Snapshot;
}

/** What an instance was made with: the same for all states of one exploration. Children are instances of their own. */
const CONSTANT = new Set(["scope", "options", "predicate", "justification", "isEnough"]);

/** Sources whose private fields reflection does not see. */
export class ClosedSourcesError extends Error {
  override readonly name = "ClosedSourcesError";
}

/** @throws ClosedSourcesError when the fields of `instance` cannot be read */
export function snapshot(instance: object): Fields {
  if (Object.keys(instance).length === 0)
    throw new ClosedSourcesError(
      "private fields are not visible: explore a copy made by test/support/open-sources.mjs",
    );
  return fields(instance);
}

function fields(value: object): Fields {
  const result: Record<string, Snapshot> = {};
  for (const [name, field] of Object.entries(value)) {
    const plain = name.replace(/^_/, "");
    if (typeof field !== "function" && !CONSTANT.has(plain)) result[plain] = of(field);
  }
  return result;
}

function of(value: unknown): Snapshot {
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof PartySet) return value.toString();
  if (Array.isArray(value)) return value.map(of);
  if (value instanceof Set) return [...value].map(of);
  if (value instanceof Map) return [...value].map(([key, item]) => [of(key), of(item)]);
  return fields(value);
}

type Pair = readonly [Snapshot, Snapshot];

/** A map is a list of pairs. */
function isPairs(value: Snapshot): value is readonly Pair[] {
  return Array.isArray(value) && value.every((item) => Array.isArray(item) && item.length === 2);
}

export function pairsOf(value: Snapshot | undefined): readonly Pair[] {
  if (value === undefined || !isPairs(value)) throw new RangeError("not a map");
  return value;
}

export function textOf(value: Snapshot | undefined): string {
  if (typeof value !== "string") throw new RangeError("not a plain value");
  return value;
}

export function fieldsOf(value: Snapshot | undefined): Fields {
  if (typeof value !== "object" || Array.isArray(value)) throw new RangeError("not a structure");
  return value as Fields;
}

/** The same without the order in which the entries of maps came. */
export function inOrder(value: Snapshot): Snapshot {
  if (typeof value === "string") return value;
  if (isPairs(value))
    return value
      .map(([key, item]) => [key, inOrder(item)])
      .toSorted(([a], [b]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (Array.isArray(value)) return value.map(inOrder);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, inOrder(field)]));
}
