/**
 * The proposals: the broadcast of each party, and which of them this party holds, by delivery or by a closing. Step (i) of
 * docs/protocols.md, boxes 10 and 20 of Fig. 2.
 */
import { equalBytes } from "../../core/bytes.js";
import type { Fault } from "../../core/fault.js";
import type { PartyId, PartySet } from "../../core/party-set.js";
import { type Child, InvariantError } from "../../core/protocol.js";
import { Tally } from "../../core/tally.js";
import {
  type ConsistentBroadcastInput,
  type Delivered,
  consistentBroadcast,
  encodeCompactClosing,
  verifyClosing,
  verifyCompactClosing,
} from "../consistent-broadcast/index.js";
import type { AgreementScope } from "./messages.js";

/** Whether votes carry the proposals, or their certificates only. */
export const DELIVERIES = ["full", "on-request"] as const;
export type Delivery = (typeof DELIVERIES)[number];

export interface CandidatesOptions {
  readonly delivery: Delivery;
  fault(value: Uint8Array): Fault | undefined;
  /** The broadcast of `party` was delivered here. */
  onDelivered(party: PartyId): void;
}

interface Candidate {
  readonly broadcast: Child<ConsistentBroadcastInput>;
  /** As votes carry it. */
  closing: Uint8Array | undefined;
  /** The value, and the closing that contains it. */
  value: { readonly message: Uint8Array; readonly fullClosing: Uint8Array } | undefined;
}

export class Candidates {
  readonly #scope: AgreementScope;
  readonly #options: CandidatesOptions;
  readonly #candidates: readonly Candidate[];
  /** The parties whose proposals are held. */
  readonly #held: Tally<true>;

  constructor(scope: AgreementScope, options: CandidatesOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#held = new Tally((set) => scope.group.isQuorum(set));
    this.#candidates = scope.group.parties.map((party) => this.#spawn(party));
  }

  #spawn(sender: PartyId): Candidate {
    const fetches = this.#options.delivery === "on-request";
    const broadcast = consistentBroadcast({ sender, fetches, fault: (value) => this.#options.fault(value) });
    const child = this.#scope.spawn(`proposal/${sender}`, broadcast, (delivered) => {
      this.#deliver(sender, delivered);
      this.#options.onDelivered(sender);
    });
    return { broadcast: child, closing: undefined, value: undefined };
  }

  #candidate(party: PartyId): Candidate {
    const candidate = this.#candidates[party];
    if (candidate === undefined) throw new InvariantError(`no candidate ${party}`);
    return candidate;
  }

  /** Whose proposals are held. */
  get held(): PartySet {
    return this.#held.parties;
  }

  /** Whether these are a quorum. */
  get areEnough(): boolean {
    return this.#held.complete;
  }

  /** The closing of a proposal that is held, as votes carry it. */
  closingOf(party: PartyId): Uint8Array | undefined {
    return this.#candidate(party).closing;
  }

  valueOf(party: PartyId): Candidate["value"] {
    return this.#candidate(party).value;
  }

  propose(value: Uint8Array): void {
    this.#candidate(this.#scope.self).broadcast.input({ kind: "broadcast", message: value });
  }

  /** R(1, ρ) for candidate `party`: ρ closes its broadcast. If so its proposal is held from now on. */
  accept(party: PartyId, closing: Uint8Array): boolean {
    const known = this.#candidate(party).closing;
    if (known !== undefined && equalBytes(known, closing)) return true;
    return (
      (this.#options.delivery === "on-request" && this.#acceptCompact(party, closing)) ||
      this.#acceptFull(party, closing)
    );
  }

  #acceptCompact(party: PartyId, closing: Uint8Array): boolean {
    if (verifyCompactClosing(this.#scope, closing, `proposal/${party}`) === undefined) return false;
    this.#hold(party, closing);
    return true;
  }

  #acceptFull(party: PartyId, closing: Uint8Array): boolean {
    const closed = verifyClosing(this.#scope, closing, `proposal/${party}`);
    if (closed === undefined) return false;
    this.#deliver(party, { message: closed.message, closing, compactClosing: encodeCompactClosing(closed) });
    // So that it can be served to others.
    if (this.#options.delivery === "on-request") this.#candidate(party).broadcast.input({ kind: "closing", closing });
    return true;
  }

  #deliver(party: PartyId, { message, closing, compactClosing }: Delivered): void {
    this.#candidate(party).value ??= { message, fullClosing: closing };
    this.#hold(party, this.#options.delivery === "full" ? closing : compactClosing);
  }

  #hold(party: PartyId, closing: Uint8Array): void {
    this.#candidate(party).closing ??= closing;
    this.#held.add(party, true);
  }

  /** Asks for a value of which only the certificate is held. */
  fetch(party: PartyId): void {
    const { broadcast, closing } = this.#candidate(party);
    if (closing === undefined) throw new InvariantError(`no certificate of the proposal of ${party} to fetch it by`);
    broadcast.input({ kind: "fetch", closing });
  }

  /** From now on others' requests are answered, and nothing is judged or signed. */
  serveOnly(): void {
    for (const { broadcast } of this.#candidates) broadcast.input({ kind: "serve" });
  }
}
