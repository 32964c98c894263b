/** Auctions in words. */
import type { TermsShown } from "./state.js";

export const KIND_TEXTS: Readonly<Record<string, string>> = {
  "sealed-first": "sealed, pays what it bid",
  "sealed-second": "sealed, pays the second price",
  open: "open, ascending",
  tender: "sealed tender",
  book: "order book",
};

export const STAGE_TEXTS: Readonly<Record<string, string>> = {
  open: "open",
  opening: "bids are being opened",
  decided: "decided",
  closed: "closed",
};

export function amountText(amount: number, unit: string): string {
  return `${amount.toLocaleString()}${unit === "" ? "" : ` ${unit}`}`;
}

/** Names and values of what is fixed. */
export function factsOf(terms: TermsShown, owner: string): readonly (readonly [string, string])[] {
  const { unit, reserve = 0, increment, maxPrice, criteria, priceWeight = 1 } = terms;
  const facts: [string, string][] = [
    ["Kind", KIND_TEXTS[terms.kind] ?? terms.kind],
    ["Owner", owner],
  ];
  if (reserve > 0) facts.push(["Reserve", amountText(reserve, unit)]);
  if (increment !== undefined) facts.push(["Each bid above by", amountText(increment, unit)]);
  if (maxPrice !== undefined) facts.push(["Highest price", amountText(maxPrice, unit)]);
  if (terms.kind === "tender") facts.push(["Score", scoreText(criteria, priceWeight)]);
  const changes = [terms.mayReplace ? "replaced" : "", terms.mayWithdraw ? "taken back" : ""].filter(Boolean);
  facts.push([
    "Bids may be",
    changes.length > 0 ? `${changes.join(" and ")}, before the close` : "neither replaced nor taken back",
  ]);
  return facts;
}

function scoreText(criteria: TermsShown["criteria"], priceWeight: number): string {
  const parts = criteria.map(({ name, weight, effect, max }, index) => {
    const sign = effect === "adds" ? (index === 0 ? "" : " + ") : " − ";
    return `${sign}${weight} × ${name} (up to ${max})`;
  });
  return `${parts.join("")} − ${priceWeight === 1 ? "" : `${priceWeight} × `}price`.trim();
}

/** What is left, to the second. */
export function leftText(leftMs: number): string {
  if (leftMs <= 0) return "The time is over; the group closes it.";
  const seconds = Math.ceil(leftMs / 1000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = `${two(hours)}:${two(minutes)}:${two(seconds % 60)}`;
  return `Closes in ${days > 0 ? `${days} d ` : ""}${clock}`;
}

const REFUSALS: Readonly<Record<string, string>> = {
  "not-open": "it is closed",
  "not-bidder": "you may not bid here",
  "not-owner": "only its owner closes it",
  "closes-by-time": "it closes by its time, and not earlier",
  "no-time": "rounds of this cluster have no time, so that auctions cannot close by it",
  "has-bid": "you have bid, and bids may not be replaced here",
  "no-bid": "you have no bid that stands",
  "no-withdrawal": "bids may not be taken back here",
  "too-low": "that is less than the reserve, or than the next bid must be",
  "wrong-label": "the bid was sealed for another auction, or by another key",
  "old-counter": "another window with your key was faster; try again",
  "unknown-key": "your key is not registered yet; a client of the cluster has to do that",
  "old-number": "another window with your key was faster; look what became of it, and try again",
  full: "there is no room for more",
};

/** The refusal in words, where the message has one. */
export function refusalText(message: string): string {
  const reason = /refused: ([a-z-]+)$/.exec(message)?.[1];
  return reason === undefined ? message : `The group refused: ${REFUSALS[reason] ?? reason}.`;
}
