/**
 * Dissemination `inline`: an entry holds the oldest payloads of the own queue, and a round delivers those of its vector.
 *
 * A valid entry of another party is inserted into the own queue first, so that it wakes whoever sees it and the own entry is never empty.
 *
 * Order within a round: parties from `r mod n` on around the circle, each entry in its own order.
 *
 * Deviation: an entry is stricter than the source's. *Every* payload of it is valid and open and no identity is named twice, which honest
 * parties' entries satisfy by construction; so no vector can carry ballast, and each brings something new.
 *
 * Limits: an entry is at most `greatestEntryBytes`, so that a vector of them can be broadcast. The queue and each peer's share of it are
 * bounded (queue.ts).
 */
import type { Fault } from "../../core/fault.js";
import type { PartyId } from "../../core/party-set.js";
import type { Scope } from "../../core/protocol.js";
import type { Admission } from "./admission.js";
import type { Dissemination, Frame } from "./dissemination.js";
import type { EntryKind } from "./entries.js";
import {
  type EntryContent,
  type QueueVector,
  type VectorSize,
  entryBody,
  entryBytes,
  greatestEntryBytes,
  greatestVector,
  queueEntryCodec,
  queueVectorCodec,
} from "./messages.js";
import { PayloadQueue, type Waiting } from "./queue.js";
import { type LocalSettings, settingsProblem } from "./settings.js";

export interface InlineOptions {
  readonly frame: Frame;
  readonly scope: Pick<Scope<never, never>, "self" | "group">;
  readonly options: { readonly vectorSize: VectorSize };
  readonly admission: Admission;
  readonly start: { readonly waiting: readonly Waiting[] };
}

export class Inline implements Dissemination<EntryContent, QueueVector> {
  readonly entries: EntryKind<EntryContent, QueueVector>;
  readonly alwaysDelivers = true;
  readonly cut = undefined;
  readonly acknowledged = [];
  readonly #frame: Frame;
  readonly #scope: InlineOptions["scope"];
  readonly #queue: PayloadQueue;
  readonly #greatestVector: number;
  /** Decided and not taken; in the order of delivery. */
  #decided: readonly Uint8Array[] | undefined;

  constructor({ frame, scope, options, admission, start }: InlineOptions) {
    this.#frame = frame;
    this.#scope = scope;
    this.#greatestVector = greatestVector(options.vectorSize, scope.group.n);
    const { waiting } = start;
    this.#queue = new PayloadQueue({ self: scope.self, limits: () => frame.settings(), admission, waiting });
    this.entries = {
      entry: queueEntryCodec,
      vector: queueVectorCodec,
      body: entryBody,
      fault: ({ payloads }) => this.#fault(payloads),
      vectorOf: (entries) =>
        entries.map(({ party, clock, payloads, signature }) => ({ party, clock, payloads, signature })),
      entriesOf: (vector) => vector,
    };
  }

  settingsProblem(settings: LocalSettings): string | undefined {
    return settingsProblem(settings, this.#greatestVector);
  }

  begin(): void {
    // Nothing is said outside of rounds.
  }

  entry(clock: number): EntryContent | undefined {
    const { maxEntryPayloads, maxEntryBytes } = this.#frame.settings();
    const payloads = this.#queue.portion(maxEntryPayloads, maxEntryBytes);
    return payloads.length > 0 ? { clock, payloads } : undefined;
  }

  learn(from: PartyId, { payloads }: EntryContent): void {
    for (const payload of payloads) this.#queue.append(payload, from);
  }

  submit(payload: Uint8Array): void {
    this.#queue.append(payload, this.#scope.self);
  }

  settle(): boolean {
    return false;
  }

  #fault(payloads: readonly Uint8Array[]): Fault | undefined {
    return this.#isWithinBounds(payloads) && this.#areOpen(payloads) ? undefined : "invalid-queue-entry";
  }

  /** The same bounds at every party: how much each signs at most is its own affair, within them. */
  #isWithinBounds(payloads: readonly Uint8Array[]): boolean {
    const sizeBytes = payloads.reduce((sum, payload) => sum + entryBytes(payload), 0);
    return payloads.length > 0 && sizeBytes <= greatestEntryBytes(this.#greatestVector);
  }

  #areOpen(payloads: readonly Uint8Array[]): boolean {
    const ids = new Set<string>();
    // The first bad one ends it: each takes a signature check, and an entry can have thousands.
    for (const payload of payloads) {
      const id = this.#queue.openId(payload);
      if (id === undefined || ids.has(id)) return false;
      ids.add(id);
    }
    return true;
  }

  decided(vector: QueueVector): void {
    const { n } = this.#scope.group;
    const distance = (party: PartyId): number => (party - (this.#frame.round() % n) + n) % n;
    const entries = vector.toSorted((a, b) => distance(a.party) - distance(b.party));
    this.#decided = entries.flatMap((entry) => entry.payloads);
  }

  take(): readonly Uint8Array[] | undefined {
    const payloads = this.#decided;
    this.#decided = undefined;
    return payloads;
  }

  delivered(): void {
    this.#queue.dropClosed();
  }

  orphan(): boolean {
    return false;
  }

  get room(): number {
    return this.#queue.room;
  }

  get waiting(): readonly Waiting[] {
    return this.#queue.waiting;
  }

  get queueLength(): number {
    return this.#queue.length;
  }

  get hasWork(): boolean {
    return this.#queue.length > 0;
  }

  snapshot(): Uint8Array {
    return new Uint8Array(0);
  }
}
