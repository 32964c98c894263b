/** What any implementation of the port must do. */
import { describe, expect, it } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import type { Batch, LedgerEntry, Storage } from "../../../src/replica/storage.js";
import {
  CYCLE,
  batchOf,
  checkpointOf,
  chunksOf,
  differences,
  inputAfter,
  sha256,
  takeStep,
} from "../../support/storage-workload.mjs";

const NOTHING = new Uint8Array();

/** A store that can be opened again and again, one handle at a time. */
export interface Place {
  open(): Promise<Storage>;
  /** As if another engine had written what is there. */
  changeEngine(): Promise<void>;
}

export function compliance(name: string, freshPlace: () => Promise<Place>): void {
  const opened = async (): Promise<Storage> => (await freshPlace()).open();
  const run = async (storage: Storage, from: number, to: number): Promise<void> => {
    for (let step = from; step <= to; step++) await takeStep(storage, step);
  };

  describe(`${name}: commits`, () => {
    it("are given back, at once and after the store was closed", async () => {
      const place = await freshPlace();
      let storage = await place.open();
      expect([storage.lastInput, storage.appliedInput, storage.lastSignedRound(), storage.base()]).toEqual([
        0,
        0,
        0,
        undefined,
      ]);
      for (let step = 1; step <= 23; step++) {
        await takeStep(storage, step);
        expect(differences(storage, step)).toEqual([]);
      }
      await storage.close();
      storage = await place.open();
      expect(differences(storage, 23)).toEqual([]);
      expect([storage.lastInput, storage.appliedInput]).toEqual([inputAfter(23), inputAfter(23)]);
      await run(storage, 24, 24);
      expect(differences(storage, 24)).toEqual([]);
      await storage.close();
    });

    it("that overlap take their turns", async () => {
      const storage = await opened();
      await Promise.all(Array.from({ length: 9 }, (_, index) => storage.commit(batchOf(index + 1))));
      expect([...storage.ledger(4)].map(({ sequence }) => sequence)).toEqual([4, 5, 6, 7, 8, 9]);
      expect([...storage.inputs()].length).toBe(inputAfter(9));
      await storage.close();
    });

    it("without inputs bring rows", async () => {
      const place = await freshPlace();
      let storage = await place.open();
      await storage.commit({ ...batchOf(1), inputs: [] });
      await storage.close();
      storage = await place.open();
      expect([storage.lastInput, storage.ledgerEntry(1)?.round]).toEqual([0, 1]);
      await storage.close();
    });

    it("that contradict what is there are refused and change nothing", async () => {
      const storage = await opened();
      await run(storage, 1, 3);
      const [entry] = batchOf(2).ledger;
      if (entry === undefined) throw new Error("no entry");
      const rest: Batch = { inputs: [[utf8("x")]], signed: [], proofs: [], ledger: [], certificates: [], batches: [] };
      const contradicting = (other: Partial<LedgerEntry>): Batch => ({ ...rest, ledger: [{ ...entry, ...other }] });
      const wrong: readonly Batch[] = [
        { ...rest, signed: [{ slot: "abc/2#slot", digest: utf8("other") }] },
        { ...rest, ledger: [{ sequence: 5, round: 5, timeMs: undefined, payload: NOTHING }] },
        contradicting({ payload: utf8("other") }),
        contradicting({ round: 3 }),
        contradicting({ timeMs: 1001 }),
        contradicting({ timeMs: undefined }),
      ];
      for (const batch of wrong) await expect(storage.commit(batch)).rejects.toThrow(/signed twice|ledger entry/);
      expect(differences(storage, 3)).toEqual([]);
      await storage.commit({ ...rest, inputs: [], signed: batchOf(2).signed, ledger: [entry] });
      expect(differences(storage, 3)).toEqual([]);
      await storage.close();
    });

    it("bring a batch in the place of the former of its height, and no other is taken for it", async () => {
      const place = await freshPlace();
      let storage = await place.open();
      const rest: Batch = { inputs: [[utf8("x")]], signed: [], proofs: [], ledger: [], certificates: [], batches: [] };
      const named = (lane: number, height: number, text: string) => {
        const bytes = utf8(text);
        return { channel: "abc", name: { lane, height, digest: sha256(bytes) }, bytes };
      };
      const [first, second, other] = [named(1, 7, "first"), named(1, 7, "second"), named(2, 7, "other")];
      await storage.commit({ ...rest, batches: [first, other] });
      await storage.commit({ ...rest, batches: [second] });
      const texts = (): readonly (string | undefined)[] =>
        [first, second, other, named(1, 8, "second"), { ...second, channel: "ab" }].map(({ channel, name }) => {
          const bytes = storage.batch(channel, name);
          return bytes && new TextDecoder().decode(bytes);
        });
      expect(texts()).toEqual([undefined, "second", "other", undefined, undefined]);
      await storage.close();
      storage = await place.open();
      expect(texts()).toEqual([undefined, "second", "other", undefined, undefined]);
      const pruning = { checkpointsBelow: 0, keepChunks: NOTHING, proofsUpTo: 0, ledgerUpTo: 0 };
      await storage.prune({
        ...pruning,
        batches: [
          { channel: "abc", lane: 1, upTo: 7 },
          { channel: "abc", lane: 2, upTo: 6 },
        ],
      });
      expect(texts()).toEqual([undefined, undefined, "other", undefined, undefined]);
      await storage.close();
    });

    it("have payloads that are parts of batches, as long as the ledger has them", async () => {
      const place = await freshPlace();
      let storage = await place.open();
      const bytes = utf8("x".repeat(20_000).concat("first", "second", "x".repeat(20_000)));
      const payloads = [bytes.subarray(20_000, 20_005), bytes.subarray(20_005, 20_011), bytes, utf8("elsewhere")];
      const ledger = payloads.map((payload, index) => ({ sequence: 1 + index, round: 1, timeMs: undefined, payload }));
      const rest: Batch = { inputs: [[utf8("x")]], signed: [], proofs: [], ledger: [], certificates: [], batches: [] };
      const name = { lane: 1, height: 7, digest: sha256(bytes) };
      await storage.commit({ ...rest, batches: [{ channel: "abc", name, bytes }] });
      await storage.commit({ ...rest, ledger });
      const check = (): void => {
        expect([...storage.ledger(1)].map((entry) => new TextDecoder().decode(entry.payload))).toEqual(
          payloads.map((payload) => new TextDecoder().decode(payload)),
        );
        expect(storage.ledgerEntry(2)?.payload).toEqual(utf8("second"));
      };
      check();
      const lanes = [{ channel: "abc", lane: 1, upTo: 7 }];
      const pruning = { checkpointsBelow: 0, keepChunks: NOTHING, proofsUpTo: 0, ledgerUpTo: 0, batches: lanes };
      await storage.prune(pruning);
      check();
      await storage.close();
      storage = await place.open();
      check();
      await storage.prune({ ...pruning, ledgerUpTo: 4 });
      expect([[...storage.ledger(1)], storage.batch("abc", name)]).toEqual([[], undefined]);
      await storage.close();
    });

    it("keep memory of their own", async () => {
      const storage = await opened();
      const batch = batchOf(1);
      await storage.commit(batch);
      const { inputs, signed, ledger, batches } = batch;
      for (const bytes of [inputs[0]?.[0], signed[0]?.digest, ledger[0]?.payload, batches[0]?.bytes]) bytes?.fill(0);
      expect(differences(storage, 1)).toEqual([]);
      await storage.close();
    });
  });

  describe(`${name}: checkpoints`, () => {
    it("become the base, behind which inputs and slots are forgotten", async () => {
      const place = await freshPlace();
      let storage = await place.open();
      await run(storage, 1, 2 * CYCLE);
      await storage.commit(batchOf(2 * CYCLE + 1));
      expect(storage.base()?.round).toBe(2 * CYCLE);
      expect(storage.signed("abc/7#slot")).toBeUndefined();
      expect([storage.signedCount(0), storage.signedCount(2 * CYCLE + 1)]).toEqual([1, 0]);
      await storage.rebase(2 * CYCLE, []);
      await expect(storage.rebase(CYCLE, [])).rejects.toThrow(/already/);
      await expect(storage.rebase(99, [])).rejects.toThrow(/no checkpoint of round 99/);
      await storage.close();
      storage = await place.open();
      expect(differences(storage, 2 * CYCLE + 1)).toEqual([]);
      await storage.close();
    });

    it("remember what was signed last, also when nothing of it is left", async () => {
      const storage = await opened();
      await run(storage, 1, CYCLE);
      expect([storage.signedCount(0), storage.lastSignedRound()]).toEqual([0, CYCLE]);
      await storage.close();
    });

    it("need their chunks, and an input that is there", async () => {
      const storage = await opened();
      await storage.commit(batchOf(1));
      await expect(storage.putCheckpoint({ ...checkpointOf(1), input: 1 })).rejects.toThrow(/lacks chunk/);
      await storage.putChunks(chunksOf(1));
      await expect(storage.putCheckpoint({ ...checkpointOf(1), input: 3 })).rejects.toThrow(/not there yet/);
      await storage.putCheckpoint({ ...checkpointOf(1), certificate: undefined });
      expect(storage.checkpoint(1)?.certificate).toBeUndefined();
      await storage.commit({ ...batchOf(2), certificates: [{ round: 1, certificate: utf8("c") }] });
      expect(storage.checkpoint(1)?.certificate).toEqual(expect.objectContaining(utf8("c")));
      await storage.close();
    });

    it("share chunks, which go with the last one that has them", async () => {
      const storage = await opened();
      await run(storage, 1, 4 * CYCLE);
      expect(storage.checkpoints().map(({ round }) => round)).toEqual([3 * CYCLE, 4 * CYCLE]);
      const has = (round: number): readonly boolean[] =>
        chunksOf(round).map(({ hash }) => storage.chunk(hash) !== undefined);
      expect([has(CYCLE), has(2 * CYCLE), has(3 * CYCLE)]).toEqual([
        [true, false, false],
        [true, true, false],
        [true, true, true],
      ]);
      await storage.close();
    });

    it("under way keep their chunks as long as they are named", async () => {
      const storage = await opened();
      const [, , own] = chunksOf(99);
      if (own === undefined) throw new Error("no chunk");
      const pruning = { checkpointsBelow: 0, keepChunks: own.hash, proofsUpTo: 0, ledgerUpTo: 0, batches: [] };
      await storage.putChunks(chunksOf(99));
      await storage.prune(pruning);
      expect(chunksOf(99).map(({ hash }) => storage.chunk(hash) !== undefined)).toEqual([false, false, true]);
      await storage.prune({ ...pruning, keepChunks: NOTHING });
      expect(storage.chunk(own.hash)).toBeUndefined();
      await storage.close();
    });

    it("have chunks with the right hash only", async () => {
      const storage = await opened();
      const [chunk] = chunksOf(1);
      if (chunk === undefined) throw new Error("no chunk");
      await expect(storage.putChunks([{ ...chunk, bytes: utf8("other") }])).rejects.toThrow(/another hash/);
      expect(storage.chunk(chunk.hash)).toBeUndefined();
      await storage.close();
    });
  });

  describe(`${name}: pruning`, () => {
    it("refuses to forget what the base needs", async () => {
      const storage = await opened();
      await run(storage, 1, CYCLE);
      const all = { checkpointsBelow: CYCLE + 1, keepChunks: NOTHING, proofsUpTo: 0, ledgerUpTo: 0, batches: [] };
      await expect(storage.prune(all)).rejects.toThrow(/the one to start from/);
      expect(differences(storage, CYCLE)).toEqual([]);
      await storage.close();
    });

    it("lets the ledger go on elsewhere only when all of it was forgotten", async () => {
      const place = await freshPlace();
      let storage = await place.open();
      await run(storage, 1, 3);
      const later: Batch = { ...batchOf(50), inputs: [] };
      await storage.prune({ checkpointsBelow: 0, keepChunks: NOTHING, proofsUpTo: 2, ledgerUpTo: 2, batches: [] });
      expect([storage.proof("abc", 2), storage.ledgerEntry(2)]).toEqual([undefined, undefined]);
      expect([storage.proof("abc", 3) === undefined, storage.ledgerEntry(3)?.sequence]).toEqual([false, 3]);
      await expect(storage.commit(later)).rejects.toThrow(/ledger entry 50 after 3/);
      await storage.close();
      storage = await place.open();
      await storage.prune({ checkpointsBelow: 0, keepChunks: NOTHING, proofsUpTo: 0, ledgerUpTo: 49, batches: [] });
      await storage.commit(later);
      expect([...storage.ledger(1)].map(({ sequence }) => sequence)).toEqual([50]);
      await storage.close();
    });
  });

  describe(`${name}: another engine`, () => {
    it("is noted; its inputs are not replayed but dropped, down to the base", async () => {
      const place = await freshPlace();
      let storage = await place.open();
      await run(storage, 1, CYCLE + 2);
      await storage.putCheckpoint({ ...checkpointOf(CYCLE), round: CYCLE + 1, input: inputAfter(CYCLE + 1) });
      await storage.close();
      await place.changeEngine();
      storage = await place.open();
      expect(storage.report.foreignEngine).toBe("abcast-engine/0");
      expect(() => [...storage.inputs()]).toThrow(/written by abcast-engine\/0/);
      await expect(storage.commit(batchOf(CYCLE + 3))).rejects.toThrow(/written by abcast-engine\/0/);
      await storage.dropInputs();
      const check = (): void => {
        expect(storage.report.foreignEngine).toBeUndefined();
        expect([...storage.inputs()]).toEqual([]);
        expect(storage.checkpoints().map(({ round }) => round)).toEqual([CYCLE]);
        expect([storage.lastSignedRound(), storage.signedCount(CYCLE)]).toEqual([CYCLE + 2, 2]);
      };
      check();
      await storage.close();
      storage = await place.open();
      check();
      await storage.commit({ ...batchOf(CYCLE + 3), ledger: [] });
      expect([...storage.inputs()]).toEqual(
        batchOf(CYCLE + 3).inputs.map((input) => expect.objectContaining(concat(...input))),
      );
      await storage.close();
    });
  });

  it(`${name}: small values are kept by name`, async () => {
    const place = await freshPlace();
    let storage = await place.open();
    await storage.setMeta("a", utf8("1"));
    await storage.setMeta("b", utf8("2"));
    await storage.setMeta("a", undefined);
    await storage.close();
    storage = await place.open();
    expect([storage.meta("a"), storage.meta("b")]).toEqual([undefined, expect.objectContaining(utf8("2"))]);
    await storage.close();
  });
}
