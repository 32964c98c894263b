import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBase64 } from "../../src/core/base64.js";
import { fromUtf8, toHex, utf8 } from "../../src/core/bytes.js";
import { encodeStatement } from "../../src/services/notary/index.js";
import {
  checkStatement,
  formatReceipt,
  parseReceipt,
  publicKeyFromPem,
  type PlainReceipt,
  type Receipt,
  ReceiptKeyError,
  receiptOf,
  sha256,
  type Verdict,
  verifyReceipt,
} from "../../src/verify/index.js";

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const receiptKeySpki = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
const digest = new Uint8Array(createHash("sha256").update("a document").digest());
const clusterId = new Uint8Array(randomBytes(32));
const cluster = toHex(clusterId);

const client = new Uint8Array(randomBytes(32));

function receiptAt(timeMs: number | undefined): PlainReceipt {
  const said = { cluster: clusterId, sequence: 1234, round: 56, timeMs, client } as const;
  const signed = encodeStatement({ ...said, digest: { algorithm: "sha256", value: digest } });
  return valueOf(receiptOf(signed, new Uint8Array(sign("sha256", signed, privateKey))));
}

const receipt = receiptAt(1_764_396_000_123);
const { statement } = receipt;

function valueOf<T>(
  decoded: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string },
): T {
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value;
}

async function verify(
  changed: Receipt,
  against: { readonly digest?: Uint8Array; readonly cluster?: string } = {},
): Promise<Verdict> {
  return verifyReceipt({ receipt: changed, digest, receiptKeySpki, cluster, ...against });
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

async function reasonOf(verdict: Promise<Verdict>): Promise<string> {
  const result = await verdict;
  return result.valid ? "valid" : result.reason;
}

describe("verifyReceipt", () => {
  it("accepts an ordinary RSA signature on the statement", async () => {
    expect(await verify(receipt)).toEqual({ valid: true });
  });

  it("accepts one without a time, as those of before were, and no time that its statement has not", async () => {
    const timeless = receiptAt(undefined);
    expect(timeless).not.toHaveProperty("time");
    expect(await verify(timeless)).toEqual({ valid: true });
    expect(await reasonOf(verify({ ...timeless, time: 0 }))).toBe(
      "the receipt's time says 0, its signed statement says nothing",
    );
    const { time, ...withoutTime } = receipt;
    expect(await reasonOf(verify(withoutTime))).toBe(
      `the receipt's time says nothing, its signed statement says ${time}`,
    );
    expect(await verify(receiptAt(0))).toEqual({ valid: true });
  });

  it("rejects every flipped bit of the signature", async () => {
    for (let bit = 0; bit < 8 * receipt.signature.length; bit++) {
      const reason = await reasonOf(verify({ ...receipt, signature: flipped(receipt.signature, bit) }));
      expect(reason, `bit ${bit}`).toBe("the signature on the statement is not the cluster's");
    }
  });

  it("rejects every flipped bit of the statement", async () => {
    for (let bit = 0; bit < 8 * statement.length; bit++) {
      const reason = await reasonOf(verify({ ...receipt, statement: flipped(statement, bit) }));
      expect(reason, `bit ${bit}`).toMatch(/^the statement is malformed: |^the receipt's \w+ says /);
    }
  });

  it("rejects every flipped bit of the statement also when the fields follow it", async () => {
    let followed = 0;
    for (let bit = 0; bit < 8 * statement.length; bit++) {
      const lie = receiptOf(flipped(statement, bit), receipt.signature);
      if (!lie.ok) continue;
      followed++;
      expect(await reasonOf(verify(lie.value)), `bit ${bit}`).not.toBe("valid");
      // Told the lie's own cluster and document, only the signature is left to find it.
      const {
        cluster: id,
        digest: { value },
      } = lie.value;
      const reason = await reasonOf(
        verify(lie.value, { cluster: id, digest: Uint8Array.from(Buffer.from(value, "hex")) }),
      );
      expect(reason, `bit ${bit}`).toBe("the signature on the statement is not the cluster's");
    }
    expect(followed).toBeGreaterThan(300);
  });

  it("rejects every flipped bit of the document's digest", async () => {
    for (let bit = 0; bit < 256; bit++) {
      const reason = await reasonOf(verify(receipt, { digest: flipped(digest, bit) }));
      expect(reason).toMatch(/^the document's SHA-256 is [0-9a-f]{64}, the receipt is for [0-9a-f]{64}$/);
    }
  });

  it("rejects every flipped bit of the receipt's file", async () => {
    const file = utf8(formatReceipt(receipt));
    for (let bit = 0; bit < 8 * file.length; bit++) {
      let text: string;
      try {
        text = fromUtf8(flipped(file, bit));
      } catch {
        continue;
      }
      const parsed = parseReceipt(text);
      if (parsed.ok) expect(await reasonOf(verify(parsed.value)), `bit ${bit}`).not.toBe("valid");
    }
  });

  it("gives each lie its own reason", async () => {
    const zeros = "0".repeat(64);
    const reasons = [
      await reasonOf(verify({ ...receipt, cluster: zeros })),
      await reasonOf(verify({ ...receipt, sequence: 1235 })),
      await reasonOf(verify({ ...receipt, round: 57 })),
      await reasonOf(verify({ ...receipt, time: 57 })),
      await reasonOf(verify({ ...receipt, digest: { algorithm: "sha256", value: zeros } })),
      await reasonOf(verify({ ...receipt, client: zeros })),
      await reasonOf(verify({ ...receipt, statement: statement.subarray(1) })),
      await reasonOf(verify(receipt, { cluster: zeros })),
      await reasonOf(verify(receipt, { digest: new Uint8Array(32) })),
      await reasonOf(verify({ ...receipt, signature: receipt.signature.subarray(1) })),
      await reasonOf(verify({ ...receipt, signature: new Uint8Array(256) })),
    ];
    expect(new Set(reasons).size).toBe(reasons.length);
    expect(reasons[1]).toBe("the receipt's sequence says 1235, its signed statement says 1234");
    expect(reasons[9]).toBe("the signature has 255 bytes, the cluster's key makes 256");
  });

  it("rejects another key's signature and another padding or hash", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const forgeries = [
      sign("sha256", statement, other),
      sign("sha512", statement, privateKey),
      sign("sha256", statement, { key: privateKey, padding: 6 /* RSA-PSS */ }),
    ];
    for (const signature of forgeries)
      expect((await verify({ ...receipt, signature: new Uint8Array(signature) })).valid).toBe(false);
  });

  it("throws for a key that is no RSA key: the caller's mistake", async () => {
    const ed25519 = new Uint8Array(generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }));
    for (const bad of [new Uint8Array(), receiptKeySpki.subarray(1), ed25519]) {
      await expect(verifyReceipt({ receipt, digest, receiptKeySpki: bad, cluster })).rejects.toThrow(ReceiptKeyError);
    }
  });
});

describe("parseReceipt", () => {
  it("gives back what formatReceipt wrote, for any values", () => {
    const hex = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex);
    const any = fc.record({
      format: fc.constant("abcast-receipt/1" as const),
      cluster: hex,
      sequence: fc.maxSafeNat(),
      round: fc.maxSafeNat(),
      time: fc.maxSafeNat(),
      digest: fc.record({ algorithm: fc.constant("sha256" as const), value: hex }),
      client: hex,
      statement: fc.uint8Array({ minLength: 1, maxLength: 250 }),
      signature: fc.uint8Array({ minLength: 1, maxLength: 1024 }),
    });
    const timeless = any.map(({ time: _time, ...rest }) => rest);
    fc.assert(
      fc.property(fc.oneof(any, timeless), (value) => {
        expect(parseReceipt(formatReceipt(value))).toEqual({ ok: true, value });
      }),
    );
  });

  it("is total: any text, any JSON", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !parseReceipt(text).ok));
    fc.assert(fc.property(fc.json(), (text) => !parseReceipt(text).ok));
    const json = () => JSON.parse(formatReceipt(receipt)) as Record<string, unknown>;
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(json())), fc.jsonValue(), (name, value) => {
        const changed = JSON.stringify({ ...json(), [name]: value });
        const parsed = parseReceipt(changed);
        if (parsed.ok) expect(JSON.parse(formatReceipt(parsed.value))).toEqual(JSON.parse(changed));
        else expect(parsed.error).toContain(name);
      }),
      { numRuns: 1000 },
    );
  });

  const text = formatReceipt(receipt);
  it.each([
    ["null", "null", "a receipt must be a JSON object"],
    ["a list", "[]", "a receipt must be a JSON object"],
    ["an unknown field", text.replace('"cluster"', '"klaster"'), 'unknown field "klaster"'],
    ["an unknown inner field", text.replace('"algorithm"', '"algo"'), 'unknown field "digest.algo"'],
    ["__proto__", text.replace('"format"', '"__proto__": {}, "format"'), 'unknown field "__proto__"'],
    ["a field twice", text.replace('"round"', '"round": 1, "round"'), 'field "round" appears twice'],
    ["a field twice in disguise", text.replace('"round"', '"\\u0072ound": 1, "round"'), 'field "round" appears twice'],
    [
      "upper-case digits",
      text.replace(/"cluster": "([0-9a-f]+)"/, (_, hex: string) => `"cluster": "${hex.toUpperCase()}"`),
      'field "cluster"',
    ],
    [
      "a fraction",
      text.replace("1234", "1234.5"),
      'field "sequence": must be a whole number within 0..2^53-1, not 1234.5',
    ],
    ["an unsafe integer", text.replace("1234", "9007199254740992"), 'field "sequence"'],
    ["minus zero", text.replace("1234", "-0"), 'field "sequence"'],
    ["another algorithm", text.replace('"sha256"', '"sha1"'), 'field "digest.algorithm": must be "sha256", not "sha1"'],
    [
      "base64 without padding",
      text.replace(toBase64(receipt.signature), toBase64(receipt.signature).replace("=", "")),
      'field "signature"',
    ],
    ["base64url", text.replace(toBase64(receipt.statement), "__8="), 'field "statement"'],
    [
      "a huge signature",
      text.replace(toBase64(receipt.signature), toBase64(new Uint8Array(1025))),
      "1025 bytes, at most 1024",
    ],
    ["65 KiB", text + " ".repeat(65536), "longer than 65536 bytes"],
  ])("refuses %s and says why", (_, changed, error) => {
    expect(changed).not.toBe(text);
    const parsed = parseReceipt(changed);
    expect(parsed).toMatchObject({ ok: false });
    if (!parsed.ok) expect(parsed.error).toContain(error);
  });
});

describe("the helpers", () => {
  it("checkStatement compares without a key", () => {
    expect(checkStatement(receipt)).toEqual({ valid: true });
    expect(checkStatement({ ...receipt, round: 1 })).toMatchObject({ valid: false });
  });

  it("sha256 agrees with OpenSSL", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(toHex(await sha256(bytes))).toBe(createHash("sha256").update(bytes).digest("hex"));
      }),
    );
  });

  it("publicKeyFromPem reads what OpenSSL writes, and nothing else", () => {
    const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
    expect(publicKeyFromPem(pem)).toEqual(receiptKeySpki);
    for (const bad of ["", pem.replace("PUBLIC KEY", "RSA KEY"), pem + pem, pem.replace("A", "*")]) {
      expect(publicKeyFromPem(bad)).toBeUndefined();
    }
  });
});
