/** Threshold BLS signatures, and what is made of them. */
import { mutantsOf } from "./mutants-of.mjs";

const curve = mutantsOf(
  "src/crypto/bls/curve.ts",
  "test/crypto/bls/curve.test.ts",
  "test/crypto/bls/threshold.test.ts",
);
const threshold = mutantsOf(
  "src/crypto/bls/threshold.ts",
  "test/crypto/bls/threshold.test.ts",
  "test/crypto/bls/keys.test.ts",
);
const coin = mutantsOf("src/crypto/bls/coin.ts");
const certifier = mutantsOf("src/crypto/bls/certifier.ts");

export const BLS_MUTANTS = [
  curve(
    "BLS: signature outside the subgroup",
    "blst.Signature.fromBytes(bytes, true, true)",
    "blst.Signature.fromBytes(bytes, false)",
  ),
  curve(
    "BLS: signature at infinity",
    "blst.Signature.fromBytes(bytes, true, true)",
    "blst.Signature.fromBytes(bytes, true, false)",
  ),
  curve(
    "BLS: key outside the subgroup, or at infinity",
    "blst.PublicKey.fromBytes(bytes, true)",
    "blst.PublicKey.fromBytes(bytes, false)",
  ),
  curve("BLS: signature of another length", "if (bytes.length !== SIGNATURE_BYTES) return undefined;"),
  curve("BLS: key of another length", "if (bytes.length !== PUBLIC_KEY_BYTES) return undefined;"),
  curve("BLS: share at infinity combined", "|| isIdentity(bytes)) return undefined;", ") return undefined;"),
  curve(
    "BLS: batch of other lengths",
    'if (claims.some(({ signature }) => signature.length !== SIGNATURE_BYTES)) return "malformed";',
  ),
  curve(
    "BLS: batch without weights",
    "blst.aggregateWithRandomness(claims.map(({ key, signature }) => ({ pk: key, sig: signature })))",
    "({ pk: blst.aggregatePublicKeys(claims.map(({ key }) => key)), sig: blst.aggregateSerializedSignatures(claims.map(({ signature }) => signature), true) })",
  ),
  curve("BLS: batch unchecked", 'return verify(message, sum.pk, sum.sig) ? "valid" : "wrong";', 'return "valid";'),

  threshold("BLS: bisection blames the right half", 'isLeftValid ? "wrong" : undefined', '"wrong"'),
  threshold("BLS: bisection clears the right half", 'isLeftValid ? "wrong" : undefined', '"valid"'),
  threshold(
    "BLS: label not signed",
    'sha256("abcast/1 bls message", utf8(label), message)',
    'sha256("abcast/1 bls message", message)',
  ),

  coin("BLS: coin signs as the scheme", "label: `coin ${options.label}`", "label: options.label"),

  certifier(
    "BLS: certificates signed as by the scheme",
    "label: `certificate ${options.label}`",
    "label: options.label",
  ),

  threshold("BLS: signature unchecked", "verify(digestOf(label, message), key.publicKey, point) ?", "true ?"),
  threshold("BLS: unqualified set combined", "if (combination === undefined) throw", "if (false) throw"),
  threshold("BLS: number of verification keys", "if (verificationKeys.length !== sharing.leaves.length)", "if (false)"),
  threshold("BLS: keys that do not belong together", "if (!equalBytes(sum.toBytes(), publicKey))", "if (false)"),
  threshold(
    "BLS: secret not reduced",
    "key !== undefined && isScalar(scalar) && equalBytes",
    "key !== undefined && equalBytes",
  ),
  threshold(
    "BLS: secret of another party",
    "&& isScalar(scalar) && equalBytes(blsKeys.basePower(scalar), key);",
    "&& isScalar(scalar);",
  ),
  threshold("BLS: shares after destroy", 'if (destroyed) throw new TypeError("the secret was destroyed");'),
];
