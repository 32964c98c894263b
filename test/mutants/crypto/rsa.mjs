/** Threshold RSA. */
import { mutantsOf } from "./mutants-of.mjs";

const exponentSharing = mutantsOf("src/crypto/rsa/exponent-sharing.ts");
const secretExponent = mutantsOf("src/crypto/rsa/secret-exponent.ts");
const proof = mutantsOf("src/crypto/rsa/proof.ts", "test/crypto/rsa/threshold.test.ts");
const threshold = mutantsOf(
  "src/crypto/rsa/threshold.ts",
  "test/crypto/rsa/threshold.test.ts",
  "test/crypto/rsa/signature.test.ts",
);
const modulus = mutantsOf("src/crypto/numbers/modexp.ts");
const key = mutantsOf("src/crypto/rsa/key.ts", "test/crypto/rsa/key.test.ts", "test/crypto/rsa/threshold.test.ts");
const dealer = mutantsOf(
  "src/crypto/rsa/dealer.ts",
  "test/crypto/rsa/key.test.ts",
  "test/crypto/dealer.test.ts",
  "test/crypto/rsa/signature.test.ts",
);

export const RSA_MUTANTS = [
  exponentSharing(
    "integer sharing: reduced modulo m",
    "multiplier * order); });",
    "multiplier * order).map((share) => mod(share, order)); });",
  ),
  exponentSharing("integer sharing: hides by 64 bits", "const HIDING_BITS = 128n;", "const HIDING_BITS = 64n;"),
  exponentSharing("integer sharing: points not multiples of D", "multiplier * mod(value * divisor, order)", "value"),
  exponentSharing(
    "integer sharing: secret not reduced",
    'if (secret < 0n || secret >= order) throw new RangeError("the secret is not reduced");',
  ),
  exponentSharing(
    "integer sharing: order with a factor of D",
    'if (divisor === undefined) throw new RangeError("the order has a factor in common with D");',
  ),

  secretExponent(
    "secret exponent: no room for the sign",
    'if (first >= SIGN_BIT) throw new RangeError("no room for the sign");',
  ),
  secretExponent(
    "secret exponent: negative response",
    'if (carry !== 0) throw new RangeError("the response does not fit");',
  ),
  secretExponent(
    "secret exponent: sign ignored",
    "return this.#isNegative ? modulus.invert(power) : power;",
    "return power;",
  ),

  proof("RSA proof: challenge without the key", "return [digest, u32Bytes(party),", "return [u32Bytes(party),"),
  proof("RSA proof: challenge without the party", "return [digest, u32Bytes(party),", "return [digest,"),
  proof("RSA proof: challenge without x_j", "[base, ...pieces].map(", "[base].map("),
  proof("RSA proof: challenge without x~", "[base, ...pieces].map(", "[...pieces].map("),
  proof("RSA proof: challenge without commitments", "...bound(key, claim), ...numbers)", "...bound(key, claim))"),
  proof("RSA proof: challenge of 64 bits", "const CHALLENGE_BYTES = 16;", "const CHALLENGE_BYTES = 8;"),
  proof("RSA proof: x_j, not its square", "exponent: -2n * c", "exponent: -c"),
  proof("RSA proof: another leaf's verification key", "verificationKeys[i] ?? 0n", "verificationKeys[0] ?? 0n"),
  proof("RSA proof: one nonce for all leaves", "seed, u32Bytes(i))", "seed)"),
  proof(
    "RSA proof: one nonce for all messages",
    '"abcast/1 rsa share nonce", ...bound(key, claim))',
    '"abcast/1 rsa share nonce")',
  ),

  threshold("RSA: wrong proof", 'return isProven ? VALID : invalid("the proof is wrong");', "return VALID;"),
  threshold(
    "RSA: unproven taken for valid",
    "if (share.length === shareBytes) return UNPROVEN;",
    "if (share.length === shareBytes) return VALID;",
  ),
  threshold(
    "RSA: shares not squares",
    "if (!pieces.every((piece) => looksLikeSquare(piece, modulus.value)))",
    "if (false)",
  ),
  threshold(
    "RSA: shares of other lengths",
    "share.length === provenBytes ? share.subarray(0, shareBytes) : share;",
    "share.subarray(0, shareBytes);",
  ),

  modulus("RSA: share out of range", "value > 0n && value < this.value ? value : undefined", "value"),

  threshold(
    "RSA: share of 0",
    'const pieces = parsePieces(key, party, share);\n      if (pieces === undefined) return invalid("a part of the share is not in 1..N-1");',
    "const pieces = parsePieces(key, party, share) ?? [0n];",
  ),
  threshold(
    "RSA: share without inverse",
    "if (error instanceof RangeError) throw new CombineError(",
    "if (false) throw new CombineError(",
  ),
  threshold("RSA: public factor of Protocol 2 in Protocol 1", "? 2n * sharing.multiplier : 2n", "? 2n : 2n"),
  threshold(
    "RSA: root's exponent of Protocol 1 in Protocol 2",
    "/ g : 4n;",
    "/ g : 4n * sharing.multiplier * sharing.multiplier;",
  ),
  threshold("RSA: common factor not restored", "nonResidue === undefined ? 1n : g;", "1n;"),
  threshold("RSA: shift not taken back", "if (shifted && nonResidue !== undefined) powers", "if (false) powers"),
  threshold("RSA: no shift in Protocol 2", "nonResidue === undefined || jacobi(padded, modulus.value) !== -1", "true"),
  threshold(
    "RSA: secret of another party",
    "if (exponents.length === 0 || !leaves.every(isOwn)) {",
    "if (exponents.length === 0) {",
  ),
  threshold(
    "RSA: secret of no leaf",
    "if (exponents.length === 0 || !leaves.every(isOwn)) {",
    "if (!leaves.every(isOwn)) {",
  ),
  threshold("RSA: signature unchecked", 'verifySignature("sha256", message, key.standard, signature)', "true"),
  threshold("RSA: shares after destroy", 'if (isDestroyed) throw new TypeError("the secret key was destroyed");'),

  key("RSA key: modulus too small", "if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)", "if (bits > MAX_RSA_BITS)"),
  key("RSA key: modulus too large", "if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)", "if (bits < MIN_RSA_BITS)"),
  key("RSA key: modulus padded", 'if (modulusBytes[0] === 0) return "modulus with leading zero bytes";'),
  key("RSA key: modulus even", 'if ((modulus & 1n) === 0n) return "even modulus";'),
  key("RSA key: formula unchecked", "if (formulaProblem !== undefined) return formulaProblem;"),
  key("RSA key: exponent too large", "|| exponent > MAX_EXPONENT)", ")"),
  key(
    "RSA key: exponent not prime",
    "if (exponent <= width || !checkPrimeSync(BigInt(exponent)))",
    "if (exponent <= width)",
  ),
  key(
    "RSA key: exponent within the width",
    "if (exponent <= width || !checkPrimeSync(BigInt(exponent)))",
    "if (!checkPrimeSync(BigInt(exponent)))",
  ),
  key(
    "RSA key: width of the outer gate only",
    "Math.max(formula.of.length, ...formula.of.map(greatestWidth))",
    "formula.of.length",
  ),
  key(
    "RSA key: verification base unchecked",
    'if (!isSquareLike(verificationBase, modulus, modulusBytes.length)) return "verification base out of range";',
  ),
  key(
    "RSA key: verification keys unchecked",
    "(key) => !isSquareLike(key, modulus, publicKey.modulus.length)",
    "() => false",
  ),
  key("RSA key: number of verification keys", "if (verificationKeys.length !== leaves) return", "if (false) return"),
  key("RSA key: Jacobi symbol of u", "u !== undefined && jacobi(u, modulus) === -1 ?", "u !== undefined ?"),
  key("RSA key: number not reduced", "return value < modulus ? value : undefined;", "return value;"),
  key("RSA key: number of another length", "if (bytes.length !== sizeBytes) return undefined;"),
  key("RSA key: 1 taken for a generator of squares", "return value !== 1n &&", "return"),
  key("RSA key: -1 taken for a square", "value !== modulus - 1n &&"),
  key("RSA key: Jacobi symbol of squares", "&& jacobi(value, modulus) === 1;", ";"),
  key("RSA key: opened unchecked", "if (problem !== undefined) throw new KeyError(`RSA: ${problem}`);"),

  dealer(
    "RSA dealer: equal primes",
    "if (p === q || bitLength(p) !== bitLength(q)) throw",
    "if (bitLength(p) !== bitLength(q)) throw",
  ),
  dealer(
    "RSA dealer: primes of unequal length",
    "if (p === q || bitLength(p) !== bitLength(q)) throw",
    "if (p === q) throw",
  ),
  dealer(
    "RSA dealer: imported primes not safe",
    "const candidates = [p, q, (p - 1n) / 2n, (q - 1n) / 2n];",
    "const candidates = [p, q];",
  ),
  dealer("RSA dealer: imported numbers not prime", ".every(Boolean)", ".some(Boolean)"),
];
