import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, equalBytes, fromUtf8, toHex, utf8 } from "../../src/core/bytes.js";
import { EncodeError } from "../../src/core/codec.js";
import { createEd25519Signer, createEd25519Verifier } from "../../src/crypto/ed25519/ed25519.js";
import {
  createNotary,
  decodeRequest,
  decodeStatement,
  encodeRequest,
  encodeStatement,
  MAX_REQUEST_BYTES,
  MAX_STATEMENT_BYTES,
  type NotaryRequest,
  requestStatement,
} from "../../src/services/notary/index.js";

const random = (sizeBytes: number): Uint8Array => new Uint8Array(randomBytes(sizeBytes));
const bytes = (sizeBytes: number) => fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes });
const anyDigest = bytes(32).map((value) => ({ algorithm: "sha256" as const, value }));
const anyRequest = fc.record({
  cluster: bytes(32),
  client: bytes(32),
  nonce: bytes(16),
  digest: anyDigest,
  signature: bytes(64),
});
const anyStatement = fc.record({
  cluster: bytes(32),
  sequence: fc.maxSafeNat(),
  round: fc.maxSafeNat(),
  digest: anyDigest,
  client: bytes(32),
});

/** Bytes that are near an encoding: the interesting ones for a decoder. */
function mutation(encoded: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(400), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) });
  return fc.tuple(encoded, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([start, edits]) =>
    edits.reduce((current, { at, remove, insert }) => {
      const offset = at % (current.length + 1);
      return concat(current.subarray(0, offset), insert, current.subarray(offset + remove));
    }, start),
  );
}

describe("the request", () => {
  it("decodes to what was encoded and has one size", () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const encoded = encodeRequest(request);
        expect(encoded.length).toBe(MAX_REQUEST_BYTES);
        expect(decodeRequest(encoded)).toEqual({ ok: true, value: request });
      }),
    );
  });

  it("has one encoding; the decoder is total", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), mutation(anyRequest.map(encodeRequest))), (hostile) => {
        const decoded = decodeRequest(hostile);
        if (decoded.ok) expect(encodeRequest(decoded.value)).toEqual(hostile);
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses another digest algorithm", () => {
    const request: NotaryRequest = {
      cluster: random(32),
      client: random(32),
      nonce: random(16),
      digest: { algorithm: "sha256", value: random(32) },
      signature: random(64),
    };
    const encoded = encodeRequest(request);
    encoded[80] = 2;
    expect(decodeRequest(encoded)).toEqual({ ok: false, error: "no digest algorithm 2" });
    expect(() => encodeRequest({ ...request, nonce: random(15) })).toThrow(EncodeError);
    expect(() => encodeRequest({ ...request, digest: { algorithm: "sha256", value: random(20) } })).toThrow(
      EncodeError,
    );
  });

  it("signs every field, under its own domain", () => {
    const request = {
      cluster: random(32),
      client: random(32),
      nonce: random(16),
      digest: { algorithm: "sha256", value: random(32) },
    } as const;
    const statement = requestStatement(request);
    expect(fromUtf8(statement.subarray(0, 24))).toBe("abcast/1 notary request\n");
    expect(equalBytes(statement, requestStatement({ ...request, nonce: random(16) }))).toBe(false);
    expect(statement.length).toBe(24 + MAX_REQUEST_BYTES - 64);
  });
});

describe("the statement", () => {
  it("is exactly the documented text", () => {
    const statement = encodeStatement({
      cluster: new Uint8Array(32).fill(0xab),
      sequence: 17,
      round: 0,
      digest: { algorithm: "sha256", value: new Uint8Array(32).fill(0xcd) },
      client: new Uint8Array(32).fill(0xef),
    });
    expect(fromUtf8(statement)).toBe(
      `abcast-receipt/1\ncluster: ${"ab".repeat(32)}\nsequence: 17\nround: 0\ndigest: sha256:${"cd".repeat(32)}\nclient: ${"ef".repeat(32)}\n`,
    );
  });

  it("decodes to what was encoded", () => {
    fc.assert(
      fc.property(anyStatement, (value) => {
        expect(decodeStatement(encodeStatement(value))).toEqual({ ok: true, value });
      }),
    );
  });

  it("has one encoding; the decoder is total", () => {
    const near = mutation(anyStatement.map(encodeStatement));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), near), (hostile) => {
        const decoded = decodeStatement(hostile);
        if (decoded.ok) expect(encodeStatement(decoded.value)).toEqual(hostile);
      }),
      { numRuns: 3000 },
    );
  });

  const max = encodeStatement({
    cluster: random(32),
    sequence: Number.MAX_SAFE_INTEGER,
    round: Number.MAX_SAFE_INTEGER,
    digest: { algorithm: "sha256", value: random(32) },
    client: random(32),
  });

  it("has the stated bound", () => {
    expect(max.length).toBe(MAX_STATEMENT_BYTES);
  });

  const text = fromUtf8(max);
  it.each([
    ["no last line feed", text.slice(0, -1), "does not end in a line feed"],
    [
      "a line too many",
      text.replace("sequence: 9007199254740991", "sequence: 1\nround: 1"),
      "7 lines where 6 are needed",
    ],
    ["carriage returns", text.replace("991\nround: 9007199254740991", "1\r\nround: 1"), "line 3 (sequence)"],
    ["a leading zero", text.replace("sequence: 900", "sequence: 0"), "line 3 (sequence)"],
    ["a plus sign", text.replace("round: 900", "round: +"), "line 4 (round)"],
    [
      "an unsafe integer",
      text.replace("sequence: 9007199254740991", "sequence: 9007199254740992"),
      "sequence 9007199254740992 is above 2^53-1",
    ],
    ["upper-case digits", text.replace(/cluster: ./, "cluster: A"), "line 2 (cluster)"],
    ["another digest", text.replace("sha256", "sha512"), "line 5 (digest)"],
    ["lines in another order", text.replace(/(sequence.*\n)(round.*\n)/, "$2$1"), "line 3 (sequence)"],
    ["another version", text.replace("receipt/1", "receipt/2"), "line 1 (format)"],
    ["not ASCII", text.replace("round: 900", "round: ü"), "not ASCII"],
    ["a byte too long", `${text}\n`, "bytes, a statement has at most"],
    ["nothing", "", "does not end|0 lines"],
  ])("refuses %s", (_, changed, error) => {
    const decoded = decodeStatement(utf8(changed));
    expect(decoded).toMatchObject({ ok: false });
    if (!decoded.ok) expect(decoded.error).toMatch(new RegExp(error.replace(/[().+^]/g, "\\$&")));
  });

  it("refuses to encode what it would not decode", () => {
    const good = {
      cluster: random(32),
      sequence: 1,
      round: 1,
      digest: { algorithm: "sha256", value: random(32) },
      client: random(32),
    } as const;
    for (const bad of [
      { sequence: -1 },
      { sequence: 1.5 },
      { round: 2 ** 53 },
      { cluster: random(31) },
      { client: random(33) },
    ]) {
      expect(() => encodeStatement({ ...good, ...bad })).toThrow(EncodeError);
    }
  });
});

describe("the notary", () => {
  const cluster = random(32);
  const alice = createEd25519Signer(random(32));
  const mallory = createEd25519Signer(random(32));
  const notary = createNotary({
    cluster,
    isClient: (publicKey) => equalBytes(publicKey, alice.publicKey),
    verifyClient: (publicKey, statement, signature) => createEd25519Verifier(publicKey)(statement, signature),
  });

  function request(changes: Partial<NotaryRequest> = {}, signer = alice): Uint8Array {
    const unsigned = {
      cluster,
      client: signer.publicKey,
      nonce: random(16),
      digest: { algorithm: "sha256", value: random(32) } as const,
      ...changes,
    };
    return encodeRequest({ ...unsigned, signature: changes.signature ?? signer.sign(requestStatement(unsigned)) });
  }

  it("accepts a client's signed request", () => {
    expect(notary.validate(request())).toBe(true);
  });

  it("refuses another cluster's, a stranger's and a forged request", () => {
    expect(notary.validate(request({ cluster: random(32) }))).toBe(false);
    expect(notary.validate(request({}, mallory))).toBe(false);
    expect(notary.validate(request({ client: alice.publicKey }, mallory))).toBe(false);
    expect(notary.validate(request({ signature: random(64) }))).toBe(false);
    expect(notary.validate(new Uint8Array())).toBe(false);
  });

  it("refuses every flipped bit of a request", () => {
    const payload = request();
    for (let bit = 0; bit < 8 * payload.length; bit++) {
      const copy = payload.slice();
      copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(notary.validate(copy), `bit ${bit}`).toBe(false);
    }
  });

  it("never throws on hostile payloads and leaves them as they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (hostile) => {
        const before = hostile.slice();
        expect(notary.validate(hostile)).toBe(false);
        expect(hostile).toEqual(before);
      }),
    );
  });

  it("gives the statement that binds cluster, number, digest and client", () => {
    const payload = request();
    const entry = notary.apply({ sequence: 3, round: 2 }, payload);
    expect(decodeStatement(entry.statement)).toEqual({
      ok: true,
      value: { cluster, sequence: 3, round: 2, digest: entry.digest, client: alice.publicKey },
    });
    expect(entry).toEqual(notary.apply({ sequence: 3, round: 2 }, payload));
    // The payload's buffer is the replica's to reuse.
    const digest = toHex(entry.digest.value);
    payload.fill(0);
    expect(toHex(entry.digest.value)).toBe(digest);
    expect(toHex(entry.client)).toBe(toHex(alice.publicKey));
  });

  it("stops at a payload that it would not have validated: an invariant of the replica is broken", () => {
    expect(() => notary.apply({ sequence: 1, round: 1 }, new Uint8Array(3))).toThrow(
      "payload 1 was ordered but is no request",
    );
  });

  it("refuses a cluster identifier of the wrong size", () => {
    expect(() => createNotary({ cluster: random(31), isClient: () => true, verifyClient: () => true })).toThrow(
      RangeError,
    );
  });
});
