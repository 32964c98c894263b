/** Histories for the tests of the checker: such as a single copy gives, and small ones with any results at all. */
import type { Operation, OperationResult } from "./linearizability.mjs";

export type Draw = (below: number) => number;

/** Mulberry32: the tests need repeatable choices, not good ones. */
export function picker(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export interface Shape {
  readonly processes: number;
  readonly operations: number;
  readonly keys: number;
  /** Of a hundred operations, how many have an unknown outcome. */
  readonly unknownPercent: number;
  readonly withVersions?: boolean;
}

type Asked = Pick<Operation, "process" | "op" | "key" | "value" | "startNs">;

interface Planned {
  readonly asked: Asked;
  readonly endNs: number | null;
  /** When it happens; undefined: never, and its client does not learn that. */
  readonly atNs: number | undefined;
}

/** What clients see of a single copy, their operations overlapping at random. */
export function honestHistory(seed: number, shape: Shape): Operation[] {
  const pick = picker(seed);
  const planned: Planned[] = [];
  for (let process = 0; process < shape.processes; process++) {
    let nowNs = 1 + pick(100);
    for (let count = 0; count < shape.operations / shape.processes; count++) {
      const startNs = nowNs + pick(20);
      const isKnown = pick(100) >= shape.unknownPercent;
      // What nobody waits for any more may happen much later.
      const atNs = startNs + pick(isKnown ? 60 : 2000);
      const endNs = atNs + pick(60);
      nowNs = (isKnown ? endNs : startNs + 60) + 1;
      const op = (["get", "get", "put", "put", "cas", "cas", "delete"] as const)[pick(7)] ?? "get";
      const asked = { process, op, key: `key-${pick(shape.keys)}`, value: `${process}.${count}`, startNs };
      if (isKnown) planned.push({ asked, endNs, atNs });
      else planned.push({ asked, endNs: null, atNs: pick(2) === 0 ? atNs : undefined });
    }
  }
  return withResults(planned, pick, shape.withVersions ?? false);
}

function withResults(planned: readonly Planned[], pick: Draw, withVersions: boolean): Operation[] {
  const copy = new Map<string, string>();
  let version = 0;
  return planned
    .toSorted((a, b) => (a.atNs ?? 0) - (b.atNs ?? 0))
    .map(({ asked, endNs, atNs }): Operation => {
      const { op, key, value = null } = asked;
      const held = copy.get(key) ?? null;
      const expected = pick(3) === 0 ? "nothing like it" : held;
      const found = expected === held;
      const results: Record<Operation["op"], OperationResult> = {
        get: { value: held },
        put: withVersions ? { version: ++version } : {},
        delete: { existed: held !== null },
        cas: found ? { ok: true } : { ok: false, value: held },
      };
      const result = results[op];
      const writes = op === "put" || (op === "cas" && found);
      if (atNs !== undefined && writes && value !== null) copy.set(key, value);
      if (atNs !== undefined && op === "delete") copy.delete(key);
      return Object.assign(asked, op === "cas" ? { expected } : {}, { endNs }, endNs === null ? {} : { result });
    });
}

/** Few operations of few values, with results that nobody computed: some are linearisable. */
export function arbitraryHistory(seed: number): Operation[] {
  const pick = picker(seed);
  const value = (): string | null => [null, "a", "b"][pick(3)] ?? null;
  return Array.from({ length: 2 + pick(5) }, (_, process): Operation => {
    const startNs = pick(12);
    const op = (["get", "put", "cas", "delete"] as const)[pick(4)] ?? "get";
    const asked = {
      process,
      op,
      key: "k",
      ...(op === "put" || op === "cas" ? { value: pick(2) === 0 ? "a" : "b" } : {}),
      ...(op === "cas" ? { expected: value() } : {}),
      startNs,
    };
    if (pick(5) === 0) return { ...asked, endNs: null };
    const result = { get: { value: value() }, put: {}, cas: { ok: pick(2) === 0 }, delete: { existed: pick(2) === 0 } };
    return { ...asked, result: result[op], endNs: startNs + pick(8) };
  });
}

/** By definition: some order of the operations that have ended and of some of the others explains all results. One key, few operations. */
export function isLinearizableByDefinition(history: readonly Operation[]): boolean {
  const extend = (held: string | null, left: readonly Operation[]): boolean => {
    if (left.every(({ endNs }) => endNs === null)) return true;
    return left.some((operation) => {
      if (left.some(({ endNs }) => endNs !== null && endNs < operation.startNs)) return false;
      const next = afterwards(held, operation);
      return (
        next !== undefined &&
        extend(
          next.held,
          left.filter((other) => other !== operation),
        )
      );
    });
  };
  return extend(null, history);
}

function afterwards(
  held: string | null,
  { op, value = null, expected, result }: Operation,
): { held: string | null } | undefined {
  const possible = (condition: boolean, then: string | null): { held: string | null } | undefined =>
    condition ? { held: then } : undefined;
  if (op === "get") return possible(result === undefined || result.value === held, held);
  if (op === "put") return { held: value };
  if (op === "delete") return possible(result === undefined || result.existed === (held !== null), null);
  const found = held === expected;
  return possible(result === undefined || result.ok === found, found ? value : held);
}
