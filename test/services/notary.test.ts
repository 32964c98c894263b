import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, fromUtf8, utf8 } from "../../src/core/bytes.js";
import { EncodeError } from "../../src/core/codec.js";
import { decodeStatement, encodeStatement, MAX_STATEMENT_BYTES } from "../../src/services/notary/index.js";

const random = (sizeBytes: number): Uint8Array => new Uint8Array(randomBytes(sizeBytes));
const bytes = (sizeBytes: number) => fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes });
const anyDigest = bytes(32).map((value) => ({ algorithm: "sha256" as const, value }));
const anyStatement = fc.record({
  cluster: bytes(32),
  sequence: fc.maxSafeNat(),
  round: fc.maxSafeNat(),
  timeMs: fc.option(fc.maxSafeNat(), { nil: undefined }),
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

describe("the statement", () => {
  it.each([
    ["", undefined],
    ["time: 0\n", 0],
    ["time: 1764396000123\n", 1_764_396_000_123],
  ])("is exactly the documented text, with the line %j", (line, timeMs) => {
    const statement = encodeStatement({
      cluster: new Uint8Array(32).fill(0xab),
      sequence: 17,
      round: 0,
      timeMs,
      digest: { algorithm: "sha256", value: new Uint8Array(32).fill(0xcd) },
      client: new Uint8Array(32).fill(0xef),
    });
    expect(fromUtf8(statement)).toBe(
      `abcast-receipt/1\ncluster: ${"ab".repeat(32)}\nsequence: 17\nround: 0\n${line}digest: sha256:${"cd".repeat(32)}\nclient: ${"ef".repeat(32)}\n`,
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
    timeMs: Number.MAX_SAFE_INTEGER,
    digest: { algorithm: "sha256", value: random(32) },
    client: random(32),
  });

  it("has the stated bound", () => {
    expect(max.length).toBe(MAX_STATEMENT_BYTES);
  });

  const text = fromUtf8(max);
  const timeless = text.replace(/time: .*\n/, "");
  it.each([
    ["no last line feed", text.slice(0, -1), "does not end in a line feed"],
    [
      "a line too many",
      text.replace("sequence: 9007199254740991", "sequence: 1\nround: 1"),
      "8 lines where 7 are needed",
    ],
    ["a line too many where there is no time", `${timeless}client: 1\n`, "7 lines where 6 are needed"],
    ["two times", text.replace(/time: \d+/, "time: 1\ntime: 2"), "8 lines where 7 are needed"],
    ["a time that is none", text.replace(/time: \d+/, "time: none"), "line 5 (time)"],
    ["a negative time", text.replace("time: 900", "time: -"), "line 5 (time)"],
    ["an unsafe time", text.replace(/time: \d+/, "time: 9007199254740992"), "time 9007199254740992 is above 2^53-1"],
    ["a time at another place", timeless.replace("client:", "time: 1\nclient:"), "line 5 (time)"],
    ["carriage returns", text.replace("991\nround: 9007199254740991", "1\r\nround: 1"), "line 3 (sequence)"],
    ["a leading zero", text.replace("sequence: 900", "sequence: 0"), "line 3 (sequence)"],
    ["a plus sign", text.replace("round: 900", "round: +"), "line 4 (round)"],
    [
      "an unsafe integer",
      text.replace("sequence: 9007199254740991", "sequence: 9007199254740992"),
      "sequence 9007199254740992 is above 2^53-1",
    ],
    ["upper-case digits", text.replace(/cluster: ./, "cluster: A"), "line 2 (cluster)"],
    ["another digest", text.replace("sha256", "sha512"), "line 6 (digest)"],
    ["another digest where there is no time", timeless.replace("sha256", "sha512"), "line 5 (digest)"],
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
      timeMs: 1,
      digest: { algorithm: "sha256", value: random(32) },
      client: random(32),
    } as const;
    for (const bad of [
      { sequence: -1 },
      { sequence: 1.5 },
      { round: 2 ** 53 },
      { timeMs: 2 ** 53 },
      { cluster: random(31) },
      { client: random(33) },
    ]) {
      expect(() => encodeStatement({ ...good, ...bad })).toThrow(EncodeError);
    }
  });
});
