/**
 * The evidence that a party keeps, among the small values of its storage: `evidence/<party>/<index>`, indices from 0 without gaps.
 *
 * Of each accused party the first contradictions are kept, so many and so large at most; a party that is proved guilty once needs no more.
 * One is kept once, also when a replay finds it again.
 */
import { decode, encode } from "../core/codec.js";
import { type Evidence, evidenceCodec } from "../core/evidence.js";
import { MAX_PARTIES, type PartyId } from "../core/party-set.js";
import { contradictionOf } from "../protocols/index.js";
import type { Storage } from "./storage.js";

/** For each accused party. */
export const MAX_EVIDENCE_RECORDS = 64;
/** For each accused party, unless the first is larger: queue entries are quoted whole. */
export const MAX_EVIDENCE_BYTES = 4 * 1024 * 1024;

function nameOf(party: PartyId, index: number): string {
  return `evidence/${party}/${index}`;
}

/** What was kept, by party, oldest first. @throws Error when a record is damaged */
export function readEvidence(storage: Pick<Storage, "meta">): readonly Evidence[] {
  return Array.from({ length: MAX_PARTIES }, (_, party) => recordsOf(storage, party)).flat();
}

function recordsOf(storage: Pick<Storage, "meta">, party: PartyId): readonly Evidence[] {
  const records: Evidence[] = [];
  for (;;) {
    const name = nameOf(party, records.length);
    const bytes = storage.meta(name);
    if (bytes === undefined) return records;
    const evidence = decode(evidenceCodec, bytes);
    if (!evidence.ok) throw new Error(`the store's ${name} is damaged: ${evidence.error}`);
    if (evidence.value.party !== party) throw new Error(`the store's ${name} is about party ${evidence.value.party}`);
    records.push(evidence.value);
  }
}

interface Kept {
  readonly contradictions: Set<string>;
  sizeBytes: number;
}

export class EvidenceStore {
  readonly #storage: Pick<Storage, "meta" | "setMeta">;
  readonly #kept = new Map<PartyId, Kept>();
  #writing: Promise<void> = Promise.resolve();

  /** @throws Error when a record is damaged */
  constructor(storage: Pick<Storage, "meta" | "setMeta">) {
    this.#storage = storage;
    for (const evidence of readEvidence(storage)) this.#note(evidence, encode(evidenceCodec, evidence).length);
  }

  #of(party: PartyId): Kept {
    const kept = this.#kept.get(party) ?? { contradictions: new Set(), sizeBytes: 0 };
    this.#kept.set(party, kept);
    return kept;
  }

  /** False when the contradiction is none or known. */
  #note(evidence: Evidence, sizeBytes: number): boolean {
    const contradiction = contradictionOf(evidence);
    const kept = this.#of(evidence.party);
    if (contradiction === undefined || kept.contradictions.has(contradiction)) return false;
    kept.contradictions.add(contradiction);
    kept.sizeBytes += sizeBytes;
    return true;
  }

  /** All that was given so far is durable, or a write has failed. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** How many records there are about `party`. */
  count(party: PartyId): number {
    return this.#kept.get(party)?.contradictions.size ?? 0;
  }

  /**
   * Keeps evidence that the engine gave, if there is room for it. Durable when it resolves, to whether it was kept. Writes one at a
   * time, in the order of calls. After a rejection the store's state is unknown and the replica MUST stop.
   */
  async add(evidence: Evidence): Promise<boolean> {
    const { party } = evidence;
    const { contradictions, sizeBytes } = this.#of(party);
    const index = contradictions.size;
    const bytes = encode(evidenceCodec, evidence);
    if (index >= MAX_EVIDENCE_RECORDS || (index > 0 && sizeBytes + bytes.length > MAX_EVIDENCE_BYTES)) return false;
    if (!this.#note(evidence, bytes.length)) return false;
    const writing = this.#writing.then(() => this.#storage.setMeta(nameOf(party, index), bytes));
    this.#writing = writing;
    await writing;
    return true;
  }
}
