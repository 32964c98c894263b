/**
 * What can happen in a run, one thing at a time. A schedule is a list of these; with the scenario and the seed it is the whole
 * run. A message is named by its link and its number there, so that it keeps its name when other actions are left out.
 */
import type { PartyId } from "../core/party-set.js";

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
  | { readonly kind: "crash"; readonly party: PartyId }
  | { readonly kind: "restart"; readonly party: PartyId }
  /** Crashes for ever. */
  | { readonly kind: "stop"; readonly party: PartyId }
  /** The connections between two parties break and are made again: what was on the way is lost and said again. */
  | { readonly kind: "break"; readonly from: PartyId; readonly to: PartyId }
  /** From now on the parties of `side` and the others lose all that they send to each other. */
  | { readonly kind: "partition"; readonly side: readonly PartyId[] }
  /** Ends the partition; connections are made again. */
  | { readonly kind: "heal" };

/** `deliver 0>1 #17 crash 3`: of the step's effects only the first three happen, then the party crashes. */
export function formatAction(action: Action): string {
  switch (action.kind) {
    case "deliver":
      return `deliver ${action.from}>${action.to} #${action.number}${crashSuffix(action.crashAfter)}`;
    case "submit":
      return `submit ${action.index}${crashSuffix(action.crashAfter)}`;
    case "break":
      return `break ${action.from}-${action.to}`;
    case "partition":
      return `partition ${action.side.join(",")}`;
    case "heal":
      return "heal";
    default:
      return `${action.kind} ${action.party}`;
  }
}

function crashSuffix(crashAfter: number | undefined): string {
  return crashAfter === undefined ? "" : ` crash ${crashAfter}`;
}

const NUMBER = "(\\d{1,9})";
const CRASH = `(?: crash ${NUMBER})?`;
const PATTERNS = {
  deliver: new RegExp(`^deliver ${NUMBER}>${NUMBER} #${NUMBER}${CRASH}$`),
  submit: new RegExp(`^submit ${NUMBER}${CRASH}$`),
  party: new RegExp(`^(crash|restart|stop) ${NUMBER}$`),
  break: new RegExp(`^break ${NUMBER}-${NUMBER}$`),
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
  const [, kind, party] = PATTERNS.party.exec(text) ?? [];
  if (kind === "crash" || kind === "restart" || kind === "stop") return { kind, party: Number(party) };
  const broken = numbersOf(PATTERNS.break, text);
  if (broken !== undefined) return { kind: "break", from: broken[0] ?? 0, to: broken[1] ?? 0 };
  const [, side] = PATTERNS.partition.exec(text) ?? [];
  if (side !== undefined) return { kind: "partition", side: side.split(",").map(Number) };
  return text === "heal" ? { kind: "heal" } : undefined;
}

function numbersOf(pattern: RegExp, text: string): readonly (number | undefined)[] | undefined {
  const match = pattern.exec(text);
  return match === null
    ? undefined
    : match.slice(1).map((digits) => (digits === undefined ? undefined : Number(digits)));
}
