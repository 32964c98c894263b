import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { MAX_LEAVES_PER_PARTY, thresholdFormula } from "../../src/core/formula.js";
import { thresholdGroup } from "../../src/core/group.js";
import { type PartyId, PartySet, partySetCodec } from "../../src/core/party-set.js";
import {
  MAX_CERTIFICATE_BYTES,
  MAX_DECRYPTION_SHARE_BYTES,
  MAX_SIGNATURE_BYTES,
  type Suite,
} from "../../src/core/suite.js";
import {
  CombineError,
  KeyError,
  type PublicKeys,
  type RsaPublicKey,
  type SecretKeys,
  checkPublicKeys,
  createSuite,
} from "../../src/crypto/index.js";
import { loadRistretto } from "../../src/crypto/ristretto/group.js";
import { createTdh2Scheme, decryptionShareBytes } from "../../src/crypto/ristretto/tdh2.js";
import { bigintToBytes, bytesToBigint, jacobi } from "../../src/crypto/numbers/bigints.js";
import { dealKeys } from "./dealt.js";
import { joinFields, makeFields } from "./ristretto/tdh2-oracle.js";
import { OTHER_PRIMES_1024, PRIMES_1024, PROTOCOL_1, at, flipBit, sharesOf } from "./fixtures.js";

/** The predicates differ: isQuorum 6, isBroadcastQuorum 5, hasHonest 2, meetsEveryQuorum 3. */
const group = thresholdGroup({ n: 8, byzantine: 1, crash: 1 });
const { publicKeys, secretKeys } = await dealKeys(group);
const open = (self: PartyId, changed: Partial<PublicKeys> = {}): Promise<Suite> =>
  createSuite({ group, self, publicKeys: { ...publicKeys, ...changed }, secretKeys: at(secretKeys, self) });
const suites = await Promise.all(group.parties.map((party) => open(party)));
const suite = at(suites, 0);
const statement = utf8("statement");

test("hash is SHA-256", () => {
  expect(toHex(suite.hash(utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

describe("signatures", () => {
  const signature = at(suites, 2).sign(statement);

  test("verify for their party and statement only", () => {
    for (let twice = 0; twice < 2; twice++) {
      expect(suite.verify(2, statement, signature)).toBe(true);
      expect(suite.verify(1, statement, signature)).toBe(false);
      expect(suite.verify(2, utf8("statemenT"), signature)).toBe(false);
      for (const party of [-1, 8, 0.5, Number.NaN, 2 ** 40])
        expect(suite.verify(party, statement, signature)).toBe(false);
      for (const size of [0, 63, 65]) expect(suite.verify(2, statement, new Uint8Array(size))).toBe(false);
      for (const bit of [0, 255, 256, 511]) expect(suite.verify(2, statement, flipBit(signature, bit))).toBe(false);
    }
    expect(signature.length).toBeLessThanOrEqual(MAX_SIGNATURE_BYTES);
    expect(at(suites, 2).sign(statement)).toEqual(signature);
  });

  test("one key's three uses do not mix", () => {
    const quorum = suite.quorumCertifier.share(statement);
    const broadcast = suite.broadcastCertifier.share(statement);
    const plain = suite.sign(statement);
    const checks = (bytes: Uint8Array): boolean[] => [
      suite.verify(0, statement, bytes),
      suite.quorumCertifier.verifyShare(0, statement, bytes),
      suite.broadcastCertifier.verifyShare(0, statement, bytes),
    ];
    expect([plain, quorum, broadcast].map(checks)).toEqual([
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ]);
  });
});

describe.each([
  ["quorumCertifier", "isQuorum"],
  ["broadcastCertifier", "isBroadcastQuorum"],
] as const)("%s", (certifierName, predicate) => {
  const certifier = suite[certifierName];
  const shareOf = (party: PartyId): Uint8Array => at(suites, party)[certifierName].share(statement);
  const certify = (parties: readonly PartyId[]): Uint8Array => certifier.combine(statement, sharesOf(parties, shareOf));
  const certificate = certify([0, 2, 3, 4, 6, 7]);
  /** A certificate written by hand. */
  const forge = (parties: readonly PartyId[], signatures: readonly Uint8Array[]): Uint8Array =>
    concat(encode(partySetCodec, PartySet.of(parties)), ...signatures);

  test("a certificate is the bitmap and the signatures in ascending order", () => {
    const parties = [0, 2, 3, 4, 6, 7];
    expect(certificate).toEqual(forge(parties, parties.map(shareOf)));
    expect(certify([7, 6, 4, 3, 2, 0])).toEqual(certificate);
    expect(certificate.length).toBe(2 + 6 * 64);
    expect(2 + 32 + 256 * 64).toBeLessThanOrEqual(MAX_CERTIFICATE_BYTES);
  });

  test("exactly the sufficient sets make one", () => {
    fc.assert(
      fc.property(fc.subarray([...group.parties]), (parties) => {
        const sufficient = group[predicate](PartySet.of(parties));
        if (sufficient)
          for (const each of suites) expect(each[certifierName].verify(statement, certify(parties))).toBe(true);
        else expect(() => certify(parties)).toThrow(CombineError);
        expect(certifier.verify(statement, forge(parties, parties.map(shareOf)))).toBe(sufficient);
      }),
    );
  });

  test("is for one statement", () => {
    expect(certifier.verify(statement, certificate)).toBe(true);
    expect(certifier.verify(utf8("statemenT"), certificate)).toBe(false);
    const other = certifierName === "quorumCertifier" ? suite.broadcastCertifier : suite.quorumCertifier;
    expect(other.verify(statement, certificate)).toBe(false);
  });

  test("no bit may be flipped", () => {
    for (let bit = 0; bit < 8 * certificate.length; bit++)
      expect(certifier.verify(statement, flipBit(certificate, bit))).toBe(false);
  });

  test("every signature is checked, and must be its party's", () => {
    const parties = [0, 1, 2, 3, 4, 5];
    for (const bad of parties) {
      const signatures = parties.map((party) => shareOf(party === bad ? 6 : party));
      expect(certifier.verify(statement, forge(parties, signatures))).toBe(false);
    }
    expect(
      certifier.verify(
        statement,
        forge(
          parties,
          parties.map(() => shareOf(0)),
        ),
      ),
    ).toBe(false);
  });

  test("parties must exist", () => {
    const parties = [0, 1, 2, 3, 4, 8];
    expect(
      certifier.verify(
        statement,
        forge(
          parties,
          parties.map((party) => shareOf(party % 8)),
        ),
      ),
    ).toBe(false);
    expect(certifier.verify(statement, forge([0, 1, 2, 3, 4, 5, 200], [0, 1, 2, 3, 4, 5, 6].map(shareOf)))).toBe(false);
    for (const foreign of [8, -1, 0.5, 300]) {
      const shares = sharesOf([0, 1, 2, 3, 4, 5], shareOf).set(foreign, shareOf(0));
      expect(() => certifier.combine(statement, shares)).toThrow(CombineError);
    }
  });

  test("one form only: no truncation, no extension, no padded bitmap", () => {
    for (const size of [0, 1, 2, 65, certificate.length - 1]) {
      expect(certifier.verify(statement, certificate.subarray(0, size))).toBe(false);
    }
    expect(certifier.verify(statement, concat(certificate, new Uint8Array(1)))).toBe(false);
    expect(certifier.verify(statement, concat(certificate, shareOf(1)))).toBe(false);
    const padded = concat(Uint8Array.of(2, at(certificate, 1), 0), certificate.subarray(2));
    expect(certifier.verify(statement, padded)).toBe(false);
  });

  test("any bytes are answered by false", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => !certifier.verify(statement, bytes)));
    expect(certifier.verify(statement, new Uint8Array(40_000).fill(0xff))).toBe(false);
  });

  test("combine refuses shares that are no signatures", () => {
    const shares = sharesOf([0, 1, 2, 3, 4, 5], shareOf).set(2, new Uint8Array(63));
    expect(() => certifier.combine(statement, shares)).toThrow(CombineError);
  });
});

describe("coins", () => {
  const name = utf8("coin");

  test.each([
    ["quorumCoin", 6],
    ["honestCoin", 2],
  ] as const)("%s: all parties see the same, of %i shares", (which, threshold) => {
    const shares = suites.map((each) => each[which].share(name));
    for (const each of suites) {
      // Twice: the second time from memory.
      for (let i = 0; i < 16; i++) expect(each[which].verifyShare(i % 8, name, at(shares, i % 8))).toBe(true);
      expect(each[which].verifyShare(1, name, at(shares, 0))).toBe(false);
      for (const party of [-1, 8, 0.5, Number.NaN])
        expect(each[which].verifyShare(party, name, at(shares, 0))).toBe(false);
    }
    const flip = (first: number, count: number = threshold): Uint8Array => {
      const parties = Array.from({ length: count }, (_, i) => (first + i) % 8);
      return at(suites, first)[which].combine(
        name,
        sharesOf(parties, (party) => at(shares, party)),
      );
    };
    const values = group.parties.map((party) => toHex(flip(party)));
    expect(new Set(values).size).toBe(1);
    expect(() => flip(0, threshold - 1)).toThrow(CombineError);
    expect(suite[which].suffices(PartySet.upTo(threshold))).toBe(true);
    expect(suite[which].suffices(PartySet.upTo(threshold - 1))).toBe(false);
  });

  test("are independent: shares of one are none of the other", () => {
    const share = suite.quorumCoin.share(name);
    expect(suite.quorumCoin.verifyShare(0, name, share)).toBe(true);
    expect(suite.honestCoin.verifyShare(0, name, share)).toBe(false);
  });
});

describe("decryption", async () => {
  const [label, plaintext] = [utf8("label"), utf8("what is sealed")];
  const ristretto = await loadRistretto();
  const ciphertext = createTdh2Scheme({ ristretto, publicKey: publicKeys.encryption }).encrypt({ label, plaintext });
  const shares = suites.map(({ decryption }) => decryption.share(label, ciphertext));
  const combine = (parties: readonly PartyId[], sealed = ciphertext): Uint8Array | undefined =>
    suite.decryption.combine(
      label,
      sealed,
      sharesOf(parties, (party) => at(suites, party).decryption.share(label, sealed)),
    );

  test("any two parties decrypt, and no one alone", () => {
    for (const [a, b] of [
      [0, 1],
      [7, 2],
    ] as const)
      expect(combine([a, b])).toEqual(plaintext);
    expect(combine([...group.parties])).toEqual(plaintext);
    for (const party of group.parties) expect(() => combine([party])).toThrow(CombineError);
  });

  test("a ciphertext is for its label only, and may not be changed; nobody makes a share of another", () => {
    for (let twice = 0; twice < 2; twice++) {
      expect(suite.decryption.checkCiphertext(label, ciphertext)).toBe(true);
      expect(suite.decryption.checkCiphertext(utf8("labeL"), ciphertext)).toBe(false);
      for (const bit of [0, 300, 600, 900, 8 * ciphertext.length - 1])
        expect(suite.decryption.checkCiphertext(label, flipBit(ciphertext, bit))).toBe(false);
    }
    expect(() => suite.decryption.share(utf8("labeL"), ciphertext)).toThrow("the proof does not hold");
    expect(() => suite.decryption.share(label, flipBit(ciphertext, 1200))).toThrow("the proof does not hold");
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (any) => !suite.decryption.checkCiphertext(label, any)));
  });

  test("shares verify for their party and ciphertext only, and are the same each time", () => {
    const { decryption } = at(suites, 3);
    for (const [party, share] of shares.entries()) {
      expect(decryption.verifyShare(party, label, ciphertext, share)).toBe(true);
      expect(decryption.verifyShare((party + 1) % 8, label, ciphertext, share)).toBe(false);
      expect(decryption.verifyShare(party, utf8("labeL"), ciphertext, share)).toBe(false);
      expect(decryption.verifyShare(party, label, flipBit(ciphertext, 1200), share)).toBe(false);
      expect(decryption.verifyShare(party, label, ciphertext, flipBit(share, 7 * party))).toBe(false);
      expect(at(suites, party).decryption.share(label, ciphertext)).toEqual(share);
      expect(share.length).toBeLessThanOrEqual(MAX_DECRYPTION_SHARE_BYTES);
    }
    for (const party of [-1, 8, 0.5, Number.NaN, 2 ** 40])
      expect(decryption.verifyShare(party, label, ciphertext, at(shares, 0))).toBe(false);
    for (const size of [0, 31, 95, 97])
      expect(decryption.verifyShare(0, label, ciphertext, new Uint8Array(size))).toBe(false);
    expect(decryptionShareBytes(MAX_LEAVES_PER_PARTY)).toBeLessThanOrEqual(MAX_DECRYPTION_SHARE_BYTES);
  });

  test("a body that does not open is undecryptable", () => {
    const h = publicKeys.encryption.publicKey;
    const garbage = joinFields(makeFields({ h, label, r: 5n, s: 7n, body: utf8("nobody's ciphertext") }));
    expect(suite.decryption.checkCiphertext(label, garbage)).toBe(true);
    for (const parties of [[0, 1], [5, 3], [...group.parties]]) expect(combine(parties, garbage)).toBeUndefined();
  });
});

describe("with BLS keys", async () => {
  const keys = await dealKeys(group, { certificates: "bls", coins: "bls" });
  const blsSuites = await Promise.all(
    group.parties.map((self) =>
      createSuite({ group, self, publicKeys: keys.publicKeys, secretKeys: at(keys.secretKeys, self) }),
    ),
  );
  const first = at(blsSuites, 0);

  test.each([
    ["quorumCertifier", 6],
    ["broadcastCertifier", 5],
  ] as const)("%s: one signature of 96 bytes from %i shares", (which, threshold) => {
    const shares = blsSuites.map((each) => each[which].share(statement));
    const of = (parties: readonly PartyId[]) =>
      sharesOf(parties, (party) => {
        expect(first[which].verifyShare(party, statement, at(shares, party))).toBe(true);
        return at(shares, party);
      });
    const certificate = first[which].combine(statement, of([...group.parties].slice(0, threshold)));
    expect(certificate.length).toBe(96);
    expect(first[which].combine(statement, of([...group.parties].slice(-threshold)))).toEqual(certificate);
    for (let twice = 0; twice < 2; twice++) {
      expect(at(blsSuites, 7)[which].verify(statement, certificate)).toBe(true);
      expect(at(blsSuites, 7)[which].verify(utf8("statemenT"), certificate)).toBe(false);
      expect(at(blsSuites, 7)[which].verify(statement, flipBit(certificate, 100))).toBe(false);
    }
    expect(() => first[which].combine(statement, of([...group.parties].slice(0, threshold - 1)))).toThrow(CombineError);
    expect(first[which].verifyShare(1, statement, at(shares, 0))).toBe(false);
    for (const party of [-1, 8, 0.5, Number.NaN])
      expect(first[which].verifyShare(party, statement, at(shares, 0))).toBe(false);
  });

  test("a certificate or share of one use is none of another", () => {
    const share = first.quorumCertifier.share(statement);
    expect(first.broadcastCertifier.verifyShare(0, statement, share)).toBe(false);
    const quorum = first.quorumCertifier.combine(
      statement,
      sharesOf([...group.parties], (party) => at(blsSuites, party).quorumCertifier.share(statement)),
    );
    expect(first.quorumCertifier.verify(statement, quorum)).toBe(true);
    expect(first.broadcastCertifier.verify(statement, quorum)).toBe(false);
  });

  test("all parties see the same coins", () => {
    for (const which of ["quorumCoin", "honestCoin"] as const) {
      const shares = sharesOf([...group.parties], (party) => at(blsSuites, party)[which].share(statement));
      const values = blsSuites.map((each) => toHex(each[which].combine(statement, shares)));
      expect(new Set(values).size).toBe(1);
      const threshold = which === "quorumCoin" ? 6 : 2;
      expect(first[which].suffices(PartySet.upTo(threshold))).toBe(true);
      expect(first[which].suffices(PartySet.upTo(threshold - 1))).toBe(false);
    }
  });

  test("the secret keys must be of the same scheme", async () => {
    const own = at(keys.secretKeys, 0);
    const mixed: SecretKeys[] = [
      { ...own, certificates: { scheme: "multisig" } },
      { ...own, coins: at(secretKeys, 0).coins },
      { ...own, certificates: at(keys.secretKeys, 1).certificates },
    ];
    for (const secret of mixed) {
      const opening = createSuite({ group, self: 0, publicKeys: keys.publicKeys, secretKeys: secret });
      await expect(opening).rejects.toThrow(KeyError);
    }
  });
});

describe("keys that do not fit", async () => {
  const { publicKeys: bls } = await dealKeys(group, { certificates: "bls", coins: "bls" });
  const { signing, cosigning, relaying, coins, encryption, receipt, token } = publicKeys;
  const identity = new Uint8Array(32);
  identity[0] = 1;
  const withKey = (key: Uint8Array): readonly Uint8Array[] => [...signing.slice(0, 7), key];
  const blsCertificates = bls.certificates.scheme === "bls" ? bls.certificates : undefined;
  if (blsCertificates === undefined) throw new Error("no BLS certificates");

  const sharedPrime = bigintToBytes(PRIMES_1024[0] * OTHER_PRIMES_1024[1], 256);

  test.each<[string, Partial<PublicKeys>, string]>([
    ["too few signing keys", { signing: signing.slice(0, 7) }, "signing"],
    ["too many signing keys", { signing: [...signing, at(cosigning, 0)] }, "signing"],
    ["too few cosigning keys", { cosigning: cosigning.slice(0, 7) }, "cosigning"],
    ["short signing key", { signing: withKey(new Uint8Array(31).fill(1)) }, "signing.7"],
    ["signing key of small order", { signing: withKey(identity) }, "signing.7"],
    ["signing key that is no point", { signing: withKey(new Uint8Array(32).fill(0xff)) }, "signing.7"],
    ["signing key twice", { signing: withKey(at(signing, 0)) }, "signing.7"],
    ["one key to sign and to cosign", { cosigning: [at(signing, 3), ...cosigning.slice(1)] }, "cosigning.0"],
    ["too few relaying keys", { relaying: relaying.slice(0, 7) }, "relaying"],
    ["relaying key of small order", { relaying: [...relaying.slice(0, 7), new Uint8Array(32)] }, "relaying.7"],
    ["relaying key twice", { relaying: [...relaying.slice(0, 7), at(relaying, 2)] }, "relaying.7"],
    ["coins exchanged", { coins: { ...coins, quorum: coins.honest, honest: coins.quorum } }, "coins.quorum.access"],
    ["coins for one use", { coins: { ...coins, honest: coins.quorum } }, "coins.honest.access"],
    ["coins of another scheme", { coins: { ...coins, scheme: "bls" } }, "coins.quorum"],
    ["coins of another scheme", { coins: { ...bls.coins, scheme: "dh" } }, "coins.quorum"],
    ["one key for coin and encryption", { encryption: coins.honest }, "encryption"],
    ["one key for receipts and tokens", { token: receipt }, "token"],
    ["tokens with a prime of the receipts' key", { token: { ...token, modulus: sharedPrime } }, "token"],
    ["encryption for a quorum", { encryption: coins.quorum }, "encryption.access"],
    ["malformed encryption key", { encryption: { ...encryption, publicKey: identity } }, "encryption"],
    [
      "certificates exchanged",
      { certificates: { ...blsCertificates, quorum: blsCertificates.broadcast, broadcast: blsCertificates.quorum } },
      "certificates.quorum.access",
    ],
    [
      "one key for both certificates",
      { certificates: { ...blsCertificates, broadcast: blsCertificates.quorum } },
      "certificates.broadcast.access",
    ],
    [
      "malformed certificate key",
      { certificates: { ...blsCertificates, broadcast: { ...blsCertificates.broadcast, publicKey: identity } } },
      "certificates.broadcast",
    ],
    ["malformed receipt key", { receipt: { ...receipt, exponent: 9 } }, "receipt"],
    ["malformed token key", { token: { ...token, exponent: 9 } }, "token"],
    ["receipt key of four", { receipt: PROTOCOL_1.publicKey }, "receipt.access"],
    ["receipt key for more", { receipt: { ...receipt, access: thresholdFormula(3, 8) } }, "receipt.access"],
    [
      "receipt key with more shares than there can be parties",
      {
        receipt: {
          ...receipt,
          access: { threshold: 2, of: Array.from({ length: 257 }, (_, leaf) => leaf % 256) },
          verificationKeys: Array.from({ length: 257 }, () => at(receipt.verificationKeys, 0)),
        },
      },
      "receipt.access",
    ],
    [
      "receipt key for Protocol 2",
      { receipt: { ...receipt, nonResidue: nonResidueOf(receipt) } },
      "receipt.nonResidue",
    ],
  ])("%s", async (_name, changed, path) => {
    const problems = await checkPublicKeys(group, { ...publicKeys, ...changed });
    expect(problems.map((problem) => problem.path.join("."))).toContain(path);
    await expect(open(0, changed)).rejects.toThrow(KeyError);
  });

  test("RSA shares to spare are no fault", async () => {
    const spare = await dealKeys(group, { spare: 2 });
    expect(spare.publicKeys.receipt.access).toEqual(thresholdFormula(2, 10));
    expect(await checkPublicKeys(group, spare.publicKeys)).toEqual([]);
  });

  test("secret keys of another party", async () => {
    expect(await checkPublicKeys(group, publicKeys)).toEqual([]);
    const [own, other] = [at(secretKeys, 0), at(secretKeys, 1)];
    const mixed: SecretKeys[] = [
      { ...own, signing: other.signing },
      { ...own, coins: { ...own.coins, quorum: other.coins.quorum } },
      { ...own, coins: { ...own.coins, honest: other.coins.honest } },
      { ...own, encryption: other.encryption },
    ];
    for (const keys of mixed)
      await expect(createSuite({ group, self: 0, publicKeys, secretKeys: keys })).rejects.toThrow(KeyError);
    for (const self of [-1, 8, 0.5])
      await expect(createSuite({ group, self, publicKeys, secretKeys: own })).rejects.toThrow(KeyError);
  });
});

/** A number of the right form for a key of Protocol 2. */
function nonResidueOf({ modulus }: RsaPublicKey): Uint8Array {
  const n = bytesToBigint(modulus);
  let candidate = 2n;
  while (jacobi(candidate, n) !== -1) candidate++;
  return bigintToBytes(candidate, modulus.length);
}
