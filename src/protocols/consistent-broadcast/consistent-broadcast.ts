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
 *
 * Deviations: the certificate is of the suite's broadcast certifier, which need not be a threshold
 * signature ("an exchange of signed messages"). `final` carries the digest only; a party without m
 * delivers by a closing.
 *
 * Limits: messages up to MAX_MESSAGE_BYTES. One m and one certificate kept per instance, so the state
 * that a corrupted sender can cause is bounded.
 */
import { equalBytes } from "../../core/bytes.js";
import { type Value, bytes, fixedBytes, struct, union } from "../../core/codec.js";
import type { Fault } from "../../core/fault.js";
import type { PartyId } from "../../core/party-set.js";
import type { Instance, Protocol, Scope } from "../../core/protocol.js";
import { MAX_CERTIFICATE_BYTES, MAX_SIGNATURE_BYTES } from "../../core/suite.js";
import { Tally } from "../../core/tally.js";
import { MAX_MESSAGE_BYTES, WITNESS, encodeClosing, verifyClosing } from "./closing.js";

export interface ConsistentBroadcastOptions {
  readonly sender: PartyId;
  /** The external predicate: what is wrong with a message, or undefined. Pure. */
  fault(message: Uint8Array): Fault | undefined;
}

export type ConsistentBroadcastInput =
  /** The sender's message. */
  | { readonly kind: "broadcast"; readonly message: Uint8Array }
  /** A closing that another instance received; ignored unless it verifies. */
  | { readonly kind: "closing"; readonly closing: Uint8Array };

export interface Delivered {
  readonly message: Uint8Array;
  readonly closing: Uint8Array;
}

export const consistentBroadcastMessageCodec = union({
  send: struct({ message: bytes(MAX_MESSAGE_BYTES) }),
  share: struct({ share: bytes(MAX_SIGNATURE_BYTES) }),
  final: struct({ digest: fixedBytes(32), certificate: bytes(MAX_CERTIFICATE_BYTES) }),
});

export type ConsistentBroadcastMessage = Value<typeof consistentBroadcastMessageCodec>;

export function consistentBroadcast(
  options: ConsistentBroadcastOptions,
): Protocol<ConsistentBroadcastInput, ConsistentBroadcastMessage, Delivered> {
  return { message: consistentBroadcastMessageCodec, start: (scope) => new ConsistentBroadcast(scope, options) };
}

class ConsistentBroadcast implements Instance<ConsistentBroadcastInput, ConsistentBroadcastMessage> {
  readonly #scope: Scope<ConsistentBroadcastMessage, Delivered>;
  readonly #options: ConsistentBroadcastOptions;
  readonly #shares: Tally<Uint8Array>;
  /** The first message received from the sender, and its digest. */
  #received: { readonly message: Uint8Array; readonly digest: Uint8Array } | undefined;
  /** A certificate that came before the message. */
  #certified: { readonly digest: Uint8Array; readonly certificate: Uint8Array } | undefined;
  #delivered = false;

  constructor(scope: Scope<ConsistentBroadcastMessage, Delivered>, options: ConsistentBroadcastOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#shares = new Tally((set) => scope.group.isBroadcastQuorum(set));
  }

  input(input: ConsistentBroadcastInput): void {
    if (input.kind === "broadcast") {
      this.#scope.broadcast({ kind: "send", message: input.message });
    } else {
      const closed = verifyClosing(this.#scope, input.closing);
      if (closed !== undefined) this.#deliver(closed.message, closed.certificate);
    }
  }

  receive(from: PartyId, message: ConsistentBroadcastMessage): void {
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
    if (this.#certified !== undefined) this.#complete(this.#certified.digest, this.#certified.certificate);
  }

  #onShare(from: PartyId, share: Uint8Array): void {
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
    if (this.#delivered || this.#certified !== undefined) return;
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
    this.#deliver(this.#received.message, certificate);
  }

  #deliver(message: Uint8Array, certificate: Uint8Array): void {
    if (this.#delivered) return;
    this.#delivered = true;
    this.#scope.output({ message, closing: encodeClosing(message, certificate) });
  }
}
