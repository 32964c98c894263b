/** The public surface of the cryptography, also as `abcast/crypto`; everything else in this folder is its inside. */
export { type Formula, type Gate, allOf, anyOf, atLeast, thresholdFormula, weightedFormula } from "../core/formula.js";
export { type Dealing, type DealOptions, type DealProgress, deal } from "./dealer.js";
export { type CertificateVerifier, createCertificateVerifier } from "./certificate-verifier.js";
export { CombineError, KeyError } from "./errors.js";
export {
  type Ed25519Signer,
  type Ed25519Verifier,
  createEd25519Signer,
  createEd25519Verifier,
} from "./ed25519/ed25519.js";
export { type TlsIdentity, createTlsIdentity, renewTlsCertificate } from "./ed25519/tls-identity.js";
export { type KeyProblem, checkPublicKeys } from "./key-checks.js";
export type {
  Dealt,
  ProtocolPublicKeys,
  ProtocolSecretKeys,
  PublicKeys,
  RsaPublicKey,
  SecretKeys,
  SharedPublicKey,
} from "./keys.js";
export { type OwnPublicKeys, createOwnKeys, ownPublicKeys } from "./own-keys.js";
export { type ProtocolDealOptions, type ProtocolDealing, dealProtocolKeys } from "./protocol-dealer.js";
export {
  type Combination,
  type Invalid,
  type Scheme,
  type Sharer,
  type Verdict,
  combineInTurns,
  combineRobustly,
} from "./scheme.js";
export { type KeyGroup, dealKey } from "./sharing/deal-key.js";
export { type Sharing, type Term, createSharing } from "./sharing/sharing.js";
export { type RelayKeyOptions, createRelayKeys } from "./relay-keys.js";
export { type SuiteOptions, createSuite } from "./suite.js";

export { blsKeys } from "./bls/curve.js";
export { checkBlsPublicKey, createBlsScheme, createBlsSharer } from "./bls/threshold.js";
export { type Ristretto, loadRistretto } from "./ristretto/group.js";
export { checkSharedKey, ristrettoKeys } from "./ristretto/shared-key.js";
export { createCoinScheme, createCoinSharer } from "./ristretto/coin.js";
export { type Tdh2Scheme, type Tdh2Subject, createTdh2Scheme, createTdh2Sharer } from "./ristretto/tdh2.js";
export { type SafePrimes, checkSafePrimes, dealRsa, generateSafePrimes } from "./rsa/dealer.js";
export { MAX_RSA_BITS, MIN_RSA_BITS, checkRsaPublicKey, rsaPublicKeyPem } from "./rsa/key.js";
export { type RsaWorkers, type RsaWorkersOptions, RsaWorkerError, createRsaWorkers } from "./rsa/workers.js";
export { type RsaScheme, type RsaSharer, createRsaScheme, createRsaSharer } from "./rsa/threshold.js";
