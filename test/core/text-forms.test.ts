/** Hexadecimal, base64 and JSON: text from files, where one value must have one form. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64, toBase64 } from "../../src/core/base64.js";
import { fromHex, toHex } from "../../src/core/bytes.js";
import { parseJson } from "../../src/core/json.js";

describe("base64", () => {
  it("agrees with Node's, both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(fromBase64(text)).toEqual(bytes);
      }),
    );
  });

  it("accepts one text per byte string and is total", () => {
    const near = fc.string({ unit: fc.constantFrom("A", "B", "z", "/", "+", "=", "-", "_", " ", "\n"), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const bytes = fromBase64(text);
        if (bytes !== undefined) expect(toBase64(bytes)).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    "A",
    "AA",
    "AA=",
    "AAA",
    "=",
    "====",
    "A===",
    "AB==",
    "AAB=",
    "AAAA=",
    "AAA=AAAA",
    "AA A",
    "AAA\n",
    "_-8=",
    "AAA=\n",
  ])("refuses %j", (text) => {
    expect(fromBase64(text)).toBeUndefined();
  });
});

describe("hexadecimal", () => {
  it("gives back, lower-case only", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
    );
    for (const bad of ["0", "0G", "AB", " 0", "00\n", "é0"]) expect(fromHex(bad)).toBeUndefined();
  });
});

describe("parseJson", () => {
  it("says where a mistake is, and never quotes the text, which may hold a secret", () => {
    const secret = "pVyVSPgk0KsecretsecretSECRET";
    for (const text of [
      `{"signing": ${secret}}`,
      `{\n  "signing": "${secret}",\n}`,
      `{"signing": "${secret}`,
      `{"signing": "${secret}"} ${secret}`,
      secret,
      `{"signing" "${secret}"}`,
    ]) {
      const parsed = parseJson(text);
      if (parsed.ok) throw new Error("accepted");
      expect(parsed.error).toMatch(/^not JSON(: a mistake in line \d+, column \d+)?$/);
    }
    expect(parseJson('{\n  "a": 1,\n}')).toEqual({ ok: false, error: "not JSON: a mistake in line 3, column 1" });
  });

  it("reads JSON", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
      }),
    );
  });

  it("is total", () => {
    const near = fc.string({
      unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "a", "1", " "),
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => typeof parseJson(text).ok === "boolean"),
      { numRuns: 5000 },
    );
    expect(parseJson("[".repeat(1_000_000)).ok).toBe(false);
    expect(parseJson(`"${"\\\\".repeat(1_000_000)}"`).ok).toBe(true);
  });

  it.each([
    ['{"a":1,"a":1}', "a"],
    ['{"a":1,"b":{"c":1,"c":2}}', "c"],
    ['[{"x":{}},{"x":1,"y":[{"x":1}],"x":2}]', "x"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"\\"":1,"b":":","\\"" :2}', '"'],
    ['{"":1,"":2}', ""],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
  ])("refuses %s", (text, name) => {
    expect(parseJson(text)).toEqual({ ok: false, error: `field ${JSON.stringify(name)} appears twice` });
  });

  it.each([
    '{"a":"a","b":"a:"}',
    '[{"a":1},{"a":1}]',
    '{"a":{"a":{"a":1}}}',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '["a","a"]',
  ])("accepts %s", (text) => {
    expect(parseJson(text).ok).toBe(true);
  });
});
