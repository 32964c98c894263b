/** Keeps a mutually authenticated TLS 1.3 connection to one pinned party up. */
import { connect, type TLSSocket } from "node:tls";
import type { PartyId } from "../../core/party-set.js";
import type { Acceptor, Dialer, Peer } from "../../replica/links.js";
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS, TlsConnection, type Traffic } from "./connection.js";
import { HANDSHAKE, pinOf, provedPin, type TlsIdentity } from "./identity.js";

export interface DialLimits extends ConnectionLimits {
  /** For the TCP connection and the handshake together. */
  readonly connectTimeoutMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** A connection that lasted this long, or on which a frame came in, resets the back-off. */
  readonly livedMs: number;
}

export const DEFAULT_DIAL_LIMITS: DialLimits = {
  ...DEFAULT_CONNECTION_LIMITS,
  connectTimeoutMs: 5_000,
  minBackoffMs: 25,
  maxBackoffMs: 2_000,
  livedMs: 2_000,
};

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** Read anew at each attempt: its certificate may have been renewed. */
  readonly identity: TlsIdentity;
  /** Who is expected at the other end, and a certificate with the only key that proves it. */
  readonly party: PartyId;
  readonly certificatePem: string;
  /** The longest frame that the party may send. */
  readonly maxFrameBytes: number;
  /** Called for each new connection. */
  readonly accept: Acceptor;
  readonly limits?: Partial<DialLimits>;
  /** Counts what its connections carry. */
  readonly traffic?: Traffic;
  /** An attempt failed and will be repeated; for logs. */
  readonly onFailure?: (reason: string) => void;
}

export function dialTls(options: DialOptions): Dialer {
  const dialer = new TlsDialer(options);
  dialer.attempt();
  return dialer;
}

class TlsDialer implements Dialer {
  readonly #options: DialOptions;
  readonly #limits: DialLimits;
  readonly #peer: Peer;
  readonly #pin: string;
  #failures = 0;
  #closed = false;
  /** The one of the attempt under way, or of the pause before the next. */
  #timer: NodeJS.Timeout | undefined;
  #socket: TLSSocket | undefined;
  #connection: TlsConnection | undefined;

  constructor(options: DialOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_DIAL_LIMITS, ...options.limits };
    this.#peer = { kind: "party", party: options.party };
    this.#pin = pinOf(options.certificatePem);
  }

  attempt(): void {
    const { host, port, identity } = this.#options;
    let failure: string | undefined;
    const socket = connect({
      host,
      port,
      cert: identity.certificatePem,
      key: identity.privateKeyPem,
      ...HANDSHAKE,
    });
    this.#socket = socket;
    this.#timer = setTimeout(() => {
      failure ??= `no connection within ${this.#limits.connectTimeoutMs} ms`;
      socket.destroy();
    }, this.#limits.connectTimeoutMs);
    socket.on("error", (error) => (failure ??= describe(error)));
    socket.on("secureConnect", () => {
      clearTimeout(this.#timer);
      failure ??= this.#connected(socket);
      if (failure !== undefined) socket.destroy();
    });
    socket.on("close", () => this.#broken(failure));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#connection !== undefined) this.#connection.close();
    else this.#socket?.destroy();
  }

  /** Hands the connection on, or returns why not. */
  #connected(socket: TLSSocket): string | undefined {
    if (this.#closed) return "dialer closed";
    if (provedPin(socket) !== this.#pin) {
      return "another key than the pinned one: a replica of another cluster listens there, or the public file is wrong";
    }
    const { accept, maxFrameBytes, traffic } = this.#options;
    const connection = new TlsConnection(socket, this.#peer, maxFrameBytes, this.#limits, traffic);
    const handlers = accept(connection);
    if (handlers === undefined) return "not accepted";
    const sinceMs = performance.now();
    socket.on("close", () => {
      if (connection.receivedFrame || performance.now() - sinceMs >= this.#limits.livedMs) this.#failures = 0;
    });
    this.#connection = connection;
    connection.start(handlers);
    return undefined;
  }

  #broken(failure: string | undefined): void {
    clearTimeout(this.#timer);
    const established = this.#connection !== undefined;
    this.#connection = undefined;
    this.#socket = undefined;
    if (this.#closed) return;
    if (!established) this.#options.onFailure?.(failure ?? "connection closed during the handshake");
    // A caller's handler may just have closed this dialer.
    if (!this.#closed) this.#timer = setTimeout(() => this.attempt(), this.#backoffMs());
  }

  /** Between half of the step and the whole: parties that lost the same peer do not come back at once. */
  #backoffMs(): number {
    const { minBackoffMs, maxBackoffMs } = this.#limits;
    const stepMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(this.#failures++, 30));
    return stepMs * (0.5 + Math.random() / 2);
  }
}

/** What OpenSSL makes of bytes that are no TLS, and of an older TLS. */
const NO_TLS_1_3 = /wrong version number|packet length too long|unsupported protocol|alert protocol version/;

/** An error of several attempts (a name with several addresses) has its reasons inside. */
function describe(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((one) => describe(one as Error)).join("; ");
  if (NO_TLS_1_3.test(error.message)) return "something that does not speak TLS 1.3 as a replica does listens there";
  // What comes from OpenSSL has line feeds.
  return error.message.replace(/\s+/g, " ").trim();
}
