import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import { atLeast, thresholdFormula } from "../../../src/core/formula.js";
import type { PartyId } from "../../../src/core/party-set.js";
import type { Certifier } from "../../../src/core/suite.js";
import { createBlsCertifier } from "../../../src/crypto/bls/certifier.js";
import { createBlsScheme } from "../../../src/crypto/bls/threshold.js";
import { CombineError, KeyError } from "../../../src/crypto/errors.js";
import { at, flipBit, sharesOf } from "../fixtures.js";
import { G2, IDENTITY_G2, cluster } from "./support.js";

const { publicKey, secretOf } = cluster(thresholdFormula(3, 4));
const certifierOf = (self: PartyId, label = "quorum"): Certifier =>
  createBlsCertifier({ label, publicKey, self, secret: secretOf(self) });
const certifiers = [0, 1, 2, 3].map((self) => certifierOf(self));
const certifier = at(certifiers, 0);
const statement = utf8("statement");
const sharesFrom = (parties: readonly PartyId[]): Map<PartyId, Uint8Array> =>
  sharesOf(parties, (party) => at(certifiers, party).share(statement));
const certificate = certifier.combine(statement, sharesFrom([0, 1, 2]));

describe("certificates", () => {
  test("are 96 bytes, the same from every qualified set, and everybody verifies them", () => {
    expect(certificate.length).toBe(96);
    expect(certifier.combine(statement, sharesFrom([1, 2, 3]))).toEqual(certificate);
    for (const each of certifiers) expect(each.verify(statement, certificate)).toBe(true);
  });

  test("are for one statement and label, and have one form", () => {
    expect(certifier.verify(utf8("statemenT"), certificate)).toBe(false);
    expect(certifierOf(0, "broadcast").verify(statement, certificate)).toBe(false);
    for (let bit = 0; bit < 8 * 96; bit++) expect(certifier.verify(statement, flipBit(certificate, bit))).toBe(false);
    for (const bytes of [new Uint8Array(), IDENTITY_G2, certificate.subarray(1), concat(certificate, certificate)])
      expect(certifier.verify(statement, bytes)).toBe(false);
    for (const share of sharesFrom([0, 1]).values()) expect(certifier.verify(statement, share)).toBe(false);
  });

  test("are no signatures of the scheme under the same label", () => {
    expect(createBlsScheme({ label: "quorum", publicKey }).checkValue(statement, certificate).kind).toBe("invalid");
    expect(createBlsScheme({ label: "certificate quorum", publicKey }).checkValue(statement, certificate).kind).toBe(
      "valid",
    );
  });

  test("have shares that are no signatures: those of a qualified set give everybody else's", () => {
    const [first, second, third] = [...sharesFrom([0, 1, 2]).values()].map((share) => G2.fromBytes(share));
    if (first === undefined || second === undefined || third === undefined) throw new Error("three shares");
    // f(4) = f(1) - 3 f(2) + 3 f(3), for any f of degree 2.
    const forged = first.add(second.multiply(3n).negate()).add(third.multiply(3n)).toBytes();
    expect(certifier.verifyShare(3, statement, forged)).toBe(true);
    expect(certifier.sharesAreSignatures).toBe(false);
  });

  test("need a qualified set of well-formed shares", () => {
    expect(() => certifier.combine(statement, sharesFrom([0, 1]))).toThrow(CombineError);
    expect(() => certifier.combine(statement, sharesFrom([0, 1]).set(4, certificate))).toThrow(CombineError);
    expect(() => certifier.combine(statement, sharesFrom([0, 1]).set(2, new Uint8Array(96)))).toThrow(CombineError);
  });
});

test("shares are verified for their party, statement and label", () => {
  const share = at(certifiers, 1).share(statement);
  expect(certifier.verifyShare(1, statement, share)).toBe(true);
  expect(certifier.verifyShare(2, statement, share)).toBe(false);
  expect(certifier.verifyShare(1, utf8("other"), share)).toBe(false);
  expect(certifierOf(0, "broadcast").verifyShare(1, statement, share)).toBe(false);
  expect(certifier.verifyShare(1, statement, new Uint8Array(96))).toBe(false);
  for (const party of [-1, 4, 0.5, Number.NaN, 2 ** 33])
    expect(certifier.verifyShare(party, statement, share)).toBe(false);
});

test("a general formula", () => {
  const access = atLeast(2, [0, atLeast(2, [1, 2, 3]), 0]);
  const general = cluster(access);
  const all = [0, 1, 2, 3].map((self) =>
    createBlsCertifier({ label: "x", publicKey: general.publicKey, self, secret: general.secretOf(self) }),
  );
  const combine = (parties: readonly PartyId[]): Uint8Array =>
    at(all, 0).combine(
      statement,
      sharesOf(parties, (party) => at(all, party).share(statement)),
    );
  expect(at(all, 1).verifyShare(0, statement, at(all, 0).share(statement))).toBe(true);
  expect(at(all, 3).verify(statement, combine([0]))).toBe(true);
  expect(() => combine([1, 2, 3])).toThrow(CombineError);
});

test("keys must fit", () => {
  expect(() => createBlsCertifier({ label: "x", publicKey, self: 1, secret: secretOf(0) })).toThrow(KeyError);
  const broken = { ...publicKey, publicKey: IDENTITY_G2 };
  expect(() => createBlsCertifier({ label: "x", publicKey: broken, self: 0, secret: secretOf(0) })).toThrow(KeyError);
});
