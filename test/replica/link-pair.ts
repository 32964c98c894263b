/** Both halves of one link, over connections that a test breaks where it likes. */
import { concat, utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import { InvariantError } from "../../src/core/protocol.js";
import { PROOFS_PER_REQUEST } from "../../src/protocols/index.js";
import { Courier, type CourierOptions } from "../../src/relay/courier.js";
import { NO_CHECKPOINTS } from "../../src/relay/serving.js";
import { IncomingLink } from "../../src/replica/incoming-link.js";
import { OutgoingLink } from "../../src/replica/outgoing-link.js";
import { mockRelayKeys } from "../../src/sim/mock-relay-keys.js";
import { PEER_PROTOCOL_VERSION, type PeerFrame, peerFrameCodec } from "../../src/wire/peer-frames.js";
import { MemoryPair } from "../support/memory-connection.js";

export const CLUSTER = new Uint8Array(32).fill(1);
export const RUN = 2;

export function frame(value: PeerFrame): Uint8Array {
  return encode(peerFrameCodec, value);
}

export const HELLO = {
  kind: "hello",
  version: PEER_PROTOCOL_VERSION,
  cluster: CLUSTER,
  run: RUN,
} as const satisfies PeerFrame;
export const WELCOME = {
  kind: "welcome",
  resumeAfter: 0,
  bulkResumeAfter: 0,
  positions: [],
} as const satisfies PeerFrame;

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

function proofOfNothing(): never {
  throw new Error("nobody asks the acceptor");
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
  /** Party 0, who speaks. */
  readonly dialler: Courier;
  /** Party 1. */
  readonly acceptor: Courier;
  readonly heard: Envelope[] = [];
  readonly faults: string[] = [];
  readonly held: number[] = [];
  /** Rounds whose proofs the dialler's archive has lost, and what it says of it. */
  readonly lostProofs = new Set<number>();
  readonly damage: string[] = [];
  /** Rounds below are decided at the dialler, and their proofs archived. */
  diallerRound = 1;
  acceptorRound = 1;
  #requests = 0;
  pair: MemoryPair | undefined;
  readonly #bufferBytes: number;

  constructor({ bufferBytes = 1024 * 1024, holdMessages = false }: LinkPairOptions = {}) {
    this.#bufferBytes = bufferBytes;
    this.dialler = this.#courierOf(0, {
      round: (channel) => (channel === "abc" ? this.diallerRound : undefined),
      archive: {
        ...NO_CHECKPOINTS,
        proof: (_channel, round) => {
          if (this.lostProofs.has(round)) throw new InvariantError(`no proof of round ${round}`);
          return proofOf(round);
        },
      },
      relay: (_neighbour, origin, bytes) => this.outgoing.relay(origin, bytes),
    });
    this.dialler.begin(RUN);
    this.acceptor = this.#courierOf(1, { acknowledge: (_peer, bytes) => this.incoming.acknowledge(bytes) });
    this.acceptor.begin(1);
    this.outgoing = new OutgoingLink({
      cluster: CLUSTER,
      run: () => this.dialler.run,
      resume: (upTo) => this.dialler.resume(1, upTo),
      position: (channel, round) => this.dialler.position(1, channel, round),
      nextAfter: (number, line) => this.dialler.nextAfter(1, number, line),
      heard: (heard) => this.dialler.heard(1, heard),
      onFault: (fault) => this.faults.push(`dialler: ${fault}`),
      onDamage: (error) => this.damage.push(error.message),
      onClose: () => undefined,
    });
    this.incoming = new IncomingLink({
      cluster: CLUSTER,
      meet: (run) => this.acceptor.meet(0, run),
      positions: () => [{ channel: "abc", round: this.acceptorRound }],
      onInput: (input) => {
        const { envelopes } =
          input.kind === "item"
            ? this.acceptor.hear(0, input.run, input.item, input.bytes.length)
            : this.acceptor.relayed(0, input.relayed, input.bytes);
        this.heard.push(...envelopes);
        this.held.push(input.bytes.length);
        if (!holdMessages) this.handle();
      },
      onFault: (fault) => this.faults.push(`acceptor: ${fault}`),
    });
  }

  #courierOf(self: number, options: Partial<CourierOptions>): Courier {
    return new Courier({
      self,
      cluster: CLUSTER,
      parties: [0, 1],
      keys: mockRelayKeys(self, 1),
      proofsPerRequest: PROOFS_PER_REQUEST,
      round: () => undefined,
      archive: { ...NO_CHECKPOINTS, proof: proofOfNothing },
      relay: () => undefined,
      acknowledge: () => undefined,
      onRestart: () => undefined,
      ...options,
    });
  }

  /** The oldest held message is done. */
  handle(): void {
    const sizeBytes = this.held.shift();
    if (sizeBytes === undefined) return;
    this.acceptor.settle();
    this.incoming.handled(sizeBytes);
  }

  /** The acceptor's request reaches the dialler, on whatever way. */
  askRepeat(): void {
    this.dialler.hear(1, 1, { kind: "askRepeat", number: ++this.#requests, after: 0 }, 9);
    this.outgoing.flush();
  }

  askProofs(channel: string, round: number): void {
    this.dialler.hear(1, 1, { kind: "askProofs", number: ++this.#requests, after: 0, channel, round }, 9);
    this.outgoing.flush();
  }

  retire(tag: string): void {
    this.dialler.retire(tag);
  }

  get heldBytes(): number {
    return this.dialler.heldBytes(1);
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
    for (const message of messages) this.dialler.post(1, message);
    this.outgoing.flush();
  }

  get names(): readonly string[] {
    return this.heard.map(nameOf);
  }
}
