/** Four parties that answer a client as a test tells them to, over connections in memory. */
import { toHex } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { Client } from "../../src/client/index.js";
import { createEd25519Signer } from "../../src/crypto/index.js";
import { createNotary, decodeRequest, encodeStatement } from "../../src/services/notary/index.js";
import {
  type ClientFrame,
  clientFrameCodec,
  REFUSALS,
  type Refusal,
  type ReplyFrame,
  replyFrameCodec,
} from "../../src/wire/client-frames.js";
import { MemoryPair } from "../support/memory-connection.js";
import { proofOf, RECEIPT_KEY, sha256, sharer } from "./receipt-parties.js";

export const CLUSTER = new Uint8Array(32).fill(1);
export const N = 4;
const CLIENT = createEd25519Signer(new Uint8Array(32).fill(3));
const NOTARY = createNotary({ cluster: CLUSTER, isClient: () => true, verifyClient: () => true });

type Reply = ReplyFrame | Uint8Array;
export type Behaviour = (frame: ClientFrame, party: number) => readonly Reply[];

/** The share of `party` for what `payload` asks, at a position. */
export function shareOf(
  party: number,
  payload: Uint8Array,
  { sequence = 7, round = 2, proven = false } = {},
): Extract<ReplyFrame, { kind: "share" }> {
  const { statement } = NOTARY.apply({ sequence, round }, payload);
  const share = sharer(party).share(statement);
  const proof = proven ? proofOf(party, statement) : new Uint8Array(0);
  return { kind: "share", id: sha256(payload), sequence, round, share, proof };
}

export function refusal(payload: Uint8Array, code: Refusal, reason: string): ReplyFrame {
  return { kind: "refused", id: sha256(payload), code: REFUSALS.indexOf(code), reason };
}

export const STATE = {
  kind: "state",
  state: "active",
  round: 1,
  sequence: 1,
  logDigest: new Uint8Array(32),
  sentFrames: 0,
  sentBytes: 0,
  accusations: [],
} as const satisfies ReplyFrame;

/** An honest replica that has delivered everything it is asked for. */
export function honest(): Behaviour {
  const payloads = new Map<string, Uint8Array>();
  return (frame, party) => {
    if (frame.kind === "hello") return [{ kind: "welcome" }];
    if (frame.kind === "status") return [STATE];
    if (frame.kind === "submit") {
      payloads.set(toHex(sha256(frame.payload)), frame.payload);
      return [shareOf(party, frame.payload)];
    }
    const payload = payloads.get(toHex(frame.id));
    return payload === undefined ? [] : [shareOf(party, payload, { proven: true })];
  };
}

/** As `honest`, but for submissions. */
export function onSubmit(answer: (payload: Uint8Array, party: number) => readonly Reply[]): Behaviour {
  const rest = honest();
  return (frame, party) => (frame.kind === "submit" ? answer(frame.payload, party) : rest(frame, party));
}

export const SILENT: Behaviour = (frame) => (frame.kind === "hello" ? [{ kind: "welcome" }] : []);

/** `undefined` in place of a behaviour: a party that cannot be reached. */
export class FakeCluster {
  readonly client: Client;
  /** What each party heard, by kind. */
  readonly heard: string[][] = Array.from({ length: N }, () => []);
  readonly payloads: Uint8Array[] = [];
  readonly dialled: number[] = [];
  readonly closed: number[] = [];
  readonly #behaviours: (Behaviour | undefined)[];
  readonly #pairs = new Map<number, MemoryPair>();
  readonly #reconnect: (() => void)[] = [];

  constructor(behaviours: readonly (Behaviour | undefined)[]) {
    this.#behaviours = [...behaviours];
    this.client = new Client({
      cluster: CLUSTER,
      n: N,
      receiptKey: RECEIPT_KEY,
      publicKey: CLIENT.publicKey,
      sign: (statement) => CLIENT.sign(statement),
      hash: sha256,
      dial: (party, accept, onFailure) => {
        this.dialled.push(party);
        const connect = (): void => {
          this.#pairs.get(party)?.break("connection lost");
          if (this.#behaviours[party] === undefined) return onFailure("connection refused");
          const pair = new MemoryPair({ left: { kind: "party", party }, right: { kind: "client", client: 0 } });
          this.#pairs.set(party, pair);
          const handlers = accept(pair.left);
          if (handlers !== undefined) pair.left.start(handlers);
          pair.right.start({
            onFrame: (frame) => this.#onFrame(party, pair, frame),
            onWritable: () => undefined,
            onClose: () => undefined,
          });
        };
        this.#reconnect[party] = connect;
        connect();
        return { close: () => this.closed.push(party) };
      },
    });
  }

  #onFrame(party: number, pair: MemoryPair, bytes: Uint8Array): void {
    const frame = decode(clientFrameCodec, bytes);
    if (!frame.ok) throw new Error(`the client sent a malformed frame: ${frame.error}`);
    this.heard[party]?.push(frame.value.kind);
    if (frame.value.kind === "submit") {
      const request = decodeRequest(frame.value.payload);
      if (!request.ok) throw new Error(`the client submitted no request: ${request.error}`);
      this.payloads.push(frame.value.payload);
    }
    for (const reply of this.#behaviours[party]?.(frame.value, party) ?? []) {
      pair.right.send(reply instanceof Uint8Array ? reply : encode(replyFrameCodec, reply));
    }
  }

  /** The party from now on, and a new connection to it. */
  become(party: number, behaviour: Behaviour | undefined): void {
    this.#behaviours[party] = behaviour;
    this.#reconnect[party]?.();
  }

  /** Only what the party says from now on, on the connection that is there. */
  change(party: number, behaviour: Behaviour): void {
    this.#behaviours[party] = behaviour;
  }

  isConnected(party: number): boolean {
    return this.#pairs.get(party)?.isBroken === false;
  }

  say(party: number, reply: Reply): void {
    this.#pairs.get(party)?.right.send(reply instanceof Uint8Array ? reply : encode(replyFrameCodec, reply));
    this.settle();
  }

  /** Until nobody has anything to say. */
  settle(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const pair of this.#pairs.values()) moved = pair.step(pair.right) || pair.step(pair.left) || moved;
    }
  }
}

/** The statement that an honest receipt is on. */
export function statementOf(payload: Uint8Array, sequence = 7, round = 2): Uint8Array {
  const request = decodeRequest(payload);
  if (!request.ok) throw new Error(request.error);
  const { client, digest } = request.value;
  return encodeStatement({ cluster: CLUSTER, sequence, round, digest, client });
}
