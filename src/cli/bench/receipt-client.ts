/**
 * A client of the load whose payloads are documents: each counts when its receipt is there, with the group's signature, as
 * `abcast notarize` has them made. It is the client library itself.
 */
import { randomFillSync } from "node:crypto";
import { type Client, MAX_NOTARIZED_TOGETHER } from "../../client/index.js";
import type { Batch } from "./pacer.js";

const DIGEST_BYTES = 32;
/** Whoever has no receipt by then, fails. */
const TIMEOUT_MS = 60_000;

export interface ReceiptClientOptions {
  readonly client: Pick<Client, "notarizeAll">;
  /** Requests under way at once. */
  readonly maxInFlight: number;
  readonly nowMs: () => number;
  onAcknowledged(batch: Batch, sentMs: number): void;
  /** It cannot go on. */
  onFailure(error: Error): void;
}

export class ReceiptClient {
  readonly maxOperations = MAX_NOTARIZED_TOGETHER;
  readonly #options: ReceiptClientOptions;
  inFlight = 0;
  isReady = false;

  constructor(options: ReceiptClientOptions) {
    this.#options = options;
    // There is no better sign that the cluster serves.
    this.#notarize(1).then(
      () => (this.isReady = true),
      (error: unknown) => this.#fail(error),
    );
  }

  get hasRoom(): boolean {
    return this.inFlight < this.#options.maxInFlight;
  }

  send(batch: Batch): void {
    this.inFlight++;
    this.#acknowledge(batch).catch((error: unknown) => this.#fail(error));
  }

  async #acknowledge(batch: Batch): Promise<void> {
    const sentMs = this.#options.nowMs();
    await this.#notarize(batch.count);
    this.inFlight--;
    this.#options.onAcknowledged(batch, sentMs);
  }

  /** Documents that nobody has had notarised. */
  async #notarize(count: number): Promise<void> {
    const digests = Array.from({ length: count }, () => randomFillSync(new Uint8Array(DIGEST_BYTES)));
    const { receipts } = await this.#options.client.notarizeAll(digests, TIMEOUT_MS);
    if (receipts.length !== count) throw new Error(`${receipts.length} receipts of ${count} documents`);
  }

  #fail(error: unknown): void {
    this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
  }

  /** The library does it by itself. */
  widen(): void {
    return undefined;
  }
}
