/** All directed links and what is under way on them: any order, no loss but by a crash, a broken link or a partition. */
import type { PartyId, PartySet } from "../core/party-set.js";
import type { Flight, FlightBody } from "./flight.js";

export interface LinksOptions {
  readonly n: number;
  onSent(flight: Flight): void;
  onLost(flight: Flight): void;
}

export class Links {
  readonly #options: LinksOptions;
  /** Of each directed link, how many messages were put on it. */
  readonly #numbers: Uint32Array;
  #flights: Flight[] = [];
  /** One side of the partition. */
  #side: PartySet | undefined;
  /** Links that are cut, by name. */
  readonly #cuts = new Map<string, readonly [from: PartyId, to: PartyId]>();

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#numbers = new Uint32Array(options.n * options.n);
  }

  get flights(): readonly Flight[] {
    return this.#flights;
  }

  get isPartitioned(): boolean {
    return this.#side !== undefined;
  }

  isCut(from: PartyId, to: PartyId): boolean {
    const isApart = this.#side !== undefined && this.#side.has(from) !== this.#side.has(to);
    return isApart || (this.#cuts.size > 0 && this.#cuts.has(nameOf(from, to)));
  }

  /** The number that the next message on the link will have. */
  nextNumber(from: PartyId, to: PartyId): number {
    return this.#numbers[from * this.#options.n + to] ?? 0;
  }

  send(from: PartyId, to: PartyId, body: FlightBody): void {
    const number = this.nextNumber(from, to);
    this.#numbers[from * this.#options.n + to] = number + 1;
    const flight = { from, to, number, body };
    this.#options.onSent(flight);
    if (this.isCut(from, to)) this.#options.onLost(flight);
    else this.#flights.push(flight);
  }

  /** The index of a flight, or -1. */
  indexOf(from: PartyId, to: PartyId, number: number): number {
    return this.#flights.findIndex((flight) => flight.from === from && flight.to === to && flight.number === number);
  }

  /** Takes the flight at `index` off its link, or the one that must come before it. */
  take(index: number): Flight | undefined {
    const first = this.#firstInOrder(index);
    const flight = this.#flights[first];
    const last = this.#flights.pop();
    if (flight !== undefined && last !== undefined && flight !== last) this.#flights[first] = last;
    return flight;
  }

  /** Of the proofs from the same party to the same party, the first to be sent; else the chosen flight itself. */
  #firstInOrder(index: number): number {
    const chosen = this.#flights[index];
    if (chosen?.body.kind !== "proof") return index;
    let first = index;
    let least = chosen.number;
    for (const [other, { from, to, number, body }] of this.#flights.entries()) {
      if (from !== chosen.from || to !== chosen.to || body.kind !== "proof" || number >= least) continue;
      first = other;
      least = number;
    }
    return first;
  }

  /** Whether any were lost. */
  lose(isLost: (flight: Flight) => boolean): boolean {
    const lost = this.#flights.filter(isLost);
    if (lost.length === 0) return false;
    for (const flight of lost) this.#options.onLost(flight);
    this.#flights = this.#flights.filter((flight) => !isLost(flight));
    return true;
  }

  /** From now on nothing passes between the two sides. False when there is a partition already. */
  partition(side: PartySet): boolean {
    if (this.#side !== undefined || side.size === 0 || side.size === this.#options.n) return false;
    this.#side = side;
    this.lose(({ from, to }) => this.isCut(from, to));
    return true;
  }

  /** Links that are cut one by one. */
  get cuts(): readonly (readonly [from: PartyId, to: PartyId])[] {
    return [...this.#cuts.values()];
  }

  /** From now on nothing passes between the two. False when that is so already. */
  cut(a: PartyId, b: PartyId): boolean {
    if (this.#cuts.has(nameOf(a, b))) return false;
    this.#cuts.set(nameOf(a, b), [a, b]);
    this.lose(({ from, to }) => nameOf(from, to) === nameOf(a, b));
    return true;
  }

  /** False unless the link was cut. */
  mend(a: PartyId, b: PartyId): boolean {
    return this.#cuts.delete(nameOf(a, b));
  }

  /** The side that was cut off, if there was a partition. */
  heal(): PartySet | undefined {
    const side = this.#side;
    this.#side = undefined;
    return side;
  }
}

/** Of a link, in both directions. */
function nameOf(a: PartyId, b: PartyId): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
