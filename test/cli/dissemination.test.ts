/** Real processes in each mode of dissemination: TLS, disks, kills, stores that are lost, checked, and made from a backup. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClient } from "../../src/cli/cluster-client.js";
import { sha256 } from "../../src/cli/sha256.js";
import { storeDirectory } from "../../src/cli/store-directory.js";
import { utf8 } from "../../src/core/bytes.js";
import { createEd25519Signer } from "../../src/crypto/index.js";
import { DEFAULT_DISSEMINATION, DISSEMINATIONS, greatestPayloadBytes } from "../../src/protocols/index.js";
import { encodeKvOperation } from "../../src/services/kv/index.js";
import { type UnsignedRequest, signRequest } from "../../src/wire/payload.js";
import { LocalCluster } from "./local-cluster.js";

const PARTIES = [0, 1, 2, 3];

describe.each(DISSEMINATIONS)("%s", (dissemination) => {
  const cluster = new LocalCluster();
  const document = join(cluster.work, "note.txt");
  /** Payloads so far. */
  let ordered = 0;

  async function notarized(name: string): Promise<void> {
    const { code, stderr } = await cluster.notarize(document, join(cluster.work, name));
    expect(code, stderr).toBe(0);
    ordered++;
  }

  /** Requests of many operations, which fill batches. */
  async function written(requests: number): Promise<void> {
    const { client } = await openClient(cluster.client());
    try {
      const put = (key: string) =>
        encodeKvOperation({
          kind: "put",
          key: utf8(key),
          condition: { kind: "none" },
          value: new Uint8Array(900).fill(7),
        });
      for (let request = 0; request < requests; request++) {
        const operations = Array.from({ length: 50 }, (_, index) => put(`key ${index}`));
        const { replies } = await client.callAll("kv", operations, { timeoutMs: 600_000 });
        expect(replies).toHaveLength(50);
        ordered++;
      }
    } finally {
      client.close();
    }
  }

  /** The party's voice is needed: another one is gone meanwhile. */
  async function speaks(party: number): Promise<void> {
    const other = (party + 1) % PARTIES.length;
    await cluster.killNow(other);
    await written(2);
    await notarized(`with ${party}`);
    await cluster.ok("up", cluster.directory);
    const parties = await cluster.settled(ordered);
    expect(parties.map(({ state }) => state)).toEqual(["active", "active", "active", "active"]);
    expect(parties.map(({ accusations }) => accusations)).toEqual([[], [], [], []]);
    await cluster.ok("verify", document, join(cluster.work, `with ${party}`), "--public", cluster.publicFile);
  }

  beforeAll(async () => {
    const chosen = dissemination === DEFAULT_DISSEMINATION ? [] : ["--dissemination", dissemination];
    await cluster.init(...chosen, "--checkpoint-interval", "4");
    for (const party of PARTIES) {
      const file = join(cluster.party(party), "config.json");
      const config = JSON.parse(readFileSync(file, "utf8")) as { limits: object };
      writeFileSync(file, JSON.stringify({ ...config, limits: { ...config.limits, ledger: "recent" } }));
    }
    writeFileSync(document, "I owe you a cake.\n");
  });
  afterAll(() => cluster.remove());

  it("is what the public file says", () => {
    const { channel } = JSON.parse(readFileSync(cluster.publicFile, "utf8")) as { channel: unknown };
    expect(channel).toMatchObject({ dissemination, checkpointInterval: 4 });
  });

  it("orders, also with one party killed, which catches up", async () => {
    await cluster.ok("up", cluster.directory);
    await notarized("first");
    await written(3);
    await cluster.killNow(1);
    await written(3);
    await notarized("second");
    await cluster.ok("up", cluster.directory);
    const parties = await cluster.settled(ordered);
    expect(parties.map(({ accusations }) => accusations)).toEqual([[], [], [], []]);
    await cluster.ok("verify", document, join(cluster.work, "second"), "--public", cluster.publicFile);
  });

  it("orders as long a request as its payloads may be, and says how long that is to who sends a longer one", async () => {
    const most = greatestPayloadBytes(dissemination);
    const put = { key: utf8("long"), condition: { kind: "none" }, value: new Uint8Array(25_000).fill(7) } as const;
    const operation = encodeKvOperation({ kind: "put", ...put });
    const fitting = Math.floor((most - 1024) / operation.length);
    const { client, config } = await openClient(cluster.client());
    try {
      const operations = Array.from({ length: fitting }, () => operation);
      const { replies } = await client.callAll("kv", operations, { timeoutMs: 600_000 });
      expect(replies).toHaveLength(fitting);
      ordered++;
      const beyond = `and this cluster orders at most ${most}`;
      await expect(client.callAll("kv", [...operations, operation])).rejects.toThrow(beyond);
      if (dissemination === "certified") return;
      const signer = createEd25519Signer(config.signing);
      const unsigned: UnsignedRequest = {
        cluster: config.public.cluster,
        client: signer.publicKey,
        session: { opened: Date.now(), nonce: new Uint8Array(8) },
        number: 1,
        acknowledged: 0,
        action: { kind: "calls", service: "kv", operations: [...operations, operation] },
      };
      const body = signRequest(unsigned, { hash: sha256, sign: (statement) => signer.sign(statement) });
      const port = config.public.parties[0]?.httpPort ?? 0;
      const answer = await fetch(`http://127.0.0.1:${port}/v1/requests`, { method: "POST", body: Buffer.from(body) });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain(beyond);
    } finally {
      client.close();
    }
  });

  it("takes a party back whose store was lost", async () => {
    await cluster.killNow(2);
    rmSync(storeDirectory(cluster.party(2)), { recursive: true });
    await cluster.ok("rejoin", cluster.party(2));
    await cluster.ok("up", cluster.directory);
    await notarized("third");
    await written(2);
    // That it is here again has a number, too.
    await cluster.settled(++ordered);
    await speaks(2);
  });

  it("takes a party back that has a backup, and finds all stores sound", async () => {
    const backup = join(cluster.work, "backup");
    await cluster.ok("backup", cluster.party(0), "--out", backup);
    await written(2);
    await cluster.killNow(0);
    rmSync(storeDirectory(cluster.party(0)), { recursive: true });
    await cluster.ok("restore", backup, "--out", cluster.party(0));
    await cluster.ok("up", cluster.directory);
    await cluster.settled(++ordered);
    await speaks(0);
    await cluster.ok("down", cluster.directory);
    for (const party of PARTIES) await cluster.ok("fsck", cluster.party(party));
  });
});
