/**
 * Four real processes over real TLS. Eight of the twelve links lead into a hole that accepts and swallows: each party reaches only
 * the next one, 0 → 1 → 2 → 3 → 0. Documents are notarised all the same, and all logs are equal.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, type Socket, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalCluster } from "../cli/local-cluster.js";

const N = 4;
const cluster = new LocalCluster(N);
const document = join(cluster.work, "note.txt");
const swallowed = new Set<Socket>();
const hole = createServer((socket) => {
  swallowed.add(socket);
  socket.on("error", () => undefined).resume();
});

/** In the addresses that `party` has, all but the next one's are the hole's: names and addresses are each party's own affair. */
function misdirect(party: number, port: number): void {
  const file = join(cluster.party(party), "public.json");
  const json = JSON.parse(readFileSync(file, "utf8")) as { parties: { port: number; httpPort: number }[] };
  json.parties.forEach((other, index) => {
    if (index === party || index === (party + 1) % N) return;
    // One address may be given to one party only: each has a loopback address of its own.
    Object.assign(other, { host: `127.0.1.${index + 1}`, port });
  });
  writeFileSync(file, JSON.stringify(json));
}

beforeAll(async () => {
  await cluster.init("--rsa-bits", "2048");
  writeFileSync(document, "I owe you a cake.\n");
  await new Promise<void>((resolve) => hole.listen(0, "0.0.0.0", resolve));
  for (let party = 0; party < N; party++) misdirect(party, (hole.address() as AddressInfo).port);
});
afterAll(() => {
  cluster.remove();
  for (const socket of swallowed) socket.destroy();
  hole.close();
});

describe("a cluster of which each party reaches one other", () => {
  it("notarises, and all logs are equal", async () => {
    await cluster.ok("up", cluster.directory);
    for (const sequence of [1, 2]) {
      const path = join(cluster.work, `${sequence}.receipt`);
      const { code, stdout, stderr } = await cluster.notarize(document, path, "--json");
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ sequence });
      const verified = await cluster.ok("verify", document, path, "--public", cluster.publicFile);
      expect(verified).toContain(`valid: ${document} is number ${sequence} of cluster`);
      for (const { accusations } of await cluster.settled(sequence)) expect(accusations).toEqual([]);
    }
    expect(swallowed.size).toBeGreaterThanOrEqual(8);
    await cluster.ok("down", cluster.directory);
    expect(cluster.processes()).toEqual([]);
  });
});
