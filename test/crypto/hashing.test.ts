import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Domain, plainSha256Twice, sha256, sha256Key, u32Bytes } from "../../src/crypto/hashing.js";

const FRAMED: Domain = "abcast/1 test";

function byParts(domain: Domain, parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of [Buffer.from(domain), ...parts]) hash.update(u32Bytes(part.length)).update(part);
  return hash.digest();
}

test("tuples have the hash of their lengths and parts, short or long", () => {
  const part = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 3900, maxLength: 4300 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      const expected = byParts(FRAMED, parts);
      expect(Buffer.from(sha256(FRAMED, ...parts))).toEqual(expected);
      expect(Buffer.from(sha256Key(FRAMED, ...parts), "binary")).toEqual(expected);
    }),
  );
});

test("a part of the bytes and all of them have their hashes, short or long", () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 4000, maxLength: 9000 }));
  fc.assert(
    fc.property(bytes, fc.nat(9000), (some, size) => {
      const expected = [some.subarray(0, size), some].map((part) => createHash("sha256").update(part).digest());
      expect(plainSha256Twice(some, size).map((digest) => Buffer.from(digest))).toEqual(expected);
    }),
  );
});

test("a hash keeps its bytes when others are computed", () => {
  const first = sha256(FRAMED, Uint8Array.of(1));
  const before = Buffer.from(first);
  sha256(FRAMED, Uint8Array.of(2));
  expect(Buffer.from(first)).toEqual(before);
});
