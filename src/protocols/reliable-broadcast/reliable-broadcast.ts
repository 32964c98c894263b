/**
 * Reliable broadcast, of whole messages or of fragments.
 *
 * Source: "Reliable Broadcast" of the source, which refers to Bracha, "An asynchronous ⌊(n-1)/3⌋-resilient consensus protocol",
 * PODC 1984. Fragments: Cachin and Tessaro, "Asynchronous verifiable information dispersal", SRDS 2005.
 *
 * Properties, for one sender:
 *   validity           an honest sender's message is delivered by all honest parties;
 *   agreement          no two honest parties deliver different messages;
 *   totality           if one honest party delivers, all do, also those who hear nothing from the sender;
 *   integrity          each honest party delivers at most once, and from an honest sender only what it sent;
 *   external validity  what is delivered satisfies the predicate `fault`.
 * With a corrupted sender it may be that nobody delivers.
 *
 * Messages; `piece` is the message itself ("full"), or a fragment with its Merkle path ("coded"), and r the root:
 *   send(piece_i)  sender → i
 *   echo(piece_i)  i → all   on the first send, unless it shows already that the message is not valid
 *   ready(r)       i → all   once, on a broadcast quorum of echoes for r from which a valid message with root r is recovered; or
 *                            on readies for r of a set that has an honest member
 *   Deliver on a quorum of readies for r, when r's message is recovered.
 *
 * Why: of one party one echo and one ready count. Two broadcast quorums share an honest party, who echoes one root, so all
 * honest readies are for one r: agreement. The first of them is from echoes, so r has a valid message, whichever fragments it is
 * recovered from. Of the broadcast quorum behind it, the honest who are alive echo to all: enough pieces for everybody. A
 * quorum of readies leaves, without the corrupted, a set with an honest member, whose readies reach everybody: totality.
 *
 * Deviations: from Bracha, `ready` has the digest and no message; from Cachin and Tessaro, the root and no fragment, as in Miller,
 * Xia, Croman, Shi and Song, "The Honey Badger of BFT protocols", CCS 2016, figure 2. Echoes bring the rest, so as many fragments
 * must do as a broadcast quorum leaves without the faulty (fragment-count.ts). A root whose fragments are no valid message
 * is refused before `ready`; so it is never delivered, not even as "nothing". Predicates on sets of parties in place of thresholds.
 *
 * Limits: messages up to `maxBytes`, which is at most MAX_RELIABLE_BYTES; 256 parties. An instance keeps the first send, and the
 * first echo and ready of each party, of one root no more pieces than are needed: at most n+1 messages, or fragments; none
 * after delivery. What was sent must be kept for the others until the caller retires the instance.
 */
import { toHex } from "../../core/bytes.js";
import { EncodeError, type Value, fixedBytes, struct, union } from "../../core/codec.js";
import { MAX_BODY_BYTES } from "../../core/envelope.js";
import type { Fault } from "../../core/fault.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import { type Instance, InvariantError, type Protocol, type Scope } from "../../core/protocol.js";
import { codedDissemination, codedPieceCodec } from "./coded.js";
import { type Dissemination, type Piece, ROOT_BYTES } from "./dissemination.js";
import { fullDissemination, fullPieceCodec } from "./full.js";

/** The greatest `maxBytes`: leaves room for a Merkle path and length fields in the body of a message. */
export const MAX_RELIABLE_BYTES = MAX_BODY_BYTES - 1024;

export interface ReliableBroadcastOptions {
  readonly sender: PartyId;
  /** "full": everybody sends the message to everybody. "coded": fragments; less to send when messages are long. */
  readonly dissemination: "full" | "coded";
  /** The longest message. */
  readonly maxBytes: number;
  /** The external predicate: what is wrong with a message, or undefined. Pure. */
  fault(message: Uint8Array): Fault | undefined;
}

function messageCodec(pieceCodec: ReturnType<typeof fullPieceCodec>) {
  const piece = struct({ piece: pieceCodec });
  return union({ send: piece, echo: piece, ready: struct({ root: fixedBytes(ROOT_BYTES) }) });
}

export type ReliableBroadcastMessage = Value<ReturnType<typeof messageCodec>>;

/**
 * The input is the sender's message, once; the output is the message, once. Input throws an EncodeError above `maxBytes`.
 * @throws RangeError unless `maxBytes` is within 0..MAX_RELIABLE_BYTES.
 */
export function reliableBroadcast(
  options: ReliableBroadcastOptions,
): Protocol<Uint8Array, ReliableBroadcastMessage, Uint8Array> {
  const { dissemination, maxBytes } = options;
  if (!Number.isInteger(maxBytes) || maxBytes < 0 || maxBytes > MAX_RELIABLE_BYTES)
    throw new RangeError(`maxBytes=${maxBytes} is not within 0..${MAX_RELIABLE_BYTES}`);
  const coded = dissemination === "coded";
  return {
    message: messageCodec(coded ? codedPieceCodec(maxBytes) : fullPieceCodec(maxBytes)),
    start: (scope) => {
      const { group, suite } = scope;
      const spread = coded ? codedDissemination(group, suite, maxBytes) : fullDissemination(group, suite);
      return new ReliableBroadcast(scope, options, spread);
    },
  };
}

/** A root that somebody named, and what supports it. */
interface Candidate {
  readonly root: Uint8Array;
  /** As many as are needed, of parties that echoed, or this party's own. */
  readonly pieces: Map<PartyId, Uint8Array>;
  readonly echoes: PartySet;
  readonly readies: PartySet;
  /** Once there were pieces enough; `message` is undefined if there is none that is valid. */
  recovered?: { readonly message: Uint8Array | undefined };
}

class ReliableBroadcast implements Instance<Uint8Array, ReliableBroadcastMessage> {
  readonly #scope: Scope<ReliableBroadcastMessage, Uint8Array>;
  readonly #options: ReliableBroadcastOptions;
  readonly #dissemination: Dissemination;
  /** By root. */
  readonly #candidates = new Map<string, Candidate>();
  /** The root that each party named first in each kind of message. */
  readonly #named = {
    send: new Map<PartyId, string>(),
    echo: new Map<PartyId, string>(),
    ready: new Map<PartyId, string>(),
  };
  #begun = false;
  #readied = false;
  #delivered = false;

  constructor(
    scope: Scope<ReliableBroadcastMessage, Uint8Array>,
    options: ReliableBroadcastOptions,
    dissemination: Dissemination,
  ) {
    this.#scope = scope;
    this.#options = options;
    this.#dissemination = dissemination;
  }

  input(message: Uint8Array): void {
    const { sender, maxBytes } = this.#options;
    if (this.#scope.self !== sender || this.#begun)
      throw new InvariantError(`a second input, or not of party ${sender}`);
    if (message.length > maxBytes) throw new EncodeError(`${message.length} bytes above the bound of ${maxBytes}`);
    this.#begun = true;
    this.#dissemination.split(message).forEach((piece, party) => this.#scope.send(party, { kind: "send", piece }));
  }

  receive(from: PartyId, message: ReliableBroadcastMessage): void {
    if (this.#delivered) return;
    if (message.kind === "ready") return this.#onReady(from, message.root);
    if (message.kind === "echo") return this.#onEcho(from, message.piece);
    if (from !== this.#options.sender) return this.#scope.accuse(from, "wrong-sender");
    this.#onSend(from, message.piece);
  }

  #onSend(from: PartyId, piece: Piece): void {
    const candidate = this.#openedBy(from, "send", this.#scope.self, piece);
    if (candidate === undefined) return;
    if (this.#hasEnough(candidate) && this.#recover(candidate) === undefined) return;
    this.#scope.broadcast({ kind: "echo", piece });
  }

  #onEcho(from: PartyId, piece: Piece): void {
    const candidate = this.#openedBy(from, "echo", from, piece);
    if (candidate === undefined) return;
    candidate.echoes.add(from);
    this.#advance(candidate);
  }

  #onReady(from: PartyId, root: Uint8Array): void {
    const candidate = this.#namedBy(from, "ready", root);
    if (candidate === undefined) return;
    candidate.readies.add(from);
    this.#advance(candidate);
  }

  /** The candidate of which `piece` is the piece of `party`, unless `from` may not name it. */
  #openedBy(from: PartyId, kind: "send" | "echo", party: PartyId, piece: Piece): Candidate | undefined {
    const root = this.#dissemination.rootOf(party, piece);
    if (root === undefined) {
      this.#scope.accuse(from, "malformed-message");
      return undefined;
    }
    const candidate = this.#namedBy(from, kind, root);
    if (candidate !== undefined && !this.#hasEnough(candidate)) candidate.pieces.set(party, piece.bytes);
    return candidate;
  }

  /** The candidate with this root, if it is the first that `from` names in this kind of message. */
  #namedBy(from: PartyId, kind: ReliableBroadcastMessage["kind"], root: Uint8Array): Candidate | undefined {
    const key = toHex(root);
    const first = this.#named[kind].get(from);
    if (first !== undefined) {
      if (first !== key) this.#scope.accuse(from, kind === "send" ? "equivocation" : "double-vote");
      return undefined;
    }
    this.#named[kind].set(from, key);
    const candidate = this.#candidates.get(key) ?? newCandidate(root);
    this.#candidates.set(key, candidate);
    return candidate;
  }

  #advance(candidate: Candidate): void {
    const { group } = this.#scope;
    const { readies } = candidate;
    if (!this.#readied && (group.hasHonest(readies) || this.#isBacked(candidate))) {
      this.#readied = true;
      this.#scope.broadcast({ kind: "ready", root: candidate.root });
    }
    if (!group.isQuorum(readies) || !this.#hasEnough(candidate)) return;
    const message = this.#recover(candidate);
    if (message !== undefined) this.#deliver(message);
  }

  /** By echoes enough that no other root has as many, for a message that is there and valid. */
  #isBacked(candidate: Candidate): boolean {
    return this.#scope.group.isBroadcastQuorum(candidate.echoes) && this.#recover(candidate) !== undefined;
  }

  #hasEnough({ pieces }: Candidate): boolean {
    return pieces.size >= this.#dissemination.needed;
  }

  /**
   * The candidate's message, from pieces enough, if it has one that is valid. Only for a candidate that comes from the sender:
   * here, or at an honest member of the set that supports it. So it is the sender's fault if there is none.
   */
  #recover(candidate: Candidate): Uint8Array | undefined {
    candidate.recovered ??= { message: this.#judge(candidate) };
    return candidate.recovered.message;
  }

  #judge({ root, pieces }: Candidate): Uint8Array | undefined {
    const message = this.#dissemination.join(root, pieces);
    const fault = message === undefined ? "invalid-proposal" : this.#options.fault(message);
    if (fault === undefined) return message;
    this.#scope.accuse(this.#options.sender, fault);
    return undefined;
  }

  #deliver(message: Uint8Array): void {
    this.#delivered = true;
    this.#candidates.clear();
    this.#scope.output(message);
  }
}

function newCandidate(root: Uint8Array): Candidate {
  return { root, pieces: new Map(), echoes: new PartySet(), readies: new PartySet() };
}
