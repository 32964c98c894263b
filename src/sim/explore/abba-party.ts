/**
 * The local states of an honest party in binary agreement, found by running the production code. A state is known by the inputs
 * that lead to it; two sequences of inputs lead to one state when what the instance holds afterwards is the same but for
 * what `essence` leaves out.
 */
import { equalBytes } from "../../core/bytes.js";
import type { Effect } from "../../core/engine.js";
import type { Group } from "../../core/group.js";
import type { PartyId } from "../../core/party-set.js";
import type { Suite } from "../../core/suite.js";
import {
  type BinaryAgreementMessage,
  type BinaryDecision,
  type BinaryInput,
  type Bit,
  binaryAgreement,
} from "../../protocols/binary-agreement/index.js";
import { ABSTAIN } from "../../protocols/binary-agreement/messages.js";
import { type Said, bytesOf, nameOf, predicate, proofOf, saidBy } from "./abba-messages.js";
import { type Given, Party, TAG } from "./party.js";
import { type Fields, type Snapshot, fieldsOf, inOrder, pairsOf, snapshot, textOf } from "./snapshot.js";

/** The party that runs: parties differ in nothing but their numbers, so one of them shows what any does. */
const SELF: PartyId = 0;

export type At = "idle" | "pre-votes" | "main-votes" | "coin" | "halted";

export interface Local {
  readonly id: number;
  /** One sequence of inputs that leads here. */
  readonly givens: readonly Given<BinaryInput>[];
  readonly at: At;
  readonly round: number;
}

export interface Delivery {
  readonly from: PartyId;
  readonly said: Said;
}

/** What one input or a row of messages does. */
export interface Outcome {
  readonly to: Local;
  readonly says: readonly Said[];
  readonly decided: Bit | undefined;
  /** Something that must never happen. */
  readonly problem: string | undefined;
}

export class AbbaParty {
  readonly start: Local;
  readonly #group: Group;
  readonly #suites: readonly Suite[];
  readonly #byKey = new Map<string, Local>();
  readonly #outcomes = new Map<string, Outcome>();
  readonly #bytes = new Map<string, Uint8Array>();
  /** How often an engine was run to find an outcome. */
  runs = 0;

  constructor(group: Group, suites: readonly Suite[]) {
    this.#group = group;
    this.#suites = suites;
    const { party } = this.#arrive([]);
    this.start = this.#intern(party, []);
  }

  /** How many local states are known. */
  get size(): number {
    return this.#byKey.size;
  }

  /** The outcome of the input, if any, after `deliveries` in this order. */
  give(from: Local, deliveries: readonly Delivery[], input?: Bit): Outcome {
    const names = deliveries.map(({ from: sender, said }) => `${sender}>${nameOf(said)}`);
    const key = `${from.id}|${names.join("|")}|${input ?? ""}`;
    let outcome = this.#outcomes.get(key);
    if (outcome === undefined) {
      const messages = deliveries.map(({ from: sender, said }) => this.#message(sender, said));
      const own: Given<BinaryInput>[] =
        input === undefined ? [] : [{ kind: "input", value: { value: input, proof: proofOf(input) } }];
      outcome = this.#run(from, [...messages, ...own]);
      this.#outcomes.set(key, outcome);
    }
    return outcome;
  }

  #message(from: PartyId, said: Said): Given<BinaryInput> {
    const name = `${from}>${nameOf(said)}`;
    let body = this.#bytes.get(name);
    if (body === undefined) this.#bytes.set(name, (body = bytesOf(this.#suites, from, said)));
    return { kind: "message", from, envelope: { tag: TAG, body } };
  }

  #arrive(givens: readonly Given<BinaryInput>[]): {
    party: Party<BinaryInput, BinaryAgreementMessage, BinaryDecision>;
    effects: readonly Effect<BinaryDecision>[];
  } {
    this.runs++;
    const suite = this.#suites[SELF];
    if (suite === undefined) throw new RangeError("no suite");
    const party = new Party({ self: SELF, group: this.#group, suite, protocol: binaryAgreement({ predicate }) });
    let effects: readonly Effect<BinaryDecision>[] = [];
    for (const given of givens) effects = party.give(given);
    return { party, effects };
  }

  #run(from: Local, givens: readonly Given<BinaryInput>[]): Outcome {
    const before = from.givens;
    const effects: Effect<BinaryDecision>[] = [];
    let problem: string | undefined;
    const { party } = this.#arrive(before);
    try {
      for (const given of givens) effects.push(...party.give(given));
    } catch (error) {
      problem = String(error);
    }
    const says = this.#saidIn(effects);
    const outputs = effects.flatMap((effect) => (effect.kind === "output" ? [effect.value] : []));
    problem ??= says.problem ?? this.#problemOf(effects, outputs);
    const to = this.#intern(party, [...before, ...givens]);
    return { to, says: says.said, decided: outputs[0]?.value, problem };
  }

  /** What was said to all, and whether the explorer's form of it has the same bytes. */
  #saidIn(effects: readonly Effect<BinaryDecision>[]): { said: readonly Said[]; problem: string | undefined } {
    const said: Said[] = [];
    let problem: string | undefined;
    for (const effect of effects) {
      if (effect.kind !== "send" || effect.to !== SELF + 1) continue;
      const one = saidBy(effect.envelope.body);
      if (one === undefined) problem = "an honest party says something that is no message";
      else said.push(one);
      const hasOneForm =
        one !== undefined && one.kind !== "decision" && !(one.kind === "mainVote" && one.value === ABSTAIN);
      if (hasOneForm && !equalBytes(effect.envelope.body, bytesOf(this.#suites, SELF, one)))
        problem = `an honest party says ${nameOf(one)} with a share or a certificate that is not valid`;
    }
    return { said, problem };
  }

  #problemOf(effects: readonly Effect<BinaryDecision>[], outputs: readonly BinaryDecision[]): string | undefined {
    for (const effect of effects)
      if (effect.kind === "accuse" && effect.party < this.#group.n - 1)
        return `honest party ${effect.party} is accused of ${effect.fault}`;
    if (outputs.length > 1) return "a party decides twice";
    const [decision] = outputs;
    if (decision !== undefined && !predicate(decision.value, decision.proof))
      return `external validity: ${decision.value} is decided without a valid ρ`;
    return undefined;
  }

  #intern(party: Party<BinaryInput, BinaryAgreementMessage, BinaryDecision>, givens: Local["givens"]): Local {
    const instance = party.instances.get(TAG);
    if (instance === undefined) throw new RangeError("no instance");
    const { key, at, round } = essence(snapshot(instance));
    let local = this.#byKey.get(key);
    if (local === undefined) {
      local = { id: this.#byKey.size, givens, at, round };
      this.#byKey.set(key, local);
    }
    return local;
  }
}

/**
 * All that the instance holds, but for (docs/exploration.md has the reasons)
 *   - everything, once it has halted;
 *   - votes of steps of the current round that are over, and of rounds before, whose coin stays;
 *   - the order in which votes and shares of one kind came, and the votes that an abstention quotes.
 */
export function essence(state: Fields): { key: string; at: At; round: number } {
  const step = fieldsOf(state["step"]);
  const at = textOf(step["at"]) as At;
  const round = Number(state["round"]);
  if (at === "halted") return { key: "halted", at, round };
  const { rounds, proofs, ...others } = state;
  const kept = pairsOf(rounds).map(
    ([number, votes]) => [number, keptOf(fieldsOf(votes), Number(number) - round, at)] as const,
  );
  return {
    key: JSON.stringify(withoutQuotes({ ...others, proofs: inOrder(proofs ?? []), rounds: inOrder(kept) })),
    at,
    round,
  };
}

const OVER: Readonly<Record<At, readonly string[]>> = {
  idle: [],
  "pre-votes": [],
  "main-votes": ["receivedPreVotes", "preVotes"],
  coin: ["receivedPreVotes", "preVotes", "receivedMainVotes", "mainVotes"],
  halted: [],
};

/** @param ahead how many rounds ahead of the current one */
function keptOf(votes: Fields, ahead: number, at: At): Snapshot {
  if (ahead < 0) return { coin: votes["coin"] ?? "" };
  const over = ahead > 0 ? [] : OVER[at];
  const kept = Object.entries(votes).filter(([name]) => !over.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, inOrder(value)]));
}

function withoutQuotes(value: Snapshot): Snapshot {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(withoutQuotes);
  const fields = value as Fields;
  if (fields["kind"] === "conflict") return { kind: "conflict" };
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, withoutQuotes(field)]));
}
