/**
 * Rows that the log has and the tables do not yet. One transaction is under way at a time; what comes meanwhile, and for a while after, is
 * merged into the next one: a transaction writes and syncs many pages, whether it has one row or a thousand. Reads look here first.
 */
import type { BatchName } from "../../core/protocol.js";
import type { Tag } from "../../core/tag.js";
import type { LedgerEntry, Rows } from "../../replica/storage.js";
import type { PlacedBatch } from "./batch-files.js";
import type { FiledBatch } from "./batch-format.js";
import { type BatchPlace, BatchPlaces } from "./batch-places.js";
import type { BatchRow } from "./tables.js";

/** What may wait before commits have to. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** Rows with so many bytes do not wait for others. */
const MAX_LINGERING_BYTES = 2 * 1024 * 1024;
/** From this size on a row's bytes are kept as they are, until they are written. */
const LONG_BYTES = 16 * 1024;
const NO_BYTES = new Uint8Array(0);
/** What a row takes besides its bytes, roughly. */
const ROW_BYTES = 64;

/** An entry of the ledger as it is written. */
export interface LedgerRow extends LedgerEntry {
  /** Where the payload is, of which `payload` has nothing then. */
  readonly place: BatchPlace | undefined;
}

/** Rows, of which the batches have their places. */
export interface PlacedRows extends Rows {
  readonly batches: readonly PlacedBatch[];
}

/** A batch as it is written. */
export interface NamedBatchRow {
  readonly channel: Tag;
  readonly name: BatchName;
  readonly row: BatchRow;
}

/** Rows that go into one transaction. */
export class Layer {
  readonly signed = new Map<string, Uint8Array>();
  /** By channel and round, `proofKey`. */
  readonly proofs = new Map<string, Rows["proofs"][number]>();
  readonly ledger = new Map<number, LedgerRow>();
  readonly certificates = new Map<number, Uint8Array>();
  /** By channel, lane and height, `batchName`. */
  readonly batches = new Map<string, NamedBatchRow>();
  /** Batches in files of which the rows gave way to others before they were written. */
  readonly replaced: FiledBatch[] = [];
  /** The last input whose rows are here or in the tables. */
  input = 0;
  sizeBytes = 0;

  /** Copies what is short, and of payloads that are in `places` nothing. */
  add(rows: PlacedRows, input: number, places: BatchPlaces): void {
    for (const { slot, digest } of rows.signed) this.signed.set(slot, this.#own(digest));
    for (const proof of rows.proofs) {
      this.proofs.set(proofKey(proof.channel, proof.round), { ...proof, envelope: this.#own(proof.envelope) });
    }
    for (const batch of rows.batches) places.note(batch);
    for (const entry of rows.ledger) {
      const place = places.of(entry.payload);
      const payload = this.#own(place === undefined ? entry.payload : NO_BYTES);
      this.ledger.set(entry.sequence, { ...entry, place, payload });
    }
    for (const { round, certificate } of rows.certificates) this.certificates.set(round, this.#own(certificate));
    for (const batch of rows.batches) this.#addBatch(batch);
    this.input = input;
  }

  #addBatch({ channel, name, bytes, filed }: PlacedBatch): void {
    const key = batchName(channel, name);
    const former = this.batches.get(key)?.row;
    if (former?.kind === "filed") this.replaced.push(former);
    const row: BatchRow =
      filed === undefined
        ? { kind: "inline", digest: name.digest, bytes: this.#own(bytes) }
        : { kind: "filed", ...filed };
    if (filed !== undefined) this.sizeBytes += ROW_BYTES;
    this.batches.set(key, { channel, name, row });
  }

  /** What is long has memory of its own, and is not changed; what is short may be a part of more. */
  #own(bytes: Uint8Array): Uint8Array {
    this.sizeBytes += ROW_BYTES + bytes.length;
    return bytes.length >= LONG_BYTES ? bytes : new Uint8Array(bytes);
  }
}

export function proofKey(channel: string, round: number): string {
  return `${channel}#${round}`;
}

export function batchName(channel: Tag, { lane, height }: Pick<BatchName, "lane" | "height">): string {
  return `${channel}/${lane}/${height}`;
}

export class WriteBehind {
  readonly #write: (layer: Layer) => Promise<void>;
  readonly #onError: (error: Error) => void;
  readonly #lingerMs: number;
  readonly #places = new BatchPlaces();
  #waiting: Layer | undefined;
  #underWay: Layer | undefined;
  #isRunning = false;
  /** Ends the pause before a transaction. */
  #hurry: (() => void) | undefined;
  #failure: Error | undefined;
  /** Called, and forgotten, after each transaction. */
  #watchers: (() => void)[] = [];

  /** `lingerMs`: how long rows wait for others to share their transaction, unless somebody waits for them. A crash then has more to replay. */
  constructor(write: (layer: Layer) => Promise<void>, onError: (error: Error) => void, lingerMs: number) {
    this.#write = write;
    this.#onError = onError;
    this.#lingerMs = lingerMs;
  }

  /** Newest first. */
  get layers(): readonly Layer[] {
    return [this.#waiting, this.#underWay].filter((layer) => layer !== undefined);
  }

  /** @throws what a transaction failed with */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  add(rows: PlacedRows, input: number): void {
    this.#waiting ??= new Layer();
    this.#waiting.add(rows, input, this.#places);
    if (!this.#isRunning) void this.#run();
    else if (this.#waiting.sizeBytes > MAX_LINGERING_BYTES) this.#hurry?.();
  }

  /** Resolves when no more waits than may. @throws as `check` */
  async room(): Promise<void> {
    await this.#until(() => this.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) <= MAX_WAITING_BYTES);
  }

  /** Resolves when the tables have all that was added before. @throws as `check` */
  async settled(): Promise<void> {
    const before = this.layers;
    await this.#until(() => !this.layers.some((layer) => before.includes(layer)));
  }

  async #until(isDone: () => boolean): Promise<void> {
    this.check();
    while (!isDone()) {
      this.#hurry?.();
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
      this.check();
    }
  }

  #mayLinger({ sizeBytes }: Layer): boolean {
    return this.#lingerMs > 0 && sizeBytes <= MAX_LINGERING_BYTES && this.#watchers.length === 0;
  }

  async #linger(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#lingerMs);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#hurry = undefined;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting !== undefined && this.#failure === undefined) {
      if (this.#mayLinger(this.#waiting)) await this.#linger();
      this.#underWay = this.#waiting;
      this.#waiting = undefined;
      try {
        await this.#write(this.#underWay);
        this.#underWay = undefined;
      } catch (error) {
        // The rows stay readable: what was committed is so.
        this.#failure = error instanceof Error ? error : new Error(String(error));
        this.#onError(this.#failure);
      }
      const watchers = this.#watchers;
      this.#watchers = [];
      for (const resolve of watchers) resolve();
    }
    this.#isRunning = false;
  }
}
