import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { open } from "lmdb";
import { afterAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { MAX_BODY_BYTES } from "../../src/core/envelope.js";
import { createStore, openStore, StoreError } from "../../src/adapters/lmdb-store.js";
import type { Batch, Store } from "../../src/replica/store.js";
import { Random } from "../../src/sim/random.js";
import { batchOf, countOf } from "../support/numbered-batch.mjs";

const scratch = mkdtempSync(join(tmpdir(), "abcast-store-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let directories = 0;
const freshDirectory = (): string => join(scratch, String(++directories));

async function freshStore(): Promise<string> {
  const directory = freshDirectory();
  await createStore(directory);
  return directory;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What is wrong with a store that holds the first `count` numbered batches and nothing else. */
function differences(store: Store, count: number): string[] {
  const found: string[] = [];
  const same = (what: string, actual: Uint8Array | undefined, expected: Uint8Array | undefined): void => {
    const equal =
      actual === undefined || expected === undefined ? actual === expected : Buffer.compare(actual, expected) === 0;
    if (!equal) found.push(what);
  };
  // All of them first: a store that lends its memory shows when the next record is read.
  const inputs = [...store.inputs()];
  const entries = [...store.ledger(1)];
  for (let number = 1; number <= count; number++) {
    const { inputs: expected, signed, proofs, ledger } = batchOf(number);
    for (const input of expected) same(`input of ${number}`, inputs.shift(), input);
    same(`ledger ${number}`, entries.shift()?.payload, ledger[0]?.payload);
    same(`entry ${number}`, store.ledgerEntry(number)?.payload, ledger[0]?.payload);
    same(`signed ${number}`, store.signed(`abc/${number}#slot`), signed[0]?.digest);
    same(`proof ${number}`, store.proof("abc", number), proofs[0]?.envelope);
  }
  if (inputs.length + entries.length > 0) found.push(`${inputs.length} inputs and ${entries.length} entries too many`);
  if (store.signedCount() !== count) found.push(`${store.signedCount()} signed slots`);
  return found;
}

describe("a store", () => {
  it("gives back what was committed, also after it was closed", async () => {
    const directory = await freshStore();
    let store = openStore(directory);
    expect(differences(store, 0)).toEqual([]);
    for (let number = 1; number <= 20; number++) await store.commit(batchOf(number));
    expect(differences(store, 20)).toEqual([]);
    await store.close();
    store = openStore(directory);
    expect(differences(store, 20)).toEqual([]);
    await store.commit(batchOf(21));
    expect(differences(store, 21)).toEqual([]);
    await store.close();
  });

  it("hands out memory of its own, which no later read changes", async () => {
    const store = openStore(await freshStore());
    await store.commit(batchOf(1));
    await store.commit(batchOf(2));
    const signed = store.signed("abc/1#slot");
    const proof = store.proof("abc", 1);
    const entry = store.ledgerEntry(1);
    for (let number = 1; number <= 2; number++) store.proof("abc", number);
    const { signed: digests, proofs, ledger } = batchOf(1);
    expect([signed, proof, entry?.payload].map((bytes) => Buffer.from(bytes ?? []))).toEqual(
      [digests[0]?.digest, proofs[0]?.envelope, ledger[0]?.payload].map((bytes) => Buffer.from(bytes ?? [])),
    );
    await store.close();
  });

  it("reads the ledger from any entry on", async () => {
    const store = openStore(await freshStore());
    for (let number = 1; number <= 300; number++) await store.commit(batchOf(number));
    expect([...store.ledger(255)].map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 46 }, (_, index) => 255 + index),
    );
    expect([...store.ledger(301)]).toEqual([]);
    await store.close();
  });

  it("holds the greatest payload, and writes nothing at all of a batch that it cannot hold", async () => {
    const directory = await freshStore();
    const store = openStore(directory);
    const batch = (sizeBytes: number): Batch => ({
      ...batchOf(1),
      ledger: [{ sequence: 1, round: 1, payload: new Uint8Array(sizeBytes) }],
    });
    await expect(store.commit(batch(MAX_BODY_BYTES + 1))).rejects.toThrow(/above the bound/);
    expect(differences(store, 0)).toEqual([]);
    await store.commit(batch(MAX_BODY_BYTES));
    expect(store.ledgerEntry(1)?.payload.length).toBe(MAX_BODY_BYTES);
    await store.close();
  });

  it("takes commits that overlap, in their order", async () => {
    const store = openStore(await freshStore());
    await Promise.all(Array.from({ length: 50 }, (_, index) => store.commit(batchOf(index + 1))));
    expect(differences(store, 50)).toEqual([]);
    await store.close();
  });

  it("without one of its inputs is refused", async () => {
    const directory = await freshStore();
    const store = openStore(directory);
    for (let number = 1; number <= 5; number++) await store.commit(batchOf(number));
    await store.close();
    const database = open({ path: join(directory, "store.mdb"), maxDbs: 8 });
    await database.openDB<Buffer, number>({ name: "inputs", encoding: "binary" }).remove(4);
    await database.close();
    const damaged = openStore(directory);
    expect(() => [...damaged.inputs()]).toThrow(/input 4 is missing from the log/);
    await damaged.close();
  });
});

describe("opening", () => {
  it("a store that is not there is refused, and makes none", () => {
    for (const directory of [join(scratch, "nowhere"), scratch]) {
      expect(() => openStore(directory)).toThrow(StoreError);
      expect(() => openStore(directory)).toThrow(/the store is missing.*counts as corrupted/);
      expect(existsSync(join(directory, "store.mdb"))).toBe(false);
    }
  });

  it("a store of another format is refused and left as it is", async () => {
    const directory = freshDirectory();
    mkdirSync(directory);
    const path = join(directory, "store.mdb");
    for (const format of [undefined, "abcast-store/2"]) {
      const database = open<string, string>({ path, encoding: "string", maxDbs: 8 });
      await database.put("something", "else");
      if (format !== undefined) await database.put("format", format);
      await database.close();
      for (const readOnly of [false, true]) {
        expect(() => openStore(directory, { readOnly })).toThrow(StoreError);
        expect(() => openStore(directory, { readOnly })).toThrow(
          `has format ${format}, this version reads abcast-store/1`,
        );
      }
      const again = open<string, string>({ path, encoding: "string", maxDbs: 8 });
      expect([...again.getKeys()]).toEqual(format === undefined ? ["something"] : ["format", "something"]);
      await again.close();
    }
  });

  it("a log of another engine version is not replayed, but can be read", async () => {
    const directory = freshDirectory();
    await createStore(directory);
    const root = open<string, string>({ path: join(directory, "store.mdb"), encoding: "string", maxDbs: 8 });
    await root.put("engine", "abcast-engine/0");
    await root.close();
    expect(() => openStore(directory)).toThrow(/written by abcast-engine\/0, this version is .* must not replay it/);
    await openStore(directory, { readOnly: true }).close();
  });

  it("a file that is no store at all is refused", () => {
    const directory = freshDirectory();
    mkdirSync(directory);
    writeFileSync(join(directory, "store.mdb"), utf8("no store\n".repeat(2000)));
    for (const readOnly of [true, false]) {
      expect(() => openStore(directory, { readOnly })).toThrow(StoreError);
    }
  });

  it("creating one over another is refused and changes nothing", async () => {
    const directory = await freshStore();
    const store = openStore(directory);
    await store.commit(batchOf(1));
    await expect(createStore(directory)).rejects.toThrow(StoreError);
    await expect(createStore(directory)).rejects.toThrow(/there is a store already/);
    expect(differences(store, 1)).toEqual([]);
    await store.close();
  });
});

describe("processes", () => {
  const program = join(root, "test/support/commit-forever.mjs");
  const parts = [join(root, "dist/adapters/lmdb-store.js"), join(root, "test/support/numbered-batch.mjs")];

  /** Commits in a process of its own until `acknowledged` returns true, then kills it; the last number acknowledged. */
  async function commitUntil(
    directory: string,
    acknowledged: (number: number) => boolean | Promise<boolean>,
  ): Promise<number> {
    const child = spawn(process.execPath, [program, ...parts, directory], { stdio: ["ignore", "pipe", "inherit"] });
    const closed = once(child, "close");
    let last = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line);
      if (!child.killed && (await acknowledged(last))) child.kill("SIGKILL");
    }
    await closed;
    expect(child.signalCode).toBe("SIGKILL");
    return last;
  }

  it("that are killed lose nothing that was acknowledged, and leave no batch half done", async () => {
    const directory = await freshStore();
    const random = new Random(7);
    let count = 0;
    for (let kill = 0; kill < 20; kill++) {
      const target = count + 1 + random.below(40);
      const spin = random.below(200_000);
      const acknowledged = await commitUntil(directory, (number) => {
        if (number < target) return false;
        // Any moment within the commits that follow.
        for (let step = 0; step < spin; step++) random.bits();
        return true;
      });
      const store = openStore(directory, { readOnly: true });
      count = countOf(store);
      expect(count).toBeGreaterThanOrEqual(acknowledged);
      expect(differences(store, count)).toEqual([]);
      await store.close();
    }
  });

  it("may read while another one writes, also when the file grows", async () => {
    const directory = await freshStore();
    const reader = openStore(directory, { readOnly: true });
    let last = 0;
    const acknowledged = await commitUntil(directory, async (number) => {
      if (number % 50 === 0) {
        // What one process has committed the other one sees in its next turn.
        await new Promise((resume) => setImmediate(resume));
        expect(reader.ledgerEntry(number)?.sequence).toBe(number);
        expect([...reader.ledger(last + 1)].length).toBeGreaterThanOrEqual(number - last);
        last = number;
      }
      return number >= 400;
    });
    const count = countOf(reader);
    expect(count).toBeGreaterThanOrEqual(acknowledged);
    expect(differences(reader, count)).toEqual([]);
    await expect(reader.commit(batchOf(count + 1))).rejects.toThrow();
    expect(countOf(reader)).toBe(count);
    await reader.close();
  });
});
