/** Both halves of a link from one party to another, over connections in memory that break when a test says so. */
import { Hearer } from "../../src/agreement/hearer.js";
import { type LinkFrame, linkFrameCodec } from "../../src/agreement/link-frames.js";
import type { LinkFault } from "../../src/agreement/links.js";
import { Speaker } from "../../src/agreement/speaker.js";
import { utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { MemoryPair } from "../support/memory-connection.js";
import { CLUSTER } from "./members.js";

export const EPOCH = new Uint8Array(16).fill(1);

export class LinkPair {
  readonly heard: string[] = [];
  readonly faults: string[] = [];
  readonly speaker: Speaker;
  readonly hearer: Hearer;
  readonly #bufferBytes: number;

  constructor({ speakerCluster = CLUSTER, bufferBytes = 1024 * 1024 } = {}) {
    const note = (by: string) => (fault: LinkFault) => void this.faults.push(`${by}: ${fault}`);
    this.#bufferBytes = bufferBytes;
    this.speaker = new Speaker({ cluster: speakerCluster, epoch: EPOCH, onFault: note("speaker") });
    this.hearer = new Hearer({
      cluster: CLUSTER,
      onMessage: ({ tag }) => void this.heard.push(tag),
      onFault: note("hearer"),
    });
  }

  /** A new connection; nothing has moved on it yet. The dialler is on the left. */
  connect(): MemoryPair {
    const pair = this.#pair();
    pair.left.start(this.speaker.open(pair.left));
    pair.right.start(this.hearer.open(pair.right));
    return pair;
  }

  /** A connection on which a test speaks in the speaker's place. `asked`: from where the hearer wants to go on. */
  impersonateSpeaker(): {
    readonly pair: MemoryPair;
    readonly asked: readonly number[];
    readonly say: (frame: LinkFrame | Uint8Array) => void;
  } {
    const pair = this.#pair();
    const asked: number[] = [];
    const onFrame = (bytes: Uint8Array): void => {
      const frame = decode(linkFrameCodec, bytes);
      if (frame.ok && frame.value.kind === "resume") asked.push(frame.value.after);
    };
    pair.left.start({ onFrame, onWritable: () => undefined, onClose: () => undefined });
    pair.right.start(this.hearer.open(pair.right));
    return {
      pair,
      asked,
      say: (frame) => {
        pair.left.send(frame instanceof Uint8Array ? frame : encode(linkFrameCodec, frame));
        pair.settle();
      },
    };
  }

  #pair(): MemoryPair {
    return new MemoryPair({
      left: { kind: "party", party: 1 },
      right: { kind: "party", party: 0 },
      bufferBytes: this.#bufferBytes,
    });
  }

  say(...tags: readonly string[]): void {
    for (const tag of tags) this.speaker.say({ tag, body: utf8(tag) });
  }
}
