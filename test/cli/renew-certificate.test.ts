/** A cluster of real processes in which one party and one client get new certificates of their keys. The tests build on one another. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmodSync, cpSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renewTlsCertificate } from "../../src/crypto/index.js";
import { clientConfigSchema, type ClusterPublic, formatFile, publicSchema } from "../../src/replica/config.js";
import { loadClient, loadParty, loadPublic } from "../../src/replica/config-files.js";
import { eventually } from "../support/eventually.js";
import { LocalCluster, LONG_S } from "./local-cluster.js";
import { otherCluster } from "./other-cluster.js";
import { runCli } from "./run-cli.js";

const cluster = new LocalCluster();
afterAll(() => cluster.remove());
/** As `init` made it. */
let first: ClusterPublic;
beforeAll(async () => {
  await cluster.init("--clients", "2");
  first = await loadPublic(cluster.publicFile);
});

const RENEWED = 1;
const renewedFile = (): string => join(cluster.party(RENEWED), "public.json");
const at = (name: string): string => join(cluster.work, name);
const fingerprint = (pem = ""): string => new X509Certificate(pem).fingerprint256;

/** The certificate that the party shows to who connects. */
async function shown(party: number): Promise<string | undefined> {
  const { host, port } = first.parties[party] ?? { host: "", port: 0 };
  const { tlsPrivateKey } = await loadClient(cluster.client(1));
  const socket = connect({
    host,
    port,
    cert: first.clients[1]?.certificate,
    key: tlsPrivateKey,
    rejectUnauthorized: false,
  });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerX509Certificate()?.fingerprint256;
  } finally {
    socket.destroy();
  }
}

async function notarizes(name: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  writeFileSync(at(name), name);
  const args = ["notarize", at(name), "--cluster", cluster.client(), "-o", at(`${name}.receipt`), "--timeout", LONG_S];
  const { code, stderr } = await runCli(args, env);
  expect(code, stderr).toBe(0);
}

/** Every quorum is these three. */
async function onlyWithRenewed(action: () => Promise<void>): Promise<void> {
  await cluster.killNow(3);
  await action();
  await cluster.ok("up", cluster.directory);
}

describe("a party's certificate", () => {
  it("is renewed in its own directory, and nowhere else", async () => {
    await cluster.ok("up", cluster.directory);
    await notarizes("before");
    const args = ["renew-certificate", cluster.party(RENEWED), "--days", "90", "--names", "notary.example,n.example"];
    const result = JSON.parse(await cluster.ok(...args, "--json")) as Record<string, string>;
    const after = await loadPublic(renewedFile());
    const certificate = after.parties[RENEWED]?.certificate ?? "";
    expect(fingerprint(certificate)).not.toBe(fingerprint(first.parties[RENEWED]?.certificate));
    const parties = first.parties.map((entry) => (entry.party === RENEWED ? { ...entry, certificate } : entry));
    expect(after).toEqual({ ...first, parties });
    expect(await loadPublic(join(cluster.party(0), "public.json"))).toEqual(first);
    expect(statSync(renewedFile()).mode & 0o777).toBe(0o644);

    const { subject, subjectAltName } = new X509Certificate(certificate);
    expect(subject).toBe("CN=party-1");
    expect(subjectAltName).toBe("DNS:notary.example, DNS:n.example");
    expect(result).toMatchObject({ party: RENEWED, file: renewedFile(), subject, names: subjectAltName });
    expect(result["fingerprint256"]).toBe(fingerprint(certificate));
    expect(Date.parse(result["validTo"] ?? "") - Date.parse(result["validFrom"] ?? "")).toBe(90 * 24 * 60 * 60 * 1000);
  });

  it("is shown from SIGHUP on, by the same process, and all goes on", async () => {
    const pid = cluster.pid(RENEWED);
    expect(await shown(RENEWED)).toBe(fingerprint(first.parties[RENEWED]?.certificate));
    process.kill(pid, "SIGHUP");
    const renewed = fingerprint((await loadPublic(renewedFile())).parties[RENEWED]?.certificate);
    await eventually(async () => expect(await shown(RENEWED)).toBe(renewed));
    // Of party 0, all connections are new.
    await cluster.killNow(0);
    await cluster.ok("up", cluster.directory);
    await onlyWithRenewed(() => notarizes("after-sighup"));
    expect(cluster.pid(RENEWED)).toBe(pid);
  });

  it("stays where SIGHUP finds another cluster's file, or none", async () => {
    const own = readFileSync(renewedFile());
    const before = await shown(RENEWED);
    const log = (): string => readFileSync(join(cluster.party(RENEWED), "node.log"), "utf8");
    writeFileSync(renewedFile(), formatFile(publicSchema, await otherCluster(first)));
    process.kill(cluster.pid(RENEWED), "SIGHUP");
    await eventually(() => expect(log()).toContain("certificate of before: "));
    expect(log()).toContain("public.json: is another cluster's");
    rmSync(renewedFile());
    process.kill(cluster.pid(RENEWED), "SIGHUP");
    await eventually(() => expect(log()).toContain("public.json: no such file"));
    expect(await shown(RENEWED)).toBe(before);
    writeFileSync(renewedFile(), own);
  });

  it("may have expired: nobody looks at dates", async () => {
    const { keys, public: own } = await loadParty(cluster.party(RENEWED));
    const certificate = await renewTlsCertificate({
      certificatePem: own.parties[RENEWED]?.certificate ?? "",
      privateKeyPem: keys.tlsPrivateKey,
      validity: { notBefore: new Date("2001-01-01"), notAfter: new Date("2002-01-01") },
    });
    const parties = own.parties.map((entry) => (entry.party === RENEWED ? { ...entry, certificate } : entry));
    writeFileSync(renewedFile(), formatFile(publicSchema, { ...own, parties }));
    await cluster.killNow(RENEWED);
    await cluster.ok("up", cluster.directory);
    expect(await shown(RENEWED)).toBe(fingerprint(certificate));
    await onlyWithRenewed(() => notarizes("expired"));
  });

  it("changes no receipt: the first public.json verifies new ones, the renewed one old ones", async () => {
    for (const [name, file] of [
      ["before", renewedFile()],
      ["expired", cluster.publicFile],
    ] as const)
      expect(await cluster.ok("verify", at(name), at(`${name}.receipt`), "--public", file)).toContain("valid: ");
  });
});

describe("a client's certificate", () => {
  it("is renewed in the client's file, which stays under its passphrase; the replicas need nothing", async () => {
    writeFileSync(at("passphrase"), "a passphrase\n", { mode: 0o600 });
    await cluster.ok("protect", cluster.client(), "--passphrase-file", at("passphrase"));
    const env = { ABCAST_PASSPHRASE_FILE: at("passphrase") };
    const renewed = await runCli(["renew-certificate", cluster.client(), "--days", "1", "--json"], env);
    expect(renewed.code, renewed.stderr).toBe(0);
    const { fingerprint256, client } = JSON.parse(renewed.stdout) as Record<string, unknown>;
    expect(client).toBe(0);
    expect((await runCli(["status", "--cluster", cluster.client()])).stderr).toContain("is under a passphrase");
    expect(statSync(cluster.client()).mode & 0o777).toBe(0o600);
    const after = await loadClient(cluster.client(), () => Promise.resolve("a passphrase"));
    expect(fingerprint(after.public.clients[0]?.certificate)).toBe(fingerprint256);
    expect(fingerprint256).not.toBe(fingerprint(first.clients[0]?.certificate));
    await notarizes("client", env);
  });

  it("is no way to another key: the file would be another cluster's", async () => {
    const own = await loadClient(cluster.client(1));
    const foreign = {
      ...own,
      public: {
        ...first,
        clients: first.clients.map(({ client, publicKey }, index) => {
          return { client, publicKey, certificate: first.clients.at(index - 1)?.certificate ?? "" };
        }),
      },
    };
    const file = at("client-1.json");
    cpSync(cluster.client(1), file);
    writeFileSync(file, formatFile(clientConfigSchema, foreign));
    chmodSync(file, 0o600);
    const refused = await runCli(["renew-certificate", file]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("cluster: does not name these keys");
  });

  it.each([
    [["nowhere"], /nowhere.*no such file/],
    [["--days", "0"], /--days/],
    [["--names", "a.example,"], /"" is no DNS name/],
    [["--names", Array.from({ length: 33 }, (_, index) => `n${index}`).join()], /At most 32 names/],
  ])("is refused with %s", async (options, message) => {
    const path = options.length === 1 ? [] : [cluster.party(0)];
    const { code, stderr } = await runCli(["renew-certificate", ...path, ...options]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
