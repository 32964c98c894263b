/** The key-value store and the counter of a cluster of real processes, from the command line and over HTTP. In order. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalCluster } from "./local-cluster.js";
import { runCli } from "./run-cli.js";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));

const cluster = new LocalCluster();
afterAll(() => cluster.remove());
beforeAll(async () => {
  await cluster.init("--clients", "2", "--checkpoint-interval", "4");
  await cluster.ok("up", cluster.directory);
});

async function kv(...args: readonly string[]) {
  const { code, stdout, stderr } = await runCli(["kv", ...args, "--cluster", cluster.client(), "--json"]);
  return { code, stderr, result: stdout === "" ? undefined : (JSON.parse(stdout) as Record<string, unknown>) };
}

describe("abcast kv", () => {
  it("writes and reads", async () => {
    expect(await kv("get", "name")).toMatchObject({ code: 1, result: { key: "name", found: false, value: null } });
    const put = await kv("put", "name", "Ada");
    expect(put).toMatchObject({ code: 0, result: { key: "name", ok: true, committed: true } });
    const { version } = put.result ?? {};
    for (const consistency of ["quorum", "ordered"]) {
      expect(await kv("get", "name", "--consistency", consistency)).toMatchObject({
        code: 0,
        result: { key: "name", found: true, value: "Ada", version },
      });
    }
    expect(await cluster.ok("kv", "get", "name", "--cluster", cluster.client())).toBe("Ada");
  });

  it("writes on conditions, and says with 1 that one does not hold", async () => {
    expect(await kv("cas", "name", "Ada", "Grace")).toMatchObject({ code: 0, result: { ok: true } });
    expect(await kv("cas", "name", "Ada", "Alan")).toMatchObject({ code: 1, result: { ok: false, value: "Grace" } });
    expect(await kv("cas", "name", "Alan", "--absent")).toMatchObject({ code: 1, result: { ok: false } });
    const { result } = await kv("get", "name");
    const version = String(result?.["version"]);
    expect(await kv("cas", "name", "Alan", "--version", version, "--fanout", "all")).toMatchObject({ code: 0 });
    expect(await kv("cas", "name", "Kurt", "--version", version)).toMatchObject({ code: 1 });
    expect(await kv("delete", "name", "--version", version)).toMatchObject({ code: 1, result: { ok: false } });
    expect(await kv("delete", "name")).toMatchObject({ code: 0, result: { ok: true, found: true } });
    expect(await kv("delete", "name")).toMatchObject({ code: 1, result: { found: false } });
  });

  it.each([
    ["too few arguments", ["cas", "k", "v"], "give KEY, EXPECTED and VALUE"],
    ["one argument too many", ["cas", "k", "a", "b", "--absent"], "takes the place of EXPECTED"],
    ["two conditions", ["cas", "k", "a", "--absent", "--version", "1"], "--absent"],
    ["an empty key", ["put", "", "v"], "it must have 1 to 256"],
    ["a long key", ["put", "k".repeat(257), "v"], "it must have 1 to 256"],
    ["a long value", ["put", "k", "v".repeat(32 * 1024 + 1)], "VALUE has more than 32768 bytes"],
    ["an unknown consistency", ["get", "k", "--consistency", "some"], "--consistency"],
  ])("refuses %s", async (_, args, message) => {
    const { code, stderr } = await kv(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it("reads with a proof, once there is a checkpoint", async () => {
    const { result } = await kv("put", "proved", "yes");
    const round = Number(result?.["round"]);
    // Any may be asked, and each proves what it has a certificate of.
    const isCertified = async (): Promise<boolean> =>
      (await cluster.status()).every(({ checkpointRound }) => (checkpointRound ?? 0) >= round);
    for (let more = 0; !(await isCertified()); more++) await kv("put", "other", String(more));
    expect(await kv("get", "proved", "--consistency", "any")).toMatchObject({ code: 0, result: { value: "yes" } });
  });

  it("goes on with one replica down", async () => {
    await cluster.killNow(3);
    expect(await kv("put", "still", "here")).toMatchObject({ code: 0 });
    expect(await kv("get", "still")).toMatchObject({ code: 0, result: { value: "here" } });
    await cluster.ok("up", cluster.directory);
  });
});

describe("abcast counter", () => {
  it("adds and reads", async () => {
    expect(await cluster.ok("counter", "add", "40", "--cluster", cluster.client())).toBe("40\n");
    expect(await cluster.ok("counter", "add", "2", "--cluster", cluster.client(1))).toBe("42\n");
    expect(await cluster.ok("counter", "read", "--cluster", cluster.client())).toBe("42\n");
  });
});

describe("abcast gateway", () => {
  it("serves the store over HTTP", async () => {
    const gateway = spawn(
      process.execPath,
      [BIN, "gateway", "--cluster", cluster.client(1), "--listen", "127.0.0.1:0", "--json"],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    try {
      const [line] = await new Promise<string[]>((resolve) =>
        createInterface(gateway.stdout).once("line", (text) => resolve([text])),
      );
      const { url } = JSON.parse(line ?? "{}") as { readonly url: string };
      expect((await fetch(`${url}name`, { method: "PUT", body: "value" })).status).toBe(200);
      expect(await (await fetch(`${url}name`)).text()).toBe("value");
      expect(await kv("get", "name")).toMatchObject({ result: { value: "value" } });
      expect((await fetch(`${url}name`, { method: "DELETE" })).status).toBe(200);
    } finally {
      const over = new Promise((resolve) => gateway.once("close", resolve));
      gateway.kill("SIGTERM");
      await over;
    }
    expect(gateway.exitCode).toBe(0);
  });
});
