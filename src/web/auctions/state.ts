/** Auctions as the replica tells them, read from its JSON. */
import { fieldOf, getJson, listIn, numberIn, stringIn } from "../common/api.js";
import type { Terms } from "../../services/bidding/index.js";

export interface Listed {
  readonly auction: number;
  readonly kind: string;
  readonly title: string;
  readonly stage: string;
}

export interface Bid {
  readonly bid: number;
  /** Its key in hexadecimal. */
  readonly bidder: string;
  readonly sequence: number;
  readonly standing: string;
  /** Undefined while sealed. */
  readonly amount: number | undefined;
  readonly values: readonly number[];
}

export interface Shown {
  readonly auction: number;
  readonly owner: string;
  /** What the forms need of them. */
  readonly terms: TermsShown;
  readonly stage: string;
  readonly leading: number | undefined;
  readonly outcome: { readonly bid: number; readonly price: number } | undefined;
  readonly sealed: number;
  readonly bids: readonly Bid[];
}

export interface TermsShown {
  readonly kind: Terms["kind"];
  readonly title: string;
  readonly unit: string;
  readonly closesAtMs: number | undefined;
  readonly mayReplace: boolean;
  readonly mayWithdraw: boolean;
  readonly reserve: number | undefined;
  readonly increment: number | undefined;
  readonly maxPrice: number | undefined;
  readonly priceWeight: number | undefined;
  readonly criteria: readonly {
    readonly name: string;
    readonly weight: number;
    readonly effect: string;
    readonly max: number;
  }[];
}

const KINDS: ReadonlySet<string> = new Set(["sealed-first", "sealed-second", "open", "tender", "book"]);

/** @throws ApiError */
export async function listAuctions(): Promise<readonly Listed[]> {
  return listAll("/v1/auctions", "auctions", (item) => ({
    auction: numberIn(item, "auction") ?? 0,
    kind: stringIn(item, "kind") ?? "",
    title: stringIn(item, "title") ?? "",
    stage: stringIn(item, "stage") ?? "",
  }));
}

/** @throws ApiError */
export async function showAuction(auction: number): Promise<Shown> {
  const json = await getJson(`/v1/auctions/${auction}`);
  const terms = termsOf(fieldOf(json, "terms"));
  const outcome = fieldOf(json, "outcome");
  const [bid, price] = [numberIn(outcome, "bid"), numberIn(outcome, "price")];
  return {
    auction,
    owner: stringIn(json, "owner") ?? "",
    terms,
    stage: stringIn(json, "stage") ?? "",
    leading: numberIn(json, "leading"),
    outcome: bid === undefined || price === undefined ? undefined : { bid, price },
    sealed: numberIn(json, "sealedCount") ?? 0,
    bids: terms.kind === "book" ? [] : await listAll(`/v1/auctions/${auction}/bids`, "bids", bidOf),
  };
}

async function listAll<T>(path: string, name: string, read: (item: unknown) => T): Promise<readonly T[]> {
  const all: T[] = [];
  for (let from = 1; ;) {
    const json = await getJson(`${path}?from=${from}`);
    all.push(...listIn(json, name).map(read));
    const next = numberIn(json, "next");
    // A replica that goes back would have us ask for ever.
    if (next === undefined || next <= from) return all;
    from = next;
  }
}

function bidOf(item: unknown): Bid {
  return {
    bid: numberIn(item, "bid") ?? 0,
    bidder: stringIn(item, "bidder") ?? "",
    sequence: numberIn(item, "sequence") ?? 0,
    standing: stringIn(item, "standing") ?? "",
    amount: numberIn(item, "amount"),
    values: listIn(item, "values").filter((value) => typeof value === "number"),
  };
}

function termsOf(json: unknown): TermsShown {
  const kind = stringIn(json, "kind") ?? "";
  if (!isKind(kind)) throw new Error(`this page does not know auctions of the kind “${kind}”`);
  return {
    kind,
    title: stringIn(json, "title") ?? "",
    unit: stringIn(json, "unit") ?? "",
    closesAtMs: numberIn(json, "closesAtMs"),
    mayReplace: fieldOf(json, "mayReplace") === true,
    mayWithdraw: fieldOf(json, "mayWithdraw") === true,
    reserve: numberIn(json, "reserve"),
    increment: numberIn(json, "increment"),
    maxPrice: numberIn(json, "maxPrice"),
    priceWeight: numberIn(json, "priceWeight"),
    criteria: listIn(json, "criteria").map((item) => ({
      name: stringIn(item, "name") ?? "",
      weight: numberIn(item, "weight") ?? 0,
      effect: stringIn(item, "effect") ?? "adds",
      max: numberIn(item, "max") ?? 0,
    })),
  };
}

function isKind(kind: string): kind is Terms["kind"] {
  return KINDS.has(kind);
}

export function isSealedKind(kind: string): boolean {
  return kind !== "open" && kind !== "book";
}
