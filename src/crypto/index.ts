/** The public surface of the cryptography; everything else in this folder is its inside. */
export { type Dealing, type DealOptions, type DealProgress, deal } from "./dealer.js";
export { CombineError, KeyError } from "./errors.js";
export {
  type Ed25519Signer,
  type Ed25519Verifier,
  createEd25519Signer,
  createEd25519Verifier,
} from "./ed25519/ed25519.js";
export { checkPublicKeys } from "./key-checks.js";
export type { CoinPublicKey, PublicKeys, RsaPublicKey, SecretKeys } from "./keys.js";
export { type SafePrimes, type RsaDealing, type RsaDealOptions, dealRsa, generateSafePrimes } from "./rsa/dealer.js";
export { MAX_RSA_BITS, MIN_RSA_BITS, checkRsaPublicKey, rsaPublicKeyPem } from "./rsa/key.js";
export {
  type ProvenCombination,
  type ProvenShare,
  type RsaSigner,
  type RsaVerifier,
  createRsaSigner,
  createRsaVerifier,
} from "./rsa/threshold.js";
export { type SuiteOptions, createSuite } from "./suite.js";
export { type TlsIdentity, createTlsIdentity } from "./ed25519/tls-identity.js";
