/**
 * Rounds that are decided and not delivered: for each lane the batches from the round's certified tip down to the cut before it. Each batch
 * names its parent, so that what a round delivers depends on the tips alone. What is not here is asked for, the tip first.
 */
import { toHex } from "../../../core/bytes.js";
import type { PartyId } from "../../../core/party-set.js";
import type { BatchName, Scope } from "../../../core/protocol.js";
import type { Admission } from "../admission.js";
import { isSame } from "./lane.js";
import { type Batch, type Place, type Tip, batchDigest, readBatch } from "./messages.js";

/** A lane's part of a round. */
interface Span {
  readonly lane: PartyId;
  /** The cut before. */
  readonly floor: number;
  /** Who has signed for the tip; all when the certificate does not say. */
  readonly signers: readonly PartyId[];
  /** From the tip down. */
  readonly chain: Batch[];
  /** What comes next in `chain`, while it is beyond the floor. */
  next: Place;
}

interface OrderedRound {
  readonly round: number;
  readonly spans: readonly Span[];
}

/** What a batch that came for a round was worth. */
export type Verdict = "unwanted" | "false" | "taken";

type OrderingScope = Pick<Scope<never, never>, "group" | "self" | "suite" | "askBatch" | "keepBatch">;

export class Ordering {
  readonly #scope: OrderingScope;
  readonly #admission: Pick<Admission, "identify" | "digest">;
  /** Oldest first. */
  readonly #rounds: OrderedRound[] = [];
  /** Batches of the rounds above, by lane and height; of these at most the chains' are delivered. */
  readonly #here = new Map<string, Batch>();
  /** What was asked for. */
  readonly #wanted = new Map<string, Span>();

  constructor(scope: OrderingScope, admission: Pick<Admission, "identify" | "digest">) {
    this.#scope = scope;
    this.#admission = admission;
  }

  /** @param tips each with the cut before it, and the batches up to there that are here */
  add(
    round: number,
    tips: readonly { readonly tip: Tip; readonly floor: number; readonly here: readonly Batch[] }[],
  ): void {
    const spans = tips.map(({ tip, floor, here }): Span => {
      for (const batch of here) this.#here.set(nameOf(tip.lane, batch), batch);
      return { lane: tip.lane, floor, signers: this.#signersOf(tip), chain: [], next: tip };
    });
    this.#rounds.push({ round, spans });
    for (const span of spans) this.#advance(span);
  }

  #signersOf({ certificate }: Tip): readonly PartyId[] {
    const { suite, group, self } = this.#scope;
    const signers = suite.broadcastCertifier.signers?.(certificate) ?? group.parties;
    return [...signers].filter((party) => party !== self);
  }

  /** Down the chain, as far as it is here. */
  #advance(span: Span): void {
    while (span.next.height > span.floor) {
      const name = nameOf(span.lane, span.next);
      const batch = this.#here.get(name);
      if (batch === undefined) {
        this.#wanted.set(name, span);
        const { height, digest } = span.next;
        return this.#scope.askBatch({ lane: span.lane, height, digest }, span.signers);
      }
      span.chain.push(batch);
      span.next = batch.parent;
    }
  }

  /** What somebody sent as the batch of this name. */
  take(name: BatchName, bytes: Uint8Array): Verdict {
    const key = nameOf(name.lane, name);
    const span = this.#wanted.get(key);
    if (span === undefined) return "unwanted";
    const read = readBatch(name.height, bytes);
    // An honest witness has checked what is in it: so bytes that are made up are found out by one payload, not by the hashes of thousands.
    if (read?.payloads.every((payload) => this.#admission.identify(payload) !== undefined) !== true) return "false";
    const batch = { ...read, digest: batchDigest(read, this.#scope.suite, this.#admission) };
    if (!isSame(batch, name)) return "false";
    this.#wanted.delete(key);
    this.#here.set(key, batch);
    this.#scope.keepBatch(name, bytes);
    this.#advance(span);
    return "taken";
  }

  /** What the owner of a lane says of a height that is ordered: it may be what was asked for. */
  offer(lane: PartyId, height: number, bytes: Uint8Array): void {
    for (const { lane: of, next } of this.#wanted.values())
      if (of === lane && next.height === height) return void this.take({ lane, height, digest: next.digest }, bytes);
  }

  /** The payloads of the oldest round: lane by lane from `round mod n` on, heights upwards. Undefined while a batch is missing. */
  next(): readonly Uint8Array[] | undefined {
    const [first] = this.#rounds;
    if (first === undefined || first.spans.some((span) => span.next.height > span.floor)) return undefined;
    this.#rounds.shift();
    const { n } = this.#scope.group;
    const distance = (lane: PartyId): number => (lane - (first.round % n) + n) % n;
    const payloads: Uint8Array[] = [];
    for (const { lane, chain } of first.spans.toSorted((a, b) => distance(a.lane) - distance(b.lane))) {
      for (const batch of chain.toReversed()) for (const payload of batch.payloads) payloads.push(payload);
      this.#forget(lane, first.spans.find((span) => span.lane === lane)?.chain[0]?.height ?? 0);
    }
    return payloads;
  }

  /** Also what was here of other chains. */
  #forget(lane: PartyId, upTo: number): void {
    for (const [name, { height }] of this.#here)
      if (height <= upTo && name.startsWith(`${lane}/`)) this.#here.delete(name);
  }
}

function nameOf(lane: PartyId, { height, digest }: Place): string {
  return `${lane}/${height}/${toHex(digest)}`;
}
