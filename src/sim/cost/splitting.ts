/**
 * The scheduler that keeps binary agreement from deciding for as long as it can. It needs inputs of which n-t are 0 and t are 1, and
 * corrupts nobody. In each round n-t pre-votes are for some b and the others are not. One party of the n-t, the *namer*, gets
 * these alone, and main-votes b. Its pre-vote is late at all others, so each of them sees both values and abstains. Then t parties, the
 * *convinced*, the namer among them, get the namer's main-vote in their quorum, and are bound to b in the next round; the
 * others get abstentions only, and follow the coin. If that shows 1-b, the next round is as this one, with 1-b for b. That of
 * round 1 always does; each other one does with probability 1/2.
 */
import { decode } from "../../core/codec.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import {
  type BinaryAgreementMessage,
  type Bit,
  binaryAgreementMessageCodec,
} from "../../protocols/binary-agreement/index.js";
import type { Flight } from "../network.js";
import type { Adversary } from "./schedule.js";

interface Round {
  /** b. */
  readonly named: Bit;
  readonly namer: PartyId;
  readonly convinced: PartySet;
  /** Of as many no convinced party gets the main-vote, so that its quorum has the namer's. */
  readonly unheard: PartySet;
}

export class VoteSplitter implements Adversary {
  readonly #n: number;
  readonly #faults: number;
  /** From round 1. */
  readonly #rounds: Round[];

  constructor(n: number, faults: number) {
    this.#n = n;
    this.#faults = faults;
    this.#rounds = [this.#roundAfter(0, faults)];
  }

  /** The input of a party: the first t propose 1. */
  input(party: PartyId): Bit {
    return party < this.#faults ? 1 : 0;
  }

  /** @param namer one of those that pre-vote `named` */
  #roundAfter(named: Bit, namer: PartyId): Round {
    const around = Array.from({ length: this.#n }, (_, index) => (namer + index) % this.#n);
    return {
      named,
      namer,
      convinced: PartySet.of(around.slice(0, this.#faults)),
      unheard: PartySet.of(around.slice(this.#faults, 2 * this.#faults)),
    };
  }

  /** In the next round the convinced say b, all others 1-b, if there is a next round like this one. */
  #round(number: number): Round | undefined {
    for (let last = this.#rounds.at(-1); this.#rounds.length < number && last !== undefined; last = this.#rounds.at(-1))
      this.#rounds.push(this.#roundAfter(last.named === 0 ? 1 : 0, (last.namer + this.#faults) % this.#n));
    return this.#rounds[number - 1];
  }

  isLate({ from, to, envelope }: Flight): boolean {
    const message = decode(binaryAgreementMessageCodec, envelope.body);
    return message.ok && this.#isLate(from, to, message.value);
  }

  #isLate(from: PartyId, to: PartyId, message: BinaryAgreementMessage): boolean {
    if (message.kind !== "preVote" && message.kind !== "mainVote") return false;
    const round = this.#round(message.round);
    if (round === undefined) return false;
    if (message.kind === "preVote")
      return from === round.namer || (to === round.namer && message.vote.value !== round.named);
    return round.convinced.has(to) ? round.unheard.has(from) : from === round.namer;
  }
}
