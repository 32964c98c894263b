/** A replica's archive, and a whole transfer from it over couriers, also where links delete. */
import { expect, it } from "vitest";
import { concat, toHex, utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { envelopeCodec } from "../../src/core/envelope.js";
import { CheckpointArchive } from "../../src/replica/checkpoint-archive.js";
import { decodeSummary, verifyChunk } from "../../src/replica/checkpoint-summary.js";
import type { CheckpointRecord } from "../../src/replica/storage.js";
import { type CompleteState, Transfer } from "../../src/replica/transfer.js";
import { Mesh, envelope } from "../relay/mesh.js";
import { Checkpoint, Disk, hash } from "./transfer-world.js";

class Store {
  records: CheckpointRecord[] = [];
  readonly chunks = new Map<string, Uint8Array>();
  reads = 0;

  put({ round, summary, certificate, hashes, chunks }: Checkpoint, isCertified = true): void {
    for (const [index, chunk] of chunks.entries()) this.chunks.set(toHex(hashes[index] ?? utf8("")), chunk);
    const rest = { input: 1, local: utf8(""), certificate: isCertified ? certificate : undefined };
    this.records.push({ round, summary, chunkHashes: concat(...hashes), ...rest });
  }

  checkpoints(): readonly CheckpointRecord[] {
    this.reads++;
    return this.records;
  }

  chunk(hash_: Uint8Array): Uint8Array | undefined {
    return this.chunks.get(toHex(hash_));
  }

  batch(): undefined {
    return undefined;
  }

  proof(channel: string, round: number): Uint8Array | undefined {
    return round >= 80 ? encode(envelopeCodec, envelope("proof", `${channel}/${round}`)) : undefined;
  }
}

const archiveOf = (storage: Store): CheckpointArchive =>
  new CheckpointArchive({ channel: "abc", storage, hash, oldestProof: () => 80 });

it("offers the latest certified checkpoint, and chunks of each that is certified", () => {
  const store = new Store();
  const archive = archiveOf(store);
  expect(archive.offer("abc")).toBeUndefined();
  const [first, second, third] = [new Checkpoint(70, 7), new Checkpoint(80, 9), new Checkpoint(90, 5)];
  store.put(first);
  store.put(second);
  store.put(third, false);
  expect(archive.offer("abc")).toBeUndefined();
  archive.refresh();
  expect(archive.offer("abc")).toEqual({ round: 80, summary: second.summary, certificate: second.certificate });
  expect(archive.offer("xyz")).toBeUndefined();
  expect(archive.oldestProof("abc")).toBe(80);
  expect(archive.oldestProof("xyz")).toBeUndefined();
  expect(archive.chunk("abc", 90, 0)).toBeUndefined();
  expect(archive.chunk("abc", 80, 9)).toBeUndefined();
  expect(archive.chunk("abc", 71, 0)).toBeUndefined();
  expect(archive.chunk("xyz", 70, 0)).toBeUndefined();
  for (const checkpoint of [first, second]) {
    const summary = decodeSummary(checkpoint.summary);
    if (!summary.ok) throw new Error(summary.error);
    for (const index of checkpoint.chunks.keys()) {
      const chunk = archive.chunk("abc", checkpoint.round, index);
      if (chunk === undefined) throw new Error(`no chunk ${index}`);
      expect(verifyChunk(summary.value, index, chunk.bytes, chunk.path, hash)).toBe(true);
    }
  }
  // Nothing but what it was told to look for is read for each peer.
  expect(store.reads).toBe(2);
  store.records = store.records.slice(1);
  archive.refresh();
  expect(archive.chunk("abc", 70, 0)).toBeUndefined();
  expect(archive.proof("abc", 81)).toEqual(envelope("proof", "abc/81"));
  expect(() => archive.proof("abc", 79)).toThrow("no proof");
});

it.each([[[]], [["0>2", "2>0"]], [["0>2", "1>0", "2>1"]]])(
  "gives a whole state over links of which %j are cut",
  async (cut) => {
    const checkpoint = new Checkpoint(90, 300);
    const store = new Store();
    store.put(checkpoint);
    const mesh = new Mesh({ n: 4, cut, archive: archiveOf(store) });
    const courier = mesh.courier(0);
    const completed: CompleteState[] = [];
    const transfer = new Transfer({
      storage: new Disk(),
      hash,
      peers: [1, 2, 3],
      round: () => 5,
      verify: () => true,
      ask: (peer, round, index) => courier.askChunk(peer, { channel: "abc", round, index }),
      withdraw: (peer, round, index) => courier.withdrawChunk(peer, { channel: "abc", round, index }),
      askOffer: (peer) => courier.askProofs(peer, "abc", 6),
      onComplete: (state) => completed.push(state),
      onFault: (peer, fault) => {
        throw new Error(`${peer} ${fault}`);
      },
      onFatal: (error) => {
        throw error;
      },
    });
    courier.askProofs(2, "abc", 6);
    for (let tick = 0; tick < 300 && completed.length === 0; tick++) {
      mesh.pass(1);
      for (const { from, to, item } of mesh.state.splice(0)) {
        if (to !== 0) continue;
        if (item.kind === "checkpoint") transfer.offered(from, item);
        else if (item.kind === "chunk") transfer.chunk(from, item);
        else if (item.kind === "noChunk") transfer.noChunk(from, item);
      }
      await transfer.settled();
      transfer.tick();
    }
    expect(completed.map(({ round, chunkHashes }) => [round, toHex(chunkHashes)])).toEqual([
      [90, toHex(concat(...checkpoint.hashes))],
    ]);
    expect(mesh.faults).toEqual([]);
  },
);
