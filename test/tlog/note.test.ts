import { createHash, createPublicKey, generateKeyPairSync, sign, verify as nodeVerify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, equalBytes, utf8 } from "../../src/core/bytes.js";
import {
  COSIGNATURE,
  ED25519,
  MAX_NOTE_BYTES,
  type Note,
  type NoteKey,
  cosign,
  cosignedAt,
  decodeBundle,
  encodeBundle,
  entriesPath,
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signaturesOf,
} from "../../src/tlog/index.js";

fc.configureGlobal({ seed: 8 });

const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const verify = (publicKey: Uint8Array, statement: Uint8Array, signature: Uint8Array): boolean => {
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: "der", type: "spki" });
  return nodeVerify(null, statement, key, signature);
};

function parsed(text: string): Note {
  const note = parseNote(utf8(text));
  if (!note.ok) throw new Error(note.error);
  return note.value;
}

// The example of the documentation of Go's package golang.org/x/mod/sumdb/note.
const GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

describe("a signed note", () => {
  it("of another implementation verifies", () => {
    const key = parseVerifierKey(hash, GO_KEY);
    if (!key.ok) throw new Error(key.error);
    expect(key.value).toMatchObject({ name: "PeterNeumann", algorithm: ED25519 });
    expect(formatVerifierKey(hash, key.value)).toBe(GO_KEY);
    const note = parsed(GO_NOTE);
    const [signature = new Uint8Array()] = signaturesOf(hash, note, key.value);
    expect(verify(key.value.publicKey, utf8(note.text), signature)).toBe(true);
    expect(formatNote(note)).toBe(GO_NOTE);
  });

  it.each([
    ["without signatures", "text\n\n"],
    ["without an empty line", "text\n— a AAAAAAA=\n"],
    ["that does not end", "text\n\n— a AAAAAAA="],
    ["with control characters", "te\u0001xt\n\n— a AAAAAAA=\n"],
    ["with a hyphen for a dash", "text\n\n- a AAAAAAA=\n"],
    ["with a name that is none", "text\n\n— a+b AAAAAAA=\n"],
    ["with a signature that is not base64", "text\n\n— a A!AAAAA=\n"],
    ["with a signature of no bytes", "text\n\n— a AAAAAA==\n"],
    ["that is too long", `${"x".repeat(MAX_NOTE_BYTES)}\n\n— a AAAAAAA=\n`],
    ["with too many signatures", `text\n\n${"— a AAAAAAA=\n".repeat(257)}`],
  ])("%s is refused", (_, text) => {
    expect(parseNote(utf8(text)).ok).toBe(false);
  });

  it("that is no UTF-8 is refused, and any bytes give an answer", () => {
    expect(parseNote(Uint8Array.of(0xff, 0x0a, 0x0a))).toMatchObject({ ok: false, error: "not UTF-8" });
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        const note = parseNote(utf8(text));
        if (note.ok) expect(formatNote(note.value)).toBe(text);
      }),
    );
  });

  it("has keys that are what their identifiers say", () => {
    for (const text of ["", "a+b", GO_KEY.replace("c74f", "c74e"), GO_KEY.replace("Peter", "P"), GO_KEY.slice(0, -4)])
      expect(parseVerifierKey(hash, text).ok, text).toBe(false);
    const unknown = `x+00000000+${Buffer.concat([Buffer.of(9), Buffer.alloc(32)]).toString("base64")}`;
    expect(parseVerifierKey(hash, unknown)).toMatchObject({ ok: false, error: "no algorithm 9" });
  });
});

describe("a checkpoint", () => {
  // The example of the standard.
  const TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  const pair = generateKeyPairSync("ed25519");
  const publicKey = new Uint8Array(pair.publicKey.export({ format: "der", type: "spki" }).subarray(SPKI.length));
  const key: NoteKey = { name: "party-0.example", algorithm: COSIGNATURE, publicKey };
  const signer = (statement: Uint8Array): Uint8Array => new Uint8Array(sign(null, statement, pair.privateKey));
  const cosigned = (text: string, timeS: number): Note => {
    return parsed(formatNote({ text, signatures: [cosign(hash, text, { ...key, timeS }, signer)] }));
  };

  it("is its text, and the text is it", () => {
    const checkpoint = parseCheckpoint(TEXT);
    expect(checkpoint).toMatchObject({ ok: true, value: { origin: "example.com/behind-the-sofa", size: 20852163 } });
    if (checkpoint.ok) expect(formatCheckpoint(checkpoint.value)).toBe(TEXT);
    expect(parseCheckpoint(`${TEXT}an extension\n`).ok).toBe(true);
    for (const text of [
      "",
      "a\n1\n",
      "a\n01\nAAAA\n",
      TEXT.replace("208", "-8"),
      TEXT.replace("CsU", "Cs"),
      TEXT.trim(),
    ])
      expect(parseCheckpoint(text).ok, text).toBe(false);
    for (const wrong of [{ origin: "a\nb" }, { origin: "" }, { size: 1.5 }, { size: -1 }, { root: new Uint8Array(31) }])
      expect(() => formatCheckpoint({ origin: "a", size: 1, root: new Uint8Array(32), ...wrong })).toThrow(RangeError);
  });

  it("is cosigned at a time, by a key, as it is", async () => {
    const note = cosigned(TEXT, 1_679_315_147);
    expect(await cosignedAt(hash, verify, note, key)).toBe(1_679_315_147);
    expect(await cosignedAt(hash, verify, { ...note, text: TEXT.replace("208", "209") }, key)).toBeUndefined();
    expect(await cosignedAt(hash, verify, note, { ...key, name: "party-1.example" })).toBeUndefined();
    expect(await cosignedAt(hash, verify, note, { ...key, algorithm: ED25519 })).toBeUndefined();
    const later = cosigned(TEXT, 1_679_315_200);
    const both = { ...note, signatures: [...note.signatures, ...later.signatures] };
    expect(await cosignedAt(hash, verify, both, key)).toBe(1_679_315_200);
  });

  it("is not cosigned by a signature whose time was changed, or on the bare text", async () => {
    const [signature] = cosigned(TEXT, 1000).signatures;
    if (signature === undefined) throw new Error("no signature");
    const bent = signature.signature.slice();
    bent[7] = (bent[7] ?? 0) ^ 1;
    const bare = concat(signature.signature.subarray(0, 8), signer(utf8(TEXT)));
    for (const other of [bent, bare, signature.signature.subarray(0, 71)])
      expect(
        await cosignedAt(hash, verify, { text: TEXT, signatures: [{ ...signature, signature: other }] }, key),
      ).toBeUndefined();
  });
});

describe("a bundle", () => {
  it("has its entries, and is nothing else", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 }), (entries) => {
        const bytes = encodeBundle(entries);
        const decoded = decodeBundle(bytes, entries.length);
        expect(decoded?.every((entry, index) => equalBytes(entry, entries[index] ?? new Uint8Array(1)))).toBe(true);
        expect(decodeBundle(concat(bytes, Uint8Array.of(0)), entries.length)).toBeUndefined();
        expect(decodeBundle(bytes, entries.length + 1)).toBeUndefined();
      }),
    );
    expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(RangeError);
    expect(entriesPath({ index: 1_000, width: 256 })).toBe("tile/entries/x001/000");
    expect(entriesPath({ index: 0, width: 3 })).toBe("tile/entries/000.p/3");
  });
});
