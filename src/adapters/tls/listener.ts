/**
 * Accepts mutually authenticated TLS 1.3 connections from pinned peers.
 *
 * Whatever arrives before authentication is hostile and bounded: handshakes under way in number and
 * time, so that a flood costs the flooder's address its places and nobody else.
 */
import { constants } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { PartyId } from "../../core/party-set.js";
import type { Acceptor, Listener, Peer } from "../../replica/links.js";
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS, TlsConnection, type Traffic } from "./connection.js";
import { HANDSHAKE, pinOf, provedPin, type TlsIdentity } from "./identity.js";

export interface ListenLimits extends ConnectionLimits {
  /** Connections that have not completed the handshake; the oldest of the busiest address makes room. */
  readonly maxHandshakes: number;
  readonly handshakeTimeoutMs: number;
  /** Connections of one authenticated peer; the newest replaces the oldest. */
  readonly maxConnectionsPerPeer: number;
  /** Connections of all clients together; a further one is refused. */
  readonly maxClientConnections: number;
}

export const DEFAULT_LISTEN_LIMITS: ListenLimits = {
  ...DEFAULT_CONNECTION_LIMITS,
  maxHandshakes: 64,
  handshakeTimeoutMs: 10_000,
  maxConnectionsPerPeer: 4,
  maxClientConnections: 256,
};

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly identity: TlsIdentity;
  /** Each is known by the key in its certificate. */
  readonly parties: readonly { readonly party: PartyId; readonly certificatePem: string }[];
  readonly clients: readonly { readonly client: number; readonly certificatePem: string }[];
  /** The longest frame that `peer` may send. */
  readonly maxFrameBytes: (peer: Peer) => number;
  readonly accept: Acceptor;
  readonly limits?: Partial<ListenLimits>;
  /** Counts what its connections carry. */
  readonly traffic?: Traffic;
  /** A connection was turned away; for counters and logs. */
  readonly onRefused?: (reason: string, remoteAddress: string) => void;
}

export interface TlsListener extends Listener {
  /** Presents `identity` on new connections; open ones go on. @throws Error when its key and certificate do not belong together. */
  present(identity: TlsIdentity): void;
}

/** @throws Error naming host and port when the address cannot be had, or when two peers share a key. */
export async function listenTls(options: ListenOptions): Promise<TlsListener> {
  const server = new PinningListener(options);
  await server.listen(options.host, options.port);
  return server;
}

const UNEXPLAINED = "handshake not completed";

class PinningListener implements TlsListener {
  readonly #options: ListenOptions;
  readonly #limits: ListenLimits;
  readonly #peers: ReadonlyMap<string, Peer>;
  readonly #server: Server;
  /** Connections in the handshake, oldest first, by remote address and port. */
  readonly #handshakes = new Map<string, Handshake>();
  readonly #connections = new Map<string, TlsConnection[]>();
  #clientConnections = 0;
  #port = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LISTEN_LIMITS, ...options.limits };
    this.#peers = pinnedPeers(options);
    this.#server = createServer({
      ...contextOf(options.identity),
      ...HANDSHAKE,
      requestCert: true,
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
    });
    this.#server.on("connection", (socket: Socket) => this.#connected(socket));
    this.#server.on("tlsClientError", (error, socket) => this.#handshakeFailed(error, socket));
    this.#server.on("secureConnection", (socket) => this.#authenticated(socket));
  }

  get port(): number {
    return this.#port;
  }

  present(identity: TlsIdentity): void {
    this.#server.setSecureContext({ ...contextOf(identity), ...HANDSHAKE });
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        reject(new Error(`cannot listen on ${host}:${port}: ${error.code ?? error.message}`, { cause: error }));
      });
      this.#server.listen({ host, port }, resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#server.removeAllListeners("error");
    this.#server.on("error", (error) => this.#refused(`listener: ${error.message}`, ""));
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.#handshakes.values()) socket.destroy();
    for (const connection of this.#open()) connection.closeBecause("listener closed");
    await closed;
    // The server is done with a socket a moment before the connection has told its handlers.
    await Promise.all(this.#open().map((connection) => connection.closed));
  }

  #open(): TlsConnection[] {
    return [...this.#connections.values()].flat();
  }

  #connected(socket: Socket): void {
    const { remoteAddress = "", remotePort = 0 } = socket;
    const key = `${remoteAddress}|${remotePort}`;
    if (this.#handshakes.size >= this.#limits.maxHandshakes) this.#evict();
    const handshake: Handshake = { socket, remoteAddress, failure: undefined };
    this.#handshakes.set(key, handshake);
    socket.on("error", (error) => (handshake.failure ??= error.message));
    socket.on("close", () => {
      if (this.#handshakes.get(key) !== handshake) return;
      this.#handshakes.delete(key);
      if (!this.#isClosing()) this.#refused(handshake.failure ?? UNEXPLAINED, remoteAddress);
    });
  }

  /** Drops the oldest handshake of the address that has most of them. */
  #evict(): void {
    const counts = new Map<string, number>();
    for (const { remoteAddress } of this.#handshakes.values()) {
      counts.set(remoteAddress, (counts.get(remoteAddress) ?? 0) + 1);
    }
    const most = Math.max(...counts.values());
    for (const [key, { socket, remoteAddress }] of this.#handshakes) {
      if (counts.get(remoteAddress) !== most) continue;
      this.#handshakes.delete(key);
      this.#refused("too many connections in the handshake", remoteAddress);
      socket.destroy();
      return;
    }
  }

  /** The report follows when the socket closes: one for each connection. */
  #handshakeFailed(error: Error, socket: TLSSocket): void {
    const handshake = this.#handshakes.get(`${socket.remoteAddress ?? ""}|${socket.remotePort ?? 0}`);
    if (handshake !== undefined) handshake.failure ??= error.message;
    socket.on("error", () => undefined);
    socket.destroy();
  }

  #authenticated(socket: TLSSocket): void {
    const { remoteAddress, remotePort } = socket;
    socket.on("error", () => undefined);
    // The peer went away meanwhile: reported with its handshake.
    if (remoteAddress === undefined || remotePort === undefined) return void socket.destroy();
    this.#handshakes.delete(`${remoteAddress}|${remotePort}`);
    const refuse = (reason: string): void => {
      this.#refused(reason, remoteAddress);
      socket.destroy();
    };
    if (this.#isClosing()) return void socket.destroy();
    if (socket.isSessionReused()) return refuse("resumed session");
    const pin = provedPin(socket);
    if (pin === undefined) return refuse("no certificate");
    const peer = this.#peers.get(pin);
    if (peer === undefined) return refuse("unknown key in its certificate");
    if (peer.kind === "client" && this.#clientConnections >= this.#limits.maxClientConnections) {
      return refuse("too many client connections");
    }
    const { accept, maxFrameBytes, traffic } = this.#options;
    const connection = new TlsConnection(socket, peer, maxFrameBytes(peer), this.#limits, traffic);
    const handlers = accept(connection);
    if (handlers === undefined) return refuse("not accepted");
    this.#track(connection, socket);
    connection.start(handlers);
    // The acceptor itself may have closed the listener.
    if (this.#isClosing()) connection.closeBecause("listener closed");
  }

  #isClosing(): boolean {
    return this.#closing !== undefined;
  }

  #track(connection: TlsConnection, socket: TLSSocket): void {
    const { peer } = connection;
    const key = peer.kind === "party" ? `party ${peer.party}` : `client ${peer.client}`;
    const connections = this.#connections.get(key) ?? [];
    this.#connections.set(key, connections);
    connections.push(connection);
    if (peer.kind === "client") this.#clientConnections++;
    socket.on("close", () => {
      connections.splice(connections.indexOf(connection), 1);
      if (connections.length === 0) this.#connections.delete(key);
      if (peer.kind === "client") this.#clientConnections--;
    });
    if (connections.length > this.#limits.maxConnectionsPerPeer)
      connections[0]?.abort("replaced by a newer connection");
  }

  #refused(reason: string, remoteAddress: string): void {
    this.#options.onRefused?.(reason, remoteAddress);
  }
}

interface Handshake {
  readonly socket: Socket;
  readonly remoteAddress: string;
  failure: string | undefined;
}

function contextOf({ certificatePem, privateKeyPem }: TlsIdentity) {
  return {
    cert: certificatePem,
    key: privateKeyPem,
    // No resumption: each connection proves its key anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function pinnedPeers({ parties, clients }: ListenOptions): ReadonlyMap<string, Peer> {
  const peers = new Map<string, Peer>();
  const pin = (certificatePem: string, peer: Peer): void => {
    const digest = pinOf(certificatePem);
    if (peers.has(digest)) throw new Error(`two peers share the key ${digest}`);
    peers.set(digest, peer);
  };
  for (const { party, certificatePem } of parties) pin(certificatePem, { kind: "party", party });
  for (const { client, certificatePem } of clients) pin(certificatePem, { kind: "client", client });
  return peers;
}
