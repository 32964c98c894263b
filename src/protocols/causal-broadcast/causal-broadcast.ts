/**
 * Secure causal atomic broadcast: nobody learns what a payload says before its place in the order is fixed.
 *
 * Source: CKPS, CRYPTO 2001, secure causal atomic broadcast, after Reiter and Birman, "How to securely replicate services",
 * TOPLAS 1994; the encryption is TDH2 of Shoup and Gennaro, EUROCRYPT '98; docs/protocols.md section 2.
 *
 * Properties: those of atomic broadcast (../atomic-broadcast), for the ciphertexts; and
 *   agreement    every honest party delivers the same plaintexts, or finds the same payloads undecryptable, in the same places;
 *   causality    no honest party helps to decrypt a payload before it is ordered. So corrupted parties cannot
 *                order a payload of theirs before an honest client's that depends on it;
 *   termination  what is ordered is opened by every honest party.
 *
 * Messages:
 *   order/…                                         atomic broadcast of the sealed payloads
 *   open/r         shares                all → all   on the decision of round r (opening.ts)
 *   ask/r          request(end)          all → all   r is the oldest round not opened here, r+1 is decided
 *   again/p/r      shares                i → p       p asked for round r, and r is decided here
 * Rounds are delivered in order, each when all of its payloads are decrypted: valid shares of a set that `hasHonest`.
 *
 * A payload is checked before it is ordered, as the external predicate of atomic broadcast, and again when it is delivered;
 * an invalid one is skipped there.
 *
 * Catching up: the decision of a round comes as in atomic broadcast. Shares of round r stay in the links until r+1 is decided.
 * Who then still lacks some has decided r+1, too, or will: it asks for them, for up to 16 rounds at once, and
 * asks for the next ones when it has opened these. Each party keeps its own shares to answer; what
 * it answered to one peer stays in the link until this peer's next request. Shares of rounds not decided here are
 * kept; if there is no room the peer is asked to repeat what it has said, once their round is decided.
 *
 * Deviations: shares of a round travel together. Old shares are kept, not made again: they are smaller than the ciphertexts
 * that would be needed, and a request costs no exponentiation.
 *
 * Limits: early shares are kept up to maxEarlyBytes per peer, one request per peer is remembered. All own shares are kept,
 * as atomic broadcast keeps all digests: a bound needs checkpoints. What a client says of itself beside the
 * ciphertext, its size, and when it came, are not secret.
 */
import { decode } from "../../core/codec.js";
import type { Channel } from "../../core/engine.js";
import type { PartyId } from "../../core/party-set.js";
import { InvariantError, type RootInstance, type Scope } from "../../core/protocol.js";
import {
  type AtomicBroadcastOptions,
  type AtomicBroadcastProtocol,
  type AtomicBroadcastState,
  type DeliveredRound,
  type NoMessage,
  atomicBroadcast,
} from "../atomic-broadcast/index.js";
import { noMessage } from "../atomic-broadcast/messages.js";
import { decodeSettings } from "../atomic-broadcast/settings.js";
import {
  ROUNDS_PER_REQUEST,
  type Shares,
  againPath,
  askPath,
  openPath,
  placeOf,
  requestCodec,
  sharesCodec,
} from "./messages.js";
import { type Plaintexts, opening, ownShares } from "./opening.js";
import { type Sealed, type SealedPayload, SEALED, admit } from "./payload.js";
import { saying } from "./saying.js";

export interface CausalBroadcastOptions extends Omit<
  AtomicBroadcastOptions,
  "isValid" | "admission" | "checkpointInterval" | "restore"
> {
  /**
   * Which payloads may be ordered at all, besides that their ciphertext is valid under the label of their client: a pure
   * function, the same at every party.
   */
  isValid(sealed: SealedPayload): boolean;
}

export type OpenedPayload = {
  readonly client: Uint8Array;
  /** As it was submitted and ordered. */
  readonly payload: Uint8Array;
} & (
  | { readonly kind: "plaintext"; readonly plaintext: Uint8Array }
  /** Who encrypted it did not follow the scheme; all parties find the same. */
  | { readonly kind: "undecryptable" }
);

export interface OpenedRound {
  readonly round: number;
  /** In the order of delivery. */
  readonly payloads: readonly OpenedPayload[];
  /** Candidates that agreement tried. */
  readonly tries: number;
}

/** That of atomic broadcast; `round` is the one that is being agreed on. */
export interface CausalBroadcastState extends AtomicBroadcastState {
  /** The last delivered round; 0 before the first. */
  readonly opened: number;
}

export type CausalBroadcastProtocol = Channel<NoMessage, OpenedRound, CausalBroadcastState>;

/** @throws AtomicBroadcastOptionsError, on start, when the options contradict each other or do not fit the group. */
export function causalBroadcast(options: CausalBroadcastOptions): CausalBroadcastProtocol {
  return { message: noMessage, start: (scope) => new CausalBroadcast(scope, options) };
}

/** A round that is decided and not delivered. */
interface OrderedRound {
  readonly sealed: readonly Sealed[];
  readonly tries: number;
  plaintexts: Plaintexts | undefined;
  close(): void;
}

/** Rounds from `first` up to, and without, `end`. */
interface Range {
  readonly first: number;
  readonly end: number;
}

const NOTHING: Range = { first: 0, end: 0 };

interface Peer {
  /** Shares of rounds that are not decided here. */
  early: { readonly round: number; readonly body: Uint8Array }[];
  earlyBytes: number;
  /** The least round of which shares of the peer were dropped. */
  droppedFrom: number;
  /** The rounds of which it asked for shares last. */
  wants: Range;
}

class CausalBroadcast implements RootInstance<NoMessage, CausalBroadcastState> {
  readonly #scope: Scope<NoMessage, OpenedRound>;
  readonly #options: CausalBroadcastOptions;
  readonly #ordering: RootInstance<NoMessage, AtomicBroadcastState>;
  readonly #ordered = new Map<number, OrderedRound>();
  /** The own shares of each decided round. */
  readonly #shares = new Map<number, readonly Shares[]>();
  readonly #peers = new Map<PartyId, Peer>();
  #maxEarlyBytes: number;
  /** The last decided and the last delivered round. */
  #decided = 0;
  #opened = 0;
  /** The rounds of which this party asked for shares last. */
  #asked = NOTHING;

  constructor(scope: Scope<NoMessage, OpenedRound>, options: CausalBroadcastOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#maxEarlyBytes = options.maxEarlyBytes;
    this.#ordering = this.#startOrdering();
  }

  #startOrdering(): RootInstance<NoMessage, AtomicBroadcastState> {
    const isValid = (payload: Uint8Array): boolean => this.#admit(payload) !== undefined;
    const protocol = atomicBroadcast({ ...this.#options, isValid });
    let ordering: RootInstance<NoMessage, AtomicBroadcastState> | undefined;
    // A child is held by its input only; this one is also configured and inspected.
    const kept: AtomicBroadcastProtocol = { ...protocol, start: (scope) => (ordering = protocol.start(scope)) };
    this.#scope.spawn("order", kept, (round) => this.#onDecided(round));
    if (ordering === undefined) throw new InvariantError(`${this.#scope.tag}/order did not start`);
    return ordering;
  }

  #admit(payload: Uint8Array): Sealed | undefined {
    return admit(payload, {
      decryption: this.#scope.suite.decryption,
      label: (client) => this.#scope.statement(SEALED, client),
      isValid: (sealed) => this.#options.isValid(sealed),
    });
  }

  /** Settings as atomic broadcast has them. @throws InvariantError when they do not work */
  configure(settings: Uint8Array): void {
    this.#ordering.configure(settings);
    this.#maxEarlyBytes = decodeSettings(settings).maxEarlyBytes;
  }

  clock(nowMs: number): void {
    this.#ordering.clock(nowMs);
  }

  /** @throws InvariantError: what is still sealed is in no state of the host's */
  checkpoint(): void {
    throw new InvariantError(`${this.#scope.tag} has no checkpoints`);
  }

  /** A client's sealed payload; dropped silently when invalid, known or beyond the queue's bound. */
  input(payload: Uint8Array): void {
    this.#ordering.input(payload);
  }

  receive(from: PartyId): void {
    this.#scope.accuse(from, "malformed-message");
  }

  #onDecided({ round, payloads, tries }: DeliveredRound): void {
    const { suite } = this.#scope;
    const sealed = payloads.flatMap((payload) => this.#admit(payload) ?? []);
    // Not before: the order of these payloads is fixed from here on.
    const own = ownShares(suite.decryption, sealed);
    this.#decided = round;
    this.#shares.set(round, own);
    const child = this.#scope.spawn(openPath(round), opening({ sealed, own }), (plaintexts) =>
      this.#onOpened(round, plaintexts),
    );
    this.#ordered.set(round, { sealed, tries, plaintexts: undefined, close: () => child.close() });
    // Who lacks shares of an older round has decided this one, or will, and then asks.
    if (round > 1) this.#scope.retire(openPath(round - 1));
    for (const [party, peer] of this.#peers) this.#resume(party, peer, round);
    this.#askIfBehind();
  }

  /** What a peer said of the round that is decided now, and what it wants of it. */
  #resume(party: PartyId, peer: Peer, round: number): void {
    const early = peer.early.filter((one) => one.round === round);
    peer.early = peer.early.filter((one) => one.round > round);
    for (const { body } of early) {
      peer.earlyBytes -= sizeBytesOf(body);
      this.#scope.redeliver(party, openPath(round), body);
    }
    if (peer.droppedFrom <= round) {
      peer.droppedFrom = Infinity;
      this.#scope.askRepeat(party);
    }
    if (peer.wants.first <= round && round < peer.wants.end) this.#answer(party, round);
  }

  #onOpened(round: number, plaintexts: Plaintexts): void {
    const ordered = this.#ordered.get(round);
    if (ordered === undefined) throw new InvariantError(`round ${round} of ${this.#scope.tag} opened twice`);
    ordered.plaintexts = plaintexts;
    ordered.close();
    this.#deliver();
    this.#askIfBehind();
  }

  /** In order, although a later round may be open before an earlier one. */
  #deliver(): void {
    for (;;) {
      const round = this.#opened + 1;
      const ordered = this.#ordered.get(round);
      if (ordered?.plaintexts === undefined) return;
      const { sealed, tries, plaintexts } = ordered;
      const payloads = sealed.map((one, index) => opened(one, plaintexts[index]));
      this.#opened = round;
      this.#ordered.delete(round);
      this.#scope.output({ round, payloads, tries });
    }
  }

  /** Peers may have retired their shares of each round that is followed by a decided one. */
  #askIfBehind(): void {
    const first = this.#opened + 1;
    if (first >= this.#decided || first < this.#asked.end) return;
    if (this.#asked !== NOTHING) this.#scope.retire(askPath(this.#asked.first));
    const end = Math.min(first + ROUNDS_PER_REQUEST, this.#decided);
    this.#asked = { first, end };
    const others = this.#scope.group.parties.filter((party) => party !== this.#scope.self);
    this.#say(askPath(first), saying(requestCodec, [{ end }], others));
  }

  #say<Message>(path: string, protocol: ReturnType<typeof saying<Message>>): void {
    this.#scope.spawn(path, protocol, () => undefined).close();
  }

  /** Openings that are not live, requests, and answers. */
  orphan(from: PartyId, path: string, body: Uint8Array): void {
    const place = placeOf(path);
    if (place === undefined || (place.kind === "again" && place.to !== this.#scope.self))
      return this.#scope.accuse(from, "unknown-instance");
    if (place.kind === "ask") this.#onRequest(from, place.round, body);
    else this.#onShares(from, place.round, body);
  }

  #isOpening(round: number): boolean {
    const ordered = this.#ordered.get(round);
    return ordered !== undefined && ordered.plaintexts === undefined;
  }

  #onShares(from: PartyId, round: number, body: Uint8Array): void {
    if (this.#isOpening(round)) return this.#scope.redeliver(from, openPath(round), body);
    if (round <= this.#decided) return;
    const peer = this.#peer(from);
    if (peer.earlyBytes + sizeBytesOf(body) <= this.#maxEarlyBytes) {
      peer.early.push({ round, body });
      peer.earlyBytes += sizeBytesOf(body);
    } else {
      peer.droppedFrom = Math.min(peer.droppedFrom, round);
    }
  }

  /** Each round is asked for once, and in order; what was asked before is answered, and the peer has it by now. */
  #onRequest(from: PartyId, first: number, body: Uint8Array): void {
    const request = decode(requestCodec, body);
    const end = request.ok ? request.value.end : 0;
    if (end <= first || end > first + ROUNDS_PER_REQUEST) return this.#scope.accuse(from, "malformed-message");
    const peer = this.#peer(from);
    if (first < peer.wants.end) return;
    if (peer.wants !== NOTHING) this.#scope.retire(againPath(from));
    peer.wants = { first, end };
    for (let round = first; round < end && round <= this.#decided; round++) this.#answer(from, round);
  }

  #answer(to: PartyId, round: number): void {
    const shares = this.#shares.get(round);
    if (shares === undefined) throw new InvariantError(`no own shares of round ${round} of ${this.#scope.tag}`);
    this.#say(`${againPath(to)}/${round}`, saying(sharesCodec, shares, [to]));
  }

  #peer(party: PartyId): Peer {
    let peer = this.#peers.get(party);
    if (peer === undefined) {
      peer = { early: [], earlyBytes: 0, droppedFrom: Infinity, wants: NOTHING };
      this.#peers.set(party, peer);
    }
    return peer;
  }

  inspect(): CausalBroadcastState {
    return { ...this.#ordering.inspect(), opened: this.#opened };
  }
}

function opened({ client, payload }: Sealed, plaintext: Uint8Array | undefined): OpenedPayload {
  return plaintext === undefined
    ? { client, payload, kind: "undecryptable" }
    : { client, payload, kind: "plaintext", plaintext };
}

/** What a kept message costs, its bookkeeping included, so that empty bodies are not free. */
function sizeBytesOf(body: Uint8Array): number {
  return body.length + 64;
}
