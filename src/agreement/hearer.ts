/** The half of a link on which a peer speaks to this party: hands on what it says, and knows from where the peer is to go on. */
import { equalBytes } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import type { Connection, ConnectionHandlers } from "../replica/links.js";
import { LINK_VERSION, type LinkFrame, linkFrameCodec } from "./link-frames.js";
import type { LinkFault } from "./links.js";

export interface HearerOptions {
  readonly cluster: Uint8Array;
  /** Some messages come twice, after a connection broke or a repetition was asked for. */
  readonly onMessage: (envelope: Envelope) => void;
  readonly onFault: (fault: LinkFault) => void;
}

export class Hearer {
  readonly #options: HearerOptions;
  #connection: Connection | undefined;
  #hasGreeted = false;
  #epoch = new Uint8Array(0);
  /** All messages of this epoch up to this number were heard. */
  #heard = 0;
  /** Requests on this connection, and the last one that was answered: what comes in between is of before, and moves nothing. */
  #asked = 0;
  #answered = 0;

  constructor(options: HearerOptions) {
    this.#options = options;
  }

  /** A new connection that the peer dialled. */
  open(connection: Connection): ConnectionHandlers {
    this.#connection?.close();
    this.#connection = connection;
    this.#hasGreeted = false;
    this.#asked = 0;
    this.#answered = 0;
    return {
      onFrame: (bytes) => {
        if (connection === this.#connection) this.#onFrame(connection, bytes);
      },
      onWritable: () => undefined,
      onClose: () => {
        if (connection === this.#connection) this.#connection = undefined;
      },
    };
  }

  #onFrame(connection: Connection, bytes: Uint8Array): void {
    const frame = decode(linkFrameCodec, bytes);
    const fault = frame.ok ? this.#act(frame.value) : "malformed-frame";
    if (fault === undefined) return;
    this.#options.onFault(fault);
    connection.close();
  }

  #act(frame: LinkFrame): LinkFault | undefined {
    if (!this.#hasGreeted) return frame.kind === "hello" ? this.#greet(frame) : "unexpected-frame";
    if (frame.kind === "message") this.#hear(frame.number, frame.envelope);
    else if (frame.kind === "from" && frame.ask > this.#answered && frame.ask <= this.#asked)
      this.#answered = frame.ask;
    else return "unexpected-frame";
    return undefined;
  }

  #greet({ version, cluster, epoch }: Extract<LinkFrame, { kind: "hello" }>): LinkFault | undefined {
    if (version !== LINK_VERSION) return "wrong-version";
    if (!equalBytes(cluster, this.#options.cluster)) return "wrong-cluster";
    if (!equalBytes(epoch, this.#epoch)) {
      this.#epoch = epoch.slice();
      this.#heard = 0;
    }
    this.#hasGreeted = true;
    this.#resume();
    return undefined;
  }

  #resume(): void {
    this.#asked++;
    this.#connection?.send(encode(linkFrameCodec, { kind: "resume", after: this.#heard, ask: this.#asked }));
  }

  #hear(number: number, envelope: Envelope): void {
    if (this.#answered === this.#asked) this.#heard = number;
    this.#options.onMessage(envelope);
  }

  /** At once, or on the next connection. */
  askRepeat(): void {
    this.#heard = 0;
    if (this.#hasGreeted && this.#connection !== undefined) this.#resume();
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
