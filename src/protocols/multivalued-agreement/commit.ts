/**
 * A random order for one pass: each party commits to the proposals that it holds, and after a quorum of commits a coin draws
 * Π. Boxes 32 to 36 of Fig. 3a.
 */
import { equalBytes } from "../../core/bytes.js";
import { decode, encode, u32 } from "../../core/codec.js";
import type { Fault } from "../../core/fault.js";
import { type PartyId, PartySet, partySetCodec } from "../../core/party-set.js";
import { type Child, InvariantError } from "../../core/protocol.js";
import { Tally } from "../../core/tally.js";
import { type ConsistentBroadcastInput, consistentBroadcast } from "../consistent-broadcast/index.js";
import type { AgreementScope, CoinShares } from "./messages.js";

const COIN = "order-coin";

export interface CommittedOrderOptions {
  /** The pass. */
  readonly number: number;
  say(share: Uint8Array): void;
  isHalted(): boolean;
  /** Another commit is here. */
  onCommit(): void;
  /** The coin's 32 bytes. */
  onCoin(seed: Uint8Array): void;
}

export class CommittedOrder {
  readonly #scope: AgreementScope;
  readonly #options: CommittedOrderOptions;
  readonly #commits: readonly Child<ConsistentBroadcastInput>[];
  readonly #committed: Tally<PartySet>;
  readonly #coinShares: Tally<Uint8Array>;
  readonly #receivedCoinShares = new Map<PartyId, Uint8Array>();
  #hasCommitted = false;
  #hasTossed = false;

  constructor(scope: AgreementScope, options: CommittedOrderOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#committed = new Tally((set) => scope.group.isQuorum(set));
    this.#coinShares = new Tally((set) => scope.group.hasHonest(set));
    this.#commits = scope.group.parties.map((party) => this.#spawn(party));
  }

  #spawn(party: PartyId): Child<ConsistentBroadcastInput> {
    const fault = (value: Uint8Array): Fault | undefined => {
      const named = decode(partySetCodec, value);
      const isValid = named.ok && isCommit(this.#scope.group, named.value);
      return isValid ? undefined : "invalid-commit";
    };
    const { number } = this.#options;
    const key = number === 1 ? `commit/${party}` : `commit/${number}/${party}`;
    return this.#scope.spawn(key, consistentBroadcast({ sender: party, fault }), (delivered) =>
      this.#onCommit(party, delivered.message),
    );
  }

  get hasCommitted(): boolean {
    return this.#hasCommitted;
  }

  get isDrawn(): boolean {
    return this.#coinShares.complete;
  }

  /** The set that `party` committed to, once it is certified here. */
  commitOf(party: PartyId): PartySet | undefined {
    return this.#committed.items.get(party);
  }

  /** The set as it is now; proposals that come later may still get a Y-vote, which always counts. */
  commit(held: PartySet): void {
    if (this.#hasCommitted) return;
    this.#hasCommitted = true;
    const message = encode(partySetCodec, held);
    this.#commits[this.#scope.self]?.input({ kind: "broadcast", message });
    this.#releaseCoin();
  }

  #onCommit(party: PartyId, message: Uint8Array): void {
    const named = decode(partySetCodec, message);
    // A certificate has an honest witness, who checked the set.
    if (!named.ok) throw new InvariantError(`certified commit of party ${party} does not decode`);
    if (this.#committed.add(party, named.value)) this.#releaseCoin();
    this.#options.onCommit();
  }

  /** The name of the first pass's coin is that of the instance alone. */
  #coinName(): Uint8Array {
    const { number } = this.#options;
    return this.#scope.statement(COIN, number === 1 ? new Uint8Array(0) : encode(u32, number));
  }

  /**
   * Only after a quorum of commits is fixed may anybody learn Π; and only who has committed goes on, since a commit made
   * after the first vote might contradict it.
   */
  #releaseCoin(): void {
    if (!this.#committed.complete || !this.#hasCommitted || this.#options.isHalted()) return;
    this.#hasTossed = true;
    this.#options.say(this.#scope.suite.honestCoin.share(this.#coinName()));
    this.#countCoinShares();
  }

  onShare(from: PartyId, share: Uint8Array): void {
    const first = this.#receivedCoinShares.get(from);
    if (first !== undefined) {
      if (!equalBytes(first, share)) this.#scope.accuse(from, "equivocation");
      return;
    }
    this.#receivedCoinShares.set(from, share);
    this.#countCoinShares();
  }

  #countCoinShares(): void {
    if (!this.#hasTossed || this.isDrawn) return;
    const { honestCoin } = this.#scope.suite;
    const name = this.#coinName();
    for (const [party, share] of this.#receivedCoinShares) {
      if (this.#coinShares.has(party)) continue;
      if (!honestCoin.verifyShare(party, name, share)) {
        this.#receivedCoinShares.delete(party);
        this.#scope.accuse(party, "invalid-share");
      } else if (this.#coinShares.add(party, share)) {
        return this.#options.onCoin(honestCoin.combine(name, this.#coinShares.items));
      }
    }
  }

  /** What shows Π to a party that has not seen the coin. */
  get shares(): CoinShares {
    return [...this.#coinShares.items].map(([party, share]) => ({ party, share }));
  }

  /** The coin's 32 bytes from somebody else's shares, or undefined: some are bad, or they are too few. */
  seedFrom(shares: CoinShares): Uint8Array | undefined {
    const { honestCoin } = this.#scope.suite;
    const name = this.#coinName();
    const byParty = new Map(shares.map(({ party, share }) => [party, share]));
    if (byParty.size !== shares.length || !this.#scope.group.hasHonest(PartySet.of(byParty.keys()))) return undefined;
    const areValid = shares.every(
      ({ party, share }) => party < this.#scope.group.n && honestCoin.verifyShare(party, name, share),
    );
    return areValid ? honestCoin.combine(name, byParty) : undefined;
  }
}

/** A set of parties of the group that is a quorum: whoever says that it holds these proposals may have waited for them. */
export function isCommit(group: AgreementScope["group"], set: PartySet): boolean {
  return [...set].every((party) => party < group.n) && group.isQuorum(set);
}
