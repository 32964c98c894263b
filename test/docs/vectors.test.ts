/** The test vectors in docs/vectors: this project agrees with them, and so does docs/verify-vectors.py, which shares no code with it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { checkFormula, formulaCodec } from "../../src/core/formula.js";
import { type PartyId, PartySet } from "../../src/core/party-set.js";
import { CombineError, KeyError } from "../../src/crypto/errors.js";
import { sha512 } from "../../src/crypto/hashing.js";
import type { SharedPublicKey } from "../../src/crypto/keys.js";
import { bytesToBigint, mod } from "../../src/crypto/numbers/bigints.js";
import { createCoinScheme, createCoinSharer } from "../../src/crypto/ristretto/coin.js";
import { GROUP_ORDER, loadRistretto } from "../../src/crypto/ristretto/group.js";
import { createTdh2Scheme, createTdh2Sharer } from "../../src/crypto/ristretto/tdh2.js";
import { openRsaKey } from "../../src/crypto/rsa/key.js";
import { createRsaScheme, createRsaSharer } from "../../src/crypto/rsa/threshold.js";
import { type Scheme, VALID, combineRobustly } from "../../src/crypto/scheme.js";
import { createSharing } from "../../src/crypto/sharing/sharing.js";
import { at } from "../crypto/fixtures.js";
import { gBar, joinFields, makeFields, scalarOf } from "../crypto/ristretto/tdh2-oracle.js";
import { requireTool } from "../support/tools.js";
import {
  FILES,
  RSA_FILES,
  type RsaKeyVector,
  type SharedKeyVector,
  readCoin,
  readRsa,
  readSharing,
  readTdh2,
  readText,
} from "../vectors/files.js";
import { ROOT } from "./markdown.js";

const ristretto = await loadRistretto();

/** What a file names must be in it. */
function named<T>(record: Readonly<Record<string, T>>, name: string): T {
  const item = record[name];
  if (item === undefined) throw new Error(`no key ${name}`);
  return item;
}

function publicPart({ access, publicKey, verificationKeys }: SharedKeyVector): SharedPublicKey {
  return { access, publicKey, verificationKeys };
}

function publicRsa({ modulus, exponent, access, verificationBase, verificationKeys, nonResidue }: RsaKeyVector) {
  return { modulus, exponent, access, verificationBase, verificationKeys, nonResidue };
}

/** The party's leaves in the formula's order. */
function secretOf({ access, secrets }: Pick<SharedKeyVector, "access" | "secrets">, party: PartyId): Uint8Array {
  return concat(
    ...createSharing(access)
      .leavesOf(party)
      .map((leaf) => at(secrets, leaf)),
  );
}

interface Recorded {
  readonly combinations: readonly { readonly parties: readonly PartyId[] }[];
  readonly unqualified: readonly (readonly PartyId[])[];
}

/** All qualified sets come to `value`, and no other set to anything. */
function expectValue<Subject, Value>(
  scheme: Scheme<Subject, Value>,
  subject: Subject,
  shares: ReadonlyMap<PartyId, Uint8Array>,
  { combinations, unqualified }: Recorded,
  value: Value,
): void {
  const some = (parties: readonly PartyId[]): Map<PartyId, Uint8Array> =>
    new Map([...shares].filter(([party]) => parties.includes(party)));
  for (const { parties } of combinations) {
    expect(scheme.combine(subject, some(parties))).toEqual(value);
    expect(combineRobustly(scheme, subject, some(parties))).toMatchObject({ kind: "combined", value });
  }
  for (const parties of unqualified) {
    expect(scheme.sharing.isQualified(PartySet.of(parties))).toBe(false);
    expect(() => scheme.combine(subject, some(parties))).toThrow(CombineError);
  }
}

describe("sharing.json", () => {
  const file = readSharing();

  test.for(file.cases.map((each) => [each.name, each] as const))("%s", ([, vector]) => {
    const { formula, encoded, leaves, multiplier, secret, shares, sets, unqualified } = vector;
    const sharing = createSharing(formula);
    expect(encode(formulaCodec, formula)).toEqual(encoded);
    expect(sharing.leaves).toEqual(leaves);
    expect(sharing.multiplier).toBe(multiplier);
    for (const { parties, integerTerms, terms } of sets) {
      const [integers = [], residues = []] = [
        sharing.integerTerms(PartySet.of(parties)),
        sharing.terms(PartySet.of(parties), file.modulus),
      ];
      expect(integers.map(({ leaf, coefficient }) => ({ leaf, coefficient }))).toEqual(integerTerms);
      expect(residues.map(({ leaf, coefficient }) => ({ leaf, coefficient }))).toEqual(terms);
      const sum = residues.reduce((total, { leaf, coefficient }) => total + coefficient * at(shares, leaf), 0n);
      expect(mod(sum, GROUP_ORDER)).toBe(secret);
    }
    for (const parties of unqualified) expect(sharing.integerTerms(PartySet.of(parties))).toBeUndefined();
  });

  test.for(file.refused.map(({ why, formula }) => [why, formula] as const))("refused: %s", ([, formula]) => {
    expect(checkFormula(formula)).toBeDefined();
  });
});

describe("coin.json", () => {
  const file = readCoin();

  test.for(file.refusedKeys.map((each) => [each.why, each] as const))("refused key: %s", ([, { key, change }]) => {
    const publicKey = publicPart({ ...named(file.keys, key), ...change });
    expect(() => createCoinScheme({ ristretto, label: "", publicKey })).toThrow(KeyError);
  });

  test.for(file.cases.map((each) => [each.name, each] as const))("%s", ([, vector]) => {
    const key = named(file.keys, vector.key);
    const { label, bits, coin, value } = vector;
    const options = { ristretto, label, bits, publicKey: publicPart(key) };
    const scheme = createCoinScheme(options);
    for (const { party, share } of vector.shares) {
      expect(createCoinSharer({ ...options, party, secret: secretOf(key, party) }).share(coin)).toEqual(share);
      expect(scheme.checkShare(party, coin, share)).toEqual(VALID);
    }
    expectValue(scheme, coin, new Map(vector.shares.map(({ party, share }) => [party, share])), vector, value);
    for (const { why, party, share, verdict, ...change } of vector.refusedShares) {
      const other = createCoinScheme({ ...options, label: change.label ?? label });
      expect(other.checkShare(party, change.coin ?? coin, share).kind, why).toBe(verdict);
    }
  });
});

describe("tdh2.json", () => {
  const file = readTdh2();

  test("the second generator", () => {
    expect(gBar.toBytes()).toEqual(file.secondGenerator);
  });

  test.for(file.refusedKeys.map((each) => [each.why, each] as const))("refused key: %s", ([, { key, change }]) => {
    const publicKey = publicPart({ ...named(file.keys, key), ...change });
    expect(() => createTdh2Scheme({ ristretto, publicKey })).toThrow(KeyError);
  });

  test.for(file.cases.map((each) => [each.name, each] as const))("%s", ([, vector]) => {
    const key = named(file.keys, vector.key);
    const { label, plaintext, ciphertext, body } = vector;
    const subject = { label, ciphertext };
    const publicKey = publicPart(key);
    const scheme = createTdh2Scheme({ ristretto, publicKey });

    // Encryption is randomised, so the oracle makes the ciphertext again, and the scheme opens it.
    const content = plaintext === undefined ? { body } : { plaintext };
    const fields = makeFields({ h: key.publicKey, label, r: scalarOf(vector.r), s: scalarOf(vector.s), ...content });
    expect(joinFields(fields)).toEqual(ciphertext);
    expect(scheme.checkCiphertext(label, ciphertext)).toEqual(VALID);

    for (const { party, share } of vector.shares) {
      const sharer = createTdh2Sharer({ ristretto, publicKey, party, secret: secretOf(key, party) });
      expect(sharer.share(subject)).toEqual(share);
      expect(scheme.checkShare(party, subject, share)).toEqual(VALID);
    }
    const decryption = plaintext === undefined ? { kind: "undecryptable" } : { kind: "plaintext", plaintext };
    expect(vector.decryption).toBe(decryption.kind);
    const shares = new Map(vector.shares.map(({ party, share }) => [party, share]));
    expectValue<typeof subject, unknown>(scheme, subject, shares, vector, decryption);

    for (const { why, verdict, ciphertext: bad, ...change } of vector.refusedCiphertexts) {
      const other = createTdh2Scheme({ ristretto, publicKey: publicPart(named(file.keys, change.key ?? vector.key)) });
      expect(other.checkCiphertext(change.label ?? label, bad).kind, why).toBe(verdict);
    }
    for (const { why, party, share, verdict, ...change } of vector.refusedShares) {
      const other = { label: change.label ?? label, ciphertext: change.ciphertext ?? ciphertext };
      expect(scheme.checkShare(party, other, share).kind, why).toBe(verdict);
    }
  });
});

describe.for(RSA_FILES)("%s", (name) => {
  const file = readRsa(name);

  test("keys", () => {
    for (const [which, key] of Object.entries(file.keys)) {
      const opened = openRsaKey(publicRsa(key));
      expect(opened.digest, which).toEqual(key.digest);
      expect(opened.secretBytes, which).toBe(key.secretBytes);
      expect(opened.sharing.multiplier, which).toBe(key.multiplier);
      expect(bytesToBigint(key.p) * bytesToBigint(key.q), which).toBe(opened.modulus.value);
    }
    for (const { why, key, change } of file.refusedKeys)
      expect(() => openRsaKey(publicRsa({ ...named(file.keys, key), ...change })), why).toThrow(KeyError);
  });

  test.for(file.cases.map((each) => [each.name, each] as const))("%s", ([, vector]) => {
    const key = named(file.keys, vector.key);
    const publicKey = publicRsa(key);
    const { message, signature } = vector;
    const scheme = createRsaScheme(publicKey);
    for (const { party, share, proof } of vector.shares) {
      const sharer = createRsaSharer(publicKey, party, secretOf(key, party));
      expect(sharer.prove(message)).toEqual(concat(share, proof));
      expect(scheme.checkShare(party, message, concat(share, proof))).toEqual(VALID);
    }
    expect(scheme.checkValue(message, signature)).toEqual(VALID);
    expectValue(scheme, message, new Map(vector.shares.map(({ party, share }) => [party, share])), vector, signature);
    for (const { why, party, share, verdict, ...change } of vector.refusedShares)
      expect(scheme.checkShare(party, change.message ?? message, share).kind, why).toBe(verdict);
    for (const { why, signature: bad, verdict, ...change } of vector.refusedSignatures)
      expect(scheme.checkValue(change.message ?? message, bad).kind, why).toBe(verdict);
  });
});

test("the worked example in docs/vectors.md has the values of coin.json", () => {
  const hash = toHex(sha512("abcast/1 coin base", utf8("honest"), utf8("round 1")));
  const known = readText("coin.json") + hash.slice(0, 64) + hash.slice(64);
  const values = readFileSync(join(ROOT, "docs/vectors.md"), "utf8").match(/\b[0-9a-f]{64}\b/g) ?? [];
  expect(values.length).toBeGreaterThan(9);
  for (const value of values) expect(known.includes(value), value).toBe(true);
});

const directory = mkdtempSync(join(tmpdir(), "abcast-vectors-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("they are made the same again", () => {
  const made = join(directory, "made");
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "test/vectors/generate.mjs"), made], {
    encoding: "utf8",
  });
  expect(status, stderr.slice(-2000)).toBe(0);
  // Not `toBe`: a difference of files of this size would be a page of digits.
  for (const name of FILES) expect(readFileSync(join(made, name), "utf8") === readText(name), name).toBe(true);
});

describe.runIf(requireTool("python3"))("docs/verify-vectors.py", () => {
  function run(...args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
    const script = join(ROOT, "docs", "verify-vectors.py");
    const { status, stdout, stderr } = spawnSync("python3", [script, ...args], { encoding: "utf8" });
    expect(stderr).not.toContain("Traceback");
    return { status, stdout };
  }
  const copyOf = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };

  test("finds everything as it is recorded", () => {
    const { status, stdout } = run();
    expect(stdout).not.toContain("FAIL");
    for (const name of FILES) expect(stdout).toContain(`ok   ${name}`);
    expect(stdout).toMatch(/ as recorded, 0 different\n$/);
    expect(status).toBe(0);
  });

  test.for([
    ["sharing.json", "2 of 4", "coefficient"],
    ["sharing.json", "2 of 4", "encoded"],
    ["coin.json", "key 2 of 4", "publicKey"],
    ["coin.json", "one bit", "base"],
    ["coin.json", "one bit", "value"],
    ["tdh2.json", "empty label", "r"],
    ["tdh2.json", "empty label", "bodyKey"],
    ["tdh2.json", "empty label", "digest"],
    ["threshold-rsa.json", "an empty message", "root"],
    ["threshold-rsa.json", "an empty message", "a"],
    ["threshold-rsa-formulas.json", "two leaves", "signature"],
    ["threshold-rsa-4x4.json", "16 parties", "proof"],
  ] as const)("notices a change in %s, %s: %s", ([name, only, field]) => {
    // The first such field, with another last digit.
    const changed = readText(name).replace(
      new RegExp(`("${field}": "[0-9a-f-]*)([0-9a-f])"`),
      (_, start: string, last: string) => `${start}${last === "1" ? "2" : "1"}"`,
    );
    expect(changed === readText(name)).toBe(false);
    const { status, stdout } = run("--json", "--only", only, copyOf(name, changed));
    expect(JSON.parse(stdout)).toMatchObject({ failed: 1, checks: [{ file: name, ok: false }] });
    expect(status).toBe(1);
  });

  test("notices a bad share that is said to be valid", () => {
    const changed = readText("coin.json").replaceAll('"verdict": "invalid"', '"verdict": "valid"');
    expect(run("--only", "one bit", copyOf("coin.json", changed))).toMatchObject({
      status: 1,
      stdout: expect.stringContaining("invalid, should be valid") as string,
    });
  });

  test("says so when it cannot check", () => {
    expect(run(join(directory, "missing.json")).status).toBe(2);
    expect(run(copyOf("text.json", "not JSON")).status).toBe(2);
    expect(run(copyOf("other.json", '{"format": "other"}')).status).toBe(2);
    expect(run("--only", "no such case", join(ROOT, "docs/vectors/sharing.json")).status).toBe(2);
    expect(run("--frob").status).toBe(2);
  });
});
