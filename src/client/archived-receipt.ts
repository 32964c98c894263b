/**
 * The receipt of a document that is in the log already, whoever had it notarised. What it says follows from the log, so the replicas sign it
 * whenever they are asked, and the signature is the same each time.
 */
import type { PartyId, PartySet } from "../core/party-set.js";
import { type PlainReceipt, receiptOf } from "../verify/index.js";
import { Asking, type AskingOptions, newId } from "./asking.js";
import type { AnswerFrame, RefusalNote } from "./network.js";
import { type Assembled, ShareCollector, type ShareCollectorOptions } from "./share-collector.js";

export interface ArchivedReceiptOptions extends AskingOptions {
  /** The payload's number. */
  readonly sequence: number;
  /** Which of its documents. */
  readonly index: number;
  readonly shares: Omit<ShareCollectorOptions, "askProof">;
  /** Whether shares of these parties make a signature. */
  suffices(parties: PartySet): boolean;
}

export interface ArchivedReceipt {
  readonly receipt: PlainReceipt;
  /** Parties that sent a bad share, as far as it mattered. */
  readonly faulty: readonly PartyId[];
}

/** @throws RefusedError when so many replicas have no such document that there can be no receipt; else as a query */
export function askReceipt(options: ArchivedReceiptOptions): Promise<ArchivedReceipt> {
  return new Promise((resolve, reject) => new ReceiptQuery(options, resolve, reject).start());
}

class ReceiptQuery extends Asking<ArchivedReceipt, ArchivedReceiptOptions> {
  readonly #id = newId();
  readonly #shares = new ShareCollector({
    ...this.options.shares,
    askProof: (party) => this.#ask(party, "proof"),
  });

  protected begin(): void {
    this.options.network.open(this.#id, this);
    if (this.isOver) return;
    for (const party of this.options.network.group.parties) this.#ask(party, "share");
  }

  protected stop(): void {
    this.options.network.close(this.#id);
  }

  #ask(party: PartyId, want: "share" | "proof"): void {
    const { network, sequence, index } = this.options;
    network.ask(party, this.#id, { kind: "document", id: this.#id, sequence, index, want });
  }

  onAnswer(party: PartyId, frame: AnswerFrame): void {
    if (frame.kind !== "share" || frame.reply === undefined) return;
    this.options.network.settle(party, this.#id);
    this.answered(party, "answered, but not enough others did with the same answer");
    const assembled = this.#shares.add(party, { ...frame, reply: frame.reply }, frame);
    if (assembled !== undefined) this.#finish(assembled);
  }

  #finish({ statement, signature }: Assembled): void {
    const receipt = receiptOf(statement, signature);
    const { sequence } = this.options;
    // An honest party stands behind the signature, so this is a defect.
    if (!receipt.ok || receipt.value.sequence !== sequence)
      return this.fail(new Error(`the cluster signed another statement than that of payload ${sequence}`));
    this.succeed({ receipt: receipt.value, faulty: this.#shares.faulty });
  }

  protected onRefusal(party: PartyId, { retryAfterMs }: RefusalNote): void {
    if (retryAfterMs === 0) return this.options.network.settle(party, this.#id);
    this.after(retryAfterMs, () => this.#ask(party, "share"));
  }

  protected couldDo(parties: PartySet): boolean {
    return this.options.suffices(parties);
  }
}
