/** Time-stamp requests: those that OpenSSL makes, and those that must be refused with the right failure. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { concat, equalBytes, toHex } from "../../../src/core/bytes.js";
import { constructed, der, integer, NULL, octetString, oid, sequence } from "../../../src/core/der.js";
import { judgeRequest, MAX_REQUEST_BYTES } from "../../../src/services/tsa/index.js";
import { requireTool } from "../../support/tools.js";
import { mutation } from "../support/service.js";
import { DIGEST, EXTENSION, POLICY, requestOf, SHA256 } from "./fixture.js";

fc.configureGlobal({ seed: 12 });

const judge = (bytes: Uint8Array) => judgeRequest(bytes, oid(POLICY));
const outcome = (bytes: Uint8Array): string => {
  const judged = judge(bytes);
  return judged.ok ? "ok" : judged.failure;
};

describe("a request", () => {
  it.each([
    ["of every field", { policy: POLICY, nonce: 2n ** 64n, certReq: true }],
    ["of the fewest", {}],
    ["without parameters of its algorithm", { parameters: [] }],
    ["with a longer digest", { algorithm: "2.16.840.1.101.3.4.2.3", digest: new Uint8Array(64) }],
    ["of SHA-3", { algorithm: "2.16.840.1.101.3.4.2.8" }],
    ["that says that certReq is false", { more: [Uint8Array.of(1, 1, 0)] }],
  ])("%s is taken", (_, fields) => {
    expect(outcome(requestOf(fields))).toBe("ok");
  });

  it("has in its token what it has itself, byte by byte", () => {
    const judged = judge(requestOf({ parameters: [], nonce: 200, certReq: true }));
    if (!judged.ok) throw new Error(judged.reason);
    expect(toHex(judged.request.imprint)).toBe(toHex(sequence(sequence(oid(SHA256)), octetString(DIGEST))));
    expect(judged.request.nonce && toHex(judged.request.nonce)).toBe("020200c8");
    expect(judged.request.certReq).toBe(true);
    const least = judge(requestOf());
    expect(least).toMatchObject({ request: { nonce: undefined, certReq: false } });
  });

  it.each([
    ["of version 2", "badRequest", requestOf({ version: 2 })],
    ["of a version of two bytes", "badRequest", requestOf({ version: 257 })],
    ["that is too long", "badRequest", concat(requestOf(), new Uint8Array(MAX_REQUEST_BYTES))],
    ["of SHA-1", "badAlg", requestOf({ algorithm: "1.3.14.3.2.26", digest: new Uint8Array(20) })],
    ["of an unknown algorithm", "badAlg", requestOf({ algorithm: "1.2.3" })],
    ["with other parameters", "badAlg", requestOf({ parameters: [integer(1)] })],
    ["with a digest of another length", "badDataFormat", requestOf({ digest: new Uint8Array(31) })],
    ["with an endless digest", "badDataFormat", requestOf({ digest: new Uint8Array(65) })],
    ["under another policy", "unacceptedPolicy", requestOf({ policy: `${POLICY}.1` })],
    ["with an extension", "unacceptedExtension", requestOf({ more: [der(constructed(0), EXTENSION)] })],
    ["with an endless nonce", "badDataFormat", requestOf({ nonce: 2n ** 512n })],
    ["with more after its end", "badDataFormat", concat(requestOf(), NULL)],
    ["with an unknown field", "badDataFormat", requestOf({ more: [NULL] })],
    ["with two nonces", "badDataFormat", requestOf({ more: [integer(1), integer(2)] })],
    ["without anything", "badDataFormat", new Uint8Array()],
    ["without fields", "badDataFormat", sequence()],
    ["without an imprint", "badDataFormat", sequence(integer(1))],
    ["of sequences in sequences", "badDataFormat", nested(150)],
  ])("%s is refused: %s", (_, failure, bytes) => {
    expect(outcome(bytes)).toBe(failure);
  });

  it("may be any bytes; cut short it is refused", () => {
    const whole = requestOf({ policy: POLICY, nonce: 77, certReq: true });
    for (let length = 0; length < whole.length; length++) {
      expect(outcome(whole.subarray(0, length)), String(length)).toBe("badDataFormat");
    }
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), mutation(fc.constant(whole)));
    fc.assert(
      fc.property(bytes, (any) => void judge(any)),
      { numRuns: 3000 },
    );
  });
});

function nested(depth: number): Uint8Array {
  let bytes = sequence();
  for (let level = 0; level < depth; level++) bytes = sequence(bytes);
  return bytes;
}

describe.runIf(requireTool("openssl"))("a request that OpenSSL makes", () => {
  const directory = mkdtempSync(join(tmpdir(), "abcast-tsq-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string): string => join(directory, name);
  writeFileSync(file("document"), "a document");
  const query = (...options: readonly string[]): Uint8Array => {
    execFileSync("openssl", ["ts", "-query", "-data", file("document"), "-out", file("q"), ...options], {
      stdio: "pipe",
    });
    return new Uint8Array(readFileSync(file("q")));
  };

  it("is taken, and is what we would make", () => {
    expect(equalBytes(query("-sha256", "-no_nonce"), requestOf())).toBe(true);
    expect(
      equalBytes(
        query("-sha256", "-no_nonce", "-cert", "-tspolicy", POLICY),
        requestOf({ policy: POLICY, certReq: true }),
      ),
    ).toBe(true);
    for (const digest of ["sha256", "sha384", "sha512", "sha512-256", "sha3-256", "sha3-384", "sha3-512"]) {
      expect(outcome(query(`-${digest}`, "-cert")), digest).toBe("ok");
    }
  });

  it("of a broken or unknown algorithm is refused", () => {
    for (const digest of ["sha1", "md5", "sha224", "ripemd160"])
      expect(outcome(query(`-${digest}`)), digest).toBe("badAlg");
  });
});
