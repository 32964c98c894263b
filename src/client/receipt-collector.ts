/**
 * Collects the parties' shares for one payload and assembles them to a receipt signature.
 *
 * Optimistic: as soon as κ parties agree on number and round, their shares are combined and the result is checked with the
 * public key. Only when it is wrong, each of them is asked to prove its share; then bad shares are known by name.
 */
import type { PartyId } from "../core/party-set.js";
import type { ProvenShare, RsaVerifier } from "../crypto/index.js";

export interface Position {
  readonly sequence: number;
  readonly round: number;
}

export interface Assembled extends Position {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
}

export interface ReceiptCollectorOptions {
  readonly verifier: RsaVerifier;
  /** κ. */
  readonly threshold: number;
  /** The receipt statement for this payload at a position of the log. */
  statement(position: Position): Uint8Array;
  /** Asks a party to prove its share. */
  askProof(party: PartyId): void;
}

/** The shares of the parties that name the same position. */
interface Candidate {
  readonly position: Position;
  readonly statement: Uint8Array;
  readonly shares: Map<PartyId, Uint8Array>;
  readonly proven: Map<PartyId, ProvenShare>;
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
    candidate.shares.set(party, share);
    if (proof.length > 0) candidate.proven.set(party, { share, proof });
    if (!candidate.proofsNeeded) return this.#combine(candidate);
    if (proof.length > 0) return this.#combineProven(candidate);
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
    const statement = this.#options.statement(position);
    const candidate = { position, statement, shares: new Map(), proven: new Map(), proofsNeeded: false };
    this.#candidates.set(key, candidate);
    return candidate;
  }

  #combine(candidate: Candidate): Assembled | undefined {
    if (candidate.shares.size < this.#options.threshold) return undefined;
    const signature = this.#options.verifier.combine(candidate.statement, candidate.shares);
    if (signature !== undefined) return this.#assembled(candidate, signature);
    candidate.proofsNeeded = true;
    for (const party of candidate.shares.keys()) this.#askProof(party);
    // Who proved its share without being asked may suffice.
    return this.#combineProven(candidate);
  }

  #combineProven(candidate: Candidate): Assembled | undefined {
    const { signature, faulty } = this.#options.verifier.combineProven(candidate.statement, candidate.proven);
    for (const party of faulty) this.#faulty.add(party);
    return signature === undefined ? undefined : this.#assembled(candidate, signature);
  }

  #assembled({ position, statement }: Candidate, signature: Uint8Array): Assembled {
    return { ...position, statement, signature };
  }
}
