/** What an onlooker of a run is told, in the order in which it happens. */
import type { Fault } from "../core/fault.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import type { DeliveredRound } from "../protocols/index.js";
import type { Flight } from "./flight.js";

export type SimEvent =
  | { readonly kind: "began"; readonly parties: number; readonly corrupted: readonly PartyId[] }
  | { readonly kind: "sent"; readonly flight: Flight }
  | { readonly kind: "received"; readonly flight: Flight }
  /** By a crash, a broken link or a partition, or because its round is over. */
  | { readonly kind: "lost"; readonly flight: Flight }
  | { readonly kind: "submitted"; readonly party: PartyId; readonly channel: Tag; readonly payload: Uint8Array }
  | { readonly kind: "delivered"; readonly party: PartyId; readonly channel: Tag; readonly value: DeliveredRound }
  | {
      readonly kind: "accused";
      readonly by: PartyId;
      readonly party: PartyId;
      readonly tag: Tag;
      readonly fault: Fault;
    }
  /** The corrupted party said something else than the protocol asks. */
  | { readonly kind: "attacked"; readonly party: PartyId; readonly attack: string }
  | { readonly kind: "crashed" | "restarted" | "stopped" | "corrupted"; readonly party: PartyId }
  | { readonly kind: "broke" | "cut" | "mended"; readonly from: PartyId; readonly to: PartyId }
  | { readonly kind: "partitioned"; readonly side: readonly PartyId[] }
  | { readonly kind: "healed" };

export type Observer = (event: SimEvent) => void;
