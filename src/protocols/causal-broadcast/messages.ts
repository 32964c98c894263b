/** Messages of secure causal atomic broadcast, the tags under which they are said, and their bounds. */
import { type Value, bytes, list, struct, u32, u64 } from "../../core/codec.js";
import type { PartyId } from "../../core/party-set.js";
import { MAX_DECRYPTION_SHARE_BYTES } from "../../core/suite.js";

/** So that a message of the greatest shares is far below the bound on bodies. */
export const SHARES_PER_MESSAGE = 256;

/** Rounds for which a party asks at once. */
export const ROUNDS_PER_REQUEST = 16;

/** One party's shares of the round's sealed payloads number 256·batch to 256·batch + 255, or to the last. */
export const sharesCodec = struct({
  batch: u32,
  shares: list(bytes(MAX_DECRYPTION_SHARE_BYTES), SHARES_PER_MESSAGE),
});
export type Shares = Value<typeof sharesCodec>;

/** Asks for the receiver's shares of the rounds from the one in the tag up to, and without, `end`. */
export const requestCodec = struct({ end: u64 });

/** Where a party says its shares of a round, to all. */
export const openPath = (round: number): string => `open/${round}`;
/** Where a party asks for shares, from `round` on. */
export const askPath = (round: number): string => `ask/${round}`;
/** Where a party says its shares of old rounds again, to one peer: as `again/to/round`. */
export const againPath = (to: PartyId): string => `again/${to}`;

export type Place =
  | { readonly kind: "open" | "ask"; readonly round: number }
  | { readonly kind: "again"; readonly to: PartyId; readonly round: number };

const ROUND = /^[1-9][0-9]{0,14}$/;
const PARTY = /^(?:0|[1-9][0-9]{0,2})$/;

/** What a path below the channel's tag names, or undefined when nobody says anything there. */
export function placeOf(path: string): Place | undefined {
  const [kind, ...numbers] = path.split("/");
  const round = Number(numbers.at(-1));
  if (!ROUND.test(numbers.at(-1) ?? "")) return undefined;
  if ((kind === "open" || kind === "ask") && numbers.length === 1) return { kind, round };
  const to = numbers[0] ?? "";
  return kind === "again" && numbers.length === 2 && PARTY.test(to) ? { kind, to: Number(to), round } : undefined;
}
