/**
 * What all threshold schemes here have in common, and how shares are combined although some are bad.
 *
 * Every `check…` is total: any bytes in place of a share, signature or ciphertext give a verdict with a reason,
 * never an exception.
 */
import { setImmediate as otherEvents } from "node:timers/promises";
import { type PartyId, PartySet } from "../core/party-set.js";
import { CombineError } from "./errors.js";
import type { Sharing } from "./sharing/sharing.js";

export interface Invalid {
  readonly kind: "invalid";
  /** Why, for a log. */
  readonly reason: string;
}

export type Verdict =
  | { readonly kind: "valid" }
  | Invalid
  /** A share that came without the proof by which it could be judged: ask its party for the proof. */
  | { readonly kind: "unproven" };

export const VALID: Verdict = { kind: "valid" };
export const UNPROVEN: Verdict = { kind: "unproven" };

export function invalid(reason: string): Invalid {
  return { kind: "invalid", reason };
}

/** One party's side of a scheme: it has the secret. */
export interface Sharer<Subject> {
  readonly party: PartyId;
  /** Deterministic: the same bytes each time, also after a restart. @throws TypeError after `destroy`. */
  share(subject: Subject): Uint8Array;
  /** Overwrites the secret. */
  destroy(): void;
}

/** Everybody's side of a scheme: what a message, a coin's name or a ciphertext comes to when enough parties agree. */
export interface Scheme<Subject, Value> {
  /** Whose shares suffice. */
  readonly sharing: Sharing;
  /** Whether parties make shares of this at all. Only where some subjects are refused, as a mauled ciphertext is. */
  checkSubject?(subject: Subject): Verdict;
  checkShare(party: PartyId, subject: Subject, share: Uint8Array): Verdict;
  /** A verdict on each share. Only where that is faster than one by one. */
  checkShares?(subject: Subject, shares: ReadonlyMap<PartyId, Uint8Array>): ReadonlyMap<PartyId, Verdict>;
  /**
   * The value: the same from any qualified set with valid shares.
   * @throws CombineError unless the shares are of a qualified set and well-formed.
   */
  combine(subject: Subject, shares: ReadonlyMap<PartyId, Uint8Array>): Value;
  /** Only where the value can be checked without the shares, as a signature can. */
  checkValue?(subject: Subject, value: Value): Verdict;
}

export type Combination<Value> = {
  /** The parties with a bad share, as far as it was looked for, and why. */
  readonly faulty: ReadonlyMap<PartyId, string>;
} & (
  | { readonly kind: "combined"; readonly value: Value }
  /** What is left is no qualified set. `unproven`: who could still help by proving its share. */
  | { readonly kind: "insufficient"; readonly unproven: readonly PartyId[] }
);

/**
 * Combines shares of which some may be bad. Optimistic where the value can be checked: combines first, and looks at
 * single shares only when the result is wrong. Total.
 */
export function combineRobustly<Subject, Value>(
  scheme: Scheme<Subject, Value>,
  subject: Subject,
  shares: ReadonlyMap<PartyId, Uint8Array>,
): Combination<Value> {
  const steps = combining(scheme, subject, shares);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same for an event loop that serves others: they have their turn between steps, which take some milliseconds each. */
export async function combineInTurns<Subject, Value>(
  scheme: Scheme<Subject, Value>,
  subject: Subject,
  shares: ReadonlyMap<PartyId, Uint8Array>,
): Promise<Combination<Value>> {
  const steps = combining(scheme, subject, shares);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await otherEvents();
  }
}

/** Pauses between steps. */
function* combining<Subject, Value>(
  scheme: Scheme<Subject, Value>,
  subject: Subject,
  shares: ReadonlyMap<PartyId, Uint8Array>,
): Generator<undefined, Combination<Value>, undefined> {
  const { sharing } = scheme;
  const isQualified = (some: ReadonlyMap<PartyId, Uint8Array>): boolean =>
    sharing.isQualified(PartySet.of(some.keys()));
  // Nobody is at fault for having no share of what nobody may make a share of.
  if (scheme.checkSubject?.(subject).kind === "invalid")
    return { kind: "insufficient", faulty: new Map(), unproven: [] };
  const { known, faulty } = knownParties(sharing, shares);

  if (scheme.checkValue !== undefined && isQualified(known)) {
    const value = tryCombine(scheme, subject, known);
    yield;
    if (value !== undefined && scheme.checkValue(subject, value).kind === "valid")
      return { kind: "combined", value, faulty };
    yield;
  }

  const valid = new Map<PartyId, Uint8Array>();
  const unproven: PartyId[] = [];
  for (const some of chunksOf(known, scheme.checkShares === undefined ? 1 : MAX_BATCH_SHARES)) {
    for (const [party, verdict] of judge(scheme, subject, some)) {
      if (verdict.kind === "invalid") faulty.set(party, verdict.reason);
      else if (verdict.kind === "unproven") unproven.push(party);
      else valid.set(party, some.get(party) ?? new Uint8Array());
    }
    yield;
  }
  if (!isQualified(valid)) return { kind: "insufficient", faulty, unproven };
  const value = scheme.combine(subject, valid);
  // From good shares a bad value: the public keys contradict each other, which is the dealer's doing.
  if (scheme.checkValue?.(subject, value).kind === "invalid") return { kind: "insufficient", faulty, unproven: [] };
  return { kind: "combined", value, faulty };
}

/** So many shares are judged at once: more would save little, and hold up other events. */
const MAX_BATCH_SHARES = 8;

function chunksOf<Key, Item>(map: ReadonlyMap<Key, Item>, size: number): ReadonlyMap<Key, Item>[] {
  const entries = [...map];
  return Array.from(
    { length: Math.ceil(entries.length / size) },
    (_, i) => new Map(entries.slice(i * size, (i + 1) * size)),
  );
}

/** The shares in ascending order of their parties, less those of parties that hold no part of the key. */
function knownParties(sharing: Sharing, shares: ReadonlyMap<PartyId, Uint8Array>) {
  const faulty = new Map<PartyId, string>();
  const known = new Map<PartyId, Uint8Array>();
  for (const [party, share] of [...shares].sort(([a], [b]) => a - b)) {
    if (sharing.leavesOf(party).length === 0) faulty.set(party, "the party holds no part of this key");
    else known.set(party, share);
  }
  return { known, faulty };
}

/** Undefined when a share is not even well-formed. */
function tryCombine<Subject, Value>(
  scheme: Scheme<Subject, Value>,
  subject: Subject,
  shares: ReadonlyMap<PartyId, Uint8Array>,
): Value | undefined {
  try {
    return scheme.combine(subject, shares);
  } catch (error) {
    if (error instanceof CombineError) return undefined;
    throw error;
  }
}

function judge<Subject, Value>(
  scheme: Scheme<Subject, Value>,
  subject: Subject,
  shares: ReadonlyMap<PartyId, Uint8Array>,
): Iterable<readonly [PartyId, Verdict]> {
  return (
    scheme.checkShares?.(subject, shares) ??
    [...shares].map(([party, share]) => [party, scheme.checkShare(party, subject, share)] as const)
  );
}

/** Whose shares these are. @throws CombineError when one is of a party that holds no part of the key. */
export function partiesOf(sharing: Sharing, shares: ReadonlyMap<PartyId, Uint8Array>): PartySet {
  const stranger = [...shares.keys()].find((party) => sharing.leavesOf(party).length === 0);
  if (stranger !== undefined) throw new CombineError(`party ${stranger} holds no part of this key`);
  return PartySet.of(shares.keys());
}

/** A party's share cut into its pieces, one for each leaf; undefined when the length is wrong. Views, no copies. */
export function piecesOf(
  sharing: Sharing,
  party: PartyId,
  share: Uint8Array,
  pieceBytes: number,
): Uint8Array[] | undefined {
  const count = sharing.leavesOf(party).length;
  if (count === 0 || share.length !== count * pieceBytes) return undefined;
  return Array.from({ length: count }, (_, i) => share.subarray(i * pieceBytes, (i + 1) * pieceBytes));
}
