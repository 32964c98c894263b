/**
 * Whose a store is. What a party has signed is in its own store: with another's, or with one of another cluster, it would
 * contradict itself as with none.
 */
import { equalBytes, toHex } from "../core/bytes.js";
import { type Value, decode, encode, fixedBytes, struct, u8 } from "../core/codec.js";
import type { Storage } from "./storage.js";

/** Name of the value in the store. */
export const OWNER = "owner";

const ownerCodec = struct({ cluster: fixedBytes(32), party: u8 });
export type StoreOwner = Value<typeof ownerCodec>;

export function encodeOwner({ cluster, party }: StoreOwner): Uint8Array {
  return encode(ownerCodec, { cluster, party });
}

/**
 * Why `owner` must not use the store; undefined when it may. A store that names nobody, because it was restored where no party
 * is or made by an earlier version, is its from now on.
 */
export async function claimStore(
  storage: Pick<Storage, "meta" | "setMeta">,
  owner: StoreOwner,
): Promise<string | undefined> {
  const known = storage.meta(OWNER);
  if (known === undefined) {
    await storage.setMeta(OWNER, encodeOwner(owner));
    return undefined;
  }
  if (equalBytes(known, encodeOwner(owner))) return undefined;
  const other = decode(ownerCodec, known);
  const whose = other.ok ? `party ${other.value.party} of cluster ${toHex(other.value.cluster)}` : "nobody";
  return `the store belongs to ${whose}, and this is party ${owner.party} of cluster ${toHex(owner.cluster)}: with it, it would contradict what it said. Bring back its own, or come back with a fresh one: move this one away and run abcast rejoin DIR`;
}
