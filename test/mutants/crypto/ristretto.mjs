/** The group ristretto255, the coin, and TDH2. */
import { mutantsOf } from "./mutants-of.mjs";

const group = mutantsOf(
  "src/crypto/ristretto/group.ts",
  "test/crypto/ristretto/coin.test.ts",
  "test/crypto/ristretto/shared-key.test.ts",
  "test/crypto/suite.test.ts",
);
const dleq = mutantsOf("src/crypto/ristretto/dleq.ts");
const sharedKey = mutantsOf("src/crypto/ristretto/shared-key.ts");
const coin = mutantsOf(
  "src/crypto/ristretto/coin.ts",
  "test/crypto/ristretto/coin.test.ts",
  "test/crypto/ristretto/coin-structures.test.ts",
);
const coinValue = mutantsOf("src/crypto/coin-value.ts");
const ciphertext = mutantsOf(
  "src/crypto/ristretto/tdh2-ciphertext.ts",
  "test/crypto/ristretto/tdh2-ciphertext.test.ts",
  "test/crypto/ristretto/tdh2.test.ts",
);
const encryption = mutantsOf(
  "src/crypto/ristretto/tdh2-encrypt.ts",
  "test/crypto/ristretto/tdh2-ciphertext.test.ts",
  "test/crypto/ristretto/tdh2.test.ts",
);
const tdh2 = mutantsOf("src/crypto/ristretto/tdh2.ts");
const body = mutantsOf("src/crypto/ristretto/tdh2-body.ts", "test/crypto/ristretto/tdh2.test.ts");

export const RISTRETTO_MUTANTS = [
  group(
    "ristretto: identity taken for an element",
    "bytes.length === ELEMENT_BYTES && !isZero(bytes) &&",
    "bytes.length === ELEMENT_BYTES &&",
  ),
  group(
    "ristretto: any bytes taken for an element",
    "!isZero(bytes) && sodium.crypto_core_ristretto255_is_valid_point(bytes)",
    "!isZero(bytes)",
  ),
  group("ristretto: scalar of 0", "!isZero(bytes) && isBelowOrder(bytes)", "isBelowOrder(bytes)"),
  group("ristretto: scalar not reduced", "!isZero(bytes) && isBelowOrder(bytes)", "!isZero(bytes)"),
  group(
    "ristretto: Ed25519 keys of small order",
    "bytes.length === 32 && sodium.crypto_core_ed25519_is_valid_point(bytes)",
    "bytes.length === 32",
  ),

  dleq("DLEQ: context not bound", "[u32Bytes(context.length), ...context, u32Bytes", "[u32Bytes"),
  dleq("DLEQ: number of context parts not bound", "[u32Bytes(context.length), ...context,", "[...context,"),
  dleq("DLEQ: keys not bound", "u32Bytes(keys.length), ...keys,", "u32Bytes(keys.length),"),
  dleq("DLEQ: base not bound", "...keys, base, ...elements]", "...keys, ...elements]"),
  dleq("DLEQ: elements not bound", "base, ...elements]", "base]"),
  dleq("DLEQ: commitments not bound", "...transcript(claim), ...a, ...b)", "...transcript(claim))"),
  dleq("DLEQ: commitments to the base not bound", "...transcript(claim), ...a, ...b)", "...transcript(claim), ...a)"),
  dleq(
    "DLEQ: proof of another length",
    "if (proof.length !== proofSizeBytes(keys.length)) return `proof of ${proof.length} bytes`;",
  ),
  dleq(
    "DLEQ: scalars 0 or not reduced",
    'if (!scalars.every((scalar) => ristretto.isScalar(scalar))) return "a scalar of the proof is 0 or not reduced";',
  ),
  dleq(
    "DLEQ: nothing checked",
    'equalBytes(challenge, challengeOf(claim, a, b)) ? undefined : "the proof does not hold"',
    "undefined",
  ),
  dleq("DLEQ: one nonce for all leaves", "u32Bytes(j), ...transcript(claim))", "...transcript(claim))"),
  dleq("DLEQ: one nonce for all claims", "u32Bytes(j), ...transcript(claim))", "u32Bytes(j))"),

  sharedKey(
    "shared key: number of verification keys",
    "if (verificationKeys.length !== sharing.leaves.length)",
    "if (false)",
  ),
  sharedKey("shared key: public key no element", "if (!ristretto.isElement(publicKey)) return", "if (false) return"),
  sharedKey("shared key: verification key no element", "if (bad >= 0) return", "if (false) return"),
  sharedKey(
    "shared key: keys that do not belong together",
    'equalBytes(sum, publicKey) ? undefined : "the verification keys do not belong to the public key"',
    "undefined",
  ),
  sharedKey("shared key: secret not reduced", "ristretto.isScalar(scalar) && equalBytes", "equalBytes"),
  sharedKey(
    "shared key: secret of another party",
    "ristretto.isScalar(scalar) && equalBytes(ristretto.basePower(scalar), key)",
    "ristretto.isScalar(scalar)",
  ),
  sharedKey("shared key: unqualified set combined", "if (terms === undefined) throw", "if (false) throw"),
  sharedKey(
    "shared key: combined from no element",
    "if (element === undefined || !ristretto.isElement(element))",
    "if (element === undefined)",
  ),

  coin("coin: party not bound", "context: [tag, u32Bytes(party), name]", "context: [tag, name]"),
  coin("coin: name not in the base", 'sha512("abcast/1 coin base", tag, name)', 'sha512("abcast/1 coin base", tag)'),
  coin("coin: label not in the base", 'sha512("abcast/1 coin base", tag, name)', 'sha512("abcast/1 coin base", name)'),
  coin("coin: share no element", "if (!elements.every((element) => ristretto.isElement(element)))", "if (false)"),
  coin(
    "coin: share of another length",
    "share.length === coinShareBytes(count)",
    "share.length >= coinShareBytes(count)",
  ),
  coin("coin: shares after destroy", 'if (destroyed) throw new TypeError("the secret was destroyed");'),

  coinValue("coin: spare bits not masked", "(value[last] ?? 0) & (0xff >>> spare)", "value[last] ?? 0"),
  coinValue("coin: size unchecked", "|| bits > MAX_COIN_BITS)", ")"),
  coinValue("coin: size not hashed", "u32Bytes(bits), name, material)", "name, material)"),
  coinValue("coin: label not hashed", "utf8(label), u32Bytes(bits)", "u32Bytes(bits)"),

  encryption(
    "TDH2: label not bound",
    '"abcast/1 tdh2 ciphertext", publicKey, label, bodyDigest',
    '"abcast/1 tdh2 ciphertext", publicKey, bodyDigest',
  ),
  encryption("TDH2: body not bound", "publicKey, label, bodyDigest, u, uBar", "publicKey, label, u, uBar"),
  encryption(
    "TDH2: key not bound",
    '"abcast/1 tdh2 ciphertext", publicKey, label',
    '"abcast/1 tdh2 ciphertext", label',
  ),
  encryption("TDH2: ū not bound", "u, uBar, w, wBar));", "u, w));"),
  ciphertext(
    "TDH2: e not recomputed",
    "if (!equalBytes(e, challengeOf(label, bodyDigest, { u, uBar, w, wBar })))",
    "if (false)",
  ),
  ciphertext("TDH2: u no element", 'if (!ristretto.isElement(u)) return invalid("u is not an element of the group");'),
  ciphertext(
    "TDH2: ū no element",
    'if (!ristretto.isElement(uBar)) return invalid("ū is not an element of the group");',
  ),
  ciphertext("TDH2: e no scalar", 'if (!ristretto.isScalar(e)) return invalid("e is 0 or not reduced");'),
  ciphertext("TDH2: f no scalar", 'if (!ristretto.isScalar(f)) return invalid("f is 0 or not reduced");'),
  ciphertext("TDH2: ciphertext too short", "if (length < ciphertextSizeBytes(0) || length >", "if (length >"),
  ciphertext("TDH2: ciphertext too long", "|| length > ciphertextSizeBytes(MAX_PLAINTEXT_BYTES))", ")"),
  encryption(
    "TDH2: body's key not for this ciphertext",
    '"abcast/1 tdh2 body key", publicKey, u, sharedElement',
    '"abcast/1 tdh2 body key", u, sharedElement',
  ),

  tdh2(
    "TDH2: share before the ciphertext is checked",
    'if (checked.kind === "invalid") throw new CiphertextError(checked.reason);',
  ),
  tdh2(
    "TDH2: share counts for a bad ciphertext",
    "checkShareOf(ciphertexts.check(label, ciphertext), party, share),",
    'checkShareOf({ ...cutCiphertext(ciphertext), ...ciphertexts.check(label, ciphertext), kind: "checked" }, party, share),',
  ),
  tdh2(
    "TDH2: bad ciphertexts not refused as subjects",
    "checkSubject: ({ label, ciphertext }) => checkCiphertext(label, ciphertext),",
  ),
  tdh2("TDH2: share not for one party", "context: [u32Bytes(party), digest]", "context: [digest]"),
  tdh2("TDH2: share not for one ciphertext", "context: [u32Bytes(party), digest]", "context: [u32Bytes(party)]"),

  ciphertext(
    "TDH2: label not in what a share is for",
    '"abcast/1 tdh2 subject", publicKey, label, header',
    '"abcast/1 tdh2 subject", publicKey, header',
  ),

  tdh2("TDH2: share no element", "if (!elements.every((element) => ristretto.isElement(element)))", "if (false)"),
  tdh2("TDH2: share of a party without leaves", "if (elements === undefined) return", "if (false) return"),
  tdh2(
    "TDH2: optimistic",
    "combine({ ciphertext }, shares) {",
    "checkValue: () => VALID, combine({ ciphertext }, shares) {",
  ),

  body("TDH2: body's tag unchecked", "return concat(plaintext, decipher.final());", "return plaintext;"),

  tdh2("TDH2: shares after destroy", 'if (destroyed) throw new TypeError("the secret was destroyed");'),
];
