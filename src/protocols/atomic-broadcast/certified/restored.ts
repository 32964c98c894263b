/** The lanes with which a party begins: new ones, or those of the boundary from which it starts. */
import { InvariantError, type Scope } from "../../../core/protocol.js";
import { type AtomicBroadcastOptions, refuse } from "../options.js";
import { type LanesState, decodeLanes, newLanes } from "./snapshot.js";

/** @throws AtomicBroadcastOptionsError when what is to be restored has no lanes, or others than the host has kept */
export function restored(
  { self, group }: Pick<Scope<never, never>, "self" | "group">,
  { restore, kept }: AtomicBroadcastOptions,
  lanes: Uint8Array,
): LanesState {
  if (restore === undefined) return newLanes(group.n);
  const state = decodeLanes(lanes, { self, n: group.n, kept: (name) => kept?.(name) });
  if (typeof state !== "string") return state;
  refuse(state);
  throw new InvariantError(state);
}
