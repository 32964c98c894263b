/**
 * Collects the parties' shares for one payload and assembles them to a receipt signature.
 *
 * Optimistic: as soon as a qualified set agrees on number and round, its shares are combined and the result is checked with the
 * public key. Only when it is wrong, each of them is asked to prove its share; then bad shares are known by name.
 */
import { concat } from "../core/bytes.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { RsaScheme } from "../crypto/rsa/threshold.js";
import { type Verdict, combineRobustly } from "../crypto/scheme.js";

export interface Position {
  readonly sequence: number;
  readonly round: number;
}

export interface Assembled extends Position {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
}

export interface ReceiptCollectorOptions {
  readonly scheme: RsaScheme;
  /** The receipt statement for this payload at a position of the log. */
  statement(position: Position): Uint8Array;
  /** Asks a party to prove its share. */
  askProof(party: PartyId): void;
}

/** The shares of the parties that name the same position. */
interface Candidate {
  readonly position: Position;
  readonly statement: Uint8Array;
  /** With the proof, where it came. */
  readonly shares: Map<PartyId, Uint8Array>;
  readonly proven: Set<PartyId>;
  /** Checks each proof once. */
  readonly scheme: RsaScheme;
  proofsNeeded: boolean;
}

export class ReceiptCollector {
  readonly #options: ReceiptCollectorOptions;
  readonly #candidates = new Map<string, Candidate>();
  /** Each party speaks for one position only. */
  readonly #positions = new Map<PartyId, string>();
  readonly #faulty = new Set<PartyId>();
  /** Each party is asked once: one that answers without a proof must not have us ask for ever. */
  readonly #asked = new Set<PartyId>();

  constructor(options: ReceiptCollectorOptions) {
    this.#options = options;
  }

  /** Parties found to have sent a bad share or to have contradicted themselves. */
  get faulty(): readonly PartyId[] {
    return [...this.#faulty].sort((a, b) => a - b);
  }

  /** A party's answer; the receipt when it completes one. `proof` is empty when none was asked for. */
  add(party: PartyId, position: Position, share: Uint8Array, proof: Uint8Array): Assembled | undefined {
    const key = `${position.sequence}/${position.round}`;
    const earlier = this.#positions.get(party);
    if (earlier !== undefined && earlier !== key) {
      this.#faulty.add(party);
      return undefined;
    }
    this.#positions.set(party, key);
    const candidate = this.#candidate(key, position);
    // One proof from each: to check one takes milliseconds, and a party could send thousands.
    if (candidate.proven.has(party)) return undefined;
    candidate.shares.set(party, concat(share, proof));
    if (proof.length > 0) candidate.proven.add(party);
    if (!candidate.proofsNeeded || proof.length > 0) return this.#combine(candidate);
    this.#askProof(party);
    return undefined;
  }

  #askProof(party: PartyId): void {
    if (this.#asked.has(party)) return;
    this.#asked.add(party);
    this.#options.askProof(party);
  }

  #candidate(key: string, position: Position): Candidate {
    const known = this.#candidates.get(key);
    if (known !== undefined) return known;
    const candidate: Candidate = {
      position,
      statement: this.#options.statement(position),
      shares: new Map(),
      proven: new Set(),
      scheme: rememberingProofs(this.#options.scheme),
      proofsNeeded: false,
    };
    this.#candidates.set(key, candidate);
    return candidate;
  }

  #combine(candidate: Candidate): Assembled | undefined {
    const { scheme, position, statement, shares } = candidate;
    if (!scheme.sharing.isQualified(PartySet.of(shares.keys()))) return undefined;
    const combination = combineRobustly(scheme, statement, shares);
    for (const party of combination.faulty.keys()) this.#faulty.add(party);
    if (combination.kind === "combined") return { ...position, statement, signature: combination.value };
    candidate.proofsNeeded = true;
    for (const party of combination.unproven) this.#askProof(party);
    return undefined;
  }
}

/** The scheme for one message, where each party proves its share once: however often all are combined, its proof is checked once. */
function rememberingProofs(scheme: RsaScheme): RsaScheme {
  const known = new Map<PartyId, { readonly share: Uint8Array; readonly verdict: Verdict }>();
  return {
    ...scheme,
    checkShare(party, message, share) {
      const earlier = known.get(party);
      if (earlier?.share === share) return earlier.verdict;
      const verdict = scheme.checkShare(party, message, share);
      known.set(party, { share, verdict });
      return verdict;
    },
  };
}
