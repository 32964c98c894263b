import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { EMPTY_LOG_DIGEST, extendLogDigest } from "../../src/replica/log-digest.js";
import type { LedgerEntry } from "../../src/replica/storage.js";

fc.configureGlobal({ seed: 20 });

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const digestOf = (log: readonly LedgerEntry[]): string =>
  toHex(
    log.reduce<Uint8Array>(
      (digest, { payload, ...entry }) => extendLogDigest(sha256, digest, { ...entry, digest: sha256(payload) }),
      EMPTY_LOG_DIGEST,
    ),
  );

const anyEntry = fc.record({ round: fc.nat(3), payload: fc.uint8Array({ maxLength: 3 }) });
const anyLog = fc
  .array(anyEntry, { maxLength: 4 })
  .map((entries) => entries.map((entry, index) => ({ sequence: index + 1, timeMs: undefined, ...entry })));
const textOf = (log: readonly LedgerEntry[]): string =>
  log.map(({ sequence, round, payload }) => `${sequence}/${round}/${toHex(payload)}`).join();

describe("the log digest", () => {
  // Written down once from the definition: another value means that replicas of two versions cannot be compared.
  it("is the chain that its definition says", () => {
    const entry = { sequence: 1, round: 7, timeMs: undefined, payload: utf8("payload") };
    const number = (value: number): Buffer => Buffer.from(value.toString(16).padStart(16, "0"), "hex");
    const parts = [Buffer.from("abcast/1 log\n"), new Uint8Array(32), number(1), number(7), sha256(utf8("payload"))];
    expect(digestOf([entry])).toBe(toHex(sha256(Buffer.concat(parts))));
    expect(digestOf([])).toBe("0".repeat(64));
  });

  it("differs for logs that differ in anything, and only for them", () => {
    fc.assert(
      fc.property(anyLog, anyLog, (a, b) => {
        expect(digestOf(a) === digestOf(b)).toBe(textOf(a) === textOf(b));
      }),
      { numRuns: 500 },
    );
  });

  it("depends on the order", () => {
    const one = { round: 1, timeMs: undefined, payload: utf8("one") };
    const two = { round: 1, timeMs: undefined, payload: utf8("two") };
    expect(
      digestOf([
        { sequence: 1, ...one },
        { sequence: 2, ...two },
      ]),
    ).not.toBe(
      digestOf([
        { sequence: 1, ...two },
        { sequence: 2, ...one },
      ]),
    );
  });
});
