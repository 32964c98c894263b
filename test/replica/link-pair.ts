/** Both halves of one link, over connections that a test breaks where it likes. */
import { concat, utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { type Envelope, envelopeCodec } from "../../src/core/envelope.js";
import { IncomingLink } from "../../src/replica/incoming-link.js";
import { OutgoingLink } from "../../src/replica/outgoing-link.js";
import { type PeerFrame, peerFrameCodec } from "../../src/wire/peer-frames.js";
import { MemoryPair } from "../support/memory-connection.js";

export const CLUSTER = new Uint8Array(32).fill(1);
export const EPOCH = new Uint8Array(16).fill(2);

export function frame(value: PeerFrame): Uint8Array {
  return encode(peerFrameCodec, value);
}

export const HELLO = { kind: "hello", version: 1, cluster: CLUSTER, epoch: EPOCH } as const satisfies PeerFrame;
export const WELCOME = { kind: "welcome", resumeAfter: 0, positions: [] } as const satisfies PeerFrame;

/** A message of `round` that a test recognises. */
export function envelope(round: number, name: string | number, sizeBytes = 0): Envelope {
  return { tag: `abc/${round}`, body: concat(utf8(`${name};`), new Uint8Array(sizeBytes)) };
}

export function nameOf({ body }: Envelope): string {
  const text = new TextDecoder().decode(body);
  return text.slice(0, text.indexOf(";"));
}

export function proofOf(round: number): Envelope {
  return envelope(round, `proof-${round}`);
}

export interface LinkPairOptions {
  readonly bufferBytes?: number;
  /** Leave `handled` to the test. */
  readonly holdMessages?: boolean;
}

/** The dialler speaks, the acceptor hears. */
export class LinkPair {
  readonly outgoing: OutgoingLink;
  readonly incoming: IncomingLink;
  readonly heard: Envelope[] = [];
  readonly faults: string[] = [];
  readonly held: number[] = [];
  /** Rounds whose proofs the dialler's archive has lost, and what it says of it. */
  readonly lostProofs = new Set<number>();
  readonly damage: string[] = [];
  /** Rounds below are decided at the dialler, and their proofs archived. */
  diallerRound = 1;
  acceptorRound = 1;
  opened = 0;
  pair: MemoryPair | undefined;
  readonly #bufferBytes: number;

  constructor({ bufferBytes = 1024 * 1024, holdMessages = false }: LinkPairOptions = {}) {
    this.#bufferBytes = bufferBytes;
    this.outgoing = new OutgoingLink({
      cluster: CLUSTER,
      epoch: EPOCH,
      round: (channel) => (channel === "abc" ? this.diallerRound : undefined),
      proof: (_channel, round) =>
        round < this.diallerRound && !this.lostProofs.has(round) ? encode(envelopeCodec, proofOf(round)) : undefined,
      onFault: (fault) => this.faults.push(`dialler: ${fault}`),
      onDamage: (error) => this.damage.push(error.message),
      onClose: () => undefined,
    });
    this.incoming = new IncomingLink({
      cluster: CLUSTER,
      positions: () => [{ channel: "abc", round: this.acceptorRound }],
      onMessage: (message, sizeBytes) => {
        this.heard.push(message);
        this.held.push(sizeBytes);
        if (!holdMessages) this.handle();
      },
      onFault: (fault) => this.faults.push(`acceptor: ${fault}`),
      onOpen: () => this.opened++,
    });
  }

  /** The oldest held message is done. */
  handle(): void {
    const sizeBytes = this.held.shift();
    if (sizeBytes !== undefined) this.incoming.handled(sizeBytes);
  }

  /** A new connection; what was in flight on the one before is lost. */
  connect(): MemoryPair {
    this.pair?.break();
    const pair = new MemoryPair({
      left: { kind: "party", party: 1 },
      right: { kind: "party", party: 0 },
      bufferBytes: this.#bufferBytes,
    });
    pair.left.start(this.outgoing.open(pair.left));
    pair.right.start(this.incoming.open(pair.right));
    this.pair = pair;
    return pair;
  }

  say(...messages: readonly Envelope[]): void {
    for (const message of messages) this.outgoing.push(message);
    this.outgoing.flush();
  }

  get names(): readonly string[] {
    return this.heard.map(nameOf);
  }
}
