/**
 * Verifiable consistent broadcast (VCBC).
 *
 * Source: "Verifiable and Consistent Broadcast" of the source, after Reiter's echo broadcast (CCS 1994).
 *
 * Properties, for one sender:
 *   validity       an honest sender's message is delivered by all honest parties;
 *   consistency    no two honest parties deliver different messages;
 *   integrity      each honest party delivers at most once, and from an honest sender only what it sent;
 *   verifiability  who has delivered can make one `closing` with which any other party delivers;
 *   external validity  what is delivered satisfies the predicate `fault`, since witnesses check it.
 * There is no agreement: with a corrupted sender some honest parties may never deliver.
 *
 * Messages:
 *   send(m)       sender → all
 *   share(σ_i)    i → sender      on the first m for which `fault(m)` is undefined; σ_i on (tag, H(m))
 *   final(d, c)   sender → all    from a broadcast quorum of valid shares; c certifies digest d
 *   Deliver m on a valid certificate for H(m), from `final` or from a closing.
 *   ask(d)        i → signers     with option `fetches`: has a certificate for d and not m; signers that the certificate
 *                                 names, all parties when it names none (fetching.ts)
 *   value(m)      i → asker       has m with H(m) = d, or as soon as it has; once to each asker
 *
 * Deviations: the certificate is of the suite's broadcast certifier, which need not be a threshold
 * signature ("an exchange of signed messages"). `final` carries the digest only; a party without m
 * delivers by a closing. Fetching is ours; in the source a closing holds the message.
 *
 * Limits: messages up to MAX_MESSAGE_BYTES. One m and one certificate kept per instance, so the state
 * that a corrupted sender can cause is bounded; of each party one request, which is answered once.
 */
import { equalBytes } from "../../core/bytes.js";
import type { Fault } from "../../core/fault.js";
import type { PartyId } from "../../core/party-set.js";
import type { Instance, Protocol, Scope } from "../../core/protocol.js";
import { Tally } from "../../core/tally.js";
import {
  type Certified,
  WITNESS,
  encodeClosing,
  encodeCompactClosing,
  verifyClosing,
  verifyCompactClosing,
} from "./closing.js";
import { Fetching } from "./fetching.js";
import {
  type ConsistentBroadcastInput,
  type ConsistentBroadcastMessage,
  type Delivered,
  consistentBroadcastMessageCodec,
} from "./messages.js";

export interface ConsistentBroadcastOptions {
  readonly sender: PartyId;
  /** The external predicate: what is wrong with a message, or undefined. Pure. */
  fault(message: Uint8Array): Fault | undefined;
  /** Whether messages are fetched and served; false unless given. The same at all parties. */
  readonly fetches?: boolean;
}

export function consistentBroadcast(
  options: ConsistentBroadcastOptions,
): Protocol<ConsistentBroadcastInput, ConsistentBroadcastMessage, Delivered> {
  return { message: consistentBroadcastMessageCodec, start: (scope) => new ConsistentBroadcast(scope, options) };
}

interface Held {
  readonly message: Uint8Array;
  readonly digest: Uint8Array;
}

class ConsistentBroadcast implements Instance<ConsistentBroadcastInput, ConsistentBroadcastMessage> {
  readonly #scope: Scope<ConsistentBroadcastMessage, Delivered>;
  readonly #options: ConsistentBroadcastOptions;
  readonly #shares: Tally<Uint8Array>;
  /** The first message received from the sender, and its digest. */
  #received: Held | undefined;
  /** A certificate that came before the message. */
  #certified: Certified | undefined;
  #delivered: Held | undefined;
  readonly #fetching: Fetching | undefined;
  /** Only requests are answered any more. */
  #onlyServes = false;

  constructor(scope: Scope<ConsistentBroadcastMessage, Delivered>, options: ConsistentBroadcastOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#shares = new Tally((set) => scope.group.isBroadcastQuorum(set));
    this.#fetching = options.fetches === true ? new Fetching(scope) : undefined;
  }

  input(input: ConsistentBroadcastInput): void {
    if (input.kind === "broadcast") {
      this.#scope.broadcast({ kind: "send", message: input.message });
    } else if (input.kind === "closing") {
      const closed = verifyClosing(this.#scope, input.closing);
      if (closed !== undefined) this.#deliver(closed, closed.certificate);
    } else if (input.kind === "fetch") {
      const wanted = verifyCompactClosing(this.#scope, input.closing);
      if (wanted !== undefined) this.#fetch(wanted);
    } else {
      this.#onlyServes = true;
    }
  }

  #fetch(wanted: Certified): void {
    if (this.#delivered !== undefined) return;
    const received = this.#received;
    if (received !== undefined && equalBytes(received.digest, wanted.digest))
      this.#deliver(received, wanted.certificate);
    else this.#fetching?.ask(wanted);
  }

  receive(from: PartyId, message: ConsistentBroadcastMessage): void {
    if (message.kind === "ask" || message.kind === "value") return this.#onFetching(from, message);
    if (this.#onlyServes) return;
    if (message.kind === "share") {
      if (this.#scope.self !== this.#options.sender) this.#scope.accuse(from, "wrong-sender");
      else this.#onShare(from, message.share);
    } else if (from !== this.#options.sender) {
      this.#scope.accuse(from, "wrong-sender");
    } else if (message.kind === "send") {
      this.#onSend(from, message.message);
    } else {
      this.#onFinal(from, message.digest, message.certificate);
    }
  }

  #onFetching(from: PartyId, message: Extract<ConsistentBroadcastMessage, { kind: "ask" } | { kind: "value" }>): void {
    if (this.#fetching === undefined) return this.#scope.accuse(from, "malformed-message");
    if (message.kind === "ask") {
      this.#fetching.onAsk(from, message.digest);
      this.#serve();
    } else {
      const wanted = this.#fetching.onValue(from, message.message);
      if (wanted !== undefined) this.#deliver({ message: message.message, digest: wanted.digest }, wanted.certificate);
    }
  }

  /** What was delivered goes before what the sender said here: only one of them can be certified. */
  #serve(): void {
    const held = this.#delivered ?? this.#received;
    if (held !== undefined) this.#fetching?.serve(held.message, held.digest);
  }

  #onSend(from: PartyId, message: Uint8Array): void {
    if (this.#received !== undefined) {
      if (!equalBytes(this.#received.message, message)) this.#scope.accuse(from, "equivocation");
      return;
    }
    const fault = this.#options.fault(message);
    if (fault !== undefined) return this.#scope.accuse(from, fault);
    const digest = this.#scope.suite.hash(message);
    this.#received = { message, digest };
    // Only the first message gets this party's signature: hence consistency.
    this.#scope.send(from, { kind: "share", share: this.#scope.endorse("broadcast", WITNESS, WITNESS, digest) });
    this.#serve();
    if (this.#certified !== undefined) this.#complete(this.#certified.digest, this.#certified.certificate);
  }

  #onShare(from: PartyId, share: Uint8Array): void {
    // Of what was said in an earlier life.
    if (this.#scope.isMuted) return;
    if (this.#received === undefined) return this.#scope.accuse(from, "invalid-share");
    if (this.#shares.complete || this.#shares.has(from)) return;
    const { digest } = this.#received;
    const { suite } = this.#scope;
    const statement = this.#scope.statement(WITNESS, digest);
    if (!suite.broadcastCertifier.verifyShare(from, statement, share)) return this.#scope.accuse(from, "invalid-share");
    if (this.#shares.add(from, share)) {
      const certificate = suite.broadcastCertifier.combine(statement, this.#shares.items);
      this.#scope.broadcast({ kind: "final", digest, certificate });
    }
  }

  #onFinal(from: PartyId, digest: Uint8Array, certificate: Uint8Array): void {
    if (this.#delivered !== undefined || this.#certified !== undefined) return;
    const statement = this.#scope.statement(WITNESS, digest);
    if (!this.#scope.suite.broadcastCertifier.verify(statement, certificate)) {
      return this.#scope.accuse(from, "invalid-certificate");
    }
    this.#certified = { digest, certificate };
    this.#complete(digest, certificate);
  }

  #complete(digest: Uint8Array, certificate: Uint8Array): void {
    if (this.#received === undefined) return;
    // Another digest: the sender sent different messages to different parties; wait for a closing.
    if (!equalBytes(this.#received.digest, digest)) return this.#scope.accuse(this.#options.sender, "equivocation");
    this.#deliver(this.#received, certificate);
  }

  #deliver({ message, digest }: Held, certificate: Uint8Array): void {
    if (this.#delivered !== undefined) return;
    this.#delivered = { message, digest };
    this.#serve();
    this.#scope.output({
      message,
      closing: encodeClosing(message, certificate),
      compactClosing: encodeCompactClosing({ digest, certificate }),
    });
  }
}
