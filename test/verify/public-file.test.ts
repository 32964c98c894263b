/** What is read of public.json: the same key as Node makes of it, and of anything else an error that names the field. */
import { createPublicKey } from "node:crypto";
import { expect, it } from "vitest";
import { toBase64 } from "../../src/core/base64.js";
import { MAX_PUBLIC_FILE_BYTES, readVerificationKey } from "../../src/verify/index.js";

const CLUSTER = "ab".repeat(32);
/** The leading bit is set, so that DER needs a zero byte before it. */
const MODULUS = Uint8Array.from({ length: 256 }, (_, index) => (index === 0 ? 0xc3 : ((7 * index) % 256) | 1));

const file = (change: object = {}, receipt: object = {}): string =>
  JSON.stringify({
    format: "abcast-public/4",
    cluster: CLUSTER,
    n: 4,
    keys: { receipt: { modulus: toBase64(MODULUS), exponent: 65_537, access: {}, ...receipt } },
    ...change,
  });

it("makes the key's standard form", () => {
  const read = readVerificationKey(file());
  if (!read.ok) throw new Error(read.error);
  expect(read.value.cluster).toBe(CLUSTER);
  const key = createPublicKey({ key: Buffer.from(read.value.receiptKeySpki), format: "der", type: "spki" });
  expect(key.export({ format: "jwk" })).toMatchObject({
    kty: "RSA",
    n: Buffer.from(MODULUS).toString("base64url"),
    e: "AQAB",
  });
  expect(new Uint8Array(key.export({ format: "der", type: "spki" }))).toEqual(read.value.receiptKeySpki);
});

it.each([
  ["nothing", "", "not JSON"],
  ["no object", "null", '"format"'],
  ["another file", file({ format: "abcast-client/2" }), '"format"'],
  ["a short cluster", file({ cluster: "ab" }), '"cluster"'],
  ["a cluster in upper case", file({ cluster: "AB".repeat(32) }), '"cluster"'],
  ["no keys", file({ keys: null }), '"keys.receipt.modulus"'],
  ["inherited keys", file({ keys: { __proto__: { receipt: 1 } } }), '"keys.receipt.modulus"'],
  ["a short modulus", file({}, { modulus: toBase64(MODULUS.subarray(1)) }), '"keys.receipt.modulus"'],
  ["a modulus that is no base64", file({}, { modulus: "?" }), '"keys.receipt.modulus"'],
  ["an exponent of 1", file({}, { exponent: 1 }), '"keys.receipt.exponent"'],
  ["an exponent as text", file({}, { exponent: "65537" }), '"keys.receipt.exponent"'],
  ["a field that is there twice", file().replace("{", '{"cluster":"x",'), "appears twice"],
  ["a huge file", " ".repeat(MAX_PUBLIC_FILE_BYTES + 1), "longer than"],
])("refuses %s", (_, text, error) => {
  const read = readVerificationKey(text);
  expect(read.ok ? "" : read.error).toContain(error);
});
