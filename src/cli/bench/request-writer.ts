/**
 * Writes a client's requests with many operations in place, frame and all, without an object for each operation. The bytes are
 * those that the codecs of `wire` make of the same request; where its fields are, is read off from one that they made.
 * Memory of requests that are over is used again: they are long, and to collect them would take as long as all else.
 */
import { createHash, randomFillSync } from "node:crypto";
import { encode } from "../../core/codec.js";
import { clientFrameCodec } from "../../wire/client-frames.js";
import {
  MAX_OPERATIONS,
  type RequestSigner,
  type SessionId,
  encodePayload,
  requestStatement,
  signedBytes,
} from "../../wire/payload.js";
import type { Workload } from "./workload.js";

/** How much of the greatest payload a request takes: so a whole number of them fills a batch. */
const FILL = 15 / 16;
const LENGTH_BYTES = 4;
const SIGNATURE_BYTES = 64;
/** `submit`: which frame it is, and the payload's length; after the payload what is wanted. */
const FRAME_HEAD_BYTES = 5;
const FRAME_TAIL_BYTES = 1;
/** Which payload it is, the cluster and the client. */
const BEFORE_SESSION_BYTES = 65;
const SESSION_BYTES = 16;
const NUMBER_AT = BEFORE_SESSION_BYTES + SESSION_BYTES;
const ACKNOWLEDGED_AT = NUMBER_AT + 4;

export interface RequestWriterOptions extends Pick<RequestSigner, "sign"> {
  readonly cluster: Uint8Array;
  /** Public key. */
  readonly client: Uint8Array;
  readonly session: SessionId;
  readonly workload: Workload;
  /** Of the payloads that the cluster orders. */
  readonly maxPayloadBytes: number;
}

export interface WrittenRequest {
  /** A `submit` frame, which must not be changed. */
  readonly frame: Uint8Array;
  /** The request in it. */
  readonly payload: Uint8Array;
  /** SHA-256 of the request. */
  readonly id: Uint8Array;
}

export class RequestWriter {
  /** Operations that one request has room for, or as many as the workload lets it have. */
  readonly maxOperations: number;
  /** Of a request with so many. */
  readonly maxBytes: number;
  readonly #sign: RequestSigner["sign"];
  /** A frame with no operation, without its tail. */
  readonly #head: Uint8Array;
  /** An operation after its length, and which parts of that are the same in all. */
  readonly #operation: Uint8Array;
  readonly #fixed: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  readonly #commands: Workload["commands"];
  readonly #frameBytes: number;
  /** Memory for one frame each. */
  readonly #spare: ArrayBufferLike[] = [];

  /** @throws RangeError when not even one operation has room */
  constructor({ cluster, client, session, workload, maxPayloadBytes, sign }: RequestWriterOptions) {
    this.#sign = sign;
    this.#commands = workload.commands;
    const action = { kind: "calls" as const, service: workload.service, operations: [workload.template] };
    const request = { cluster, client, session, number: 1, acknowledged: 0, action };
    const payload = encodePayload({ kind: "request", ...request, signature: new Uint8Array(SIGNATURE_BYTES) });
    const frame = encode(clientFrameCodec, { kind: "submit", payload, want: "reply" });
    this.#operation = frame.slice(
      -FRAME_TAIL_BYTES - SIGNATURE_BYTES - LENGTH_BYTES - workload.template.length,
      -FRAME_TAIL_BYTES - SIGNATURE_BYTES,
    );
    this.#head = frame.slice(0, frame.length - FRAME_TAIL_BYTES - SIGNATURE_BYTES - this.#operation.length);
    this.#fixed = fixedParts(this.#operation, workload);
    const around = payload.length - this.#operation.length;
    const room = Math.floor(maxPayloadBytes * FILL) - around;
    const most = Math.min(MAX_OPERATIONS, workload.commands?.maxPerRequest ?? MAX_OPERATIONS);
    this.maxOperations = Math.min(most, Math.floor(room / this.#operation.length));
    if (this.maxOperations < 1)
      throw new RangeError(`an operation of ${workload.template.length} bytes finds no room in a request`);
    this.maxBytes = around + this.maxOperations * this.#operation.length;
    this.#frameBytes = FRAME_HEAD_BYTES + this.maxBytes + FRAME_TAIL_BYTES;
  }

  /** The frame of a request of this writer, which nobody has any more. */
  release({ buffer }: Uint8Array): void {
    if (buffer.byteLength === this.#frameBytes) this.#spare.push(buffer);
  }

  /** What is much shorter than most has memory of its own. */
  #newFrame(sizeBytes: number): Uint8Array {
    if (2 * sizeBytes < this.#frameBytes) return new Uint8Array(sizeBytes);
    return new Uint8Array(this.#spare.pop() ?? new ArrayBuffer(this.#frameBytes), 0, sizeBytes);
  }

  /** A request with `count` new operations. @throws Error when there are no more */
  write(number: number, acknowledged: number, count: number): WrittenRequest {
    const operationsBytes = count * this.#operation.length;
    const head = this.#head.length;
    const end = head + operationsBytes;
    const frame = this.#newFrame(end + SIGNATURE_BYTES + FRAME_TAIL_BYTES);
    frame.set(this.#head);
    frame.fill(0, frame.length - FRAME_TAIL_BYTES);
    const payload = frame.subarray(FRAME_HEAD_BYTES, frame.length - FRAME_TAIL_BYTES);
    const view = new DataView(frame.buffer);
    view.setUint32(FRAME_HEAD_BYTES - LENGTH_BYTES, payload.length);
    view.setUint32(FRAME_HEAD_BYTES + NUMBER_AT, number);
    view.setUint32(FRAME_HEAD_BYTES + ACKNOWLEDGED_AT, acknowledged);
    view.setUint32(head - LENGTH_BYTES, count);
    randomFillSync(frame, head, operationsBytes);
    for (let at = head; at < end; at += this.#operation.length) {
      for (const part of this.#fixed) frame.set(part.bytes, at + part.at);
      this.#commands?.write(frame.subarray(at + LENGTH_BYTES, at + this.#operation.length));
    }
    const hash = createHash("sha256").update(payload.subarray(0, signedBytes(payload)));
    const signature = this.#sign(requestStatement(hash.copy().digest()));
    frame.set(signature, end);
    return { frame, payload, id: new Uint8Array(hash.update(signature).digest()) };
  }
}

/** Of an operation after its length. */
function fixedParts(
  operation: Uint8Array,
  { random }: Workload,
): { readonly at: number; readonly bytes: Uint8Array }[] {
  const parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  let at = 0;
  for (const [from, to] of [...random, [operation.length - LENGTH_BYTES, 0] as const]) {
    const end = LENGTH_BYTES + from;
    if (end > at) parts.push({ at, bytes: operation.slice(at, end) });
    at = LENGTH_BYTES + to;
  }
  return parts;
}
