/** Who waits for which number of which session of which client, and how many each client waits for. */
import { toHex } from "../../core/bytes.js";
import type { SessionId } from "../../wire/payload.js";
import type { Want } from "../../wire/client-frames.js";
import type { Visitor } from "./visitor.js";

/** A number of a session of a client: what a payload asks for. */
export interface Place {
  /** Raw Ed25519 public key. */
  readonly client: Uint8Array;
  readonly session: SessionId;
  readonly number: number;
}

export interface Waiter {
  readonly visitor: Visitor;
  /** What the answer repeats. */
  readonly id: Uint8Array;
  readonly place: Place;
  readonly want: Want;
  /** What it counts as: what its payload does, if it brought one. */
  readonly weight: number;
}

interface Spot {
  readonly place: Place;
  /** By visitor, id and wish: who asks twice is answered once. */
  readonly waiters: Map<string, Waiter>;
  /** Payloads that were handed on, by id. */
  readonly submitted: Set<string>;
}

/** By number. */
type SessionSpots = Map<number, Spot>;

export class Waiting {
  /** By client's key, then by session. */
  readonly #spots = new Map<string, Map<string, SessionSpots>>();
  readonly #ofVisitor = new Map<Visitor, Set<Waiter>>();
  readonly #visitorNumbers = new Map<Visitor, number>();
  #lastVisitor = 0;
  /** By index of the client that waits. */
  readonly #counts = new Map<number, number>();

  /** The weight of what the client of this index waits for, on all its connections. */
  count(client: number): number {
    return this.#counts.get(client) ?? 0;
  }

  has(waiter: Waiter): boolean {
    return this.#known(waiter) !== undefined;
  }

  /** What it would add to what its client waits for. */
  added(waiter: Waiter): number {
    return Math.max(0, waiter.weight - (this.#known(waiter)?.weight ?? 0));
  }

  #known(waiter: Waiter): Waiter | undefined {
    return this.#spot(waiter.place)?.waiters.get(this.#key(waiter));
  }

  /** Whether the payload with this id was handed on for somebody who still waits. */
  wasSubmitted(place: Place, id: Uint8Array): boolean {
    return this.#spot(place)?.submitted.has(toHex(id)) === true;
  }

  /** `submitted`: its payload was handed on. Once more for one that waits already is no more. */
  add(waiter: Waiter, submitted: boolean): void {
    const spot = this.#spot(waiter.place) ?? this.#newSpot(waiter.place);
    if (submitted) spot.submitted.add(toHex(waiter.id));
    const added = this.added(waiter);
    if (added === 0) return;
    const known = this.#known(waiter);
    // The frame that the place was read from is not kept.
    const kept = { ...waiter, place: spot.place };
    spot.waiters.set(this.#key(waiter), kept);
    const own = this.#ofVisitor.get(waiter.visitor) ?? new Set();
    this.#ofVisitor.set(waiter.visitor, own);
    if (known !== undefined) own.delete(known);
    own.add(kept);
    this.#counts.set(waiter.visitor.client, this.count(waiter.visitor.client) + added);
  }

  #key({ visitor, id, want }: Waiter): string {
    let number = this.#visitorNumbers.get(visitor);
    if (number === undefined) this.#visitorNumbers.set(visitor, (number = ++this.#lastVisitor));
    return `${number} ${want} ${toHex(id)}`;
  }

  #spot({ client, session, number }: Place): Spot | undefined {
    return this.#spots.get(toHex(client))?.get(sessionKey(session))?.get(number);
  }

  #newSpot(place: Place): Spot {
    const client = toHex(place.client);
    const sessions = this.#spots.get(client) ?? new Map<string, SessionSpots>();
    this.#spots.set(client, sessions);
    const session = sessionKey(place.session);
    const spots = sessions.get(session) ?? new Map<number, Spot>();
    sessions.set(session, spots);
    const own = {
      client: place.client.slice(),
      session: { ...place.session, nonce: place.session.nonce.slice() },
      number: place.number,
    };
    const spot = { place: own, waiters: new Map(), submitted: new Set<string>() };
    spots.set(place.number, spot);
    return spot;
  }

  /** Those who wait for `place`; they wait no more. */
  take(place: Place): Waiter[] {
    const spot = this.#spot(place);
    if (spot === undefined) return [];
    const waiters = [...spot.waiters.values()];
    for (const waiter of waiters) this.#remove(waiter);
    return waiters;
  }

  /** All places of the client that somebody waits for. */
  placesOf(client: Uint8Array): Place[] {
    return [...(this.#spots.get(toHex(client))?.values() ?? [])].flatMap((spots) => [...spots.values()].map(placeOf));
  }

  places(): Place[] {
    return [...this.#spots.values()].flatMap((sessions) =>
      [...sessions.values()].flatMap((spots) => [...spots.values()].map(placeOf)),
    );
  }

  leave(visitor: Visitor): void {
    for (const waiter of this.#ofVisitor.get(visitor) ?? []) this.#remove(waiter);
    this.#visitorNumbers.delete(visitor);
  }

  #remove(waiter: Waiter): void {
    const { visitor, place, weight } = waiter;
    const own = this.#ofVisitor.get(visitor);
    own?.delete(waiter);
    if (own?.size === 0) this.#ofVisitor.delete(visitor);
    const count = this.count(visitor.client) - weight;
    if (count > 0) this.#counts.set(visitor.client, count);
    else this.#counts.delete(visitor.client);
    const spot = this.#spot(place);
    spot?.waiters.delete(this.#key(waiter));
    if (spot?.waiters.size === 0) this.#removeSpot(place);
  }

  #removeSpot({ client, session, number }: Place): void {
    const [clientKey, key] = [toHex(client), sessionKey(session)];
    const sessions = this.#spots.get(clientKey);
    const spots = sessions?.get(key);
    spots?.delete(number);
    if (spots?.size === 0) sessions?.delete(key);
    if (sessions?.size === 0) this.#spots.delete(clientKey);
  }
}

function placeOf({ place }: Spot): Place {
  return place;
}

function sessionKey({ opened, nonce }: SessionId): string {
  return `${opened}/${toHex(nonce)}`;
}
