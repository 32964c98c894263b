/** Lets effects out: to peers, to whoever keeps accusations and evidence, and to what repeats requests until they are answered. */
import type { Evidence } from "../core/evidence.js";
import type { Fault } from "../core/fault.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import type { Courier } from "../relay/courier.js";
import type { Item } from "../wire/peer-frames.js";
import { BatchRequests } from "./batch-requests.js";
import type { ReplicaEffect } from "./execution.js";
import { ProofRequests } from "./proof-requests.js";

export interface OutletOptions {
  readonly self: PartyId;
  readonly peers: Iterable<PartyId>;
  readonly courier: Courier;
  onAccused(party: PartyId, fault: Fault, tag: Tag): void;
  onEvidence(evidence: Evidence): void;
}

export class Outlet {
  readonly #options: OutletOptions;
  readonly #proofs = new ProofRequests();
  readonly #batches: BatchRequests;

  constructor(options: OutletOptions) {
    const { self, peers, courier } = options;
    this.#options = options;
    this.#batches = new BatchRequests({
      self,
      peers,
      ask: (of, batch) => courier.askBatch(of, batch),
      withdraw: (of, batch) => courier.withdrawBatch(of, batch),
    });
  }

  release(effect: ReplicaEffect): void {
    const { courier } = this.#options;
    switch (effect.kind) {
      case "send":
        return courier.post(effect.to, effect.envelope, effect.isBulk === true ? "bulk" : "prompt");
      case "retire":
        return courier.retire(effect.tag);
      case "accuse":
        return this.#options.onAccused(effect.party, effect.fault, effect.tag);
      case "askProofs": {
        const { of, channel, round, decidedBelow } = effect;
        if (this.#proofs.start(of, channel, round, decidedBelow)) courier.askProofs(of, channel, round);
        return;
      }
      case "askRepeat":
        // Something that it said was dropped, perhaps proofs among it: they may be asked for again.
        this.#proofs.forget(effect.of);
        return courier.askRepeat(effect.of);
      case "askBatch":
        return this.#batches.want(effect.channel, effect.name, effect.of);
      case "keepBatch":
        return this.#batches.kept(effect.channel, effect.name);
      case "evidence":
        return this.#options.onEvidence(effect.evidence);
    }
  }

  /** Batches that are asked for. */
  get wantedBatches(): number {
    return this.#batches.count;
  }

  /** Whether `from` was asked for the batch: once for each time that it was. */
  answered(from: PartyId, batch: Extract<Item, { readonly kind: "batch" }>): boolean {
    return this.#batches.answered(from, batch);
  }

  /** `peer` has started anew: of requests for proofs it knows nothing. */
  restarted(peer: PartyId): void {
    this.#proofs.forget(peer);
  }

  /** The state is another one, which was fetched: what was asked for before it is not needed. */
  renew(): void {
    this.#batches.clear();
    for (const peer of this.#options.peers) this.#proofs.forget(peer);
  }

  /** Some time has passed. */
  tick(): void {
    this.#batches.tick();
  }
}
