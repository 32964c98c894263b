/** What parties and dealer exchange before there is a cluster. */
import { mutantsOf } from "./mutants-of.mjs";

const card = mutantsOf("src/crypto/ceremony/identity-card.ts");
const sealedBox = mutantsOf("src/crypto/ceremony/sealed-box.ts");
const x25519 = mutantsOf("src/crypto/ceremony/x25519.ts");
const passphrase = mutantsOf("src/crypto/ceremony/passphrase.ts");

export const CEREMONY_MUTANTS = [
  card(
    "card: signature unchecked",
    'if (!isBy(keys.signing, card.signature)) return "the signature is not by the signing key";',
  ),
  card(
    "card: cosignature unchecked",
    'if (!isBy(keys.cosigning, card.cosignature)) return "the cosignature is not by the cosigning key";',
  ),
  card(
    "card: certificate's signature unchecked",
    "return isBy(keys.certificate, card.certificateSignature) ?",
    "return true ?",
  ),
  card(
    "card: one key for two uses",
    'if (new Set(Object.values(keys).map((key) => key.join())).size < 3) return "one key has two uses";',
  ),
  card("card: keys of small order", "if (!ristretto.isEd25519Key(key)) return", "if (false) return"),
  card("card: X25519 keys unchecked", "if (problem !== undefined) return", "if (false) return"),
  card("card: one X25519 key for two uses", "if (equalBytes(sealing, relaying)) return", "if (false) return"),
  card("card: certificate not self-signed", "|| !certificate.verify(publicKey)) return", ") return"),
  card("card: certificate with another kind of key", 'if (publicKey.asymmetricKeyType !== "ed25519" ||', "if ("),
  card(
    "card: bytes after the certificate",
    'return equalBytes(certificate.raw, der) ? certificate : "the certificate is not in DER";',
    "return certificate;",
  ),
  card(
    "card: signed with another signing key",
    "if (!equalBytes(signer.publicKey, signing)) throw",
    "if (false) throw",
  ),
  card(
    "card: signed with another cosigning key",
    "if (!equalBytes(cosigner.publicKey, cosigning)) throw",
    "if (false) throw",
  ),
  card(
    "card: signed with another certificate's key",
    "if (!new X509Certificate(certificatePem).checkPrivateKey(certificateKey))",
    "if (false)",
  ),

  sealedBox(
    "sealed box: any info",
    "await SEALING_SUITE.Open(recipient, encapsulated, ciphertext, { info })",
    "await SEALING_SUITE.Open(recipient, encapsulated, ciphertext, { info: info.subarray(0, 1) })",
  ),
  sealedBox(
    "sealed box: of any length",
    "if (sealed.length < SEALED_BOX_OVERHEAD_BYTES || sealed.length > MAX_SEALED_BYTES) {",
    "if (false) {",
  ),
  sealedBox("sealed box: bad key of the recipient", "if (problem !== undefined) throw new KeyError(problem);"),
  sealedBox(
    "sealed box: small order throws",
    'if (error instanceof hpke.DecapError) return invalid("the box\'s encapsulated key is of small order");',
  ),

  x25519("X25519: key not reduced", 'if (!isReduced(publicKey)) return "an X25519 key that is not in canonical form";'),
  x25519(
    "X25519: key of small order",
    'return hasSmallOrder(publicKey) ? "an X25519 key of small order" : undefined;',
    "return undefined;",
  ),

  passphrase("passphrase: N too small", "if (N < MIN_N || r < MIN_R ||", "if (r < MIN_R ||"),
  passphrase("passphrase: r too small", "|| r < MIN_R || p < 1)", "|| p < 1)"),
  passphrase("passphrase: p too large", "if (p > MAX_P || memoryBytes", "if (memoryBytes"),
  passphrase("passphrase: memory unbounded", "|| memoryBytes({ N, r, p }) > MAX_SCRYPT_MEMORY_BYTES) {", ") {"),
  passphrase(
    "passphrase: parameters not authenticated",
    'return encode(headerCodec, { format: "abcast/1 passphrase scrypt aes-256-gcm", N, r, p, salt, nonce });',
    "return new Uint8Array();",
  ),
  passphrase("passphrase: tag unchecked", "decipher.final(); return", "return"),
  passphrase("passphrase: sizes unchecked", "?? checkCost(secret) ?? checkSizes(secret);", "?? checkCost(secret);"),
  passphrase("passphrase: empty", 'if (passphrase === "") return "the passphrase is empty";'),
  passphrase(
    "passphrase: no Unicode text",
    '/\\p{Surrogate}/u.test(passphrase) ? "the passphrase is not Unicode text" : undefined',
    "undefined",
  ),
];
