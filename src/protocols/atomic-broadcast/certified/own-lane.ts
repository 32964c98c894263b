/** The lane of this party as its owner has it: which batches it has sealed beyond the last cut, and who has signed for them. */
import type { PartyId } from "../../../core/party-set.js";
import type { Scope } from "../../../core/protocol.js";
import { Tally } from "../../../core/tally.js";
import { BATCH, type Batch, lanePath } from "./messages.js";

export interface Sealed {
  readonly batch: Batch;
  readonly shares: ReadonlyMap<PartyId, Uint8Array>;
  readonly certificate: Uint8Array | undefined;
}

export interface OwnLaneState {
  /** The height at which this party began its lane, for the first time or anew. */
  readonly first: number;
  /** The greatest height of the own lane in an entry of this party. */
  readonly named: number;
  /** Bytes of the batches that were ordered the last time that any was. */
  readonly orderedBytes: number;
  readonly sealed: readonly Sealed[];
}

interface OwnBatch {
  readonly batch: Batch;
  readonly shares: Tally<Uint8Array>;
  certificate: Uint8Array | undefined;
}

type OwnScope = Pick<Scope<never, never>, "group" | "suite" | "statement" | "self">;

export class OwnLane {
  readonly #scope: OwnScope;
  #first: number;
  named: number;
  #orderedBytes: number;
  /** By height, upwards. */
  readonly #sealed = new Map<number, OwnBatch>();

  constructor(scope: OwnScope, { first, named, orderedBytes, sealed }: OwnLaneState) {
    this.#scope = scope;
    this.#first = first;
    this.named = named;
    this.#orderedBytes = orderedBytes;
    for (const { batch, shares, certificate } of sealed) {
      const own = this.#add(batch);
      for (const [party, share] of shares) own.shares.add(party, share);
      own.certificate = certificate;
    }
  }

  get state(): OwnLaneState {
    return {
      first: this.#first,
      named: this.named,
      orderedBytes: this.#orderedBytes,
      sealed: [...this.#sealed.values()].map(({ batch, shares, certificate }) => ({
        batch,
        shares: shares.items,
        certificate,
      })),
    };
  }

  get first(): number {
    return this.#first;
  }

  get orderedBytes(): number {
    return this.#orderedBytes;
  }

  /** Sealed and not ordered. */
  get length(): number {
    return this.#sealed.size;
  }

  /** Whether a sealed batch waits for its place in an entry of this party. */
  get isWaiting(): boolean {
    for (const height of this.#sealed.keys()) if (height > this.named) return true;
    return false;
  }

  /** Whether all that are sealed have their certificates. */
  get isCertified(): boolean {
    for (const { certificate } of this.#sealed.values()) if (certificate === undefined) return false;
    return true;
  }

  #add(batch: Batch): OwnBatch {
    const own = {
      batch,
      shares: new Tally<Uint8Array>((set) => this.#scope.group.isBroadcastQuorum(set)),
      certificate: undefined,
    };
    this.#sealed.set(batch.height, own);
    return own;
  }

  seal(batch: Batch): void {
    this.#add(batch);
  }

  /** Whether a share on the batch of this height is of use. */
  wants(from: PartyId, height: number): boolean {
    const own = this.#sealed.get(height);
    return own !== undefined && !own.shares.complete && !own.shares.has(from);
  }

  /** Whether the share is one. Any bytes are answered. */
  isShare(from: PartyId, height: number, share: Uint8Array): boolean {
    const own = this.#sealed.get(height);
    return (
      own !== undefined && this.#scope.suite.broadcastCertifier.verifyShare(from, this.#statement(own.batch), share)
    );
  }

  #statement({ height, digest }: Batch): Uint8Array {
    return this.#scope.statement(BATCH, digest, lanePath(this.#scope.self, height));
  }

  /** Of one that is wanted, and one. The certificate, if this share completes it. */
  addShare(from: PartyId, height: number, share: Uint8Array): Uint8Array | undefined {
    const own = this.#sealed.get(height);
    if (own?.shares.add(from, share) !== true) return undefined;
    own.certificate = this.#scope.suite.broadcastCertifier.combine(this.#statement(own.batch), own.shares.items);
    return own.certificate;
  }

  /** The lane is ordered up to this height. */
  moveTo(height: number): void {
    let orderedBytes = 0;
    for (const [sealed, { batch }] of this.#sealed) {
      if (sealed > height) continue;
      orderedBytes += batch.bytes.length;
      this.#sealed.delete(sealed);
    }
    if (orderedBytes > 0) this.#orderedBytes = orderedBytes;
  }

  /** Begins anew, at a height that this party has never used. */
  restart(first: number): void {
    this.#first = first;
    this.#sealed.clear();
  }
}
