/**
 * The receipt of the first document with a digest. Replicas say where it is in the log, and sign what is there (archived-receipt.ts). A place counts when so many replicas say it that an honest one is among them: whoever lies can
 * only keep it back, and then the document gets one more entry.
 */
import { toHex } from "../core/bytes.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { ArchivedReceipt } from "./archived-receipt.js";
import { Asking, type AskingOptions, newId } from "./asking.js";
import { RefusedError } from "./errors.js";
import type { AnswerFrame, RefusalNote } from "./network.js";

export interface FindOptions extends AskingOptions {
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
}

export interface DocumentPlace {
  /** The payload's number. */
  readonly sequence: number;
  /** Which of its documents. */
  readonly index: number;
}

/** Undefined when there is none, or too few replicas know it. @throws as a query, but for RefusedError */
export async function findReceipt(
  options: FindOptions & { readonly cluster: Uint8Array },
  receiptAt: (place: DocumentPlace, timeoutMs: number) => Promise<ArchivedReceipt>,
): Promise<ArchivedReceipt | undefined> {
  const { cluster, digest, timeoutMs } = options;
  const deadlineMs = performance.now() + timeoutMs;
  const place = await findDocument(options);
  if (place === undefined) return undefined;
  const leftMs = Math.max(1, Math.round(deadlineMs - performance.now()));
  const found = await receiptAt(place, leftMs).catch((error: unknown) => {
    if (error instanceof RefusedError) return undefined;
    throw error;
  });
  // Whatever was said of the place, the group's signature says what is there.
  const isAsked = found?.receipt.cluster === toHex(cluster) && found.receipt.digest.value === toHex(digest);
  return isAsked ? found : undefined;
}

/** Undefined when a quorum has answered, and not enough of it know the digest. */
function findDocument(options: FindOptions): Promise<DocumentPlace | undefined> {
  return new Promise((resolve, reject) => new PlaceQuery(options, resolve, reject).start());
}

class PlaceQuery extends Asking<DocumentPlace | undefined, FindOptions> {
  readonly #id = newId();
  /** The first word of each counts. */
  readonly #places = new Map<PartyId, DocumentPlace>();

  protected begin(): void {
    this.options.network.open(this.#id, this);
    if (this.isOver) return;
    for (const party of this.options.network.group.parties) this.#ask(party);
  }

  protected stop(): void {
    this.options.network.close(this.#id);
  }

  #ask(party: PartyId): void {
    const { network, digest } = this.options;
    network.ask(party, this.#id, { kind: "find", id: this.#id, digest });
  }

  onAnswer(party: PartyId, frame: AnswerFrame): void {
    if (frame.kind !== "found" || this.#places.has(party)) return;
    this.options.network.settle(party, this.#id);
    this.answered(party, "answered, but not enough others did");
    this.#places.set(party, { sequence: frame.sequence, index: frame.index });
    this.#judge();
  }

  #judge(): void {
    const { group } = this.options.network;
    for (const place of this.#places.values()) {
      const same = [...this.#places].filter(([, other]) => isSamePlace(other, place));
      if (group.hasHonest(PartySet.of(same.map(([party]) => party)))) return this.succeed(place);
    }
    // What the others would say may never come.
    if (group.isQuorum(PartySet.of([...this.#places.keys(), ...this.refused]))) this.succeed(undefined);
  }

  protected onRefusal(party: PartyId, { retryAfterMs }: RefusalNote): void {
    if (retryAfterMs > 0) return this.after(retryAfterMs, () => this.#ask(party));
    this.options.network.settle(party, this.#id);
    this.#judge();
  }

  /** That nobody knows it is an answer. */
  protected couldDo(): boolean {
    return true;
  }
}

function isSamePlace(a: DocumentPlace, b: DocumentPlace): boolean {
  return a.sequence === b.sequence && a.index === b.index;
}
