/**
 * Sixteen real processes, one for each of four sites and four operating systems. Then a whole site and a whole system are gone, seven
 * at once, where with thresholds five is the most; the other nine go on. With one more gone nothing is ordered, and nothing is wrong.
 */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PartyStatus } from "../../src/cli/party-status.js";
import { LocalCluster } from "../cli/local-cluster.js";
import { requireTool } from "../support/tools.js";

const N = 16;
const cluster = new LocalCluster(N);
const document = join(cluster.work, "note.txt");
const receipt = (name: string): string => join(cluster.work, `${name}.receipt`);
// Party 4·site + system.
const PARTIES = Array.from({ length: N }, (_, party) => party);
const isOfFirst = (party: number): boolean => party < 4 || party % 4 === 0;

async function notarized(name: string): Promise<unknown> {
  const { code, stdout, stderr } = await cluster.notarize(document, receipt(name), "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

beforeAll(async () => {
  await cluster.init("--structure", "4x4", "--rsa-bits", "2048");
  writeFileSync(document, "I owe you a cake.\n");
});
afterAll(() => cluster.remove());

describe("a cluster of four sites and four operating systems", () => {
  it("notarises with everybody up", async () => {
    await cluster.ok("up", cluster.directory);
    expect(cluster.processes()).toHaveLength(N);
    expect(await notarized("all")).toMatchObject({ sequence: 1 });
    expect((await cluster.settled(1)).map(({ accusations }) => accusations)).toEqual(PARTIES.map(() => []));
  });

  it("notarises when a site and a system are gone at once", async () => {
    for (const party of PARTIES.filter(isOfFirst)) await cluster.killNow(party);
    expect(cluster.processes()).toHaveLength(9);
    expect(await notarized("nine")).toMatchObject({ sequence: 2 });
    const active = (states: readonly PartyStatus[]): readonly number[] =>
      states.filter(({ state }) => state === "active").map(({ party }) => party);
    const states = await cluster.states((parties) => active(parties).length >= 9);
    expect(active(states)).toEqual(PARTIES.filter((party) => !isOfFirst(party)));
    for (const { accusations } of states) expect(accusations).toEqual([]);
  });

  it("gives receipts that anybody can verify", async () => {
    for (const [index, name] of ["all", "nine"].entries()) {
      const verified = await cluster.ok("verify", document, receipt(name), "--public", cluster.publicFile);
      expect(verified).toContain(`valid: ${document} is number ${index + 1} of cluster`);
    }
  });

  it.runIf(requireTool("openssl"))("gives receipts that openssl verifies", async () => {
    const [s, g] = [join(cluster.work, "s"), join(cluster.work, "g")];
    await cluster.ok("receipt", "export", receipt("nine"), "--statement", s, "--signature", g);
    const key = join(cluster.directory, "receipt-key.pem");
    const openssl = ["dgst", "-sha256", "-verify", key, "-signature", g, s];
    expect(spawnSync("openssl", openssl, { encoding: "utf8" }).stdout).toBe("Verified OK\n");
  });

  it("waits when one more is gone, and goes on when all are back", async () => {
    await cluster.killNow(15);
    const { code } = await cluster.notarize(document, receipt("eight"), "--timeout", "3");
    expect(code).toBe(3);
    expect(existsSync(receipt("eight"))).toBe(false);
    await cluster.ok("up", cluster.directory);
    // What was asked for in vain may have been ordered meanwhile.
    expect(await notarized("again")).toMatchObject({ sequence: expect.toSatisfy((number) => number >= 3) as number });
  });

  it("goes down", async () => {
    await cluster.ok("down", cluster.directory);
    expect(cluster.processes()).toEqual([]);
  });
});
