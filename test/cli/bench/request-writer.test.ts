/** What the writer writes in place is what the codecs say of the same request, and what replicas take. */
import { describe, expect, it } from "vitest";
import { RequestWriter } from "../../../src/cli/bench/request-writer.js";
import { sha256 } from "../../../src/cli/sha256.js";
import { WORKLOADS } from "../../../src/cli/bench/workload.js";
import { toHex } from "../../../src/core/bytes.js";
import { decode, encode } from "../../../src/core/codec.js";
import { createEd25519Signer } from "../../../src/crypto/index.js";
import { createCounter } from "../../../src/services/counter/index.js";
import { createKv } from "../../../src/services/kv/index.js";
import { createLog } from "../../../src/services/log/index.js";
import { createNotaryService } from "../../../src/services/notary/index.js";
import { clientFrameCodec } from "../../../src/wire/client-frames.js";
import { MAX_OPERATIONS, decodePayload, signRequest } from "../../../src/wire/payload.js";
import { sealedService } from "./bidding-support.js";

const cluster = new Uint8Array(32).fill(3);
const signer = createEd25519Signer(new Uint8Array(32).fill(5));
const session = { opened: 1_700_000_000_000, nonce: new Uint8Array(8).fill(9) };
const { encryptionKey, bidding } = await sealedService(cluster);
const services = new Map(
  [createLog(), createKv(), createCounter(), createNotaryService({ cluster, hash: sha256 }), bidding].map((service) => [
    service.name,
    service,
  ]),
);

async function writerOf(name: string, payloadBytes: number, maxPayloadBytes = 64 * 1024): Promise<RequestWriter> {
  const options = { payloadBytes, cluster, client: signer.publicKey, encryptionKey, listings: 80 };
  const workload = await WORKLOADS.get(name)?.(options);
  if (workload === undefined) throw new Error(`no load for ${name}`);
  return new RequestWriter({
    cluster,
    client: signer.publicKey,
    session,
    workload,
    maxPayloadBytes,
    sign: (bytes) => signer.sign(bytes),
  });
}

function requestIn(frame: Uint8Array) {
  const submit = decode(clientFrameCodec, frame);
  if (!submit.ok || submit.value.kind !== "submit") throw new Error("no submit frame");
  expect(encode(clientFrameCodec, submit.value)).toEqual(frame);
  const payload = decodePayload(submit.value.payload);
  if (!payload.ok || payload.value.kind !== "request" || payload.value.action.kind !== "calls")
    throw new Error("no calls");
  const { action } = payload.value;
  return { payload: submit.value.payload, request: { ...payload.value, action }, operations: [...action.operations] };
}

describe.each([...WORKLOADS.keys()])("requests of the load for %s", (service) => {
  it("are signed requests of the client, with valid operations", async () => {
    const { frame, payload, id } = (await writerOf(service, 256)).write(300, 45, 7);
    const { payload: sent, request, operations } = requestIn(frame);
    expect(payload).toEqual(sent);
    expect(id).toEqual(sha256(payload));
    expect(request).toMatchObject({ cluster, client: signer.publicKey, session, number: 300, acknowledged: 45 });
    expect(payload).toEqual(signRequest(request, { hash: sha256, sign: (statement) => signer.sign(statement) }));
    expect(operations).toHaveLength(7);
    for (const operation of operations)
      expect(services.get(request.action.service)?.validate?.(operation) ?? true).toBe(true);
    // Random bytes: two may be equal where there are few.
    expect(new Set(operations.map(toHex)).size).toBeGreaterThan(1);
  });

  it.each([64, 256])(
    "fill fifteen sixteenths of %i KiB, and no more, so that a number of them fills a batch",
    async (most) => {
      const writer = await writerOf(service, 256, most * 1024);
      const { payload } = writer.write(1, 0, writer.maxOperations);
      expect(payload).toHaveLength(writer.maxBytes);
      expect(payload.length).toBeLessThanOrEqual((15 * most * 1024) / 16);
      const { operations } = requestIn(writer.write(2, 0, writer.maxOperations).frame);
      expect(operations).toHaveLength(writer.maxOperations);
      const hasRoom = payload.length + 4 + (operations[0]?.length ?? 0) <= (15 * most * 1024) / 16;
      expect(hasRoom && writer.maxOperations < Math.min(MAX_OPERATIONS, service === "bidding" ? 16 : Infinity)).toBe(
        false,
      );
    },
  );
});

it("has no more sealed bids in a request than replicas check in a moment, and as many orders as find room", async () => {
  const [bids, orders] = [await writerOf("bidding", 0), await writerOf("book", 0)];
  expect(bids.maxOperations).toBe(16);
  expect(requestIn(bids.write(1, 0, 16).frame).operations).toHaveLength(16);
  expect(orders.maxOperations).toBeGreaterThan(1_000);
});

it("writes where an earlier request was, once that is released, and nowhere else", async () => {
  const writer = await writerOf("log", 100);
  const [first, second] = [writer.write(1, 0, writer.maxOperations), writer.write(2, 0, writer.maxOperations)];
  const kept = new Uint8Array(second.frame);
  writer.release(first.frame);
  writer.release(writer.write(3, 0, 1).frame);
  const count = Math.ceil((3 * writer.maxOperations) / 4);
  const third = writer.write(4, 0, count);
  const fourth = writer.write(5, 0, writer.maxOperations);
  expect(third.frame.buffer).toBe(first.frame.buffer);
  expect(new Set([first, second, fourth].map(({ frame }) => frame.buffer)).size).toBe(3);
  const { payload, request, operations } = requestIn(third.frame);
  expect(third.id).toEqual(sha256(payload));
  expect(request.number).toBe(4);
  expect(new Set(operations.map(toHex)).size).toBe(count);
  expect(second.frame).toEqual(kept);
});

it("has payloads of the size that was asked for, all different", async () => {
  const { operations } = requestIn((await writerOf("log", 100)).write(1, 0, 500).frame);
  expect(new Set(operations.map(({ length }) => length))).toEqual(new Set([100]));
  expect(new Set(operations.map(toHex)).size).toBe(500);
});

it("refuses a payload that finds no room", async () => {
  await expect(writerOf("log", 60 * 1024)).rejects.toThrow("finds no room in a request");
});
