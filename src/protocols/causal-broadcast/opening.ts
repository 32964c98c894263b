/**
 * The opening of one ordered round: exchange decryption shares of its sealed payloads, and decrypt.
 *
 * Source: CRYPTO 2001, secure causal atomic broadcast; Shoup and Gennaro, EUROCRYPT '98, for what shares must be.
 *
 * Properties: all honest parties that open the round find the same plaintexts; with the shares of all honest parties each
 * of them opens it.
 *
 * Messages:
 *   shares(batch, list)   all → all   at the start: the own shares, 256 to a message
 *   A batch is decrypted on valid shares of a set that `hasHonest`.
 *
 * Deviations: a message counts as a whole. One bad share in it and it counts for nothing, since no honest party makes one.
 *
 * Limits: of each party at most one message for each batch is kept, and after a bad one none is looked at.
 */
import { type PartyId, PartySet } from "../../core/party-set.js";
import type { Instance, Protocol, Scope } from "../../core/protocol.js";
import type { Decryption } from "../../core/suite.js";
import { Tally } from "../../core/tally.js";
import { SHARES_PER_MESSAGE, type Shares, sharesCodec } from "./messages.js";
import type { Sealed } from "./payload.js";

/** The plaintexts of the sealed payloads, in their order; undefined for an undecryptable one. */
export type Plaintexts = readonly (Uint8Array | undefined)[];

export interface OpeningOptions {
  readonly sealed: readonly Sealed[];
  /** What `ownShares` made of them. */
  readonly own: readonly Shares[];
}

/** This party's shares of sealed payloads that are ordered. */
export function ownShares(decryption: Decryption, sealed: readonly Sealed[]): readonly Shares[] {
  return batchesOf(sealed).map((items, batch) => ({
    batch,
    shares: items.map(({ label, ciphertext }) => decryption.share(label, ciphertext)),
  }));
}

function batchesOf(sealed: readonly Sealed[]): readonly (readonly Sealed[])[] {
  return Array.from({ length: Math.ceil(sealed.length / SHARES_PER_MESSAGE) }, (_, batch) =>
    sealed.slice(batch * SHARES_PER_MESSAGE, (batch + 1) * SHARES_PER_MESSAGE),
  );
}

export function opening(options: OpeningOptions): Protocol<never, Shares, Plaintexts> {
  return { message: sharesCodec, start: (scope) => new Opening(scope, options) };
}

interface Batch {
  readonly items: readonly Sealed[];
  readonly shares: Tally<readonly Uint8Array[]>;
  plaintexts: Plaintexts | undefined;
}

class Opening implements Instance<never, Shares> {
  readonly #scope: Scope<Shares, Plaintexts>;
  readonly #batches: readonly Batch[];
  /** Who has sent a bad share. */
  readonly #refused = new PartySet();

  constructor(scope: Scope<Shares, Plaintexts>, { sealed, own }: OpeningOptions) {
    this.#scope = scope;
    this.#batches = batchesOf(sealed).map((items) => ({
      items,
      shares: new Tally((set) => scope.group.hasHonest(set)),
      plaintexts: undefined,
    }));
    for (const message of own) scope.broadcast(message);
    this.#outputIfOpen();
  }

  input(): void {}

  receive(from: PartyId, { batch: index, shares }: Shares): void {
    const batch = this.#batches[index];
    if (batch === undefined || shares.length !== batch.items.length)
      return this.#scope.accuse(from, "malformed-message");
    if (batch.shares.complete || batch.shares.has(from) || this.#refused.has(from)) return;
    if (!this.#areValid(from, batch, shares)) {
      this.#refused.add(from);
      return this.#scope.accuse(from, "invalid-share");
    }
    if (batch.shares.add(from, shares)) this.#decrypt(batch);
  }

  #areValid(from: PartyId, { items }: Batch, shares: readonly Uint8Array[]): boolean {
    const { self, suite } = this.#scope;
    if (from === self) return true;
    return shares.every((share, index) => {
      const item = items[index];
      return item !== undefined && suite.decryption.verifyShare(from, item.label, item.ciphertext, share);
    });
  }

  #decrypt(batch: Batch): void {
    const { decryption } = this.#scope.suite;
    batch.plaintexts = batch.items.map(({ label, ciphertext }, index) => {
      const shares = [...batch.shares.items].map(([party, all]) => [party, all[index] ?? new Uint8Array()] as const);
      return decryption.combine(label, ciphertext, new Map(shares));
    });
    this.#outputIfOpen();
  }

  #outputIfOpen(): void {
    const plaintexts: (Uint8Array | undefined)[] = [];
    for (const batch of this.#batches) {
      if (batch.plaintexts === undefined) return;
      plaintexts.push(...batch.plaintexts);
    }
    this.#scope.output(plaintexts);
  }
}
