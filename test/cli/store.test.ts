/** The commands on a party's store. */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStorage, openStorage } from "../../src/adapters/storage/index.js";
import { Tables, batchCodec, batchKey } from "../../src/adapters/storage/tables.js";
import { newPartyConfig } from "../../src/cli/new-cluster.js";
import { toBase64 } from "../../src/core/base64.js";
import { encode } from "../../src/core/codec.js";
import { type ClusterPublic, formatFile, partyConfigSchema, publicSchema } from "../../src/replica/config.js";
import type { Storage } from "../../src/replica/storage.js";
import { claimStore } from "../../src/replica/store-owner.js";
import {
  CYCLE,
  MIN_FILED_BYTES,
  batchOf,
  checkpointOf,
  chunksOf,
  laneBatchOf,
  takeStep,
} from "../support/storage-workload.mjs";
import { smallCluster } from "../support/small-cluster.js";
import { lastingDirectory, runCli, temporaryDirectory } from "./run-cli.js";

const STEPS = CYCLE + 2;
const scratch = lastingDirectory();
const party = join(scratch.path, "party-0");
let cluster: ClusterPublic;

beforeAll(async () => {
  mkdirSync(party);
  ({ cluster } = await smallCluster());
  const config = newPartyConfig(0, { host: "127.0.0.1", port: 7400 }, cluster.channel);
  writeFileSync(join(party, "config.json"), formatFile(partyConfigSchema, config));
  writeFileSync(join(party, "public.json"), formatFile(publicSchema, cluster));
  await createStorage(join(party, "store"));
  const storage = await openStorage(join(party, "store"), { minFiledBytes: MIN_FILED_BYTES });
  for (let step = 1; step <= STEPS; step++) await takeStep(storage, step);
  await storage.close();
});
afterAll(() => scratch.remove());

function copy(): string {
  const directory = join(temporaryDirectory(), "party-0");
  cpSync(party, directory, { recursive: true });
  return directory;
}

/** The store is the party's before anybody has started with it. */
async function isOf(storage: Storage, self: number): Promise<void> {
  expect(await claimStore(storage, { cluster: cluster.cluster, party: self + 1 })).toContain(
    `belongs to party ${self}`,
  );
  expect(await claimStore(storage, { cluster: cluster.cluster, party: self })).toBeUndefined();
}

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset);
  writeFileSync(path, bytes);
}

/** Rewrites the database file of the store with `change`. */
async function changeTables(directory: string, change: (tables: Tables) => void): Promise<void> {
  const tables = Tables.open(join(directory, "store"), false);
  await tables.transact(
    { transact: (_point, run) => run(() => {}) } as Parameters<Tables["transact"]>[0],
    "prune",
    () => change(tables),
  );
  await tables.close();
}

/** A store whose entry 6 comes from a batch with other bytes, or another digest; or from none. */
function withBatch6(changed?: Partial<{ readonly digest: Uint8Array; readonly bytes: Uint8Array }>) {
  const { channel, name, bytes } = laneBatchOf(6);
  const key = batchKey(channel, name);
  return ({ batches }: Tables): void => {
    if (changed === undefined) batches.remove(key);
    else batches.put(key, encode(batchCodec, { kind: "inline", digest: name.digest, bytes, ...changed }));
  };
}

describe("fsck", () => {
  it("finds a whole store sound, named by itself or by its party", async () => {
    for (const directory of [party, join(party, "store")]) {
      const { code, stdout } = await runCli(["fsck", directory, "--json"]);
      expect(JSON.parse(stdout)).toMatchObject({ sound: true, problems: [], records: STEPS, cutBytes: 0 });
      expect(code).toBe(0);
    }
  });

  it("names the record that is damaged", async () => {
    const directory = copy();
    const [segment = ""] = readdirSync(join(directory, "store", "log"));
    flip(join(directory, "store", "log", segment), 84 + 64 + 9);
    const { code, stdout } = await runCli(["fsck", directory]);
    expect(stdout).toMatch(/damaged: .*\n.*\.log: record 1 at offset 84: the body has a wrong checksum/);
    expect(code).toBe(1);
  });

  it("names each value of the tables that is damaged or missing", async () => {
    const [chunk] = chunksOf(CYCLE);
    const chunkName = Buffer.from(chunk?.hash ?? []).toString("hex");
    const cases: readonly (readonly [RegExp, (tables: Tables) => void])[] = [
      [/table checkpoints, key 5: chunk [0-9a-f]{64} is missing/, ({ chunks }) => chunks.remove(chunkName)],
      [
        /table chunks, key [0-9a-f]{64}: the chunk has another hash/,
        ({ chunks }) => chunks.put(chunkName, new Uint8Array(3)),
      ],
      [/table ledger, key 7: the one before it is 5/, ({ ledger }) => ledger.remove(6)],
      [/table proofs, key 7,abc: the one before it is of 5/, ({ proofs }) => proofs.remove([6, "abc"])],
      [
        /table signed, key abc\/6#slot: kept under round 9/,
        ({ signed }) => signed.put([9, "abc/6#slot"], new Uint8Array(1)),
      ],
      [/table ledger, key 6: its payload is in batch [0-9a-f]{64} of abc\/0\/6, which is missing/, withBatch6()],
      [/table ledger, key 6: its payload is in batch/, withBatch6({ bytes: new Uint8Array(5) })],
      [/table ledger, key 6: its payload is in batch/, withBatch6({ digest: new Uint8Array(32) })],
      [/table ledger, key 6: truncated/, ({ ledger }) => ledger.put(6, new Uint8Array(3))],
      [/the checkpoint to start from is missing/, ({ checkpoints }) => checkpoints.remove(CYCLE)],
      [/the log ends with input/, (tables) => tables.putState({ ...tables.state(), appliedInput: 999 })],
    ];
    for (const [pattern, change] of cases) {
      const directory = copy();
      await changeTables(directory, change);
      const { code, stdout } = await runCli(["fsck", directory]);
      expect(stdout).toMatch(pattern);
      expect(code).toBe(1);
    }
    const directory = copy();
    const root = open({ path: join(directory, "store", "store.mdb"), maxDbs: 12 });
    await root.openDB<Buffer, number>({ name: "ledger", encoding: "binary" }).put(6, Buffer.alloc(9, 1));
    await root.close();
    const { code, stdout } = await runCli(["fsck", directory]);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/table ledger, key 6: a wrong checksum/) as string]);
  });

  it("survives a database file whose pages are garbage", async () => {
    const directory = copy();
    const path = join(directory, "store", "store.mdb");
    const bytes = readFileSync(path);
    // All but the two pages that say that it is a database.
    bytes.fill(0xa5, 2 * 4096);
    writeFileSync(path, bytes);
    const { code, stdout, stderr } = await runCli(["fsck", directory]);
    expect(code, stderr).not.toBe(0);
    expect(stdout + stderr).toMatch(/store\.mdb|has format/);
  });

  it("finds a database file damaged that does not begin as one, or is cut off", async () => {
    for (const change of [(bytes: Buffer) => bytes.fill(0xa5, 16, 32), () => Buffer.alloc(0)]) {
      const directory = copy();
      const path = join(directory, "store", "store.mdb");
      writeFileSync(path, change(readFileSync(path)));
      const { code, stdout } = await runCli(["fsck", directory, "--json"]);
      expect(JSON.parse(stdout)).toMatchObject({
        sound: false,
        problems: [expect.stringContaining("store.mdb: it is no database")],
      });
      expect(code).toBe(1);
    }
  });

  it("finds an incomplete record at the end no damage", async () => {
    const directory = copy();
    const [segment = ""] = readdirSync(join(directory, "store", "log"));
    writeFileSync(join(directory, "store", "log", segment), Buffer.alloc(33), { flag: "a" });
    const { code, stdout } = await runCli(["fsck", directory]);
    expect(stdout).toContain("an incomplete record of 33 bytes at the end");
    expect(code).toBe(0);
  });
});

describe("inspect and export", () => {
  it("show what the store holds", async () => {
    const { stdout, code } = await runCli(["inspect", party, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      format: "abcast-storage/6",
      baseRound: CYCLE,
      checkpoints: [{ round: CYCLE, chunks: 3, certified: true }],
      // Of two rounds, and of four heights of lanes that are not ordered at the checkpoint.
      rows: { signed: 6, proofs: STEPS, ledger: STEPS, chunks: 3 },
      ledgerFrom: 1,
      ledgerTo: STEPS,
      lastSignedRound: STEPS,
    });
    expect((await runCli(["inspect", party])).stdout).toContain("starts from  the checkpoint of round 5");
  });

  it("write the ledger", async () => {
    const expected = Array.from({ length: STEPS }, (_, index) => {
      const [entry] = batchOf(index + 1).ledger;
      const [time, payload] = [entry?.timeMs ?? null, toBase64(entry?.payload ?? new Uint8Array())];
      return { sequence: index + 1, round: index + 1, time, payload };
    });
    const parse = (text: string): unknown =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
    expect(parse((await runCli(["export", party])).stdout)).toEqual(expected);
    const out = join(temporaryDirectory(), "ledger.jsonl");
    expect((await runCli(["export", party, "--out", out])).code).toBe(0);
    expect(parse(readFileSync(out, "utf8"))).toEqual(expected);
    expect((await runCli(["export", party, "--out", out])).stderr).toContain("exists already");
  });
});

describe("backup and restore", () => {
  it("give a store that starts from the checkpoint, and must rejoin", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "backup");
    const made = await runCli(["backup", party, "--out", file, "--json"]);
    expect(JSON.parse(made.stdout)).toMatchObject({ round: CYCLE, chunks: 3, proofs: STEPS, entries: STEPS });
    const store = join(directory, "store");
    const restored = await runCli(["restore", file, "--out", store, "--json"]);
    expect(restored.code, restored.stderr).toBe(0);
    const { nonce } = JSON.parse(restored.stdout) as { nonce: string };
    expect((await runCli(["fsck", store])).code).toBe(0);
    const storage = await openStorage(store);
    const { summary, chunkHashes, certificate } = checkpointOf(CYCLE);
    expect(storage.base()).toEqual({
      round: CYCLE,
      input: 0,
      local: expect.objectContaining({ length: 0 }) as Uint8Array,
      summary: expect.objectContaining(summary) as Uint8Array,
      chunkHashes: expect.objectContaining(chunkHashes) as Uint8Array,
      certificate: expect.objectContaining(certificate) as Uint8Array,
    });
    for (const { hash } of chunksOf(CYCLE)) expect(storage.chunk(hash)).toBeDefined();
    expect([...storage.ledger(1)].length).toBe(STEPS);
    expect(storage.proof("abc", STEPS)).toBeDefined();
    expect([storage.lastInput, storage.lastSignedRound()]).toEqual([0, 0]);
    expect(Buffer.from(storage.meta("rejoin") ?? []).toString("hex")).toBe(nonce);
    // What it has delivered already it delivers again.
    await storage.commit(batchOf(CYCLE + 1));
    await storage.close();
    const again = await runCli(["restore", file, "--out", store]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("there is a store already") as string]);
  });

  it("refuse a backup that is not whole, and write nothing", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "backup");
    expect((await runCli(["backup", party, "--out", file])).code).toBe(0);
    const bytes = readFileSync(file);
    const middle = bytes.length >> 1;
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(middle) ^ 1, middle);
    const cases = [
      changed,
      bytes.subarray(0, middle),
      bytes.subarray(0, bytes.length - 1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.from("something else"),
    ];
    for (const [index, content] of cases.entries()) {
      const broken = join(directory, `broken-${index}`);
      writeFileSync(broken, content);
      const { code, stderr } = await runCli(["restore", broken, "--out", join(directory, "store")]);
      expect(stderr).toMatch(
        /cut off or damaged|another hash|wrong checksum|follows the backup's end|is no backup|after/,
      );
      expect(code).toBe(2);
    }
    expect(readdirSync(directory)).not.toContain("store");
  });

  it("give the party in whose directory the store is made a store that no other may use", async () => {
    const directory = copy();
    const file = join(directory, "backup");
    expect((await runCli(["backup", directory, "--out", file])).code).toBe(0);
    rmSync(join(directory, "store"), { recursive: true });
    const { code, stderr } = await runCli(["restore", file, "--out", directory]);
    expect(code, stderr).toBe(0);
    const storage = await openStorage(join(directory, "store"));
    await isOf(storage, 0);
    await storage.close();
  });
});

describe("rejoin", () => {
  it("makes an empty store that is marked, where there is none", async () => {
    const directory = copy();
    const refused = await runCli(["rejoin", directory]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("there is a store already") as string]);
    rmSync(join(directory, "store"), { recursive: true });
    const { code, stdout } = await runCli(["rejoin", directory]);
    expect(stdout).toContain("starts silent");
    expect(code).toBe(0);
    const storage = await openStorage(join(directory, "store"));
    expect([storage.lastInput, storage.base(), storage.meta("rejoin")?.length]).toEqual([0, undefined, 32]);
    await isOf(storage, 0);
    await storage.close();
  });
});
