/** The fingerprint of a run: SHA-256 over all effects of all parties in order, so that two runs with one seed can be compared. */
import { sha256 } from "@noble/hashes/sha2.js";
import { toHex } from "../core/bytes.js";
import { Writer } from "../core/writer.js";
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { SimEffect } from "./party.js";

/** Effects are hashed in pieces of about this size. */
const PIECE_BYTES = 8 * 1024;

/** SHA-256, bit by bit. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  /** The last call. */
  digest(): Uint8Array;
  /** Another one that has read the same. */
  copy(): Hash;
}

function portableHash(hash = sha256.create()): Hash {
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest(), copy: () => portableHash(hash.clone()) };
}

export class Trace {
  readonly #hash: Hash;
  readonly #writer = new Writer();
  /** The envelope of the last send. */
  #envelope: Envelope | undefined;

  /** @param hash a new SHA-256, if the host has a faster one */
  constructor(hash = portableHash()) {
    this.#hash = hash;
  }

  /** One record; whatever has no fixed length is prefixed by it, so that no two sequences of effects look the same. */
  record(party: PartyId, effect: SimEffect): void {
    this.#writer.u8(party);
    this.#text(effect.kind);
    if (effect.kind === "send") this.#send(effect.to, effect.envelope);
    else if (effect.kind === "signed") this.#signed(effect.slot, effect.digest);
    else if (effect.kind === "accuse") this.#text(`${effect.party} ${effect.tag} ${effect.fault}`);
    else if (effect.kind === "output") this.#output(effect.channel, effect.value.payloads);
    if (this.#writer.sizeBytes >= PIECE_BYTES) this.#hash.update(this.#writer.finish());
  }

  /** Of a message to several parties in a row, the body once. */
  #send(to: PartyId, envelope: Envelope): void {
    const isRepeated = envelope === this.#envelope;
    this.#envelope = envelope;
    this.#writer.u8(to);
    this.#writer.u8(isRepeated ? 1 : 0);
    if (isRepeated) return;
    this.#text(envelope.tag);
    this.#bytes(envelope.body);
  }

  #signed(slot: string, digest: Uint8Array): void {
    this.#text(slot);
    this.#bytes(digest);
  }

  #output(channel: string, payloads: readonly Uint8Array[]): void {
    this.#text(channel);
    this.#writer.u32(payloads.length);
    for (const payload of payloads) this.#bytes(payload);
  }

  /** Kinds, tags, slots and faults are ASCII. */
  #text(text: string): void {
    this.#writer.u32(text.length);
    this.#writer.ascii(text);
  }

  #bytes(bytes: Uint8Array): void {
    this.#writer.u32(bytes.length);
    this.#writer.raw(bytes);
  }

  /** Lower-case hexadecimal; the run may go on. */
  finish(): string {
    this.#hash.update(this.#writer.finish());
    return toHex(this.#hash.copy().digest());
  }
}
