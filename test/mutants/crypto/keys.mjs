/** Signatures, the suite, and whether keys fit: together, to their group, and to their party. */
import { mutantsOf } from "./mutants-of.mjs";

const signatures = mutantsOf("src/crypto/ed25519/party-signatures.ts", "test/crypto/suite.test.ts");
const multisig = mutantsOf("src/crypto/ed25519/multisig.ts", "test/crypto/suite.test.ts");
const memo = mutantsOf("src/crypto/memo.ts");
const suite = mutantsOf("src/crypto/suite.ts");
const keyChecks = mutantsOf("src/crypto/key-checks.ts", "test/crypto/suite.test.ts", "test/crypto/dealer.test.ts");
const secretChecks = mutantsOf("src/crypto/secret-checks.ts", "test/crypto/dealer.test.ts");
const dealer = mutantsOf("src/crypto/dealer.ts");
// The command line makes the files, its tests load them.
const config = mutantsOf("src/replica/config-checks.ts", "test/cli/init.test.ts", "-t", "^load");

export const KEY_MUTANTS = [
  signatures("signatures: domain not signed", "concat(utf8(domain), Uint8Array.of(0), statement)", "statement"),
  signatures(
    "signatures: seed of another party",
    "if (own === undefined || Buffer.compare(own, signer.publicKey) !== 0) {",
    "if (own === undefined) {",
  ),
  signatures("signatures: party that does not exist", "if (verifier === undefined) return false;"),

  multisig("multisig: signers do not suffice", "|| !suffices(signers)) return false;", ") return false;"),
  multisig("multisig: combined from too few", "if (!suffices(signers)) throw", "if (false) throw"),
  multisig(
    "multisig: combined with the share of a stranger",
    'if ([...shares.keys()].some((party) => !isParty(party, n))) throw new CombineError("share of an unknown party");',
  ),
  multisig(
    "multisig: signatures unchecked",
    "return [...shares].every(([party, share]) => verifyShare(party, statement, share));",
    "return true;",
  ),
  multisig("multisig: one signature checked", "return [...shares].every(", "return [...shares].some("),

  memo(
    "memo: domain ignored",
    "sha256Key(domain, u32Bytes(party), statement, proof)",
    'sha256Key("abcast/1 memo", u32Bytes(party), statement, proof)',
  ),
  memo(
    "memo: party ignored",
    "sha256Key(domain, u32Bytes(party), statement, proof)",
    "sha256Key(domain, statement, proof)",
  ),
  memo(
    "memo: proof ignored",
    "sha256Key(domain, u32Bytes(party), statement, proof)",
    "sha256Key(domain, u32Bytes(party), statement)",
  ),
  memo(
    "memo: failures remembered",
    "if (!known && !verify()) return false; this.#remember(key); return true;",
    "const valid = known || verify(); this.#remember(key); return valid;",
  ),

  suite("suite: keys unchecked", "if (problem !== undefined) throw", "if (false) throw"),
  suite("suite: secret keys of another scheme", 'if (secretKeys.certificates.scheme !== "bls")', "if (false)"),
  suite(
    "suite: memo of shares for both certificates",
    "`abcast/1 memo of ${use} certificate share`",
    '"abcast/1 memo of certificate share"',
  ),
  suite(
    "suite: memo of both certificates",
    "memo.check(`abcast/1 memo of ${use} certificate`,",
    'memo.check("abcast/1 memo of certificate",',
  ),
  suite("suite: memo of both coins", "`abcast/1 memo of ${use} coin`", '"abcast/1 memo of coin"'),
  suite(
    "suite: one domain for both multisig certificates",
    "domain: ENDORSEMENT_DOMAINS[use]",
    'domain: "abcast/1 certificate"',
  ),
  suite("suite: quorum for both multisig certificates", "group.isBroadcastQuorum(set)", "set.size > 0"),
  suite("suite: parties that do not exist throw", "Number.isInteger(party) && party >= 0 && party < n &&"),

  keyChecks("keys: quorum coin unchecked", '() => checkAlong(["coins", "quorum"], coins.quorum, quorum, checkCoin),'),
  keyChecks("keys: honest coin unchecked", '() => checkAlong(["coins", "honest"], coins.honest, honest, checkCoin),'),
  keyChecks("keys: certificates unchecked", "() => checkCertificates(group, certificates),"),
  keyChecks(
    "keys: quorum certificate unchecked",
    '...checkAlong(["certificates", "quorum"], certificates.quorum, access.quorum, checkBlsPublicKey),',
  ),
  keyChecks(
    "keys: broadcast certificate unchecked",
    '...checkAlong(["certificates", "broadcast"], certificates.broadcast, access.broadcastQuorum, checkBlsPublicKey),',
  ),
  keyChecks("keys: encryption unchecked", '() => checkAlong(["encryption"], encryption, honest, dh),'),
  keyChecks("keys: receipt unchecked", '() => checkRsa("receipt", group, receipt),'),
  keyChecks("keys: token unchecked", '() => checkRsa("token", group, token),'),
  keyChecks("keys: not distinct", "() => checkDistinct(publicKeys),"),
  keyChecks("keys: access structure ignored", "if (sameFormula(key.access, access)) return [];", "return [];"),
  keyChecks(
    "keys: RSA keys with a common factor",
    "if (bezout(bytesToBigint(receipt.modulus), bytesToBigint(token.modulus)).gcd !== 1n)",
    "if (false)",
  ),
  keyChecks("keys: one key for two shared uses", "if (before !== undefined) return", "if (false) return"),
  keyChecks("keys: spares unbounded", "spare > 0 && n + spare <= MAX_PARTIES ?", "spare > 0 ?"),
  keyChecks(
    "keys: Protocol 2 for receipts",
    "if (problems.length > 0 || key.nonResidue.length === 0) return problems;",
    "return problems;",
  ),
  keyChecks("keys: number of Ed25519 keys", "if (keys.length !== n)", "if (false)"),
  keyChecks("keys: Ed25519 keys of small order", "if (!ristretto.isEd25519Key(key))", "if (false)"),
  keyChecks("keys: one Ed25519 key for two uses", "if (owner !== undefined)", "if (false)"),

  secretChecks(
    "secrets: coins unchecked",
    'for (const use of ["quorum", "honest"] as const) {',
    "for (const use of [] as const) {",
  ),
  secretChecks(
    "secrets: certificates of another scheme",
    'if (certificates.scheme !== secrets.certificates.scheme) bad.push(["certificates"]);',
    "if (certificates.scheme !== secrets.certificates.scheme) void 0;",
  ),
  secretChecks("secrets: broadcast certificates unchecked", '["quorum", "broadcast"] as const', '["quorum"] as const'),
  secretChecks(
    "secrets: encryption unchecked",
    "createTdh2Sharer({ ristretto, publicKey: encryption, party, secret: secrets.encryption }),",
    "({ destroy() {} }),",
  ),
  secretChecks(
    "secrets: receipt unchecked",
    'check(["receipt"], () => createRsaSharer(receipt, party, secrets.receipt));',
  ),
  secretChecks("secrets: token unchecked", 'check(["token"], () => createRsaSharer(token, party, secrets.token));'),

  dealer("dealer: any RSA size", "checkRsaBits(rsaBits);\n  const rsaAccess", "const rsaAccess"),
  dealer(
    "dealer: any number of spares",
    "if (!Number.isInteger(spare) || spare < 0 || n + spare > MAX_PARTIES) {",
    "if (false) {",
  ),
  dealer(
    "dealer: spares without a threshold",
    'if (typeof honest === "number" || !isThresholdOf(honest, n)) {',
    "if (false) {",
  ),
  dealer("dealer: imported primes unchecked", "if (given !== undefined) await checkSafePrimes(given, rsaBits);"),

  config(
    "config: public keys unchecked",
    "for (const { path, message } of await checkPublicKeys(group, keys)) issues",
    "for (const { path, message } of []) issues",
  ),
  config("config: clients' keys unchecked", "if (!ristretto.isEd25519Key(publicKey))", "if (false)"),
  config(
    "config: client with a party's key",
    "issues.push(...checkClientKeys(cluster), ...checkCertificates(cluster));",
    "issues.push(...checkCertificates(cluster));",
  ),
  config(
    "config: certificate with a signing key",
    "return owner === undefined ? [] : [{ path, message: `has the key of ${owner}: each use needs its own` }];",
    "return [];",
  ),
  config("config: one TLS key twice", "if (isRepeated(tlsKeys, index)) return", "if (false) return"),
  config("config: one subject twice", "if (isRepeated(subjects, index)) return", "if (false) return"),
  config(
    "config: shared secrets of another party",
    "...(await checkSharedSecrets(party, cluster.keys, keys)).map((path) => ({ path, message: FOREIGN_KEY })),",
  ),
  config(
    "config: seed of another party",
    "if (equalBytes(createEd25519Signer(seed).publicKey, publicKey)) return [];",
    "return [];",
  ),
  config(
    "config: TLS key of another party",
    "if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) return [];",
    "return [];",
  ),
];
