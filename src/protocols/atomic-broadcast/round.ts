/**
 * One round of atomic broadcast: gather signed queue entries, agree on a vector of c of them, or of a quorum's.
 *
 * Source: the source, Fig. 4, boxes 420 to 450 and 100.
 *
 * Properties: what is decided is a vector of c entries, or a quorum's, of distinct parties, each signed for this round and each valid
 * by itself (entries.ts); all honest parties decide the same vector.
 *
 * Messages:
 *   queue(clock, …, σ)          all → all   once per round, when there is something to order
 *   mvba/…                                  input: the vector of the first c valid entries, or of the first of `isQuorum`, once they are here;
 *                                           with `holdsBack` not before the host's word, unless this party is the first candidate
 *
 * Deviations: proposals are held back; the predicate Q is stricter than the source's: each entry of a vector is valid by itself. The clock may show anything. Of an
 * own entry that somebody else shows and this party has not signed, see `#entryFault`.
 *
 * Limits: one entry per party is kept.
 */
import { equalBytes } from "../../core/bytes.js";
import { decode, encode } from "../../core/codec.js";
import type { Envelope } from "../../core/envelope.js";
import type { Fault } from "../../core/fault.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import {
  type Child,
  type Instance,
  InvariantError,
  type Protocol,
  type Scope,
  StaleStoreError,
} from "../../core/protocol.js";
import {
  type AgreementVariant,
  type MultivaluedDecision,
  multivaluedAgreement,
} from "../multivalued-agreement/index.js";
import type { EntryBase, EntryKind, Placed, Signed } from "./entries.js";
import { QUEUE, type VectorSize } from "./messages.js";

export interface RoundOptions<Content extends EntryBase, Vector> {
  readonly round: number;
  /** c: entries in a vector. */
  readonly vectorSize: VectorSize;
  /** How multi-valued agreement is run. */
  readonly agreement: AgreementVariant;
  /** This party signs nothing in it. */
  readonly isMuted: boolean;
  /** Whether a vector that would not be tried first waits for the host's word, which comes, sooner or later. */
  readonly holdsBack: boolean;
  /** What entries are, and which of them are valid in this round. */
  readonly entries: EntryKind<Content, Vector>;
}

export type RoundInput<Content> =
  | { readonly kind: "entry"; readonly content: Content }
  /** What is held back is held back no more. */
  | { readonly kind: "propose" };

export type RoundOutput<Content, Vector> =
  /** There is a vector, which is held back. */
  | { readonly kind: "held-back" }
  /** A valid entry of another party. */
  | { readonly kind: "entry"; readonly from: PartyId; readonly content: Content }
  | { readonly kind: "decided"; readonly vector: Vector; readonly proof: Envelope; readonly tries: number };

export function round<Content extends EntryBase, Vector>(
  options: RoundOptions<Content, Vector>,
): Protocol<RoundInput<Content>, Signed<Content>, RoundOutput<Content, Vector>> {
  return { message: options.entries.entry, start: (scope) => new Round(scope, options) };
}

class Round<Content extends EntryBase, Vector> implements Instance<RoundInput<Content>, Signed<Content>> {
  readonly #scope: Scope<Signed<Content>, RoundOutput<Content, Vector>>;
  readonly #options: RoundOptions<Content, Vector>;
  readonly #agreement: Child<Uint8Array>;
  /** The first validly signed entry seen of each party, received directly or quoted in a proposal. */
  readonly #seen = new Map<PartyId, { readonly body: Uint8Array; readonly signature: Uint8Array }>();
  readonly #gathered = new Map<PartyId, Signed<Content>>();
  /** The first entries that made a vector; ascending parties. */
  #complete: readonly Placed<Content>[] | undefined;
  #holdsBack: boolean;
  #hasInput = false;
  #hasDecided = false;

  constructor(scope: Scope<Signed<Content>, RoundOutput<Content, Vector>>, options: RoundOptions<Content, Vector>) {
    this.#scope = scope;
    this.#options = options;
    // Rotated by the round, so that no party is always the first candidate.
    const first = options.round % scope.group.n;
    this.#holdsBack = options.holdsBack && options.agreement.order !== "random" && scope.self !== first;
    const agreement = multivaluedAgreement({
      ...options.agreement,
      first,
      fault: (value) => this.#vectorFault(value),
    });
    this.#agreement = scope.spawn("mvba", agreement, (decision) => this.#onDecision(decision));
  }

  input(input: RoundInput<Content>): void {
    if (this.#hasDecided) return;
    if (input.kind === "entry") this.#enter(input.content);
    else if (this.#holdsBack) {
      this.#holdsBack = false;
      if (this.#complete !== undefined) this.#propose(this.#complete);
    }
  }

  #enter(content: Content): void {
    if (this.#hasInput || this.#options.isMuted) return;
    this.#hasInput = true;
    const body = this.#options.entries.body(content);
    const signature = this.#scope.endorse("signature", QUEUE, QUEUE, body);
    this.#seen.set(this.#scope.self, { body, signature });
    this.#scope.broadcast({ ...content, signature });
  }

  receive(from: PartyId, entry: Signed<Content>): void {
    // What is deliverable in the round after this one says nothing about its entries.
    if (this.#hasDecided) return;
    if (this.#gathered.has(from)) return this.#compare(from, this.#options.entries.body(entry), entry.signature);
    const fault = this.#entryFault(from, entry);
    if (fault !== undefined) return this.#scope.accuse(from, fault);
    this.#gathered.set(from, entry);
    if (from !== this.#scope.self) this.#scope.output({ kind: "entry", from, content: entry });
    if (this.#complete === undefined && this.#isVectorOf(this.#gathered.keys())) this.#onComplete();
  }

  /** Box 440. */
  #onComplete(): void {
    const complete: Placed<Content>[] = [];
    for (const [party, entry] of this.#gathered) complete.push({ ...entry, party });
    this.#complete = complete.sort((a, b) => a.party - b.party);
    if (this.#holdsBack) this.#scope.output({ kind: "held-back" });
    else this.#propose(this.#complete);
  }

  /** Box 450. */
  #propose(complete: readonly Placed<Content>[]): void {
    const { entries } = this.#options;
    this.#agreement.input(encode(entries.vector, entries.vectorOf(complete)));
  }

  /** Whether entries of these, who are distinct, make a vector. */
  #isVectorOf(parties: Iterable<PartyId>): boolean {
    const { vectorSize } = this.#options;
    const set = PartySet.of(parties);
    return vectorSize === "quorum" ? this.#scope.group.isQuorum(set) : set.size === vectorSize;
  }

  /** @throws InvariantError when the entry shows that this party has lost something */
  #entryFault(party: PartyId, entry: Signed<Content>): Fault | undefined {
    const { entries } = this.#options;
    return this.#signedFault(party, entry, entries.body(entry)) ?? entries.supportFault?.(entry);
  }

  #signedFault(party: PartyId, entry: Signed<Content>, body: Uint8Array): Fault | undefined {
    const { signature } = entry;
    const first = this.#seen.get(party);
    // Each proposal quotes it again; what was valid in this round still is.
    if (first !== undefined && equalBytes(first.signature, signature) && equalBytes(first.body, body)) return undefined;
    const fault = this.#options.entries.fault(entry);
    if (fault !== undefined) return fault;
    if (!this.#scope.suite.verify(party, this.#scope.statement(QUEUE, body), signature)) return "invalid-share";
    if (party === this.#scope.self && !this.#options.isMuted) this.#recognise(body);
    this.#compare(party, body, signature);
    return undefined;
  }

  /** Nobody else has our key: what it has signed we have signed, now or before our store was lost. */
  #recognise(body: Uint8Array): void {
    const own = this.#seen.get(this.#scope.self);
    if (own !== undefined && equalBytes(own.body, body)) return;
    throw new StaleStoreError("a peer shows a signature of ours that we lack: this store is not the latest");
  }

  /** Two signed entries of one party for one round: it told different parties different things. */
  #compare(party: PartyId, body: Uint8Array, signature: Uint8Array): void {
    const first = this.#seen.get(party);
    if (first === undefined) return void this.#seen.set(party, { body, signature });
    if (equalBytes(first.body, body)) return;
    this.#scope.accuse(party, "equivocation");
    // What comes after the first is not verified unless somebody quotes it.
    if (!this.#scope.suite.verify(party, this.#scope.statement(QUEUE, body), signature)) return;
    this.#scope.evidence(party, QUEUE, { as: "signature", purpose: QUEUE, first, second: { body, signature } });
  }

  /** The source's Q(QV, SV). */
  #vectorFault(value: Uint8Array): Fault | undefined {
    const decoded = decode(this.#options.entries.vector, value);
    if (!decoded.ok) return "invalid-proposal";
    const entries = this.#options.entries.entriesOf(decoded.value);
    if (!this.#isVectorOf(entries.map(({ party }) => party))) return "invalid-proposal";
    let previous = -1;
    for (const entry of entries) {
      const { party } = entry;
      if (party <= previous || party >= this.#scope.group.n) return "invalid-proposal";
      if (this.#entryFault(party, entry) !== undefined) return "invalid-proposal";
      previous = party;
    }
    return undefined;
  }

  #onDecision({ value, proof, tries }: MultivaluedDecision): void {
    this.#hasDecided = true;
    const vector = decode(this.#options.entries.vector, value);
    // Certified, hence checked by an honest witness.
    if (!vector.ok)
      throw new InvariantError(`the decided vector of ${this.#scope.tag} does not decode: ${vector.error}`);
    this.#scope.output({ kind: "decided", vector: vector.value, proof, tries });
  }
}
