/**
 * The local states of one honest party in multi-valued agreement, found by running the production code of the agreement and of all its
 * broadcasts and binary agreements. A state is known by the gifts that lead to it.
 */
import type { Effect } from "../../core/engine.js";
import type { Group } from "../../core/group.js";
import type { PartyId } from "../../core/party-set.js";
import type { Suite } from "../../core/suite.js";
import { fromUtf8 } from "../../core/bytes.js";
import type {
  MultivaluedAgreementMessage,
  MultivaluedDecision,
} from "../../protocols/multivalued-agreement/messages.js";
import { multivaluedAgreement } from "../../protocols/multivalued-agreement/multivalued-agreement.js";
import { CORRUPTED, type Gift, type MvbaSaid, giftName, givenBy, mvbaSaidBy, valueFault } from "./mvba-messages.js";
import { Party, TAG } from "./party.js";
import { type Fields, type Snapshot, fieldsOf, inOrder, snapshot } from "./snapshot.js";

export interface Local {
  readonly id: number;
  readonly gifts: readonly Gift[];
  /** The candidate that it votes on, by place in the order. */
  readonly position: number;
  readonly isProposer: boolean;
  readonly isHalted: boolean;
  /** The candidates on which votes still count. */
  readonly counting: readonly PartyId[];
}

export interface Outcome {
  readonly to: Local;
  readonly says: readonly MvbaSaid[];
  readonly decided: string | undefined;
  readonly problem: string | undefined;
}

type Agreement = Party<Uint8Array, MultivaluedAgreementMessage, MultivaluedDecision>;

export class MvbaParty {
  readonly start: Local;
  readonly #self: PartyId;
  readonly #group: Group;
  readonly #suite: Suite;
  readonly #first: PartyId;
  readonly #byKey = new Map<string, Local>();
  readonly #outcomes = new Map<string, Outcome>();
  /** How often an engine was run to find an outcome. */
  runs = 0;

  constructor(self: PartyId, group: Group, suite: Suite, first: PartyId) {
    this.#self = self;
    this.#group = group;
    this.#suite = suite;
    this.#first = first;
    this.start = this.#intern(this.#arrive([]), []);
  }

  /** How many local states are known. */
  get size(): number {
    return this.#byKey.size;
  }

  give(from: Local, gifts: readonly Gift[]): Outcome {
    const key = `${from.id}|${gifts.map(giftName).join("|")}`;
    let outcome = this.#outcomes.get(key);
    if (outcome === undefined) this.#outcomes.set(key, (outcome = this.#run(from, gifts)));
    return outcome;
  }

  #arrive(gifts: readonly Gift[]): Agreement {
    this.runs++;
    const protocol = multivaluedAgreement({ order: "fixed", first: this.#first, fault: valueFault });
    const party: Agreement = new Party({ self: this.#self, group: this.#group, suite: this.#suite, protocol });
    for (const gift of gifts) for (const given of givenBy(this.#self, gift)) party.give(given);
    return party;
  }

  #run(from: Local, gifts: readonly Gift[]): Outcome {
    const party = this.#arrive(from.gifts);
    const effects: Effect<MultivaluedDecision>[] = [];
    let problem: string | undefined;
    try {
      for (const gift of gifts) for (const given of givenBy(this.#self, gift)) effects.push(...party.give(given));
    } catch (error) {
      problem = String(error);
    }
    const outputs = effects.flatMap((effect) => (effect.kind === "output" ? [effect.value] : []));
    return {
      to: this.#intern(party, [...from.gifts, ...gifts]),
      says: this.#saidIn(effects),
      decided: outputs[0] === undefined ? undefined : fromUtf8(outputs[0].value),
      problem: problem ?? problemOf(effects, outputs),
    };
  }

  /** What was said to all is what was said to one. */
  #saidIn(effects: readonly Effect<MultivaluedDecision>[]): readonly MvbaSaid[] {
    const listener = this.#self === 0 ? 1 : 0;
    return effects.flatMap((effect) =>
      effect.kind === "send" && effect.to === listener ? (mvbaSaidBy(effect.envelope) ?? []) : [],
    );
  }

  #intern(party: Agreement, gifts: readonly Gift[]): Local {
    const { key, ...facts } = essence(party);
    let local = this.#byKey.get(key);
    if (local === undefined) {
      local = { id: this.#byKey.size, gifts, ...facts };
      this.#byKey.set(key, local);
    }
    return local;
  }
}

function problemOf(
  effects: readonly Effect<MultivaluedDecision>[],
  outputs: readonly MultivaluedDecision[],
): string | undefined {
  for (const effect of effects)
    if (effect.kind === "accuse" && effect.party !== CORRUPTED)
      return `honest party ${effect.party} is accused of ${effect.fault}`;
  if (outputs.length > 1) return "a party decides twice";
  const [decision] = outputs;
  const isBad = decision !== undefined && valueFault(decision.value) !== undefined;
  return isBad ? "external validity: a value that does not satisfy the predicate is decided" : undefined;
}

/**
 * All that the agreement holds, and which broadcasts have delivered, but for
 *   - everything, once it has an output;
 *   - the votes on a candidate on which this party has entered binary agreement, or seen its decision;
 *   - the order in which votes came.
 */
function essence(party: Agreement): Omit<Local, "id" | "gifts"> & { readonly key: string } {
  const state = snapshot(instanceOf(party, TAG));
  const [pass] = listOf(state["passes"]).map(fieldsOf);
  const isHalted = state["hasOutput"] === "true";
  const position = Number(pass?.["position"]);
  const isProposer = state["hasInput"] === "true";
  if (isHalted || pass === undefined) return { key: "halted", position, isProposer, isHalted, counting: [] };
  const ballots = listOf(pass["ballots"]).map((ballot) => essenceOfBallot(fieldsOf(ballot)));
  const counting = ballots.flatMap((ballot, candidate) => (ballot["received"] === undefined ? [] : [candidate]));
  const delivered = listOf(fieldsOf(state["candidates"])["candidates"]).map((_, sender) => {
    const broadcast = snapshot(instanceOf(party, `${TAG}/proposal/${sender}`));
    return String(broadcast["delivered"] !== "undefined");
  });
  const key = JSON.stringify(inOrder({ ...state, passes: [{ ...pass, ballots }], delivered }));
  return { key, position, isProposer, isHalted, counting };
}

function essenceOfBallot({ received, valid, decided, ...others }: Fields): Fields {
  const { fired } = fieldsOf(valid);
  const isOver = fired === "true" || decided !== "undefined";
  const kept: Fields = isOver ? { fired: fired ?? "" } : { received: received ?? "", valid: valid ?? "" };
  return { ...others, decided: decided === "undefined" ? "" : (fieldsOf(decided)["value"] ?? ""), ...kept };
}

function listOf(value: Snapshot | undefined): readonly Snapshot[] {
  if (!Array.isArray(value)) throw new RangeError("not a list");
  return value;
}

function instanceOf(party: Agreement, tag: string): object {
  const instance = party.instances.get(tag);
  if (instance === undefined) throw new RangeError(`no instance ${tag}`);
  return instance;
}
