/**
 * What a queue entry of a round is, as far as a round needs to know. What it holds differs with the way in which payloads are
 * disseminated (dissemination.ts).
 */
import type { Codec } from "../../core/codec.js";
import type { Fault } from "../../core/fault.js";
import type { PartyId } from "../../core/party-set.js";

/** The least that an entry says: what its maker's clock showed. */
export interface EntryBase {
  readonly clock: number;
}

/** "q_i" and "σ_i" of the source. */
export type Signed<Content> = Content & { readonly signature: Uint8Array };

/** As it stands in a vector. */
export type Placed<Content> = Signed<Content> & { readonly party: PartyId };

export interface EntryKind<Content extends EntryBase, Vector> {
  readonly entry: Codec<Signed<Content>>;
  /** QV and SV of the source: the value that is agreed on. */
  readonly vector: Codec<Vector>;
  /** What σ_i signs; the tag in the statement names the round. */
  body(content: Content): Uint8Array;
  /** What is wrong with what is signed of an entry of the present round: the same answer at every honest party. */
  fault(content: Content): Fault | undefined;
  /** What is wrong with what comes with it and is not signed; as above. Without this method nothing does. */
  supportFault?(content: Content): Fault | undefined;
  /** The vector of these, which are valid and of ascending parties. */
  vectorOf(entries: readonly Placed<Content>[]): Vector;
  /** Its entries, each as it may be judged by itself. */
  entriesOf(vector: Vector): readonly Placed<Content>[];
}
