/**
 * From which round on this replica may speak (docs/protocols.md, "Learners").
 *
 * A replica that lost its store does not know what it has said, so it says nothing: not before the group has delivered its `rejoin` with a
 * nonce that was drawn after the loss. One whose log was written by another engine knows what it has signed, and
 * speaks in later rounds only; unless a crash kept the log's end from the tables, which is then as good as lost.
 */
import { concat, equalBytes } from "../core/bytes.js";
import { decode, encode, u64 } from "../core/codec.js";
import type { PartyId } from "../core/party-set.js";
import { encodePayload, rejoinStatement } from "../wire/payload.js";
import { type Machine, REJOIN_RANDOM_BYTES, rejoinNonce } from "./machine/index.js";
import type { Storage } from "./storage.js";

/** Set by whoever made a store for a party that had one before, and here. */
const REJOIN = "rejoin";
const SPEAK_FROM = "speak-from";
const LANE_BEFORE = "lane-before";
const BORN = "born";
const U64_BYTES = 8;
const NEVER = Number.MAX_SAFE_INTEGER;

export interface SpeechOptions {
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  readonly storage: Pick<Storage, "meta" | "setMeta">;
  /** SHA-256. */
  hash(bytes: Uint8Array): Uint8Array;
  /** Signs with the party's key. */
  sign(statement: Uint8Array): Uint8Array;
}

export class Speech {
  readonly #options: SpeechOptions;
  /** Undefined unless the store was lost at some time. */
  #nonce: Uint8Array | undefined;
  #after: number;

  constructor(options: SpeechOptions) {
    this.#options = options;
    const { storage } = options;
    this.#nonce = storage.meta(REJOIN);
    this.#after = numberIn(storage.meta(SPEAK_FROM));
  }

  /** The least round in which to speak, as `machine` knows it. */
  from(machine: Pick<Machine, "rejoinedIn">): number {
    if (this.#nonce === undefined) return this.#after;
    const rejoined = machine.rejoinedIn(this.#options.self);
    if (rejoined === undefined || !equalBytes(rejoined.nonce, this.#nonce)) return NEVER;
    return Math.max(rejoined.round + 1, this.#after);
  }

  /** Nothing more is said in rounds below `round`, nor in the own lane up to `height`. */
  async silenceBelow(round: number, height: number): Promise<void> {
    this.#after = Math.max(this.#after, round);
    await this.#options.storage.setMeta(LANE_BEFORE, encode(u64, Math.max(this.laneBefore, height)));
    await this.#options.storage.setMeta(SPEAK_FROM, encode(u64, this.#after));
  }

  /** The height up to which the own lane was signed when this replica last forgot what it had said; 0 when it never has. */
  get laneBefore(): number {
    return numberIn(this.#options.storage.meta(LANE_BEFORE));
  }

  /**
   * Nothing more is said before the group has delivered a rejoin that was not thought of yet: what was signed on account of inputs up to
   * `lastInput` is not known. The nonce is greater than the one before, and no store ever has two for one input.
   */
  async silenceUntilRejoin(lastInput: number, nowMs: number): Promise<void> {
    const { storage, cluster, self } = this.#options;
    const earlierMs = this.#nonce === undefined ? 0 : numberIn(this.#nonce.subarray(0, U64_BYTES));
    const lost = concat(cluster, encode(u64, self), encode(u64, lastInput));
    const random = this.#options.hash(lost).subarray(0, REJOIN_RANDOM_BYTES);
    this.#nonce = rejoinNonce(Math.max(nowMs, earlierMs + 1), random);
    await storage.setMeta(REJOIN, this.#nonce);
  }

  /** What others are asked to have ordered while this replica must be silent; undefined when that would not help. */
  plea(machine: Pick<Machine, "rejoinedIn">): Uint8Array | undefined {
    const nonce = this.#nonce;
    if (nonce === undefined || this.from(machine) !== NEVER) return undefined;
    const { self, cluster } = this.#options;
    const rejoin = { cluster, party: self, nonce };
    return encodePayload({ kind: "rejoin", ...rejoin, signature: this.#options.sign(rejoinStatement(rejoin)) });
  }

  /**
   * What is added to a run's number, such that runs of a new store come after those of the one that was lost: the time of its
   * first start.
   */
  async born(nowMs: number): Promise<number> {
    const { storage } = this.#options;
    const known = storage.meta(BORN);
    if (known !== undefined) return numberIn(known);
    const born = this.#nonce === undefined ? 0 : nowMs;
    await storage.setMeta(BORN, encode(u64, born));
    return born;
  }
}

function numberIn(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return 0;
  const number = decode(u64, bytes);
  if (!number.ok) throw new Error(`a number in the store is damaged: ${number.error}`);
  return number.value;
}
