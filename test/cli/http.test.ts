/** The HTTP interface and the log of real replicas, from the first one alone to the end of all. The tests build on one another. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, stopParty } from "../../src/cli/launch.js";
import { loadPublic } from "../../src/replica/config-files.js";
import { eventually } from "../support/eventually.js";
import { type Exposition, parseExposition, sampleKey } from "../support/exposition.js";
import { LocalCluster } from "./local-cluster.js";
import { runCli } from "./run-cli.js";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));

const cluster = new LocalCluster();
const document = join(cluster.work, "note.txt");
let ports: readonly number[];
afterAll(() => cluster.remove());
beforeAll(async () => {
  await cluster.init("--rsa-bits", "2048");
  ports = (await loadPublic(cluster.publicFile)).parties.map(({ httpPort }) => httpPort);
  writeFileSync(document, "I owe you a cake.\n");
});

const start = (party: number): Promise<number> => launch(cluster.party(party), [BIN, "node"]);

const ask = (party: number, path: string, host = "127.0.0.1"): Promise<Response> =>
  fetch(`http://${host}:${ports[party]}${path}`);

async function answer(party: number, path: string): Promise<readonly [number, unknown]> {
  const response = await ask(party, path);
  return [response.status, await response.json()];
}

const READY = [200, { status: "ready" }];
const tooFew = (count: number, missing: string) => [
  503,
  {
    status: "not ready",
    reasons: [`connected to ${count} of 3 peers, too few for a quorum; missing: ${missing}`],
  },
];

async function metrics(party: number): Promise<Exposition> {
  const response = await ask(party, "/metrics");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(await response.text());
}

const valueOf = ({ samples }: Exposition, name: string, labels?: Record<string, string>): number =>
  samples.get(sampleKey(name, labels)) ?? Number.NaN;

describe("the HTTP interface of a cluster", () => {
  it("says that a replica is ready when its peers have come, and no earlier", async () => {
    await start(0);
    expect(await answer(0, "/healthz")).toEqual([200, { status: "ok" }]);
    expect(await answer(0, "/readyz")).toEqual(tooFew(0, "1, 2, 3"));
    await start(1);
    await eventually(async () => expect(await answer(0, "/readyz")).toEqual(tooFew(1, "2, 3")));
    await start(2);
    for (const party of [0, 1, 2]) await eventually(async () => expect(await answer(party, "/readyz")).toEqual(READY));
    const exposition = await metrics(0);
    expect([1, 2, 3].map((peer) => valueOf(exposition, "abcast_peer_connected", { peer: String(peer) }))).toEqual([
      1, 1, 0,
    ]);
  });

  it("says what is under a key, and orders what a client signed", async () => {
    const [status, absent] = await answer(0, "/v1/kv/none");
    expect([status, absent]).toMatchObject([404, { code: "no-such-key" }]);
    const posted = await fetch(`http://127.0.0.1:${ports[0]}/v1/requests`, { method: "POST", body: "nonsense" });
    expect([posted.status, await posted.json()]).toMatchObject([400, { code: "invalid-payload" }]);
  });

  it("counts what happens to a document", async () => {
    await cluster.ok("up", cluster.directory);
    // Three are enough to order: the fourth may come later.
    await eventually(async () => expect(valueOf(await metrics(0), "abcast_peers_connected")).toBe(3));
    const before = await metrics(0);
    expect([valueOf(before, "abcast_round"), valueOf(before, "abcast_sequence")]).toEqual([0, 0]);
    for (const sequence of [1, 2]) {
      const { code, stderr } = await cluster.notarize(document, join(cluster.work, "note.receipt"));
      expect(code, stderr).toBe(0);
      await cluster.settled(sequence);
    }
    const after = await metrics(0);
    expect(valueOf(after, "abcast_round")).toBeGreaterThanOrEqual(2);
    expect(valueOf(after, "abcast_sequence")).toBe(2);
    expect(valueOf(after, "abcast_queue_length")).toBe(0);
    expect(valueOf(after, "abcast_peers_connected")).toBe(3);
    for (const name of ["abcast_sent_frames_total", "abcast_sent_bytes_total", "process_cpu_seconds_total"]) {
      expect(valueOf(after, name), name).toBeGreaterThan(valueOf(before, name));
    }
    expect([...after.samples.keys()].filter((key) => key.startsWith("abcast_accusations"))).toEqual([]);
    // In the last round, and this one's: what a peer might still need.
    expect(valueOf(after, "abcast_peer_held_bytes", { peer: "1" })).toBeGreaterThan(0);
  });

  it("says that a replica is no longer ready when its peers go", async () => {
    await cluster.killNow(1);
    await cluster.killNow(2);
    await eventually(async () => expect(await answer(0, "/readyz")).toEqual(tooFew(1, "1, 2")));
    expect(await answer(0, "/healthz")).toEqual([200, { status: "ok" }]);
    await cluster.ok("up", cluster.directory);
    await eventually(async () => expect(await answer(0, "/readyz")).toEqual(READY));
  });

  // Other systems have one loopback address.
  it.runIf(process.platform === "linux")("listens on the loopback address, or where config.json says", async () => {
    await stopParty(cluster.party(3));
    const file = join(cluster.party(3), "config.json");
    const config = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...config, httpHost: "127.0.0.2" }));
    await start(3);
    expect((await ask(3, "/healthz", "127.0.0.2")).status).toBe(200);
    await expect(ask(3, "/healthz")).rejects.toThrow();
    await expect(ask(0, "/healthz", "127.0.0.2")).rejects.toThrow();
    writeFileSync(file, JSON.stringify({ ...config, httpHost: "not a host" }));
    const { code, stderr } = await runCli(["node", cluster.party(3)]);
    expect(stderr).toContain(`${file}: httpHost: must be a host name or an IP address`);
    expect(code).toBe(2);
    writeFileSync(file, JSON.stringify(config));
  });

  it("goes with the replica", async () => {
    await cluster.ok("down", cluster.directory);
    expect(cluster.processes()).toEqual([]);
    await expect(ask(0, "/healthz")).rejects.toThrow();
  });

  it("names file and field when its port is taken, and nothing keeps running", async () => {
    const [port] = ports;
    const other = createServer().listen(port, "127.0.0.1");
    await once(other, "listening");
    try {
      const { code, stderr } = await runCli(["node", cluster.party(0)]);
      const [publicFile, configFile] = ["public.json", "config.json"].map((name) => join(cluster.party(0), name));
      expect(stderr).toContain(
        `abcast: ${publicFile}: parties[0].httpPort: cannot listen on 127.0.0.1:${port} for HTTP: the port is in use; to move, change it in every public.json, or the address, httpHost, in ${configFile}\n`,
      );
      expect(code).toBe(2);
    } finally {
      other.close();
    }
  });

  it("names the option when there is no such address", async () => {
    const file = join(cluster.party(0), "config.json");
    const config = readFileSync(file, "utf8");
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(config) as object), httpHost: "192.0.2.1" }));
    const { code, stderr } = await runCli(["node", cluster.party(0)]);
    expect(stderr).toContain(
      `abcast: ${file}: httpHost: cannot listen on 192.0.2.1:${ports[0]} for HTTP: this machine`,
    );
    expect(code).toBe(2);
    writeFileSync(file, config);
  });
});

describe("the log of a replica's process", () => {
  it("is JSON lines, unless it is for a terminal", async () => {
    const child = spawn(process.execPath, [BIN, "node", cluster.party(0)], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString();
      if (bytes.includes("serving on")) child.kill("SIGTERM");
    });
    expect(await once(child, "close")).toEqual([0, null]);
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const messages = lines.map(({ message }) => String(message));
    expect(messages.some((message) => message.startsWith("serving on 127.0.0.1:"))).toBe(true);
    expect(messages.at(-1)).toBe("stopping");
    for (const line of lines) {
      expect(Object.keys(line)).toEqual(["level", "time", "party", "message"]);
      expect(line).toMatchObject({ level: "info", party: 0 });
      expect(new Date(String(line.time)).toISOString()).toBe(line.time);
    }
  });

  it("is the same in node.log", () => {
    const lines = readFileSync(join(cluster.party(1), "node.log"), "utf8")
      .trimEnd()
      .split("\n");
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: "info", party: 1 });
  });
});
