/**
 * The moves of one party in binary agreement: rows of deliveries that end with the party saying something. Only rows of which every
 * message counts: first, for later steps, votes of all others, which then count without the party's own; then, for the current step,
 * a least set of votes that completes it.
 */
import type { PartyId } from "../../core/party-set.js";
import type { Bit } from "../../protocols/binary-agreement/messages.js";
import { ABSTAIN } from "../../protocols/binary-agreement/messages.js";
import { type Heard, type Slot, quoteOf, repertoire } from "./abba-byzantine.js";
import { type Said, nameOf } from "./abba-messages.js";
import type { AbbaParty, Delivery, Local, Outcome } from "./abba-party.js";

export interface Move {
  readonly label: () => string;
  /** Whether no message of it is the corrupted party's. */
  readonly isHonest: boolean;
  readonly outcome: Outcome;
}

export interface Situation {
  readonly local: Local;
  /** To be given, while idle. */
  readonly input: Bit | undefined;
  /** The mover's own history comes first. */
  readonly heard: Heard;
  readonly rounds: number;
  readonly decisions: readonly Delivery[];
}

/** Of moves to one state that say the same, one; an honest one if there is any. */
export function movesOf(party: AbbaParty, situation: Situation): readonly Move[] {
  const { local, input } = situation;
  const rows = new Map<string, Row>();
  const tryRow = (deliveries: readonly Delivery[], given?: Bit): Outcome => {
    const outcome = party.give(local, deliveries, given);
    if (outcome.says.length === 0 && outcome.problem === undefined) return outcome;
    const isHonest = deliveries.every(({ from }) => from !== byzantineIn(situation));
    const result = [outcome.to.id, outcome.problem, ...outcome.says.map(nameOf)].join("|");
    const known = rows.get(result);
    if (known === undefined || (isHonest && !known.isHonest))
      rows.set(result, { deliveries, given, isHonest, outcome });
    return outcome;
  };

  for (const decision of situation.decisions) tryRow([decision]);
  if (local.round <= situation.rounds)
    for (const { last, outcome } of triggers(situation, tryRow)) extend([], outcome, last);
  return Array.from(rows.values(), (row) => ({
    label: () => labelOf(situation, row),
    isHonest: row.isHonest,
    outcome: row.outcome,
  }));

  /** With votes for the step to which `reached` has come, given before anything else: they count at once. */
  function extend(early: readonly Delivery[], reached: Outcome, last: readonly Delivery[]): void {
    const slot = slotOf(reached.to);
    if (slot === undefined || reached.problem !== undefined || reached.to.round > situation.rounds) return;
    for (const votes of rowsOf(situation, slot)) {
      // Flawed votes do not count: they are tried in the current step.
      if (votes.length < situation.heard.histories.length || votes.some(({ said }) => said.flaw !== undefined))
        continue;
      const row = [...early, ...votes];
      const outcome = tryRow([...row, ...last], input);
      if (outcome.says.length > reached.says.length) extend(row, outcome, last);
    }
  }
}

interface Row {
  readonly deliveries: readonly Delivery[];
  readonly given: Bit | undefined;
  readonly isHonest: boolean;
  readonly outcome: Outcome;
}

/** The corrupted party comes after the honest ones. */
function byzantineIn({ heard }: Situation): PartyId {
  return heard.histories.length;
}

interface Trigger {
  readonly last: readonly Delivery[];
  readonly outcome: Outcome;
}

/** What completes the current step. */
function triggers(
  situation: Situation,
  tryRow: (row: readonly Delivery[], input?: Bit) => Outcome,
): readonly Trigger[] {
  const { local, input } = situation;
  if (input !== undefined) return [{ last: [], outcome: tryRow([], input) }];
  const slot = slotOf(local);
  if (slot === undefined) return [];
  const found: Trigger[] = [];
  const complete: string[] = [];
  for (const last of [...rowsOf(situation, slot), ...lateRows(situation, slot)]) {
    const name = nameOfRow(last);
    // Whatever follows a row that completes the step is for later.
    if (complete.some((row) => name.startsWith(row))) continue;
    const outcome = tryRow(last);
    if (outcome.says.length === 0 && outcome.problem === undefined) continue;
    complete.push(`${name}|`);
    found.push({ last, outcome });
  }
  return found;
}

/** One more main-vote, of the corrupted party, while the coin is awaited: the votes are frozen, and it must not count. */
function lateRows(situation: Situation, slot: Slot): readonly (readonly Delivery[])[] {
  if (slot.kind !== "coin") return [];
  const from = byzantineIn(situation);
  const late = repertoire(situation.heard, { kind: "mainVote", round: slot.round });
  const shares = rowsOf(situation, slot).filter((row) => row.every(({ said }) => said.flaw === undefined));
  return late.flatMap((said) => shares.map((row) => [{ from, said }].concat(row)));
}

function nameOfRow(row: readonly Delivery[]): string {
  return row.map(({ from, said }) => `${from}>${nameOf(said)}|`).join("");
}

function slotOf({ at, round }: Local): Slot | undefined {
  if (at === "pre-votes") return { kind: "preVote", round };
  if (at === "main-votes") return { kind: "mainVote", round };
  return at === "coin" ? { kind: "coin", round } : undefined;
}

/** All sets of messages for the slot, one of each sender, smaller ones first. */
function rowsOf(situation: Situation, slot: Slot): readonly (readonly Delivery[])[] {
  const [, ...others] = situation.heard.histories;
  const byzantine = byzantineIn(situation);
  const choices = [
    ...others.map((_, index) => offersOf(situation.heard, slot, index + 1)),
    repertoire(situation.heard, slot).map((said) => ({ from: byzantine, said })),
  ];
  let rows: readonly (readonly Delivery[])[] = [[]];
  for (const offers of choices) rows = rows.concat(rows.flatMap((row) => offers.map((offer) => row.concat(offer))));
  return rows.filter((row) => row.length > 0).toSorted((a, b) => a.length - b.length);
}

/** What honest party `from` has said for the slot, at most one thing; an abstention with votes to quote. */
function offersOf(heard: Heard, { kind, round }: Slot, from: PartyId): readonly Delivery[] {
  const said = heard.histories[from]?.find((one) => one.kind === kind && one.round === round);
  if (said === undefined) return [];
  return [
    {
      from,
      said:
        said.kind === "mainVote" && said.value === ABSTAIN && said.quotes === undefined
          ? withQuotes(heard, said)
          : said,
    },
  ];
}

function withQuotes(heard: Heard, said: Extract<Said, { kind: "mainVote" }>): Said {
  const zero = quoteOf(heard, said.round, 0);
  const one = quoteOf(heard, said.round, 1);
  return zero === undefined || one === undefined ? said : { ...said, quotes: { zero, one } };
}

function labelOf(situation: Situation, { deliveries, given: input, outcome }: Row): string {
  const byzantine = byzantineIn(situation);
  const who = situation.local.at === "idle" ? "idle" : `in round ${situation.local.round}, ${situation.local.at}`;
  const given = [
    ...deliveries.map(({ from, said }) => `${from === byzantine ? "byzantine" : `honest ${from}`}: ${nameOf(said)}`),
    ...(input === undefined ? [] : [`its input ${input}`]),
  ];
  const says = outcome.says.map(nameOf).join(", ");
  return `a party (${who}) takes ${given.join("; ")} — and says ${says === "" ? "nothing" : says}`;
}
