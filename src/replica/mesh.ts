/**
 * The links of a replica to all its peers: two connections a pair (ARCHITECTURE.md, "Links"), and the courier that numbers what is
 * said over them and finds other ways where they fail.
 */
import type { PartyId } from "../core/party-set.js";
import type { RelayKeys } from "../core/relay-keys.js";
import type { Tag } from "../core/tag.js";
import { PROOFS_PER_REQUEST } from "../protocols/index.js";
import { Courier, type Received } from "../relay/courier.js";
import type { Archive } from "../relay/serving.js";
import type { LinkFault } from "./accusations.js";
import { IncomingLink, type PeerInput } from "./incoming-link.js";
import type { Connection, ConnectionHandlers } from "./links.js";
import { OutgoingLink } from "./outgoing-link.js";

export interface MeshOptions {
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  readonly parties: readonly PartyId[];
  readonly relayKeys: RelayKeys | undefined;
  readonly channel: Tag;
  /** The first round that this replica has not delivered, and the one that it agrees on, as far as others may know. */
  readonly round: () => number;
  readonly agreedRound: () => number;
  /** What is kept for peers that are behind. */
  readonly archive: Archive;
  readonly onInput: (from: PartyId, input: PeerInput) => void;
  readonly onFault: (party: PartyId, fault: LinkFault) => void;
  /** `peer` has started anew: what it was asked for it does not know. */
  readonly onRestart: (peer: PartyId) => void;
  /** The store lacks what it must have. */
  readonly onDamage: (error: Error) => void;
  readonly onLog: (message: string) => void;
}

export class Mesh {
  readonly #options: MeshOptions;
  readonly #outgoing = new Map<PartyId, OutgoingLink>();
  readonly #incoming = new Map<PartyId, IncomingLink>();
  readonly courier: Courier;

  constructor(options: MeshOptions) {
    this.#options = options;
    const { self, cluster, parties, channel, relayKeys } = options;
    this.courier = new Courier({
      archive: options.archive,
      self,
      cluster,
      parties,
      keys: relayKeys,
      proofsPerRequest: PROOFS_PER_REQUEST,
      round: (tag) => (tag === channel ? options.agreedRound() : undefined),
      relay: (neighbour, origin, frame) => this.#outgoing.get(neighbour)?.relay(origin, frame),
      acknowledge: (peer, frame) => this.#incoming.get(peer)?.acknowledge(frame),
      onRestart: (peer) => options.onRestart(peer),
    });
    for (const party of parties) if (party !== self) this.#addLinks(party);
  }

  #addLinks(party: PartyId): void {
    const { cluster, channel, onFault, onDamage, onInput, onLog, round } = this.#options;
    const { courier } = this;
    this.#outgoing.set(
      party,
      new OutgoingLink({
        cluster,
        run: () => courier.run,
        resume: (upTo) => courier.resume(party, upTo),
        position: (tag, at) => courier.position(party, tag, at),
        nextAfter: (number, line) => courier.nextAfter(party, number, line),
        heard: (heard) => courier.heard(party, heard),
        onFault: (fault) => onFault(party, fault),
        onDamage,
        onClose: (reason) => onLog(`link to party ${party} closed: ${reason}`),
      }),
    );
    this.#incoming.set(
      party,
      new IncomingLink({
        cluster,
        meet: (run) => courier.meet(party, run),
        positions: () => [{ channel, round: round() }],
        onInput: (input) => onInput(party, input),
        onFault: (fault) => onFault(party, fault),
      }),
    );
  }

  dialled(party: PartyId, connection: Connection): ConnectionHandlers | undefined {
    return this.#outgoing.get(party)?.open(connection);
  }

  accepted(party: PartyId, connection: Connection): ConnectionHandlers | undefined {
    return this.#incoming.get(party)?.open(connection);
  }

  receive(peer: PartyId, input: PeerInput): Received {
    return input.kind === "item"
      ? this.courier.hear(peer, input.run, input.item, input.bytes.length)
      : this.courier.relayed(peer, input.relayed, input.bytes);
  }

  /** What `peer` brought has been taken or dropped. */
  handled(peer: PartyId, sizeBytes: number): void {
    this.#incoming.get(peer)?.handled(sizeBytes);
  }

  /** The peer has proved to be faulty: the connection ends. */
  refuse(peer: PartyId, fault: LinkFault): void {
    this.#incoming.get(peer)?.refuse(fault);
  }

  get peers(): Iterable<PartyId> {
    return this.#outgoing.keys();
  }

  /** @throws InvariantError when the store lacks what it must have */
  tick(): void {
    this.courier.tick();
    this.flush();
  }

  flush(): void {
    for (const link of this.#outgoing.values()) link.flush();
  }

  /** Each end has greeted the other on the connection that it dialled. */
  isConnected(party: PartyId): boolean {
    return this.#outgoing.get(party)?.isUp === true && this.#incoming.get(party)?.isUp === true;
  }

  /** Frames that were sent on all links, and their bytes before encryption; those among them that were relayed. */
  get traffic() {
    const sum = (count: (link: OutgoingLink) => number): number =>
      [...this.#outgoing.values()].reduce((total, link) => total + count(link), 0);
    return {
      sentFrames: sum((link) => link.sentFrames),
      sentBytes: sum((link) => link.sentBytes),
      relayedFrames: sum((link) => link.relayedFrames),
      relayedBytes: sum((link) => link.relayedBytes),
    };
  }

  close(): void {
    for (const link of this.#outgoing.values()) link.close();
    for (const link of this.#incoming.values()) link.close();
  }
}
