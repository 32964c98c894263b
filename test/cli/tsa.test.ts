/** Time stamps of a cluster of real processes, by the programs that people use: openssl and curl. The tests build on one another. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch } from "../../src/cli/launch.js";
import { loadPublic } from "../../src/replica/config-files.js";
import { requireTool } from "../support/tools.js";
import { LocalCluster } from "./local-cluster.js";

const BYZANTINE = fileURLToPath(new URL("../byzantine/replica.mjs", import.meta.url));
const POLICY = "1.3.6.1.4.1.32473.7";
const PARTIES = [0, 1, 2, 3];
const hasTools = requireTool("openssl") && requireTool("curl");

describe.runIf(hasTools)("a cluster that stamps", () => {
  const cluster = new LocalCluster();
  afterAll(() => cluster.remove());
  const file = (name: string): string => join(cluster.work, name);
  let ports: readonly number[] = [];

  beforeAll(async () => {
    // The second client is the corrupted replica's.
    await cluster.init("--clients", "2", "--tsa-policy", POLICY, "--tsa-accuracy-ms", "2500");
    await cluster.ok("up", cluster.directory);
    ports = (await loadPublic(cluster.publicFile)).parties.map(({ httpPort }) => httpPort);
    writeFileSync(file("document"), "I owe you a cake.\n");
    writeFileSync(file("other"), "I owe you two cakes.\n");
  });

  interface Ran {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }
  const run = (program: string, ...args: readonly string[]): Ran => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: cluster.work, encoding: "utf8" });
    return { status, stdout, stderr };
  };
  const openssl = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = run("openssl", ...args);
    expect(status, `openssl ${args.join(" ")}: ${stderr}`).toBe(0);
    return stdout;
  };
  const post = (party: number, query: string, response: string, type = "application/timestamp-query"): string => {
    const url = `http://127.0.0.1:${ports[party]}/tsa`;
    const headers = ["-H", `Content-Type: ${type}`, "--data-binary", `@${query}`];
    const { status, stdout, stderr } = run(
      "curl",
      "-sS",
      ...headers,
      "-o",
      response,
      "-w",
      "%{http_code} %{content_type}",
      url,
    );
    expect(status, stderr).toBe(0);
    return stdout;
  };
  const query = (...options: readonly string[]): void =>
    void openssl("ts", "-query", "-data", "document", "-out", "q", ...options);
  const text = (response: string): string => openssl("ts", "-reply", "-in", response, "-text");
  const verify = (response: string, ...options: readonly string[]): Ran =>
    run("openssl", "ts", "-verify", "-in", response, ...options);
  const serialOf = (response: string): number => Number(/Serial number: (0x[0-9A-F]+)/.exec(text(response))?.[1]);
  const ca = ["-CAfile", join("cluster", "tsa-certificate.pem")];
  /** A token from this party that verifies. */
  const stamp = (party: number, response: string, authority = ca): void => {
    query("-sha256", "-cert");
    expect(post(party, "q", response)).toBe("200 application/timestamp-reply");
    expect(text(response)).toContain("Status: Granted.");
    for (const what of [
      ["-data", "document"],
      ["-queryfile", "q"],
    ]) {
      const verified = verify(response, ...what, ...authority);
      expect(verified.stdout + verified.stderr).toContain("Verification: OK");
    }
  };

  it("gives tokens at every replica, that OpenSSL verifies", () => {
    for (const party of PARTIES) stamp(party, `r${party}`);
    const serials = PARTIES.map((party) => serialOf(`r${party}`));
    expect(serials).toEqual(serials.toSorted((a, b) => a - b));
    expect(new Set(serials).size).toBe(4);
    const said = text("r0");
    for (const line of [`Policy OID: ${POLICY}`, "Accuracy: 0x02 seconds, 0x01F4 millis", "Ordering: yes"]) {
      expect(said).toContain(line);
    }
    const time = /Time stamp: (.*) GMT/.exec(said)?.[1] ?? "";
    // Clusters of tests share the machine's clock.
    expect(Math.abs(Date.parse(`${time.replace(/\.\d+/, "")} GMT`) - Date.now())).toBeLessThan(300_000);
  });

  it("binds the document", () => {
    const { status, stderr } = verify("r0", "-data", "other", ...ca);
    expect(status).not.toBe(0);
    expect(stderr).toContain("imprint");
  });

  it("honours what is asked: certificate, nonce, digest, policy", () => {
    query("-sha512", "-no_nonce", "-tspolicy", POLICY);
    post(1, "q", "r");
    expect(text("r")).toContain("Nonce: unspecified");
    expect(verify("r", "-queryfile", "q", ...ca).status).not.toBe(0);
    expect(verify("r", "-queryfile", "q", ...ca, "-untrusted", ca[1] ?? "").stdout).toContain("Verification: OK");
    query("-sha256", "-cert");
    post(2, "q", "r");
    const nonce = /Nonce: (0x[0-9A-F]+)/.exec(openssl("ts", "-query", "-in", "q", "-text"))?.[1];
    expect(nonce).toBeDefined();
    expect(text("r")).toContain(`Nonce: ${nonce}`);
  });

  it("rejects what it must, as the standard has it", () => {
    const rejected = (failure: RegExp): void => {
      expect(post(0, "q", "r")).toBe("200 application/timestamp-reply");
      const said = text("r");
      expect(said).toContain("Status: Rejected.");
      expect(said).toMatch(failure);
    };
    query("-sha256", "-tspolicy", "1.2.3.4");
    rejected(/policy is not supported/);
    query("-sha1");
    rejected(/unrecognized or unsupported algorithm/);
    query("-sha256");
    const whole = readFileSync(file("q"));
    const badFormat = /data submitted has the wrong format/;
    for (const [bytes, failure] of [
      [whole.subarray(0, -1), badFormat],
      [Buffer.from("30".repeat(100), "hex"), badFormat],
      [Buffer.alloc(0), badFormat],
      [Buffer.alloc(1024 * 1024, 0x30), /transaction not permitted or supported/],
    ] as const) {
      writeFileSync(file("q"), bytes);
      rejected(failure);
    }
    writeFileSync(file("q"), whole);
    expect(post(0, "q", "r", "text/plain")).toContain("415");
    const { stdout } = run("curl", "-sS", "-w", "%{http_code}", `http://127.0.0.1:${ports[0]}/tsa`);
    expect(stdout).toContain("405");
  });

  it("shows its certificate", () => {
    const url = `http://127.0.0.1:${ports[3]}/tsa/certificate`;
    expect(run("curl", "-sS", url).stdout).toBe(readFileSync(join(cluster.directory, "tsa-certificate.pem"), "utf8"));
  });

  it("takes another certificate when enough parties vote for it, and keeps it", async () => {
    const subject = ["-subj", "/O=Authority/CN=Root"];
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "30",
      ...subject,
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
    );
    const request = join("cluster", "tsa-request.pem");
    const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30", "-set_serial", "77", "-out", "own.pem"];
    openssl("x509", "-req", "-in", request, "-copy_extensions", "copyall", ...signing);
    const install = async (party: number, name: string) =>
      JSON.parse(await cluster.ok("tsa", "install", file(name), "--party", cluster.party(party), "--json")) as unknown;
    expect(await install(0, "own.pem")).toMatchObject({ inForce: false, votes: 1 });
    stamp(1, "before");
    expect(await install(2, "own.pem")).toMatchObject({ inForce: true });
    await cluster.ok("down", cluster.directory);
    await cluster.ok("up", cluster.directory);
    query("-sha256", "-cert");
    post(1, "q", "r");
    expect(verify("r", "-queryfile", "q", "-CAfile", "ca.pem").stdout).toContain("Verification: OK");
    expect(verify("r", "-queryfile", "q", ...ca).status).not.toBe(0);
    // What was stamped before goes by the certificate of then.
    expect(verify("before", "-data", "document", ...ca).stdout).toContain("Verification: OK");
  });

  // The last: a party whose key was in other hands must not come back with the store that it had.
  it("goes on with a replica down, and with a corrupted one in its place", async () => {
    const authority = ["-CAfile", "ca.pem"];
    await cluster.killNow(3);
    stamp(0, "down", authority);
    await launch(cluster.party(3), [BYZANTINE, "--client", cluster.client(1)]);
    for (const party of [0, 1, 2]) stamp(party, "byzantine", authority);
    expect(serialOf("byzantine")).toBeGreaterThan(serialOf("down"));
  });
});
