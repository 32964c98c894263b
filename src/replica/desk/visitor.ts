/** One connection of a client at the desk. */
import { encode } from "../../core/codec.js";
import { REFUSALS, type Refusal, type ReplyFrame, replyFrameCodec } from "../../wire/client-frames.js";
import type { Connection } from "../links.js";

/** Shares, answers to queries, and payloads to be checked, by weight, that one connection may be owed before it is read further. */
const MAX_OWED_PER_CONNECTION = 64;

/** Of refusals that concern nothing that has an identifier. */
export const NOTHING = new Uint8Array(32);

export class Visitor {
  readonly #connection: Connection;
  /** Index in the cluster's public file; -1 for who has no certificate of its own. */
  readonly client: number;
  greeted = false;
  /** Work that is still to be done for it. */
  #owed = 0;
  /** Whether it does not read its replies. */
  #full = false;
  #left = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.client = connection.peer.kind === "client" ? connection.peer.client : -1;
  }

  get hasLeft(): boolean {
    return this.#left;
  }

  owe(count: number): void {
    this.#owed += count;
    this.#regulate();
  }

  writable(): void {
    this.#full = false;
    this.#regulate();
  }

  /** A client that does not read its replies, or has asked for more than we can make, is not read either. */
  #regulate(): void {
    if (this.#left) return;
    if (this.#full || this.#owed > MAX_OWED_PER_CONNECTION) this.#connection.pause();
    else this.#connection.resume();
  }

  reply(frame: ReplyFrame): void {
    if (this.#left) return;
    if (this.#connection.send(encode(replyFrameCodec, frame))) return;
    this.#full = true;
    this.#regulate();
  }

  refuse(id: Uint8Array, refusal: Refusal, reason: string, retryAfterMs = 0): void {
    this.reply({ kind: "refused", id, code: REFUSALS.indexOf(refusal), reason, retryAfterMs });
  }

  left(): void {
    this.#left = true;
  }

  close(): void {
    this.#connection.close();
  }
}
