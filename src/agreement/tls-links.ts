/** Links over mutual TLS 1.3 with pinned certificates, also as `abcast/protocols/tls`. For Node. */
import { randomBytes } from "node:crypto";
import { type TlsIdentity, dialTls, listenTls } from "../adapters/tls/index.js";
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import type { Connection, ConnectionHandlers, Dialer, Listener } from "../replica/links.js";
import { LinksError } from "./errors.js";
import { Hearer } from "./hearer.js";
import { MAX_LINK_FRAME_BYTES } from "./link-frames.js";
import type { LinkFault, LinkHandlers, Links } from "./links.js";
import { Speaker } from "./speaker.js";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface TlsLinksOptions {
  readonly self: PartyId;
  /** That of `createParty`. */
  readonly cluster: Uint8Array;
  /** As `createTlsIdentity` of `abcast/crypto` makes it. */
  readonly identity: TlsIdentity;
  /** The one certificate that each party is known by, PEM; party i's at index i. */
  readonly certificates: readonly string[];
  /** Port 0 for any free one. */
  readonly listen: Address;
  /** Why a connection was turned away or could not be made; for logs. Attempts are repeated. */
  readonly onLog?: (message: string) => void;
}

export interface TlsLinks extends Links {
  /** That it listens on. */
  readonly port: number;
  /** Where the parties are, party i at index i; the own one is not used. Called once. Until then what is said waits. */
  connect(addresses: readonly Address[]): void;
}

/** @throws Error naming host and port when the address cannot be had, or when two parties share a certificate */
export async function tlsLinks(options: TlsLinksOptions): Promise<TlsLinks> {
  const links = new PinnedLinks(options);
  await links.listen();
  return links;
}

class PinnedLinks implements TlsLinks {
  readonly #options: TlsLinksOptions;
  readonly #speakers = new Map<PartyId, Speaker>();
  readonly #hearers = new Map<PartyId, Hearer>();
  readonly #dialers: Dialer[] = [];
  #listener: Listener | undefined;
  #handlers: LinkHandlers | undefined;
  #isOpened = false;

  constructor(options: TlsLinksOptions) {
    const { self, cluster, certificates } = options;
    this.#options = options;
    const epoch = new Uint8Array(randomBytes(16));
    for (const party of certificates.keys()) {
      if (party === self) continue;
      const onFault = (fault: LinkFault): void => this.#handlers?.onFault(party, fault);
      const onMessage = (envelope: Envelope): void => this.#handlers?.onMessage(party, envelope);
      this.#speakers.set(party, new Speaker({ cluster, epoch, onFault }));
      this.#hearers.set(party, new Hearer({ cluster, onMessage, onFault }));
    }
  }

  async listen(): Promise<void> {
    const { listen, identity, onLog } = this.#options;
    this.#listener = await listenTls({
      ...listen,
      identity,
      parties: this.#peers(),
      clients: [],
      maxFrameBytes: () => MAX_LINK_FRAME_BYTES,
      accept: (connection) => this.#accept(connection),
      onRefused: (reason, address) => onLog?.(`refused ${address}: ${reason}`),
    });
  }

  #peers(): readonly { readonly party: PartyId; readonly certificatePem: string }[] {
    const { self, certificates } = this.#options;
    return certificates
      .map((certificatePem, party) => ({ party, certificatePem }))
      .filter(({ party }) => party !== self);
  }

  /** Who comes before there is anybody to hear it tries again. */
  #accept(connection: Connection): ConnectionHandlers | undefined {
    const { peer } = connection;
    if (this.#handlers === undefined || peer.kind !== "party") return undefined;
    return this.#hearers.get(peer.party)?.open(connection);
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  connect(addresses: readonly Address[]): void {
    const { identity, onLog } = this.#options;
    for (const { party, certificatePem } of this.#peers()) {
      const address = addresses[party];
      if (address === undefined) throw new RangeError(`no address of party ${party}`);
      const dialer = dialTls({
        ...address,
        identity,
        party,
        certificatePem,
        maxFrameBytes: MAX_LINK_FRAME_BYTES,
        accept: (connection) => this.#speakers.get(party)?.open(connection),
        onFailure: (reason) => onLog?.(`party ${party} at ${address.host} port ${address.port}: ${reason}`),
      });
      this.#dialers.push(dialer);
    }
  }

  open(handlers: LinkHandlers): void {
    if (this.#isOpened) throw new LinksError("these links were opened before: each party needs its own");
    this.#isOpened = true;
    this.#handlers = handlers;
  }

  send(to: PartyId, envelope: Envelope): void {
    this.#speakers.get(to)?.say(envelope);
  }

  retire(tag: Tag): void {
    for (const speaker of this.#speakers.values()) speaker.retire(tag);
  }

  askRepeat(from: PartyId): void {
    this.#hearers.get(from)?.askRepeat();
  }

  async close(): Promise<void> {
    this.#handlers = undefined;
    for (const dialer of this.#dialers) dialer.close();
    for (const speaker of this.#speakers.values()) speaker.close();
    for (const hearer of this.#hearers.values()) hearer.close();
    await this.#listener?.close();
  }
}
