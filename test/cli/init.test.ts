import { spawn } from "node:child_process";
import { X509Certificate, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEd25519Signer, createTlsIdentity } from "../../src/crypto/index.js";
import { InputError, loadClient, loadParty, loadPublic } from "../../src/replica/config-files.js";
import { withUnknownKey } from "../support/certificates.js";
import { lastingDirectory, runCli, runInit, temporaryDirectory } from "./run-cli.js";

const work = lastingDirectory();
/** As hostile a certificate as a party can bring: OpenSSL would take it for party 0's. */
const namesake = await createTlsIdentity("party-0");
const stranger = await createTlsIdentity("stranger");
const cluster = join(work.path, "made", "here");
afterAll(() => work.remove());

/** Somebody may be working in it, or it may be a mount point. */
let inodeBefore: number;

/** The one cluster that the tests of this file share: its keys take seconds. */
beforeAll(async () => {
  mkdirSync(cluster, { recursive: true });
  inodeBefore = statSync(cluster).ino;
  const { code, stdout, stderr } = await runCli([
    "init",
    "--n",
    "4",
    "--out",
    cluster,
    "--clients",
    "2",
    "--base-port",
    "19400",
  ]);
  expect(stderr).toContain("safe primes");
  expect(stdout).toContain("4 parties, of which 1 may be corrupted, 2 clients");
  expect(code).toBe(0);
});

/** The raw key in a certificate, in base64. */
function tlsKeyOf(certificate: unknown): string {
  const { publicKey } = new X509Certificate(String(certificate));
  return publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
}

const mode = (path: string): number => statSync(path).mode & 0o777;

describe("abcast init", () => {
  it("writes the documented files, secrets for their owner alone", () => {
    expect(readdirSync(cluster).sort()).toEqual([
      "client-0.json",
      "client-1.json",
      "party-0",
      "party-1",
      "party-2",
      "party-3",
      "public.json",
      "receipt-key.pem",
      "token-key.pem",
      "tsa-certificate.pem",
      "tsa-request.pem",
    ]);
    expect(readdirSync(join(cluster, "party-2")).sort()).toEqual(["config.json", "keys.json", "public.json", "store"]);
    expect(mode(join(cluster, "party-2"))).toBe(0o700);
    expect(mode(join(cluster, "party-2", "keys.json"))).toBe(0o600);
    expect(mode(join(cluster, "client-1.json"))).toBe(0o600);
    expect(mode(join(cluster, "public.json"))).toBe(0o644);
    expect(mode(join(cluster, "receipt-key.pem"))).toBe(0o644);
    expect(statSync(cluster).ino).toBe(inodeBefore);
    // Nothing half-made is left beside it.
    expect(readdirSync(join(work.path, "made"))).toEqual(["here"]);
  });

  it("writes what the loaders accept", async () => {
    const shared = await loadPublic(join(cluster, "public.json"));
    expect(shared).toMatchObject({
      n: 4,
      adversary: { byzantine: { kind: "threshold", max: 1 }, crash: { kind: "threshold", max: 0 } },
    });
    expect(shared.parties.map(({ port, httpPort }) => [port, httpPort])).toEqual([
      [19400, 19404],
      [19401, 19405],
      [19402, 19406],
      [19403, 19407],
    ]);
    expect((await loadParty(join(cluster, "party-3"))).channel).toEqual({
      c: 3,
      maxEntryPayloads: 4096,
      maxEntryBytes: 1024 * 1024,
      maxQueuePayloads: 16384,
      order: "fixed",
      delivery: "full",
      parallel: 1,
      dissemination: "certified",
      services: ["bidding", "counter", "kv", "notary", "tsa"],
      checkpointInterval: 128,
      ledger: "all",
      roundIntervalMs: 150,
    });
    expect((await loadClient(join(cluster, "client-1.json"))).client).toBe(1);
  });

  it("keeps secrets out of the public files", () => {
    const shared = readFileSync(join(cluster, "public.json"), "utf8");
    for (const party of [0, 1, 2, 3]) {
      const text = readFileSync(join(cluster, `party-${party}`, "keys.json"), "utf8");
      // Ed25519 seeds, X25519 keys and scalars have 44 characters in base64, RSA shares more.
      const secrets = [...text.matchAll(/"([A-Za-z0-9+/=]{44,})"/g)].map(([, secret]) => secret ?? "");
      expect(secrets.length).toBe(9);
      for (const secret of secrets) expect(shared).not.toContain(secret);
    }
    expect(shared).not.toContain("PRIVATE KEY");
  });

  it("refuses to overwrite and touches nothing", async () => {
    const before = readFileSync(join(cluster, "public.json"));
    const { code, stdout, stderr } = await runCli(["init", "--n", "4", "--out", cluster]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(`--out: ${cluster}: exists and is not empty`);
    expect(readFileSync(join(cluster, "public.json"))).toEqual(before);
  });

  it.each([
    ["no --n", [], "--n: is missing"],
    ["too many corrupted", ["--n", "3", "--t", "1"], "--t: n=3 parties cannot tolerate t=1"],
    ["n that is no number", ["--n", "four"], "'--n <NUMBER>' argument 'four' is invalid"],
    ["n above the bound", ["--n", "257"], "whole number from 1 to 256"],
    ["odd key size", ["--n", "4", "--rsa-bits", "1024"], "--rsa-bits"],
    ["ports beyond the last", ["--n", "4", "--base-port", "65530"], "--base-port: 65530 leaves no room"],
    ["c below t+1", ["--n", "4", "--c", "1"], "--vector-size: is 1, must be within t+1..n-t = 2..3"],
    ["c above n-t", ["--n", "4", "--vector-size", "4"], "--vector-size: is 4, must be within"],
    [
      "c whose entries make no message",
      ["--n", "64", "--t", "1", "--c", "32"],
      "--vector-size: is 32, must be within t+1..n-t = 2..63, and at most 31",
    ],
    [
      "a quorum's entries, which make no message",
      ["--n", "32", "--vector-size", "quorum"],
      "--vector-size: is quorum, which is for at most 31 parties, whose entries make one message: n is 32",
    ],
    ["c that is neither", ["--n", "4", "--vector-size", "all"], 'whole number from 1 to 256, or "quorum"'],
    ["t for which no c is possible", ["--n", "94", "--t", "31"], "--t: is 31: c must be at least t+1 = 32"],
    ["an unknown order", ["--n", "4", "--order", "any"], "Allowed choices are fixed, random, adaptive"],
    ["an unknown delivery", ["--n", "4", "--delivery", "any"], "Allowed choices are full, on-request"],
    ["an unknown dissemination", ["--n", "4", "--dissemination", "any"], "Allowed choices are inline, certified"],
    [
      "more lanes than there can be",
      ["--n", "129", "--t", "9"],
      "--dissemination: is certified, which is for at most 128 parties: n is 129; inline is for more",
    ],
    ["no candidate at once", ["--n", "4", "--parallel", "0"], "'--parallel <NUMBER>' argument '0' is invalid"],
    ["too many candidates at once", ["--n", "4", "--parallel", "17"], "whole number from 1 to 16"],
    ["no service", ["--n", "4", "--services", ""], "is no name of a service"],
    ["an impossible service", ["--n", "4", "--services", "kv,K V"], '"K V" is no name of a service'],
    [
      "a service that there is not",
      ["--n", "4", "--services", "kv,nope"],
      "There is no service nope, only bidding, counter, kv, log, notary, tsa; those of a program of your own are for --own-services.",
    ],
    [
      "too many services",
      ["--n", "4", "--services", "kv", "--own-services", Array.from({ length: 32 }, (_, i) => `s${i}`).join()],
      "a cluster runs at most 32 services",
    ],
    ["no checkpoints", ["--n", "4", "--checkpoint-interval", "0"], "whole number from 1 to 65536"],
    ["another n than the structure's", ["--n", "4", "--structure", "4x4"], "--n: is 4, but --structure has 16 parties"],
    ["t beside a structure", ["--t", "1", "--structure", "4x4"], "--t: cannot be combined with --structure"],
    [
      "c in a structure that is no threshold",
      ["--c", "5", "--structure", "4x4"],
      '--vector-size: is 5, must be "quorum"',
    ],
    [
      "c beyond what a structure of thresholds leaves",
      ["--c", "3", "--structure", "hybrid-8"],
      "--vector-size: is 3, must be within t+1..n-t = 4..5, where t counts the 2 that may crash, too",
    ],
    ["spares in a structure that is no threshold", ["--structure", "weighted", "--spare", "1"], "--spare: is for"],
    ["a structure that nobody knows", ["--structure", "5x5"], "5x5: no such file"],
    ["unknown option", ["--n", "4", "--cleints", "2"], "unknown option '--cleints'\n(Did you mean --clients?)"],
    ["superfluous argument", ["--n", "4", "surplus"], "too many arguments"],
  ])("refuses %s", async (_, args, message) => {
    const out = join(temporaryDirectory(), "out");
    const { code, stderr } = await runCli(["init", "--out", out, ...args]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  it("refuses a file as the directory", async () => {
    const file = join(temporaryDirectory(), "file");
    writeFileSync(file, "precious");
    for (const out of [file, join(file, "below")]) {
      const { code, stderr } = await runCli(["init", "--n", "4", "--out", out]);
      expect(stderr).toContain(`--out: ${out}: is a file, or lies below one`);
      expect(code).toBe(2);
    }
    expect(readFileSync(file, "utf8")).toBe("precious");
  });

  it("with --json prints one line, and errors as JSON on stderr", async () => {
    const directory = temporaryDirectory();
    const failed = await runCli(["init", "--n", "4", "--t", "2", "--out", join(directory, "a"), "--json"]);
    expect(failed.code).toBe(2);
    expect(failed.stdout).toBe("");
    expect(JSON.parse(failed.stderr)).toMatchObject({ error: { code: "input", option: "--t" } });
    const usage = await runCli(["init", "--json", "--out"]);
    expect(JSON.parse(usage.stderr)).toMatchObject({ error: { code: "usage", option: "--out" } });

    const made = await runInit(
      "--n",
      "1",
      "--clients",
      "0",
      "--order",
      "adaptive",
      "--delivery",
      "on-request",
      "--parallel",
      "2",
      "--vector-size",
      "quorum",
      "--dissemination",
      "inline",
      "--out",
      join(directory, "b"),
      "--json",
    );
    expect(made.stderr).toBe("");
    expect(JSON.parse(made.stdout)).toMatchObject({
      n: 1,
      t: 0,
      adversary: { byzantine: { threshold: 0 }, crash: { threshold: 0 } },
      channel: {
        c: "quorum",
        order: "adaptive",
        delivery: "on-request",
        parallel: 2,
        dissemination: "inline",
        checkpointInterval: 128,
      },
      parties: [{ party: 0, port: 7400, httpPort: 7401 }],
      clients: [],
    });
    // Entries, of which several make one message, are smaller than batches.
    const { channel } = await loadParty(join(directory, "b", "party-0"));
    expect(channel).toMatchObject({ maxEntryPayloads: 256, maxEntryBytes: 65536 });
    // A file from before there was a choice means what it meant.
    const publicFile = join(directory, "b", "public.json");
    const older = JSON.parse(readFileSync(publicFile, "utf8")) as Json;
    set(older["channel"], "dissemination", undefined);
    writeFileSync(publicFile, JSON.stringify(older));
    expect((await loadPublic(publicFile)).channel.dissemination).toBe("inline");
  });

  it("takes names and addresses from --parties", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "parties.json");
    const listed = ["ann", "bob", "cy", "di"].map((name, i) => ({
      name,
      host: `${name}.example.org`,
      port: 7000 + i,
      httpPort: 8000 + i,
    }));
    writeFileSync(file, JSON.stringify(listed));
    const out = join(directory, "out");
    const { code } = await runInit("--parties", file, "--out", out);
    expect(code).toBe(0);
    const shared = await loadPublic(join(out, "public.json"));
    expect(shared.parties.map(({ name, host, port, httpPort }) => ({ name, host, port, httpPort }))).toEqual(listed);
    expect((await loadParty(join(out, "party-1"))).config.listen).toEqual({ host: "bob.example.org", port: 7001 });
  });

  const ann = { name: "ann", host: "a.example", port: 7000, httpPort: 8000 };
  it.each([
    ["not JSON", "[{", "not JSON"],
    ["no list", "{}", "expected array"],
    ["an empty list", "[]", "at least one party"],
    ["an unknown field", [{ ...ann, prot: 1 }], "[0].prot: unknown field"],
    ["a missing field", [{ name: "ann", host: "a.example", port: 7000 }], "[0].httpPort: "],
    ["a port out of range", [{ ...ann, port: 65536 }], "[0].port: must be a whole number from 1 to 65535"],
    ["a host with spaces", [{ ...ann, host: "a b" }], "[0].host: must be a host name"],
    ["a name used twice", [ann, { ...ann, port: 1, httpPort: 2 }], '[1].name: "ann" is also the name of entry 0'],
    [
      "an address used twice",
      [ann, { ...ann, name: "bob", httpPort: 7000 }],
      "[1].port: a.example:7000 is also the port of entry 0",
    ],
    ["a field twice", '[{"name":"a","name":"b"}]', 'field "name" appears twice'],
  ])("refuses a parties file with %s", async (_, content, message) => {
    const directory = temporaryDirectory();
    const file = join(directory, "parties.json");
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    const { code, stderr } = await runCli(["init", "--parties", file, "--out", join(directory, "out")]);
    expect(stderr).toContain(`${file}: `);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(readdirSync(directory)).toEqual(["parties.json"]);
  });

  it("refuses an --n that contradicts --parties", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "parties.json");
    writeFileSync(file, JSON.stringify([ann]));
    const { code, stderr } = await runCli(["init", "--n", "4", "--parties", file, "--out", join(directory, "out")]);
    expect(stderr).toContain("--n: is 4, but");
    expect(code).toBe(2);
  });

  it.each([
    ["a new", false],
    ["an existing", true],
  ])("leaves nothing in %s directory when it is interrupted", async (_, exists) => {
    const directory = temporaryDirectory();
    if (exists) mkdirSync(join(directory, "out"));
    const bin = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));
    const child = spawn(
      process.execPath,
      [bin, "init", "--n", "4", "--rsa-bits", "3072", "--out", join(directory, "out")],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    await new Promise<void>((resolve) =>
      child.stderr.on("data", (text: Buffer) => text.includes("safe primes") && resolve()),
    );
    child.kill("SIGINT");
    await new Promise((resolve) => child.on("close", resolve));
    expect(child.signalCode).toBe("SIGINT");
    expect(readdirSync(directory, { recursive: true })).toEqual(exists ? ["out"] : []);
  });
});

type Json = { [name: string]: Json } & { [index: number]: Json } & { push(item: unknown): void; pop(): unknown };

/** A copy of the cluster's public file, party directory or client file, changed. */
function changed(file: string, change: (json: Json) => void): string {
  const path = join(temporaryDirectory(), "changed.json");
  const json = JSON.parse(readFileSync(join(cluster, file), "utf8")) as Json;
  change(json);
  writeFileSync(path, JSON.stringify(json), { mode: 0o600 });
  return path;
}

const set = (object: unknown, name: string, value: unknown): void =>
  void ((object as Record<string, unknown>)[name] = value);

const ed25519Key = (): Uint8Array => createEd25519Signer(new Uint8Array(randomBytes(32))).publicKey;

describe("loadPublic", () => {
  it("takes other names and addresses for the same cluster: a party may move", async () => {
    const path = changed("public.json", (json) => {
      set(json["parties"]?.[0], "host", "moved.example.org");
      set(json["parties"]?.[0], "name", "ann");
    });
    expect((await loadPublic(path)).parties[0]).toMatchObject({ host: "moved.example.org", name: "ann" });
  });

  it.each<[string, (json: Json) => void, string]>([
    ["an unknown field", (json) => set(json, "extra", 1), "extra: unknown field"],
    ["another format", (json) => set(json, "format", "abcast-public/1"), "format: "],
    [
      "an upper-case cluster",
      (json) => set(json, "cluster", "AB".repeat(32)),
      "cluster: must be 32 bytes in lower-case hexadecimal",
    ],
    ["the number of the former format", (json) => set(json, "t", 1), "t: unknown field"],
    [
      "more corrupted than n allows",
      (json) => set(json["adversary"], "byzantine", { threshold: 2 }),
      "adversary: n=4 parties cannot tolerate t=2 corrupted: n must exceed 3t = 6",
    ],
    [
      "crashes that n does not allow",
      (json) => set(json["adversary"], "crash", { threshold: 1 }),
      "adversary: n=4 parties cannot tolerate t=1 corrupted and 1 crashed: n must exceed 3t + 2·crash = 5",
    ],
    ["no word on crashes", (json) => set(json["adversary"], "crash", undefined), "adversary.crash: "],
    [
      "an adversary of another form",
      (json) => set(json["adversary"], "byzantine", { threshold: 1, max: 1 }),
      "adversary.byzantine.max: unknown field",
    ],
    [
      "an adversary without a form",
      (json) => set(json["adversary"], "byzantine", {}),
      'adversary.byzantine: must be {"threshold": b}, {"weights"',
    ],
    [
      "a set that is not ascending",
      (json) => set(json["adversary"], "byzantine", { sets: [[1, 0]] }),
      "adversary.byzantine.sets[0]: must be ascending",
    ],
    [
      "an attribute that has no UTF-8 form",
      (json) => set(json["adversary"], "byzantine", { attributes: [["a", "b", "c", "\ud800"]] }),
      "adversary.byzantine.attributes[0][3]: has a lone surrogate",
    ],
    [
      "attributes of too few parties",
      (json) => set(json["adversary"], "byzantine", { attributes: [["a", "b", "c"]] }),
      "adversary: an attribute has 3 values for 4 parties",
    ],
    [
      "a set of strangers",
      (json) => set(json["adversary"], "byzantine", { sets: [[4]] }),
      "adversary: the set {4} names parties that are not within 0..3",
    ],
    [
      "a number of entries where all is not thresholds",
      (json) => set(json["adversary"], "byzantine", { weights: [1, 1, 1, 1], max: 1 }),
      'channel.c: is 3, must be "quorum" unless all is thresholds',
    ],
    [
      // As formulas they are the same: only the name tells them apart.
      "another adversary with the same keys",
      (json) => {
        set(json["adversary"], "byzantine", { weights: [1, 1, 1, 1], max: 1 });
        set(json["channel"], "c", "quorum");
      },
      "cluster: does not name these keys and settings",
    ],
    [
      "a quorum's entries in place of c",
      (json) => set(json["channel"], "c", "quorum"),
      "cluster: does not name these keys and settings",
    ],
    [
      "entries that are no number",
      (json) => set(json["channel"], "c", "3"),
      'channel.c: must be a whole number from 1 to 256, or "quorum"',
    ],
    ["c below t+1", (json) => set(json["channel"], "c", 1), "channel.c: is 1, must be within t+1..n-t = 2..3"],
    ["c above n-t", (json) => set(json["channel"], "c", 4), "channel.c: is 4"],
    [
      "an unknown order",
      (json) => set(json["channel"], "order", "any"),
      'channel.order: must be "fixed", "random" or "adaptive"',
    ],
    ["an unknown delivery", (json) => set(json["channel"], "delivery", "any"), 'channel.delivery: must be "full" or'],
    [
      "too much at once",
      (json) => set(json["channel"], "parallel", 17),
      "channel.parallel: must be a whole number from 1",
    ],
    [
      "nothing at once",
      (json) => set(json["channel"], "parallel", 0),
      "channel.parallel: must be a whole number from 1",
    ],
    ["another order", (json) => set(json["channel"], "order", "adaptive"), "cluster: does not name these keys"],
    ["another delivery", (json) => set(json["channel"], "delivery", "on-request"), "cluster: does not name these keys"],
    [
      "an unknown dissemination",
      (json) => set(json["channel"], "dissemination", "any"),
      'channel.dissemination: must be "inline" or "certified"',
    ],
    [
      "another dissemination",
      (json) => set(json["channel"], "dissemination", "inline"),
      "cluster: does not name these keys",
    ],
    [
      "a service twice",
      (json) => set(json["channel"], "services", ["kv", "kv"]),
      "channel.services[1]: is kv after kv",
    ],
    ["no service", (json) => set(json["channel"], "services", []), "channel.services: at least one service"],
    [
      "no rounds between checkpoints",
      (json) => set(json["channel"], "checkpointInterval", 0),
      "channel.checkpointInterval: must be a whole number",
    ],
    ["other services", (json) => set(json["channel"], "services", ["kv"]), "cluster: does not name these keys"],
    ["another number at once", (json) => set(json["channel"], "parallel", 2), "cluster: does not name these keys"],
    ["another c", (json) => set(json["channel"], "c", 2), "cluster: does not name these keys and settings"],
    ["another salt", (json) => set(json, "salt", "00".repeat(32)), "cluster: does not name these"],
    [
      "a client left out",
      (json) => {
        json["clients"]?.pop();
        delete json["parties"]?.["3"]?.["client"];
      },
      "cluster: does not name these",
    ],
    [
      "a signing key exchanged",
      (json) => set(json["keys"]?.["signing"], "0", Buffer.from(ed25519Key()).toString("base64")),
      "cluster: does not name these",
    ],
    [
      "a client key exchanged",
      (json) => set(json["clients"]?.[0], "publicKey", Buffer.from(ed25519Key()).toString("hex")),
      "cluster: does not name these",
    ],
    [
      "a party's TLS key exchanged",
      (json) => set(json["parties"]?.[1], "certificate", stranger.certificatePem),
      "cluster: does not name these",
    ],
    [
      "a client's TLS key exchanged",
      (json) => set(json["clients"]?.[0], "certificate", stranger.certificatePem),
      "cluster: does not name these",
    ],
    ["a fractional n", (json) => set(json, "n", 4.5), "n: must be a whole number"],
    ["a party too few", (json) => json["parties"]?.pop(), "parties: has 3 entries where n=4 are needed"],
    ["parties out of order", (json) => set(json["parties"]?.[2], "party", 1), "parties[2].party: is 1 where 2 is due"],
    [
      "port 0",
      (json) => set(json["parties"]?.[1], "port", 0),
      "parties[1].port: must be a whole number from 1 to 65535",
    ],
    [
      "a certificate that is none",
      (json) => set(json["parties"]?.[1], "certificate", "x"),
      "parties[1].certificate: must be one X.509 certificate",
    ],
    [
      "a certificate used twice",
      (json) => set(json["parties"]?.[1], "certificate", json["parties"]?.[0]?.["certificate"]),
      "parties[1].certificate: has the key of another entry's certificate",
    ],
    [
      "a certificate with a key that OpenSSL does not know",
      (json) => set(json["parties"]?.[1], "certificate", withUnknownKey(namesake.certificatePem)),
      "parties[1].certificate: must be one X.509 certificate",
    ],
    [
      "two certificates with one subject",
      (json) => set(json["parties"]?.[1], "certificate", namesake.certificatePem),
      "parties[1].certificate: has the subject of another entry's",
    ],
    [
      "a client with a party's key",
      (json) => {
        const { keys } = json as unknown as { keys: { signing: string[] } };
        set(json["clients"]?.[0], "publicKey", Buffer.from(keys.signing[0] ?? "", "base64").toString("hex"));
      },
      "clients[0].publicKey: is a party's key",
    ],
    [
      "a certificate with a key that has another use",
      (json) => set(json["keys"]?.["cosigning"], "2", tlsKeyOf(json["parties"]?.[1]?.["certificate"])),
      "parties[1].certificate: has the key of keys.cosigning[2]",
    ],
    [
      "RSA shares for more than there can be parties",
      (json) => {
        const receipt = json["keys"]?.["receipt"];
        const key = receipt?.["verificationKeys"]?.[0];
        set(receipt, "access", { threshold: 2, of: Array.from({ length: 300 }, (_, i) => i % 256) });
        set(
          receipt,
          "verificationKeys",
          Array.from({ length: 300 }, () => key),
        );
      },
      "keys.receipt.access: is not the access structure",
    ],
    [
      "a client key of small order",
      (json) => set(json["clients"]?.[0], "publicKey", `01${"00".repeat(31)}`),
      "clients[0].publicKey: is no Ed25519 public key",
    ],
    [
      "a client key used twice",
      (json) => set(json["clients"]?.[1], "publicKey", json["clients"]?.[0]?.["publicKey"]),
      "clients[1].publicKey: is the same as in entry 0",
    ],
    ["a relaying key too few", (json) => json["keys"]?.["relaying"]?.pop(), "keys.relaying: has 3 entries"],
    [
      "relaying keys taken away",
      (json) => set(json["keys"], "relaying", []),
      "cluster: does not name these keys and settings",
    ],
    [
      "a relaying key of small order",
      (json) => set(json["keys"]?.["relaying"], "1", Buffer.alloc(32).toString("base64")),
      "keys.relaying[1]: is an X25519 key of small order",
    ],
    ["a signing key too few", (json) => json["keys"]?.["signing"]?.pop(), "keys.signing: has 3 entries"],
    [
      "a short signing key",
      (json) => set(json["keys"]?.["signing"], "1", "AAAA"),
      "keys.signing[1]: must be 32 bytes in base64",
    ],
    [
      "a wrong coin threshold",
      (json) => set(json["keys"]?.["encryption"]?.["access"], "threshold", 3),
      "keys.encryption.access: is not the access structure that the group needs for this key",
    ],
    [
      "a threshold that is none",
      (json) => set(json["keys"]?.["encryption"]?.["access"], "threshold", 5),
      "keys.encryption.access: a gate's threshold is not within 1..4",
    ],
    [
      "a coin where another is due",
      (json) => set(json["keys"]?.["coins"], "honest", json["keys"]?.["coins"]?.["quorum"]),
      "keys.coins.honest.access: is not the access structure that the group needs for this key",
    ],
    [
      "a wrong receipt threshold",
      (json) => set(json["keys"]?.["receipt"]?.["access"], "threshold", 3),
      "keys.receipt.access: is not the access structure that the group needs for this key",
    ],
    [
      "an exponent that is not prime",
      (json) => set(json["keys"]?.["receipt"], "exponent", 65535),
      "keys.receipt: exponent 65535 is not a prime",
    ],
    [
      "base64 with spare bits",
      (json) => set(json["keys"]?.["encryption"]?.["verificationKeys"], "0", `${"A".repeat(42)}B=`),
      "keys.encryption.verificationKeys[0]: must be 32 to 48 bytes in base64",
    ],
    [
      "a party that is no client that there is",
      (json) => set(json["parties"]?.["0"], "client", 6),
      "parties[0].client: is 6, there are 6 clients",
    ],
    [
      "two parties that are one client",
      (json) => set(json["parties"]?.["3"], "client", 2),
      "parties[3].client: is 2, as in entry 0",
    ],
    [
      "another client of a party",
      (json) => set(json["parties"]?.["3"], "client", 0),
      "cluster: does not name these keys and settings",
    ],
    [
      "a policy that is none",
      (json) => set(json["timeStamping"], "policy", "1.2.x"),
      "timeStamping.policy: must be an object identifier",
    ],
    [
      "another accuracy",
      (json) => set(json["timeStamping"], "accuracyMs", 999),
      "cluster: does not name these keys and settings",
    ],
    [
      "a certificate of another key",
      (json) => set(json["timeStamping"], "certificate", json["clients"]?.["0"]?.["certificate"]),
      "timeStamping.certificate: is not of the key in keys.token",
    ],
    [
      "a coin key outside the group",
      (json) => set(json["keys"]?.["encryption"]?.["verificationKeys"], "0", `${"/".repeat(42)}8=`),
      "keys.encryption: verification key 0 is not an element of the group",
    ],
  ])("refuses %s", async (_, change, message) => {
    const path = changed("public.json", change);
    const error: unknown = await loadPublic(path).then(
      () => "accepted",
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toContain(`${path}: ${message}`);
  });

  it("refuses what is no file of bounded size", async () => {
    const directory = temporaryDirectory();
    await expect(loadPublic(join(directory, "gone.json"))).rejects.toThrow("gone.json: no such file");
    await expect(loadPublic(directory)).rejects.toThrow("is a directory");
    const large = join(directory, "large.json");
    writeFileSync(large, Buffer.alloc(8 * 1024 * 1024 + 1, " "));
    await expect(loadPublic(large)).rejects.toThrow("large.json: is larger than 8388608 bytes");
    const binary = join(directory, "binary.json");
    writeFileSync(binary, Buffer.from([0xff, 0xfe]));
    await expect(loadPublic(binary)).rejects.toThrow("not UTF-8");
  });
});

describe("loadParty and loadClient", () => {
  /** A party directory that links to party 1's files, except the given ones. */
  function partyDirectory(replaced: Readonly<Record<string, string>>): string {
    const directory = temporaryDirectory();
    for (const name of ["config.json", "public.json", "keys.json"]) {
      symlinkSync(replaced[name] ?? join(cluster, "party-1", name), join(directory, name));
    }
    return directory;
  }

  it.each<[string, string, (json: Json) => void, string]>([
    [
      "a misspelt field, which is missing, too",
      "config.json",
      (json) => {
        set(json, "limts", json["limits"]);
        set(json, "limits", undefined);
      },
      "limts: unknown field; remove it (and 1 more)",
    ],
    ["an unknown limit", "config.json", (json) => set(json["limits"], "speed", 9), "limits.speed: unknown field"],
    [
      "the cluster's rules among a party's limits",
      "config.json",
      (json) => set(json["limits"], "c", 2),
      "limits.c: unknown field",
    ],
    [
      "too many payloads an entry",
      "config.json",
      (json) => set(json["limits"], "maxEntryPayloads", 4097),
      "limits.maxEntryPayloads: must be a whole number from 1 to 4096",
    ],
    [
      "entries too small",
      "config.json",
      (json) => set(json["limits"], "maxEntryBytes", 1023),
      "limits.maxEntryBytes: must be a whole number from 1024",
    ],
    [
      "payloads that make no batch",
      "config.json",
      (json) => set(json["limits"], "maxEntryBytes", 1024 * 1024 + 1),
      "limits.maxEntryBytes: is 1048577, at most 1048576 make a batch",
    ],
    [
      "rounds too far apart",
      "config.json",
      (json) => set(json["limits"], "roundIntervalMs", 10_001),
      "limits.roundIntervalMs: must be a whole number from 0",
    ],
    ["a party beyond n", "config.json", (json) => set(json, "party", 4), "party: is 4, the cluster has parties 0..3"],
    ["keys of another number", "keys.json", (json) => set(json, "party", 2), "party: is 2, config.json says 1"],
    [
      "a signing key of nobody",
      "keys.json",
      (json) => set(json, "signing", "A".repeat(43) + "="),
      "signing: does not belong",
    ],
    [
      "a relaying key of nobody",
      "keys.json",
      (json) => set(json, "relaying", "A".repeat(43) + "="),
      "relaying: does not belong",
    ],
    [
      "a client's key of nobody",
      "keys.json",
      (json) => set(json["client"], "signing", "A".repeat(43) + "="),
      "client.signing: does not belong",
    ],
    [
      "a client's key for TLS of nobody",
      "keys.json",
      (json) => set(json["client"], "tlsPrivateKey", json["tlsPrivateKey"]),
      "client.tlsPrivateKey: does not belong",
    ],
    ["no client's keys", "keys.json", (json) => set(json, "client", undefined), "client: is missing"],
    ["no relaying key", "keys.json", (json) => set(json, "relaying", undefined), "relaying: is missing"],
    [
      "a coin key of nobody",
      "keys.json",
      (json) => set(json["coins"], "honest", "A".repeat(43) + "="),
      "coins.honest: does not belong",
    ],
    [
      "a receipt key of nobody",
      "keys.json",
      (json) => set(json, "receipt", "AAAA".repeat(86)),
      "receipt: does not belong",
    ],
  ])("refuse %s", async (_, name, change, message) => {
    const path = changed(join("party-1", name), change);
    await expect(loadParty(partyDirectory({ [name]: path }))).rejects.toThrow(`${name}: ${message}`);
  });

  it("refuse the keys of another party", async () => {
    const other = changed("party-2/keys.json", (json) => set(json, "party", 1));
    await expect(loadParty(partyDirectory({ "keys.json": other }))).rejects.toThrow(
      "keys.json: signing: does not belong",
    );
  });

  it("fill in the documented defaults", async () => {
    const path = changed("party-1/config.json", (json) => set(json, "limits", { maxEntryPayloads: 7 }));
    expect((await loadParty(partyDirectory({ "config.json": path }))).channel).toEqual({
      c: 3,
      maxEntryPayloads: 7,
      maxEntryBytes: 1024 * 1024,
      maxQueuePayloads: 16384,
      order: "fixed",
      delivery: "full",
      parallel: 1,
      dissemination: "certified",
      services: ["bidding", "counter", "kv", "notary", "tsa"],
      checkpointInterval: 128,
      ledger: "all",
      roundIntervalMs: 150,
    });
  });

  it("refuse secret files that others may read, and say how to mend it", async () => {
    const file = changed("client-0.json", () => {});
    await expect(loadClient(file)).resolves.toMatchObject({ client: 0 });
    for (const open of [0o640, 0o604, 0o620]) {
      chmodSync(file, open);
      await expect(loadClient(file)).rejects.toThrow(`chmod 600 ${file}`);
    }
    const keys = changed("party-1/keys.json", () => {});
    chmodSync(keys, 0o644);
    await expect(loadParty(partyDirectory({ "keys.json": keys }))).rejects.toThrow("chmod 600");
    rmSync(keys);
  });

  it("refuse a client whose secrets are another's", async () => {
    const other = JSON.parse(readFileSync(join(cluster, "client-1.json"), "utf8")) as Record<string, unknown>;
    await expect(
      loadClient(changed("client-0.json", (json) => set(json, "signing", other["signing"]))),
    ).rejects.toThrow("signing: does not belong");
    await expect(
      loadClient(changed("client-0.json", (json) => set(json, "tlsPrivateKey", other["tlsPrivateKey"]))),
    ).rejects.toThrow("tlsPrivateKey: does not belong");
    await expect(
      loadClient(changed("client-0.json", (json) => set(json["public"]?.["adversary"], "byzantine", { threshold: 0 }))),
    ).rejects.toThrow("public.keys.coins.quorum.access");
    await expect(loadClient(changed("client-0.json", (json) => set(json, "client", 6)))).rejects.toThrow(
      "client: is 6, the cluster has 6 clients",
    );
  });
});
