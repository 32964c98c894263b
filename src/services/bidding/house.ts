/** All auctions and books, and the keys that are registered: within bounds, in chunks for a snapshot. */
import { concat, equalBytes } from "../../core/bytes.js";
import { bytes, decode, encode, struct, u32, u64, union } from "../../core/codec.js";
import { MAX_CHUNK_BYTES, type Place } from "../service.js";
import { Listing } from "./listing.js";
import { type RegisteredKey, Registry, keysChunk } from "./registry.js";
import type { Sealing } from "./sealing.js";
import type { Terms } from "./terms.js";

export const MAX_AUCTIONS = 4096;
/** Auctions of one owner: a new one takes the place of the oldest that is over. */
export const MAX_AUCTIONS_PER_OWNER = 16;
/** The same of all keys that one client has brought: else it could take all the room under many. */
export const MAX_AUCTIONS_PER_SPONSOR = 256;
/** Bids and resting orders, in all of them. */
export const MAX_BIDS = 131_072;

const PART_BYTES = MAX_CHUNK_BYTES - 64;
const chunkCodec = union({
  head: struct({ last: u64, auctions: u32 }),
  /** A part of an auction's encoding; all but the last are full. */
  part: struct({ auction: u64, part: u32, bytes: bytes(PART_BYTES) }),
  /** Registered keys, after the head. */
  keys: keysChunk,
});

export class House {
  readonly registry = new Registry();
  readonly #sealing: Sealing;
  /** Ascending. */
  readonly #listings = new Map<number, Listing>();
  /** The number of the last one. */
  #last = 0;
  #bids = 0;
  /** What each of them counts for in it. */
  readonly #sizes = new Map<number, number>();
  /** Of those that are open and close by time. */
  readonly #closesAtMs = new Map<number, number>();
  readonly #opening = new Set<number>();

  constructor(sealing: Sealing) {
    this.#sealing = sealing;
  }

  /** Ascending by number. */
  get listings(): readonly Listing[] {
    return [...this.#listings.values()];
  }

  /** Closed, and not all of their bids are opened. Ascending. */
  get opening(): readonly number[] {
    return [...this.#opening].sort((a, b) => a - b);
  }

  get hasRoomForBid(): boolean {
    return this.#bids < MAX_BIDS;
  }

  get(id: number): Listing | undefined {
    return this.#listings.get(id);
  }

  /** The new auction's number; undefined when there is no room. */
  create(owner: Uint8Array, terms: Terms): number | undefined {
    const own = this.listings.filter((listing) => equalBytes(listing.owner, owner));
    if (!this.#makeRoom(own, MAX_AUCTIONS_PER_OWNER)) return undefined;
    const brought = this.listings.filter((listing) => this.registry.haveOneSponsor(listing.owner, owner));
    if (!this.#makeRoom(brought, MAX_AUCTIONS_PER_SPONSOR)) return undefined;
    if (this.#listings.size >= MAX_AUCTIONS) return undefined;
    this.#last += 1;
    this.#add(Listing.start({ id: this.#last, owner }, terms, this.#sealing));
    return this.#last;
  }

  /** Whether one more can join them: the oldest that is over goes if it must. */
  #makeRoom(listings: readonly Listing[], max: number): boolean {
    if (listings.length < max) return true;
    const over = listings.find(({ isOver }) => isOver);
    if (over !== undefined) this.#remove(over);
    return over !== undefined;
  }

  #add(listing: Listing): void {
    this.#listings.set(listing.id, listing);
    this.#index(listing);
  }

  #remove({ id }: Listing): void {
    this.#listings.delete(id);
    this.#bids -= this.#sizes.get(id) ?? 0;
    this.#sizes.delete(id);
  }

  /** To be called after every change of a listing. */
  changed(listing: Listing): void {
    listing.changed();
    this.#index(listing);
  }

  #index(listing: Listing): void {
    const { id, size, closesAtMs, stage } = listing;
    this.#bids += size - (this.#sizes.get(id) ?? 0);
    this.#sizes.set(id, size);
    if (closesAtMs === undefined) this.#closesAtMs.delete(id);
    else this.#closesAtMs.set(id, closesAtMs);
    if (stage === "opening") this.#opening.add(id);
    else this.#opening.delete(id);
  }

  /** Those whose time has come by `timeMs`, ascending. */
  dueAt(timeMs: number): readonly Listing[] {
    return [...this.#closesAtMs]
      .filter(([, closesAtMs]) => closesAtMs <= timeMs)
      .flatMap(([id]) => this.#listings.get(id) ?? [])
      .sort((a, b) => a.id - b.id);
  }

  /** Closes what the round's time closes. */
  advance(place: Place): void {
    if (place.roundTimeMs === undefined) return;
    for (const listing of this.dueAt(place.roundTimeMs)) this.close(listing, place);
  }

  /** Of a book: all orders go. */
  close(listing: Listing, { sequence, index, round, roundTimeMs }: Place): void {
    const { body } = listing;
    if (body.kind === "auction") body.auction.close({ sequence, index, round, timeMs: roundTimeMs });
    else {
      body.isOpen = false;
      body.book.clear();
    }
    this.changed(listing);
  }

  *snapshot(): Generator<Uint8Array> {
    yield encode(chunkCodec, { kind: "head", last: this.#last, auctions: this.#listings.size });
    for (const chunk of this.registry.chunks()) yield encode(chunkCodec, { kind: "keys", ...chunk });
    for (const { id, encoded } of this.#listings.values())
      for (let part = 0; part * PART_BYTES < encoded.length; part++) {
        const cut = encoded.subarray(part * PART_BYTES, (part + 1) * PART_BYTES);
        yield encode(chunkCodec, { kind: "part", auction: id, part, bytes: cut });
      }
  }

  /** @throws Error when the chunks are none */
  static restore(chunks: Iterable<Uint8Array>, sealing: Sealing): House {
    const house = new House(sealing);
    const parts = new Map<number, Uint8Array[]>();
    let head: { readonly last: number; readonly auctions: number } | undefined;
    for (const encoded of chunks) {
      const chunk = decode(chunkCodec, encoded);
      if (!chunk.ok) throw new Error(`a chunk of auctions is none: ${chunk.error}`);
      const { value } = chunk;
      if ((head === undefined) !== (value.kind === "head"))
        throw new Error("the first chunk of auctions is their head");
      if (value.kind === "head") {
        head = value;
        continue;
      }
      if (value.kind === "keys") {
        house.#restoreKeys(value.keys, parts.size === 0);
        continue;
      }
      const before = parts.get(value.auction) ?? [];
      if (value.part !== before.length) throw new Error(`a part of auction ${value.auction} is missing`);
      parts.set(value.auction, [...before, value.bytes]);
    }
    if (head === undefined || parts.size !== head.auctions) throw new Error("auctions are missing");
    house.#last = head.last;
    let previous = 0;
    for (const [id, own] of parts) {
      // A copy: the chunks are others' memory.
      const listing = Listing.decode(concat(...own), sealing);
      if (!listing.ok || listing.value.id !== id || id <= previous || id > head.last)
        throw new Error(`auction ${id} is none, or out of order`);
      previous = id;
      house.#add(listing.value);
    }
    return house;
  }

  #restoreKeys(keys: readonly RegisteredKey[], isFirst: boolean): void {
    if (!isFirst) throw new Error("registered keys come before auctions");
    for (const key of keys) {
      if (this.registry.refusalOf(key) !== undefined) throw new Error(`a key cannot be registered as ${key.name}`);
      this.registry.add(key);
    }
  }
}
