import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import fc from "fast-check";
import { X509Certificate, createHash, webcrypto } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import { EncodeError } from "../../../src/core/codec.js";
import {
  type CardContent,
  type CardSecrets,
  type IdentityCard,
  cardStatement,
  checkCard,
  signCard,
} from "../../../src/crypto/ceremony/identity-card.js";
import { createSealingKey } from "../../../src/crypto/ceremony/sealed-box.js";
import { createEd25519Signer } from "../../../src/crypto/ed25519/ed25519.js";
import { createTlsIdentity } from "../../../src/crypto/ed25519/tls-identity.js";
import { KeyError } from "../../../src/crypto/errors.js";
import { u32Bytes } from "../../../src/crypto/hashing.js";
import { loadRistretto } from "../../../src/crypto/ristretto/group.js";
import { flipBit } from "../fixtures.js";

const ristretto = await loadRistretto();
const [identity, otherIdentity] = await Promise.all([createTlsIdentity("alpha"), createTlsIdentity("alpha")]);

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const publicKeyOf = (byte: number): Uint8Array => createEd25519Signer(seed(byte)).publicKey;
const secrets: CardSecrets = { signing: seed(1), cosigning: seed(2), privateKeyPem: identity.privateKeyPem };
const content: CardContent = {
  name: "alpha",
  host: "alpha.example",
  port: 7000,
  httpPort: 8000,
  signing: publicKeyOf(1),
  cosigning: publicKeyOf(2),
  sealing: createSealingKey().publicKey,
  relaying: createSealingKey().publicKey,
  certificatePem: identity.certificatePem,
};
const card = signCard(content, secrets);
const check = (changes: Partial<IdentityCard>): string | undefined => checkCard(ristretto, { ...card, ...changes });
const certificateDer = new Uint8Array(new X509Certificate(identity.certificatePem).raw);
const pemOf = (der: Uint8Array): string => x509.PemConverter.encode(Uint8Array.from(der).buffer, "CERTIFICATE");

const KEYS = ["signing", "cosigning", "sealing", "relaying"] as const;

/** The Ed25519 key of order 1, and a signature under it of any message: R = identity, S = 0. */
const IDENTITY_POINT = new Uint8Array(32).fill(1, 0, 1);
const UNIVERSAL_SIGNATURE = concat(IDENTITY_POINT, new Uint8Array(32));

describe("a card", () => {
  test("signed by its three keys is accepted", () => {
    expect(checkCard(ristretto, card)).toBeUndefined();
    expect(card).toMatchObject(content);
  });

  test("has a statement that any implementation computes", () => {
    const sized = (bytes: Uint8Array): Uint8Array => concat(u32Bytes(bytes.length), bytes);
    const encoding = concat(
      sized(utf8("alpha")),
      sized(utf8("alpha.example")),
      ...[7000, 8000].map(u32Bytes),
      content.signing,
      content.cosigning,
      content.sealing,
      content.relaying,
      sized(certificateDer),
    );
    const domain = utf8("abcast/1 identity card");
    const hash = createHash("sha256")
      .update(concat(sized(domain), sized(encoding)))
      .digest();
    expect(cardStatement(card)).toEqual(new Uint8Array(hash));
    const signed = concat(domain, new Uint8Array(1), hash);
    expect(card.signature).toEqual(createEd25519Signer(seed(1)).sign(signed));
    expect(card.cosignature).toEqual(createEd25519Signer(seed(2)).sign(signed));
  });

  test("is refused with any bit of a key or signature flipped", () => {
    const fields = [...KEYS, "signature", "cosignature", "certificateSignature"] as const;
    for (const field of fields) {
      for (let bit = 0; bit < 8 * card[field].length; bit++) {
        expect(check({ [field]: flipBit(card[field], bit) }), `${field}, bit ${bit}`).toBeTypeOf("string");
      }
    }
  });

  test("is refused with any bit of the certificate flipped", () => {
    for (let bit = 0; bit < 8 * certificateDer.length; bit++) {
      expect(check({ certificatePem: pemOf(flipBit(certificateDer, bit)) }), `bit ${bit}`).toBeTypeOf("string");
    }
  });

  test("binds name, address and ports", () => {
    const moved = [{ name: "alphb" }, { host: "alpha.exampl" }, { port: 7001 }, { httpPort: 8001 }];
    // What moves from one field to the next is not the same either.
    for (const changes of [...moved, { name: "alphaa", host: "lpha.example" }, { port: 8000, httpPort: 7000 }]) {
      expect(check(changes)).toBe("the signature is not by the signing key");
    }
  });

  test("needs each of the three signatures", () => {
    const { signature, cosignature, certificateSignature } = card;
    expect(check({ signature: cosignature })).toBe("the signature is not by the signing key");
    expect(check({ cosignature: signature })).toBe("the cosignature is not by the cosigning key");
    expect(check({ certificateSignature: signature })).toBe(
      "the certificate's signature on the card is not by its key",
    );
    expect(check({ certificateSignature })).toBeUndefined();
  });

  test("of any form is judged without an exception", () => {
    const bytes = fc.uint8Array({ maxLength: 100 });
    const anyCard = fc.record<Partial<IdentityCard>>(
      {
        name: fc.string({ unit: "binary" }),
        host: fc.string(),
        port: fc.double(),
        httpPort: fc.integer(),
        signing: bytes,
        cosigning: bytes,
        sealing: bytes,
        relaying: bytes,
        certificatePem: fc.oneof(fc.string(), bytes.map(pemOf)),
        signature: bytes,
        cosignature: bytes,
        certificateSignature: bytes,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(anyCard, (changes) => {
        const same = Object.keys(changes).length === 0;
        expect(check(changes)).toEqual(same ? undefined : expect.any(String));
      }),
      { numRuns: 100 },
    );
    for (let size = 0; size <= 100; size++) {
      const zeros = new Uint8Array(size);
      for (const field of [...KEYS, "signature", "cosignature", "certificateSignature"]) {
        expect(check({ [field]: zeros }), `${field} of ${size} zeros`).toBeTypeOf("string");
      }
      expect(check({ certificatePem: pemOf(zeros) })).toBeTypeOf("string");
    }
  });

  test.each<[string, Partial<CardContent>]>([
    ["port 0", { port: 0 }],
    ["a port above 65535", { port: 65536 }],
    ["a fractional HTTP port", { httpPort: 1.5 }],
    ["HTTP port 0", { httpPort: 0 }],
    ["a name too long", { name: "a".repeat(65) }],
    ["a host too long", { host: "é".repeat(128) }],
    ["a name that is no Unicode text", { name: "\ud800" }],
  ])("with %s is malformed", (_name, changes) => {
    expect(check(changes)).toMatch(/^the card is malformed: /);
    expect(() => signCard({ ...content, ...changes }, secrets)).toThrow(EncodeError);
  });
});

describe("the card's keys", () => {
  test("must not be of small order: one signature would fit all cards", () => {
    const reason = (key: string) => `the ${key} key is not a point of the prime-order subgroup`;
    expect(check({ signing: IDENTITY_POINT, signature: UNIVERSAL_SIGNATURE })).toBe(reason("signing"));
    expect(check({ cosigning: IDENTITY_POINT, cosignature: UNIVERSAL_SIGNATURE })).toBe(reason("cosigning"));
    const certificate = Uint8Array.from(certificateDer);
    const key = Buffer.from(certificate).indexOf(Buffer.from("302a300506032b6570032100", "hex")) + 12;
    certificate.set(IDENTITY_POINT, key);
    certificate.set(UNIVERSAL_SIGNATURE, certificate.length - 64);
    expect(check({ certificatePem: pemOf(certificate) })).toBe(reason("certificate"));
  });

  test("must differ", async () => {
    const twice = signCard({ ...content, cosigning: content.signing }, { ...secrets, cosigning: secrets.signing });
    expect(checkCard(ristretto, twice)).toBe("one key has two uses");
    const opened = signCard({ ...content, relaying: content.sealing }, secrets);
    expect(checkCard(ristretto, opened)).toBe("one key has two uses");
    // A TLS key that signs messages too: its seed is the end of its PKCS #8.
    const der = x509.PemConverter.decodeFirst(identity.privateKeyPem);
    const tlsSeed = new Uint8Array(der).slice(-32);
    const signing = createEd25519Signer(tlsSeed).publicKey;
    expect(checkCard(ristretto, signCard({ ...content, signing }, { ...secrets, signing: tlsSeed }))).toBe(
      "one key has two uses",
    );
  });

  test("for sealing must not be of small order or short", () => {
    const sealing = (key: Uint8Array) => check({ sealing: key });
    expect(checkCard(ristretto, signCard({ ...content, sealing: new Uint8Array(32) }, secrets))).toBe(
      "the sealing key is an X25519 key of small order",
    );
    expect(sealing(new Uint8Array(31))).toBe("the sealing key is an X25519 key of 31 bytes");
  });
});

describe("the certificate", () => {
  const pem = identity.certificatePem.trim();

  test("of another party cannot be put on one's own card", () => {
    const stolen = { ...content, certificatePem: otherIdentity.certificatePem };
    expect(() => signCard(stolen, secrets)).toThrow(KeyError);
    const own = signCard(stolen, { ...secrets, privateKeyPem: otherIdentity.privateKeyPem });
    expect(checkCard(ristretto, own)).toBeUndefined();
    expect(checkCard(ristretto, { ...own, certificateSignature: card.certificateSignature })).toBe(
      "the certificate's signature on the card is not by its key",
    );
  });

  test.each<[string, string]>([
    ["nothing", ""],
    ["two", `${pem}\n${pem}\n`],
    ["text before it", `hello\n${pem}`],
    ["text after it", `${pem}\nhello`],
    ["a key", identity.privateKeyPem],
    ["no base64", pem.replace("MII", "M$I")],
    ["too much", pem.replace("\n", "\n".repeat(20_000))],
  ])("is one in PEM: %s is refused", (_name, certificatePem) => {
    expect(check({ certificatePem })).toBe("the certificate is not one in PEM");
    expect(() => cardStatement({ ...content, certificatePem })).toThrow(KeyError);
  });

  test("has nothing after it", () => {
    const certificatePem = pemOf(concat(certificateDer, new Uint8Array(5)));
    expect(check({ certificatePem })).toBe("the certificate is not in DER");
  });

  test("is X.509", () => {
    expect(check({ certificatePem: pemOf(utf8("no certificate")) })).toBe("the certificate is not X.509");
  });

  test("is signed by its own key", async () => {
    const [subject, issuer] = await Promise.all([ed25519Keys(), ed25519Keys()]);
    const issued = await x509.X509CertificateGenerator.create({
      subject: "CN=alpha",
      issuer: "CN=alpha",
      signingAlgorithm: { name: "Ed25519" },
      publicKey: subject.publicKey,
      signingKey: issuer.privateKey,
    });
    const privateKeyPem = await privatePem(subject.privateKey);
    const signed = signCard({ ...content, certificatePem: issued.toString("pem") }, { ...secrets, privateKeyPem });
    expect(checkCard(ristretto, signed)).toBe("the certificate is not self-signed with an Ed25519 key");
  });

  test("has an Ed25519 key", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const ecdsa = await x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=alpha",
      signingAlgorithm: algorithm,
      keys,
    });
    const certificatePem = ecdsa.toString("pem");
    expect(check({ certificatePem })).toBe("the certificate is not self-signed with an Ed25519 key");
    const privateKeyPem = await privatePem(keys.privateKey);
    expect(() => signCard({ ...content, certificatePem }, { ...secrets, privateKeyPem })).toThrow(/not an Ed25519 key/);
  });
});

describe("signing", () => {
  test("needs the secrets of the card's keys", () => {
    const refused = (changes: Partial<CardSecrets>, reason: RegExp) => {
      expect(() => signCard(content, { ...secrets, ...changes })).toThrow(KeyError);
      expect(() => signCard(content, { ...secrets, ...changes })).toThrow(reason);
    };
    refused({ signing: seed(3) }, /^the signing key is not that of the card$/);
    refused({ cosigning: seed(3) }, /^the cosigning key is not that of the card$/);
    refused({ signing: new Uint8Array(31) }, /seed/);
    refused({ privateKeyPem: otherIdentity.privateKeyPem }, /^the private key is not that of the certificate$/);
    refused({ privateKeyPem: "no key" }, /^the certificate's private key is not one in PEM$/);
  });

  test("takes nothing from the content but the card's fields", () => {
    const more = { ...content, secret: "x" };
    expect(signCard(more, secrets)).toEqual(card);
  });
});

async function ed25519Keys(): Promise<webcrypto.CryptoKeyPair> {
  const keys = await webcrypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  if (!("privateKey" in keys)) throw new Error("Ed25519 made no key pair");
  return keys;
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
