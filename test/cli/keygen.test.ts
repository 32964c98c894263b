/** The key ceremony as people do it: keygen at each party, init --cards at the dealer, unseal at each party, then a cluster. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { PartySet } from "../../src/core/party-set.js";
import { signCard } from "../../src/crypto/ceremony/identity-card.js";
import { encryptWithPassphrase } from "../../src/crypto/ceremony/passphrase.js";
import { createSealingKey, seal } from "../../src/crypto/ceremony/sealed-box.js";
import {
  combineRobustly,
  createRsaScheme,
  createRsaSharer,
  createTdh2Scheme,
  createTdh2Sharer,
  loadRistretto,
} from "../../src/crypto/index.js";
import { spareLabel } from "../../src/cli/ceremony.js";
import { createMember } from "../../src/cli/new-cluster.js";
import { formatFile } from "../../src/replica/config.js";
import {
  cardSchema,
  identitySchema,
  protectedSchema,
  sealedSpareSchema,
  spareSchema,
} from "../../src/replica/config-ceremony.js";
import { loadParty, loadPublic, readFileAs } from "../../src/replica/config-files.js";
import { reservePorts } from "../../src/cli/ports.js";
import { type Finished, lastingDirectory, runCli, runInit, temporaryDirectory } from "./run-cli.js";

const NAMES = ["alice", "bob", "carol", "dave"];
const work = lastingDirectory();
const at = (...path: readonly string[]): string => join(work.path, ...path);
const mode = (path: string): number => statSync(path).mode & 0o777;
const PASSPHRASE = "correct horse battery staple";
const passphraseFile = at("passphrase.txt");
const cluster = at("cluster");
const cards = NAMES.map((name) => at(name, "card.json"));
let id = "";
let fingerprints: readonly string[] = [];

async function ok(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  return resultOf(await runCli([...args, "--json"], env));
}

async function dealt(...args: readonly string[]): Promise<Record<string, unknown>> {
  return resultOf(await runInit(...args, "--json"));
}

function resultOf({ code, stdout, stderr }: Finished): Record<string, unknown> {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function refused(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, env);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  return stderr;
}

function secretFile(name: string, text: string): string {
  writeFileSync(at(name), text, { mode: 0o600 });
  return at(name);
}

beforeAll(async () => {
  secretFile("passphrase.txt", `${PASSPHRASE}\nthe first line counts\n`);
  const first = await reservePorts(8);
  for (const [i, name] of NAMES.entries()) {
    const port = String(first + 2 * i);
    const more = name === "dave" ? ["--passphrase-file", passphraseFile] : [];
    await ok(["keygen", "--name", name, "--host", "127.0.0.1", "--port", port, "--out", at(name), ...more]);
  }
  const made = await dealt("--cards", ...cards, "--spare", "1", "--out", cluster);
  id = String(made["cluster"]);
  fingerprints = (made["parties"] as { fingerprint: string }[]).map(({ fingerprint }) => fingerprint);
  for (const [party, name] of NAMES.entries()) {
    const more = name === "dave" ? ["--passphrase-file", passphraseFile] : [];
    await ok(
      [
        "unseal",
        at("cluster", `party-${party}.sealed`),
        "--identity",
        at(name),
        "--cluster",
        id,
        "--out",
        at("hosts", `party-${party}`),
        ...more,
      ],
      { ABCAST_PASSPHRASE_FILE: passphraseFile },
    );
  }
});
afterAll(() => work.remove());

describe("the ceremony", () => {
  it("leaves secrets with their makers: the dealer has cards and sealed folders only", () => {
    expect(readdirSync(at("alice")).sort()).toEqual(["card.json", "identity.json"]);
    expect(mode(at("alice", "identity.json"))).toBe(0o600);
    expect(readdirSync(cluster).sort()).toEqual([
      "client-0.json",
      ...[0, 1, 2, 3].map((party) => `party-${party}.sealed`),
      "public.json",
      "receipt-key.pem",
      "spare-4.sealed",
      "token-key.pem",
      "tsa-certificate.pem",
      "tsa-request.pem",
    ]);
    expect(mode(at("hosts", "party-1", "keys.json"))).toBe(0o600);
    const dealt = ["public.json", "party-0.sealed", "spare-4.sealed"].map((name) =>
      readFileSync(at("cluster", name), "utf8"),
    );
    const secrets = [
      ...readFileSync(at("alice", "identity.json"), "utf8").matchAll(
        /"(?:signing|cosigning|sealing|relaying)": "([^"]+)",?\n  "/g,
      ),
    ];
    expect(secrets.length).toBeGreaterThan(0);
    for (const [, secret = ""] of secrets) for (const text of dealt) expect(text).not.toContain(secret);
  });

  it("has each party known by the keys that it made", async () => {
    const shared = await loadPublic(join(cluster, "public.json"));
    for (const [party, name] of NAMES.entries()) {
      const card = JSON.parse(readFileSync(at(name, "card.json"), "utf8")) as Record<string, string>;
      expect(shared.parties[party]).toMatchObject({ name, certificate: card["certificatePem"] });
      expect(Buffer.from(shared.keys.signing[party] ?? []).toString("base64")).toBe(card["signing"]);
    }
  });

  it("prints at both ends the same fingerprint", async () => {
    const out = join(temporaryDirectory(), "eve");
    const made = await ok(["keygen", "--name", "eve", "--host", "h", "--port", "65535", "--out", out]);
    expect(made["fingerprint"]).toMatch(/^[0-9a-f]{64}$/);
    expect(made["httpPort"]).toBe(65534);
    expect(new Set(fingerprints).size).toBe(4);
    const again = await dealt("--cards", join(out, "card.json"), "--out", join(out, "one"));
    expect(again["parties"]).toMatchObject([{ fingerprint: made["fingerprint"] }]);
  });

  it("makes a cluster that works", async () => {
    copyFileSync(join(cluster, "client-0.json"), at("hosts", "client-0.json"));
    chmodSync(at("hosts", "client-0.json"), 0o600);
    const env = { ABCAST_PASSPHRASE_FILE: passphraseFile };
    try {
      await ok(["up", at("hosts")], env);
      const args = ["notarize", passphraseFile, "--cluster", at("hosts", "client-0.json"), "-o", at("receipt.json")];
      await ok(args);
      await ok(["verify", passphraseFile, at("receipt.json"), "--public", join(cluster, "public.json")]);
    } finally {
      await ok(["down", at("hosts")]);
    }
  });

  it("keeps a spare for a party that may join: honest parties can open it together, and it signs", async () => {
    const ristretto = await loadRistretto();
    const shared = await loadPublic(join(cluster, "public.json"));
    const { party, ciphertext } = await readFileAs(join(cluster, "spare-4.sealed"), sealedSpareSchema, "open");
    expect(party).toBe(4);
    const subject = { label: spareLabel(shared.cluster, party), ciphertext };
    const scheme = createTdh2Scheme({ ristretto, publicKey: shared.keys.encryption });
    const loaded = await Promise.all([0, 1].map((i) => loadParty(at("hosts", `party-${i}`))));
    const shares = loaded.map(({ keys, config }) =>
      createTdh2Sharer({
        ristretto,
        publicKey: shared.keys.encryption,
        party: config.party,
        secret: keys.encryption,
      }).share(subject),
    );
    expect(combineRobustly(scheme, subject, new Map([[0, shares[0] ?? new Uint8Array()]])).kind).toBe("insufficient");
    const opened = combineRobustly(scheme, subject, new Map(shares.entries()));
    if (opened.kind !== "combined" || opened.value.kind !== "plaintext") throw new Error("the spare does not open");
    const spare = spareSchema.parse(JSON.parse(new TextDecoder().decode(opened.value.plaintext)));

    const receipts = createRsaScheme(shared.keys.receipt);
    const message = new Uint8Array([1, 2, 3]);
    const signing = new Map([
      [0, createRsaSharer(shared.keys.receipt, 0, loaded[0]?.keys.receipt ?? new Uint8Array()).share(message)],
      [4, createRsaSharer(shared.keys.receipt, 4, spare.receipt).share(message)],
    ]);
    expect(receipts.sharing.isQualified(PartySet.of([0, 4]))).toBe(true);
    expect(combineRobustly(receipts, message, signing)).toMatchObject({ kind: "combined" });
  });
});

describe("keygen and init --cards refuse", () => {
  const changedCard = (change: (card: Record<string, unknown>) => void): string => {
    const card = JSON.parse(readFileSync(cards[0] ?? "", "utf8")) as Record<string, unknown>;
    change(card);
    const path = join(temporaryDirectory(), "card.json");
    writeFileSync(path, JSON.stringify(card));
    return path;
  };
  const init = (...args: readonly string[]) => refused(["init", "--out", join(temporaryDirectory(), "out"), ...args]);

  it("a card that was changed on the way", async () => {
    for (const change of [{ host: "elsewhere" }, { port: 1 }, { name: "mallory" }]) {
      const card = changedCard((json) => Object.assign(json, change));
      expect(await init("--cards", card)).toContain(`${card}: the signature is not by the signing key; ask the party`);
    }
  });

  it("one card twice, and two parties at one address", async () => {
    expect(await init("--cards", cards[0] ?? "", cards[0] ?? "")).toContain(
      `has a key or a name in common with ${cards[0]}`,
    );
    const out = join(temporaryDirectory(), "twin");
    const { port } = JSON.parse(readFileSync(cards[0] ?? "", "utf8")) as { port: number };
    await ok(["keygen", "--name", "twin", "--host", "127.0.0.1", "--port", String(port), "--out", out]);
    expect(await init("--cards", cards[0] ?? "", join(out, "card.json"))).toContain("is also the port of entry 0");
  });

  /** The card of a party that chooses its certificate's subject, and signs it as it should. */
  const namedCard = async (commonName: string): Promise<string> => {
    const { member, own } = await createMember({ name: "eve", host: "eve.example", port: 1, httpPort: 2 }, commonName);
    const { certificate, ...rest } = member;
    const content = { ...rest, certificatePem: certificate, sealing: createSealingKey().publicKey };
    const secrets = { signing: own.signing, cosigning: own.cosigning, privateKeyPem: own.tlsPrivateKey };
    const path = join(temporaryDirectory(), "card.json");
    writeFileSync(path, formatFile(cardSchema, { format: "abcast-card/2", ...signCard(content, secrets) }));
    return path;
  };

  it("a certificate that would pass for another's, naming the card that brings it", async () => {
    const [victim = ""] = cards;
    const { certificatePem } = JSON.parse(readFileSync(victim, "utf8")) as { certificatePem: string };
    const twin = await namedCard(new X509Certificate(certificatePem).subject.replace("CN=", ""));
    expect(await init("--cards", victim, twin)).toContain(`${twin}: has a key or a name in common with ${victim}`);
    const client = await namedCard("client-0");
    expect(await init("--cards", client)).toContain(`${client}: the certificate has not the subject that keygen gives`);
  });

  it("contradicting options", async () => {
    expect(await init("--cards", ...cards, "--base-port", "8000")).toContain(
      "--base-port: cannot be combined with --cards",
    );
    expect(await init("--cards", ...cards, "--n", "5")).toContain("--n: is 5, but --cards lists 4");
    expect(await init("--n", "4", "--spare", "253")).toContain("--spare: 253 spare shares: n=4 leaves room for 0..252");
    expect(await init("--cards", at("alice", "identity.json"))).toContain("needed is a party's card");
    expect(await refused(["keygen", "--name", "no/name", "--host", "h", "--port", "1", "--out", at("x")])).toContain(
      "--name",
    );
    expect(existsSync(at("x"))).toBe(false);
  });
});

describe("unseal refuses", () => {
  const sealed = at("cluster", "party-0.sealed");
  const unseal = (file: string, identity: string, cluster: string, env?: Readonly<Record<string, string>>) =>
    refused(
      ["unseal", file, "--identity", identity, "--cluster", cluster, "--out", join(temporaryDirectory(), "o")],
      env,
    );

  it("another party's folder", async () => {
    expect(await unseal(sealed, at("bob"), id)).toContain(
      "it is sealed to another identity, or was changed on the way",
    );
  });

  it("another cluster than the dealer named", async () => {
    expect(await unseal(sealed, at("alice"), "0".repeat(64))).toContain(
      `cluster: is ${id}, not the cluster that --cluster names`,
    );
    expect(await unseal(sealed, at("alice"), "abc")).toContain("--cluster");
  });

  it("a folder that was changed, or moved to another number or cluster", async () => {
    const json = JSON.parse(readFileSync(sealed, "utf8")) as { sealed: string };
    const bytes = Buffer.from(json.sealed, "base64");
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const changes = [{ sealed: bytes.toString("base64") }, { party: 1 }];
    for (const change of changes) {
      const file = join(temporaryDirectory(), "party-0.sealed");
      writeFileSync(file, JSON.stringify({ ...json, ...change }));
      expect(await unseal(file, at("alice"), id)).toContain("sealed to another identity, or was changed");
    }
    const moved = join(temporaryDirectory(), "party-0.sealed");
    writeFileSync(moved, JSON.stringify({ ...json, cluster: "1".repeat(64) }));
    expect(await unseal(moved, at("alice"), "1".repeat(64))).toContain("sealed to another identity, or was changed");
  });

  it("what is sealed but no folder, even if it is no text", async () => {
    const json = JSON.parse(readFileSync(sealed, "utf8")) as object;
    const { sealing } = await readFileAs(cards[0] ?? "", cardSchema, "open");
    const info = utf8(`abcast/1 sealed party ${id} 0`);
    for (const plaintext of [Uint8Array.of(0xff), utf8("{}"), utf8("{")]) {
      const box = Buffer.from(await seal({ publicKey: sealing, info, plaintext })).toString("base64");
      const file = join(temporaryDirectory(), "party-0.sealed");
      writeFileSync(file, JSON.stringify({ ...json, sealed: box }));
      expect(await unseal(file, at("alice"), id)).toContain("does not hold a party's folder");
    }
  });

  it("an identity whose passphrase it does not get", async () => {
    const dave = at("cluster", "party-3.sealed");
    expect(await unseal(dave, at("dave"), id)).toContain("identity.json: is under a passphrase; write it to a file");
    const wrong = secretFile("wrong.txt", "guess\n");
    expect(await unseal(dave, at("dave"), id, { ABCAST_PASSPHRASE_FILE: wrong })).toMatch(
      /identity\.json: .*passphrase/,
    );
  });
});

describe("passphrases", () => {
  const env = { ABCAST_PASSPHRASE_FILE: passphraseFile };

  it("hide what is in the file", async () => {
    const text = readFileSync(at("dave", "identity.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ format: "abcast-protected/1", kdf: "scrypt" });
    expect(text).not.toContain("PRIVATE KEY");
    const identity = await readFileAs(at("dave", "identity.json"), identitySchema, "secret", () =>
      Promise.resolve(PASSPHRASE),
    );
    expect(identity.card.name).toBe("dave");
    expect(mode(at("hosts", "party-3", "keys.json"))).toBe(0o600);
  });

  it("are set, changed and removed by protect", async () => {
    const file = secretFile("client-copy.json", readFileSync(at("cluster", "client-0.json"), "utf8"));
    const before = readFileSync(file, "utf8");
    const other = secretFile("other.txt", "another one");
    expect(await ok(["protect", file, "--passphrase-file", passphraseFile])).toEqual({ file, protected: true });
    expect(readFileSync(file, "utf8")).toContain("abcast-protected/1");
    expect(mode(file)).toBe(0o600);
    expect(await refused(["protect", file, "--passphrase-file", other])).toContain("is under a passphrase");
    await ok(["protect", file, "--passphrase-file", other], env);
    expect(await refused(["status", "--cluster", file, "--timeout", "1"], env)).toContain("passphrase");
    await ok(["protect", file, "--remove"], { ABCAST_PASSPHRASE_FILE: other });
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  it("are set on the file that a link leads to, and what a crash left is not in the way", async () => {
    const file = secretFile("client-copy-3.json", readFileSync(at("cluster", "client-0.json"), "utf8"));
    symlinkSync(file, at("link.json"));
    secretFile("client-copy-3.json.new", "left over");
    await ok(["protect", at("link.json"), "--passphrase-file", passphraseFile]);
    expect(lstatSync(at("link.json")).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, "utf8")).toContain("abcast-protected/1");
    expect(readdirSync(work.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("must be UTF-8: two that are not would look the same", async () => {
    const file = secretFile("client-copy-4.json", readFileSync(at("cluster", "client-0.json"), "utf8"));
    writeFileSync(at("latin.txt"), Buffer.from([0x6d, 0xfc, 0x0a]), { mode: 0o600 });
    expect(await refused(["protect", file, "--passphrase-file", at("latin.txt")])).toContain("is not UTF-8 text");
    execFileSync("mkfifo", ["-m", "600", at("pipe")]);
    expect(await refused(["protect", file, "--passphrase-file", at("pipe")])).toContain("is not a regular file");
  });

  it("a protected file whose content is no text is refused", async () => {
    const secret = await encryptWithPassphrase(Uint8Array.of(0xff), PASSPHRASE);
    const file = secretFile("binary.json", formatFile(protectedSchema, { format: "abcast-protected/1", ...secret }));
    expect(await refused(["status", "--cluster", file, "--timeout", "1"], env)).toContain(
      "binary.json: not UTF-8 text",
    );
  });

  it("must be in a file that nobody else reads, and not empty", async () => {
    const file = secretFile("client-copy-2.json", readFileSync(at("cluster", "client-0.json"), "utf8"));
    const protect = (path: string) => refused(["protect", file, "--passphrase-file", path]);
    const open = secretFile("open.txt", PASSPHRASE);
    chmodSync(open, 0o644);
    expect(await protect(open)).toContain(
      `--passphrase-file: ${open}: holds a passphrase but others may access it (mode 644)`,
    );
    expect(await protect(secretFile("empty.txt", "\n"))).toContain("has no passphrase in its first line");
    expect(await protect(at("gone.txt"))).toContain("gone.txt: no such file");
    mkdirSync(at("directory"), { mode: 0o700 });
    expect(await protect(at("directory"))).toContain("directory");
    expect(await protect(secretFile("long.txt", "x".repeat(5000)))).toContain("is larger than 4096 bytes");
    expect(await refused(["protect", file])).toContain("give either --passphrase-file or --remove");
    expect(await refused(["protect", at("alice", "card.json"), "--remove"])).toContain("card.json");
  });
});
