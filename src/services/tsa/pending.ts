/**
 * Requests that were ordered and wait for their time. A client that never comes back for its own takes room from nobody who has few: beyond
 * the bound, the client with most loses its oldest.
 */
import type { Value } from "../../core/codec.js";
import { toHex } from "../../core/bytes.js";
import { bytes, fixedBytes, refine, struct, u32, u64 } from "../../core/codec.js";
import { MAX_REQUEST_BYTES } from "./request.js";

export const MAX_PENDING_REQUESTS = 4096;

export const pendingCodec = struct({
  /** The number that it was ordered under, and which operation of its request it was. */
  sequence: u64,
  index: u32,
  round: u64,
  /** Whose it is. */
  client: fixedBytes(32),
  /** TimeStampReq. */
  request: refine(bytes(MAX_REQUEST_BYTES), (request) => (request.length > 0 ? undefined : "no request")),
});
export type PendingRequest = Value<typeof pendingCodec>;

export type PendingPlace = Pick<PendingRequest, "sequence" | "index">;

export function byPlace(a: PendingPlace, b: PendingPlace): number {
  return a.sequence - b.sequence || a.index - b.index;
}

function nameOf({ sequence, index }: PendingPlace): string {
  return `${sequence}/${index}`;
}

export class PendingRequests {
  /** By client in hexadecimal, then by place, in their order. No map is empty. */
  readonly #ofClients = new Map<string, Map<string, PendingRequest>>();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  add(pending: PendingRequest): void {
    if (this.#count >= MAX_PENDING_REQUESTS) this.#dropOne();
    const client = toHex(pending.client);
    const own = this.#ofClients.get(client) ?? new Map<string, PendingRequest>();
    this.#ofClients.set(client, own);
    own.set(nameOf(pending), pending);
    this.#count++;
  }

  get(client: Uint8Array, place: PendingPlace): PendingRequest | undefined {
    return this.#ofClients.get(toHex(client))?.get(nameOf(place));
  }

  remove(pending: PendingRequest): void {
    const key = toHex(pending.client);
    const own = this.#ofClients.get(key);
    if (own?.delete(nameOf(pending)) !== true) return;
    this.#count--;
    if (own.size === 0) this.#ofClients.delete(key);
  }

  /** In the order of their places. */
  all(): PendingRequest[] {
    const all: PendingRequest[] = [];
    for (const own of this.#ofClients.values()) all.push(...own.values());
    return all.sort(byPlace);
  }

  /** Of two clients with as many, the one whose key is less. What is kept must not depend on the order of a map. */
  #dropOne(): void {
    const [[, most] = []] = [...this.#ofClients].sort(
      ([a, one], [b, other]) => other.size - one.size || (a < b ? -1 : 1),
    );
    const [oldest] = most?.values() ?? [];
    if (oldest !== undefined) this.remove(oldest);
  }
}
