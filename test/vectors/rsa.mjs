/** threshold-rsa.json has thresholds, threshold-rsa-formulas.json and threshold-rsa-4x4.json other formulas. */
import { utf8 } from "../../dist/core/bytes.js";
import { OTHER_PRIMES_1024 as OTHER_PRIMES, PRIMES_1024 as PRIMES } from "../support/safe-primes.mjs";
import { rsaCase } from "./rsa-case.mjs";
import { dealRsaKey, refusedRsaKeys, shownRsaKey } from "./rsa-key.mjs";

export async function thresholdVectors() {
  const keys = new Map([
    ["2 of 4", await dealRsaKey("2 of 4", 1, PRIMES)],
    ["3 of 4", await dealRsaKey("3 of 4", 2, PRIMES)],
  ]);
  return {
    ...vectors(keys, [
      { name: "protocol 1, an empty message", key: "2 of 4", message: "", steps: true, allRefusals: true },
      { name: "protocol 2, Jacobi symbol 1", key: "3 of 4", message: "receipt 2", steps: true },
      { name: "protocol 2, Jacobi symbol -1", key: "3 of 4", message: "receipt 1", steps: true },
    ]),
    refusedKeys: refusedRsaKeys(keys),
  };
}

export async function formulaVectors() {
  const keys = new Map([
    ["weighted", await dealRsaKey("weighted", 1, OTHER_PRIMES)],
    ["nested", await dealRsaKey("nested", 2, PRIMES)],
  ]);
  const cases = [
    { name: "protocol 1, a party with two leaves", key: "weighted", message: "receipt 1" },
    { name: "protocol 2, a formula of several gates", key: "nested", message: "receipt 1" },
  ];
  return { ...vectors(keys, cases), refusedKeys: [] };
}

export async function rowsAndColumnsVectors() {
  const keys = new Map([["4x4", await dealRsaKey("4x4", 1, PRIMES)]]);
  const cases = [{ name: "protocol 1, 16 parties in rows and columns", key: "4x4", message: "receipt 1" }];
  return { ...vectors(keys, cases), refusedKeys: [] };
}

function vectors(keys, cases) {
  return {
    description:
      "Threshold RSA signatures (RSASSA-PKCS1-v1_5 with SHA-256): shares, proofs, and how shares are put together.",
    source: [
      "Shoup, Practical threshold signatures, EUROCRYPT 2000 (Protocols 1 and 2)",
      "Damgard and Thorbek, Linear integer secret sharing and distributed exponentiation, PKC 2006",
      "RFC 8017, section 9.2 (EMSA-PKCS1-v1_5)",
    ],
    format: "abcast-vectors/1 threshold-rsa",
    keys: Object.fromEntries([...keys].map(([name, key]) => [name, shownRsaKey(key)])),
    cases: cases.map(({ name, key, message, ...detail }) =>
      rsaCase({ name, key, message: utf8(message) }, keys.get(key), detail),
    ),
  };
}
