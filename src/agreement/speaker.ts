/**
 * The half of a link on which this party speaks: after each new connection it goes on from where the peer asks it to, and writes only
 * what the connection takes. So a peer that is slow or gone costs what live instances have said to it, and never more.
 */
import { decode, encode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import type { Tag } from "../core/tag.js";
import type { Connection, ConnectionHandlers } from "../replica/links.js";
import { LINK_VERSION, type LinkFrame, linkFrameCodec } from "./link-frames.js";
import type { LinkFault } from "./links.js";
import { SaidMessages } from "./said.js";

export interface SpeakerOptions {
  readonly cluster: Uint8Array;
  /** 16 random bytes per process. */
  readonly epoch: Uint8Array;
  readonly onFault: (fault: LinkFault) => void;
}

export class Speaker {
  readonly #options: SpeakerOptions;
  readonly #said = new SaidMessages();
  #connection: Connection | undefined;
  /** Whether its send buffer has room; nothing is written before it has. */
  #isWritable = false;
  /** The number of the last message written on the connection; undefined before the peer has asked. */
  #cursor: number | undefined;
  /** The peer's last request, which is to be answered. */
  #ask: number | undefined;

  constructor(options: SpeakerOptions) {
    this.#options = options;
  }

  say(envelope: Envelope): void {
    this.#said.push(envelope);
    this.#flush();
  }

  retire(tag: Tag): void {
    this.#said.retire(tag);
  }

  /** A new connection that this party dialled. */
  open(connection: Connection): ConnectionHandlers {
    this.#connection?.close();
    this.#connection = connection;
    this.#cursor = undefined;
    this.#ask = undefined;
    this.#isWritable = true;
    const { cluster, epoch } = this.#options;
    this.#write({ kind: "hello", version: LINK_VERSION, cluster, epoch });
    return {
      onFrame: (frame) => {
        if (connection === this.#connection) this.#onFrame(connection, frame);
      },
      onWritable: () => {
        if (connection !== this.#connection) return;
        this.#isWritable = true;
        this.#flush();
      },
      onClose: () => {
        if (connection === this.#connection) this.#connection = undefined;
      },
    };
  }

  #onFrame(connection: Connection, bytes: Uint8Array): void {
    const frame = decode(linkFrameCodec, bytes);
    const fault = frame.ok ? this.#act(frame.value) : "malformed-frame";
    if (fault === undefined) return this.#flush();
    this.#options.onFault(fault);
    connection.close();
  }

  #act(frame: LinkFrame): LinkFault | undefined {
    if (frame.kind !== "resume") return "unexpected-frame";
    // The epoch is ours, so nobody can have heard in it what was not said yet.
    if (frame.after > this.#said.last) return "impossible-resume";
    this.#cursor = frame.after;
    this.#ask = frame.ask;
    return undefined;
  }

  #flush(): void {
    while (this.#connection !== undefined && this.#isWritable) {
      const frame = this.#next();
      if (frame === undefined) return;
      this.#write(frame);
    }
  }

  #next(): LinkFrame | undefined {
    if (this.#cursor === undefined) return undefined;
    const ask = this.#ask;
    this.#ask = undefined;
    if (ask !== undefined) return { kind: "from", ask };
    const said = this.#said.firstAfter(this.#cursor);
    if (said === undefined) return undefined;
    this.#cursor = said.number;
    return { kind: "message", ...said };
  }

  #write(frame: LinkFrame): void {
    this.#isWritable = this.#connection?.send(encode(linkFrameCodec, frame)) === true;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
