/**
 * Collects the parties' shares for one payload and assembles them to a signature on the reply.
 *
 * Optimistic: as soon as a qualified set agrees on the reply and its position, its shares are combined and the result is checked with the
 * public key. Only when it is wrong, each of them is asked to prove its share; then bad shares are known by name.
 */
import { concat, toHex } from "../core/bytes.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { RsaScheme } from "../crypto/rsa/threshold.js";
import { type Verdict, combineRobustly } from "../crypto/scheme.js";
import { type Told, keyOf } from "./agreed.js";
import type { KnownSignatures } from "./known-signatures.js";

/** What became of a number, with its reply. */
export type Replied = Told & { readonly reply: Uint8Array };

export interface Assembled extends Signed {
  readonly told: Replied;
}

/** Proof of a reply for third parties: the group's RSA signature. */
export interface Signed {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
  /** What the service adds to the replies, so that they lead to the statement; empty where they do so alone. */
  readonly attachment: Uint8Array;
}

/** A party's part in it. */
export interface Part {
  readonly attachment: Uint8Array;
  readonly share: Uint8Array;
  /** Empty when none was asked for. */
  readonly proof: Uint8Array;
}

export interface ShareCollectorOptions {
  hash(bytes: Uint8Array): Uint8Array;
  /** What the group signs for this reply, and with which key. */
  signed(told: Replied, attachment: Uint8Array): { readonly scheme: RsaScheme; readonly statement: Uint8Array };
  /** Of statements that other calls shared. */
  readonly signatures: KnownSignatures;
  /** Asks a party to prove its share. */
  askProof(party: PartyId): void;
}

/** The shares of the parties that tell the same. */
interface Candidate {
  readonly told: Replied;
  readonly attachment: Uint8Array;
  readonly statement: Uint8Array;
  /** With the proof, where it came. */
  readonly shares: Map<PartyId, Uint8Array>;
  readonly proven: Set<PartyId>;
  /** Checks each proof once. */
  readonly scheme: RsaScheme;
  proofsNeeded: boolean;
}

export class ShareCollector {
  readonly #options: ShareCollectorOptions;
  readonly #candidates = new Map<string, Candidate>();
  /** Each party speaks for one outcome only. */
  readonly #keys = new Map<PartyId, string>();
  readonly #faulty = new Set<PartyId>();
  /** Each party is asked once: one that answers without a proof must not have us ask for ever. */
  readonly #asked = new Set<PartyId>();

  constructor(options: ShareCollectorOptions) {
    this.#options = options;
  }

  /** Parties found to have sent a bad share or to have contradicted themselves. */
  get faulty(): readonly PartyId[] {
    return [...this.#faulty].sort((a, b) => a - b);
  }

  /** A party's answer; the signature when it completes one. */
  add(party: PartyId, told: Replied, { attachment, share, proof }: Part): Assembled | undefined {
    const hash = (bytes: Uint8Array): Uint8Array => this.#options.hash(bytes);
    const key = `${keyOf(told, hash)}/${toHex(hash(attachment))}`;
    const earlier = this.#keys.get(party);
    if (earlier !== undefined && earlier !== key) {
      this.#faulty.add(party);
      return undefined;
    }
    this.#keys.set(party, key);
    const candidate = this.#candidate(key, told, attachment);
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

  #candidate(key: string, told: Replied, attachment: Uint8Array): Candidate {
    const known = this.#candidates.get(key);
    if (known !== undefined) return known;
    const { scheme, statement } = this.#options.signed(told, attachment);
    const candidate: Candidate = {
      told,
      attachment,
      statement,
      shares: new Map(),
      proven: new Set(),
      scheme: rememberingProofs(scheme),
      proofsNeeded: false,
    };
    this.#candidates.set(key, candidate);
    return candidate;
  }

  #combine(candidate: Candidate): Assembled | undefined {
    const { scheme, told, attachment, statement, shares } = candidate;
    if (!scheme.sharing.isQualified(PartySet.of(shares.keys()))) return undefined;
    const known = this.#options.signatures.of(statement);
    if (known !== undefined) return { told, statement, attachment, signature: known };
    const combination = combineRobustly(scheme, statement, shares);
    for (const party of combination.faulty.keys()) this.#faulty.add(party);
    if (combination.kind === "combined") {
      if (attachment.length > 0) this.#options.signatures.learn(statement, combination.value);
      return { told, statement, attachment, signature: combination.value };
    }
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
