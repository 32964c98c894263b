/**
 * Fetching the message of a broadcast of which this party has the certificate only, and serving others that do.
 *
 * The signers that the certificate names have the message, and one of them at least is honest and alive: with thresholds they
 * are more than b+c, in general a quorum. So they are asked first; everybody is, when the certificate does not name
 * them; and the others too, once a signer has answered with something else or the caller asks again.
 */
import { equalBytes } from "../../core/bytes.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import type { Scope } from "../../core/protocol.js";
import type { Certified } from "./closing.js";
import type { ConsistentBroadcastMessage, Delivered } from "./messages.js";

export class Fetching {
  readonly #scope: Scope<ConsistentBroadcastMessage, Delivered>;
  /** The digest for which each party asked; one answer each. */
  readonly #askers = new Map<PartyId, Uint8Array>();
  readonly #answered = new PartySet();
  readonly #asked = new PartySet();
  /** What this party lacks. */
  #wanted: Certified | undefined;

  constructor(scope: Scope<ConsistentBroadcastMessage, Delivered>) {
    this.#scope = scope;
  }

  /** Asks for the message; when it has asked before, also those whom it has not asked yet. */
  ask(wanted: Certified): void {
    const isFirst = this.#wanted === undefined;
    this.#wanted = wanted;
    const signers = isFirst ? this.#scope.suite.broadcastCertifier.signers?.(wanted.certificate) : undefined;
    this.#askAll(signers ?? this.#scope.group.parties);
  }

  #askAll(parties: Iterable<PartyId>): void {
    if (this.#wanted === undefined) return;
    for (const party of parties) {
      if (party === this.#scope.self || !this.#asked.add(party)) continue;
      this.#scope.send(party, { kind: "ask", digest: this.#wanted.digest });
    }
  }

  /** Remembers that `from` lacks the message with this digest; `serve` answers. */
  onAsk(from: PartyId, digest: Uint8Array): void {
    const first = this.#askers.get(from);
    if (first === undefined) this.#askers.set(from, digest);
    // Only one digest is ever certified, and honest parties ask for no other.
    else if (!equalBytes(first, digest)) this.#scope.accuse(from, "equivocation");
  }

  /** Sends `message` to those who have asked for it. */
  serve(message: Uint8Array, digest: Uint8Array): void {
    for (const [party, wanted] of this.#askers) {
      if (!equalBytes(wanted, digest) || !this.#answered.add(party)) continue;
      this.#scope.send(party, { kind: "value", message });
    }
  }

  /** What the message completes, if it is the one that was asked for. */
  onValue(from: PartyId, message: Uint8Array): Certified | undefined {
    if (this.#wanted === undefined || !this.#asked.has(from)) {
      // An earlier life may have asked.
      if (!this.#scope.isMuted) this.#scope.accuse(from, "wrong-sender");
      return undefined;
    }
    if (equalBytes(this.#scope.suite.hash(message), this.#wanted.digest)) return this.#wanted;
    this.#scope.accuse(from, "invalid-certificate");
    this.#askAll(this.#scope.group.parties);
    return undefined;
  }
}
