/** What is under way between two parties. */
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { BatchName } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";

export interface Flight {
  readonly from: PartyId;
  readonly to: PartyId;
  /** Counts from 0 on this directed link. */
  readonly number: number;
  readonly body: FlightBody;
}

export type FlightBody =
  | { readonly kind: "entry"; readonly envelope: Envelope }
  /** Answers to one request travel in order, as on the production links (replica/proof-requests.ts). */
  | { readonly kind: "proof"; readonly envelope: Envelope }
  | { readonly kind: "askProofs"; readonly channel: Tag; readonly round: number }
  | { readonly kind: "askRepeat" }
  | { readonly kind: "askBatch"; readonly channel: Tag; readonly name: BatchName }
  | { readonly kind: "batch"; readonly channel: Tag; readonly name: BatchName; readonly bytes: Uint8Array };
