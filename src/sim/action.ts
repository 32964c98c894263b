/**
 * What can happen in a run, one thing at a time. A schedule is a list of these; with the scenario and the seed it is the whole
 * run. A message is named by its link and its number there, so that it keeps its name when other actions are left out.
 */
import { fromHex, toHex } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";

export type Action =
  /** The message `number` from `from` to `to` arrives; numbers count from 0 on each directed link. */
  | {
      readonly kind: "deliver";
      readonly from: PartyId;
      readonly to: PartyId;
      readonly number: number;
      readonly crashAfter?: number;
    }
  /** A client hands over the payload at `index` of the scenario's list. */
  | { readonly kind: "submit"; readonly index: number; readonly crashAfter?: number }
  /** A client hands over a payload that is not on the list: what an onlooker makes up. At most MAX_HANDED_BYTES. */
  | { readonly kind: "hand"; readonly party: PartyId; readonly channel: Tag; readonly payload: Uint8Array }
  | { readonly kind: "crash"; readonly party: PartyId }
  | { readonly kind: "restart"; readonly party: PartyId }
  /** The host of the party lets it take part in the present round, of each channel. */
  | { readonly kind: "proceed"; readonly party: PartyId }
  /** Crashes for ever. */
  | { readonly kind: "stop"; readonly party: PartyId }
  /** From now on the adversary speaks for the party, with its keys. */
  | { readonly kind: "corrupt"; readonly party: PartyId }
  /** The connections between two parties break and are made again: what was on the way is lost and said again. */
  | { readonly kind: "break"; readonly from: PartyId; readonly to: PartyId }
  /** From now on two parties lose all that they send to each other, */
  | { readonly kind: "cut"; readonly from: PartyId; readonly to: PartyId }
  /** until their connections are made again. */
  | { readonly kind: "mend"; readonly from: PartyId; readonly to: PartyId }
  /** From now on the parties of `side` and the others lose all that they send to each other. */
  | { readonly kind: "partition"; readonly side: readonly PartyId[] }
  /** Ends the partition; connections are made again. */
  | { readonly kind: "heal" };

export const MAX_HANDED_BYTES = 512;

/** `deliver 0>1 #17 crash 3`: of the step's effects only the first three happen, then the party crashes. */
export function formatAction(action: Action): string {
  switch (action.kind) {
    case "deliver":
      return `deliver ${action.from}>${action.to} #${action.number}${crashSuffix(action.crashAfter)}`;
    case "submit":
      return `submit ${action.index}${crashSuffix(action.crashAfter)}`;
    case "hand":
      return `hand ${action.party} ${action.channel} ${toHex(action.payload)}`;
    case "break":
    case "cut":
    case "mend":
      return `${action.kind} ${action.from}-${action.to}`;
    case "partition":
      return `partition ${action.side.join(",")}`;
    case "heal":
      return "heal";
    case "crash":
    case "restart":
    case "stop":
    case "corrupt":
    case "proceed":
      break;
  }
  return `${action.kind} ${action.party}`;
}

function crashSuffix(crashAfter: number | undefined): string {
  return crashAfter === undefined ? "" : ` crash ${crashAfter}`;
}

const NUMBER = "(\\d{1,9})";
const CRASH = `(?: crash ${NUMBER})?`;
const PATTERNS = {
  deliver: new RegExp(`^deliver ${NUMBER}>${NUMBER} #${NUMBER}${CRASH}$`),
  submit: new RegExp(`^submit ${NUMBER}${CRASH}$`),
  hand: new RegExp(`^hand ${NUMBER} ([a-z][a-z-]{0,15}) ([0-9a-f]{2,${2 * MAX_HANDED_BYTES}})$`),
  party: new RegExp(`^(crash|restart|stop|corrupt|proceed) ${NUMBER}$`),
  link: new RegExp(`^(break|cut|mend) ${NUMBER}-${NUMBER}$`),
  partition: /^partition (\d{1,3}(?:,\d{1,3})*)$/,
} as const;

/** The inverse of `formatAction`; undefined for any other text. */
export function parseAction(text: string): Action | undefined {
  const deliver = numbersOf(PATTERNS.deliver, text);
  if (deliver !== undefined) {
    const [from = 0, to = 0, number = 0, crashAfter] = deliver;
    return { kind: "deliver", from, to, number, ...(crashAfter === undefined ? {} : { crashAfter }) };
  }
  const submit = numbersOf(PATTERNS.submit, text);
  if (submit !== undefined) {
    const [index = 0, crashAfter] = submit;
    return { kind: "submit", index, ...(crashAfter === undefined ? {} : { crashAfter }) };
  }
  const [, side] = PATTERNS.partition.exec(text) ?? [];
  if (side !== undefined) return { kind: "partition", side: side.split(",").map(Number) };
  return text === "heal" ? { kind: "heal" } : (parsePartyAction(text) ?? parseLinkAction(text));
}

function parsePartyAction(text: string): Action | undefined {
  const [, kind, name] = PATTERNS.party.exec(text) ?? [];
  const party = Number(name);
  if (kind === "crash" || kind === "restart" || kind === "stop" || kind === "corrupt" || kind === "proceed")
    return { kind, party };
  const [, to, channel, hex = ""] = PATTERNS.hand.exec(text) ?? [];
  const payload = fromHex(hex);
  if (channel === undefined || payload === undefined) return undefined;
  return { kind: "hand", party: Number(to), channel, payload };
}

function parseLinkAction(text: string): Action | undefined {
  const [, kind, a, b] = PATTERNS.link.exec(text) ?? [];
  const [from, to] = [Number(a), Number(b)];
  return kind === "break" || kind === "cut" || kind === "mend" ? { kind, from, to } : undefined;
}

function numbersOf(pattern: RegExp, text: string): readonly (number | undefined)[] | undefined {
  const match = pattern.exec(text);
  return match === null
    ? undefined
    : match.slice(1).map((digits) => (digits === undefined ? undefined : Number(digits)));
}
