/** The life of a cluster of four real processes, from `up` to `down`. The tests build on one another, in order. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireTool } from "../support/tools.js";
import { LocalCluster } from "./local-cluster.js";
import { runCli } from "./run-cli.js";

const cluster = new LocalCluster();
afterAll(() => cluster.remove());
beforeAll(() => cluster.init("--clients", "2"));

const file = (name: string): string => join(cluster.work, name);
const PARTIES = [0, 1, 2, 3];

interface Started {
  readonly started: readonly { readonly directory: string; readonly pid: number; readonly wasRunning: boolean }[];
}

const up = async (): Promise<Started["started"]> =>
  (JSON.parse(await cluster.ok("up", cluster.directory, "--json")) as Started).started;

/** Documents in the order in which they are notarised: the first has number 1. */
const documents: readonly { readonly name: string; readonly content: Uint8Array }[] = [
  { name: "contract.txt", content: Buffer.from("I owe you a cake.\n") },
  { name: "empty", content: new Uint8Array() },
  { name: "fifty megabytes.bin", content: new Uint8Array(50 * 1024 * 1024).fill(7) },
  { name: "name with spaces – ünïcödé.txt", content: Buffer.from("x") },
];

describe("a cluster", () => {
  it("comes up", async () => {
    const started = await up();
    expect(started.map(({ directory, wasRunning }) => [directory, wasRunning])).toEqual(
      PARTIES.map((party) => [cluster.party(party), false]),
    );
    expect(PARTIES.map((party) => cluster.pid(party))).toEqual(started.map(({ pid }) => pid));
    expect(new Set(cluster.processes())).toEqual(new Set(started.map(({ pid }) => pid)));
    // Before the first document: nothing, and the same nothing everywhere.
    await cluster.settled(0);
  });

  it("notarises documents, and anybody can verify the receipts", async () => {
    for (const [index, { name, content }] of documents.entries()) {
      writeFileSync(file(name), content);
      const { code, stdout, stderr } = await cluster.notarize(file(name), file(`${name}.receipt`), "--json");
      expect(code, stderr).toBe(0);
      const value = createHash("sha256").update(content).digest("hex");
      expect(JSON.parse(stdout)).toMatchObject({
        new: true,
        sequence: index + 1,
        time: expect.any(Number) as number,
        digest: { algorithm: "sha256", value },
      });
      const verified = await cluster.ok("verify", file(name), file(`${name}.receipt`), "--public", cluster.publicFile);
      expect(verified).toContain(`valid: ${file(name)} is number ${index + 1} of cluster`);
    }
  });

  it("gives the receipt that there is for a document that is known, to any client, and no number", async () => {
    await cluster.settled(documents.length);
    const [{ name } = { name: "" }] = documents;
    const out = file("again.receipt");
    const args = ["notarize", file(name), "--cluster", cluster.client(1), "-o", out];
    expect(JSON.parse(await cluster.ok(...args, "--json"))).toMatchObject({ new: false, sequence: 1 });
    expect(readFileSync(out, "utf8")).toBe(readFileSync(file(`${name}.receipt`), "utf8"));
    expect(await cluster.ok(...args)).toMatch(
      /is already notarised as number 1 \(round 1, 20\d\d-[-0-9T:.]+Z\), receipt in .*again\.receipt; --new makes another entry\n$/,
    );
    await cluster.settled(documents.length);
  });

  it.runIf(requireTool("openssl"))("gives receipts that openssl verifies", async () => {
    const [s, g] = [file("s"), file("g")];
    await cluster.ok("receipt", "export", file("empty.receipt"), "--statement", s, "--signature", g);
    const key = join(cluster.directory, "receipt-key.pem");
    const openssl = ["dgst", "-sha256", "-verify", key, "-signature", g, s];
    expect(spawnSync("openssl", openssl, { encoding: "utf8" }).stdout).toBe("Verified OK\n");
  });

  describe("gives receipts of which one flipped bit is found:", () => {
    const [first = { name: "", content: new Uint8Array() }] = documents;
    const receipt = (): Record<string, unknown> =>
      JSON.parse(readFileSync(file(`${first.name}.receipt`), "utf8")) as Record<string, unknown>;
    const flippedBase64 = (text: unknown): string => {
      const bytes = Buffer.from(String(text), "base64");
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      return bytes.toString("base64");
    };

    it.each<[string, () => { document: string; receipt: Record<string, unknown> }, RegExp]>([
      [
        "in the file",
        () => {
          const content = Buffer.from(first.content);
          content[5] = (content[5] ?? 0) ^ 1;
          writeFileSync(file("flipped"), content);
          return { document: file("flipped"), receipt: receipt() };
        },
        /^the document's SHA-256 is [0-9a-f]{64}, the receipt is for [0-9a-f]{64}$/,
      ],
      [
        "in the number",
        () => ({ document: file(first.name), receipt: { ...receipt(), sequence: 0 } }),
        /^the receipt's sequence says 0, its signed statement says 1$/,
      ],
      [
        "in the statement",
        () => ({
          document: file(first.name),
          receipt: { ...receipt(), statement: flippedBase64(receipt().statement) },
        }),
        /statement/,
      ],
      [
        "in the signature",
        () => ({
          document: file(first.name),
          receipt: { ...receipt(), signature: flippedBase64(receipt().signature) },
        }),
        /^the signature on the statement is not the cluster's$/,
      ],
    ])("%s", async (_, change, reason) => {
      const { document, receipt: changed } = change();
      writeFileSync(file("flipped.receipt"), JSON.stringify(changed));
      const args = ["verify", document, file("flipped.receipt"), "--public", cluster.publicFile, "--json"];
      const { code, stdout } = await runCli(args);
      expect(code).toBe(1);
      const verdict = JSON.parse(stdout) as { readonly valid: boolean; readonly reason: string };
      expect(verdict.valid).toBe(false);
      expect(verdict.reason).toMatch(reason);
    });
  });

  it("has one state, as `status --json` documents it", async () => {
    const parties = await cluster.settled(documents.length);
    for (const [index, party] of parties.entries()) {
      expect(Object.keys(party).sort()).toEqual([
        "accusations",
        "catchUp",
        "checkpointRound",
        "clocks",
        "logDigest",
        "party",
        "round",
        "sequence",
        "services",
        "state",
        "storeBytes",
      ]);
      expect(party).toMatchObject({ party: index, state: "active", sequence: documents.length, accusations: [] });
      expect(party.logDigest).toMatch(/^[0-9a-f]{64}$/);
      expect(party.round).toBeGreaterThan(0);
    }
  });

  it("has one log, as `log --json` documents it", async () => {
    const logs = await Promise.all(PARTIES.map((party) => cluster.log(party)));
    expect(new Set(logs).size).toBe(1);
    const lines = logs[0]?.trimEnd().split("\n") ?? [];
    expect(lines).toHaveLength(documents.length);
    for (const [index, line] of lines.entries()) {
      const entry = JSON.parse(line) as Record<string, unknown>;
      expect(Object.keys(entry)).toEqual(["sequence", "round", "payload"]);
      expect(entry.sequence).toBe(index + 1);
      expect(entry.payload).toMatch(/^([0-9a-f]{2})+$/);
      const digest = createHash("sha256")
        .update(documents[index]?.content ?? "")
        .digest("hex");
      expect(entry.payload).toContain(digest);
    }
    expect(await cluster.ok("log", cluster.party(0), "--json", "--from", "4")).toBe(`${lines[3]}\n`);
  });

  it("gives two clients that ask at the same time numbers of their own", async () => {
    const receipts = await Promise.all(
      [0, 1].flatMap((client) => {
        return [0, 1].map(async (count) => {
          const out = file(`client-${client}-${count}.receipt`);
          const args = [
            "notarize",
            file("contract.txt"),
            "--new",
            "--cluster",
            cluster.client(client),
            "-o",
            out,
            "--json",
          ];
          return JSON.parse(await cluster.ok(...args)) as { readonly sequence: number };
        });
      }),
    );
    expect(receipts.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual([5, 6, 7, 8]);
  });

  it("refuses a second process of a party, which harms nothing", async () => {
    const pid = cluster.pid(0);
    const port = /"port": (\d+)/.exec(readFileSync(join(cluster.party(0), "config.json"), "utf8"))?.[1];
    const second = await runCli(["node", cluster.party(0)]);
    expect(second.stderr).toContain(`process ${pid} runs this party already, on 127.0.0.1:${port}`);
    expect(second.code).toBe(2);
    expect(cluster.pid(0)).toBe(pid);
    expect((await up()).every(({ wasRunning }) => wasRunning)).toBe(true);
    await cluster.settled(8);
  });

  it("goes on without a killed replica, which catches up when it is started again", async () => {
    const others = [0, 1, 3].map((party) => cluster.pid(party));
    await cluster.killNow(2);
    for (const number of [9, 10]) {
      const { code, stdout, stderr } = await cluster.notarize(file("contract.txt"), file("late.receipt"), "--json");
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ sequence: number });
    }
    const states = await cluster.states((parties) => parties[2]?.reason?.includes("ECONNREFUSED") ?? false);
    expect(states[2]).toMatchObject({ party: 2, state: "unreachable", round: null, sequence: null, logDigest: null });

    const started = await up();
    expect(started.map(({ wasRunning }) => wasRunning)).toEqual([true, true, false, true]);
    expect([0, 1, 3].map((party) => cluster.pid(party))).toEqual(others);
    const parties = await cluster.settled(10);
    expect(parties.flatMap(({ accusations }) => accusations)).toEqual([]);
  });

  it("does not answer when two of four are gone, and the client says of each why", async () => {
    await cluster.killNow(1);
    await cluster.killNow(3);
    const out = file("never.receipt");
    const { code, stdout, stderr } = await cluster.notarize(file("contract.txt"), out, "--timeout", "5");
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /did not answer within 5 s \(party 0: .+; party 1: .*ECONNREFUSED.*; party 2: .+; party 3: .*ECONNREFUSED.*\)/,
    );
    expect(stderr).toContain("it may still be ordered; notarise it again for its receipt");
    expect(stderr).not.toContain("abcast up");
    expect(code).toBe(3);
    // The request may be ordered when enough are back; nobody's log differs then either.
    await up();
    expect((await cluster.notarize(file("contract.txt"), out)).code).toBe(0);
  });

  it("goes down, and leaves nothing running", async () => {
    const settled = (await cluster.settled())[0]?.sequence ?? 0;
    await cluster.ok("down", cluster.directory);
    expect(cluster.processes()).toEqual([]);
    const { code, stderr } = await runCli(["status", "--cluster", cluster.client(), "--timeout", "5"]);
    expect(stderr).toMatch(
      /no replica answers \(party 0: .+; party 1: .+; party 2: .+; party 3: .+\); start the replicas with abcast up\n$/,
    );
    expect(code).toBe(3);
    const notarized = await cluster.notarize(file("contract.txt"), file("down.receipt"), "--timeout", "5");
    expect(notarized.stderr).toMatch(/; start the replicas with abcast up\n$/);
    expect(notarized.code).toBe(3);
    const again = await cluster.ok("down", cluster.directory);
    expect(again.trimEnd().split("\n")).toEqual(PARTIES.map((party) => `${cluster.party(party)}: did not run`));
    // The request that nobody answered may be ordered while they go down: one has it then, another not yet.
    const logs = await Promise.all(PARTIES.map((party) => cluster.ok("log", cluster.party(party), "--json")));
    const longest = logs.reduce((one, other) => (one.length > other.length ? one : other));
    for (const log of logs) {
      expect(longest.startsWith(log)).toBe(true);
      expect(log.trimEnd().split("\n").length).toBeGreaterThanOrEqual(settled);
    }
  });
});
