/** Whose key the page takes: a client's file that is whole and fits together, and nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bidderSchema, createBidder, registrationFile } from "../../../src/cli/bidder-file.js";
import { toHex, utf8 } from "../../../src/core/bytes.js";
import { createEd25519Verifier, createTdh2Scheme, loadRistretto } from "../../../src/crypto/index.js";
import { formatFile } from "../../../src/replica/config.js";
import { loadPublic } from "../../../src/replica/config-files.js";
import { readIdentity } from "../../../src/web/auctions/identity.js";
import { lastingDirectory, runInit } from "../../cli/run-cli.js";

const work = lastingDirectory();
const cluster = join(work.path, "cluster");
let text = "";
afterAll(() => work.remove());
beforeAll(async () => {
  expect((await runInit("--n", "4", "--clients", "2", "--out", cluster)).code).toBe(0);
  text = readFileSync(join(cluster, "client-1.json"), "utf8");
});

type Json = Record<string, unknown>;

function changed(change: (json: Json & { readonly public: Json & { readonly keys: Json } }) => void): string {
  const json = JSON.parse(text) as Json & { readonly public: Json & { readonly keys: Json } };
  change(json);
  return JSON.stringify(json);
}

describe("a client's file", () => {
  it("gives its key, the cluster and the key under which bids are sealed", async () => {
    const shared = await loadPublic(join(cluster, "public.json"));
    const identity = readIdentity(text);
    if (!identity.ok) throw new Error(identity.error);
    const { who, publicKey, sign, encryption, clients } = identity.value;
    expect(who).toEqual({ kind: "client", client: 1 });
    expect(toHex(identity.value.cluster)).toBe(toHex(shared.cluster));
    expect(clients).toEqual(shared.clients.map((entry) => toHex(entry.publicKey)));
    expect(createEd25519Verifier(publicKey)(utf8("x"), sign(utf8("x")))).toBe(true);
    const scheme = createTdh2Scheme({ ristretto: await loadRistretto(), publicKey: shared.keys.encryption });
    const [label, plaintext] = [utf8("label"), utf8("7")];
    expect(scheme.checkCiphertext(label, encryption.encrypt({ label, plaintext })).kind).toBe("valid");
  });

  it("may be that of a registered key, which is no client's", async () => {
    const bidder = createBidder("Bidder Ltd", await loadPublic(join(cluster, "public.json")));
    const json = formatFile(bidderSchema, bidder);
    const identity = readIdentity(json);
    if (!identity.ok) throw new Error(identity.error);
    const { who, publicKey, cluster: named } = identity.value;
    expect(who).toEqual({ kind: "key", name: "Bidder Ltd" });
    const registered = registrationFile(bidder);
    expect([toHex(publicKey), toHex(named)]).toEqual([toHex(registered.key), toHex(registered.cluster)]);
    const nameless = readIdentity(JSON.stringify({ ...(JSON.parse(json) as Json), name: 5 }));
    expect(nameless.ok || nameless.error).toContain("a field is missing");
  });

  it.each<readonly [string, () => string, string]>([
    ["no JSON", () => "abcast/1 passphrase", "under a passphrase"],
    ["another file", () => readFileSync(join(cluster, "public.json"), "utf8"), "no client-I.json"],
    ["no key", () => changed((json) => delete json["signing"]), "a field is missing"],
    [
      "another client's number",
      () => changed((json) => (json["client"] = 0)),
      "its signing key is not that of this client",
    ],
    ["a number that is none", () => changed((json) => (json["client"] = "1")), "a field is missing"],
    ["no public part", () => changed((json) => delete (json as Json)["public"]), "public:"],
    [
      "an encryption key that is no element",
      () =>
        changed((json) => (json.public.keys["encryption"] = { publicKey: Buffer.alloc(32, 255).toString("base64") })),
      "no element of the group",
    ],
    [
      "the identity as encryption key",
      () => changed((json) => (json.public.keys["encryption"] = { publicKey: Buffer.alloc(32).toString("base64") })),
      "no element of the group",
    ],
    ["too much", () => " ".repeat(9 * 1024 * 1024 + 1), "too long"],
  ])("is refused: %s", (_, of, reason) => {
    const identity = readIdentity(of());
    expect(identity.ok || identity.error).toContain(reason);
  });
});
