/**
 * The cryptography with one check gone, or one value not bound, in each mutant. The tests are those of the mutated file, so that a
 * check does not count as tested because something far away falls over.
 */
import { BLS_MUTANTS } from "./crypto/bls.mjs";
import { CEREMONY_MUTANTS } from "./crypto/ceremony.mjs";
import { KEY_MUTANTS } from "./crypto/keys.mjs";
import { RISTRETTO_MUTANTS } from "./crypto/ristretto.mjs";
import { RSA_MUTANTS } from "./crypto/rsa.mjs";
import { SHARING_MUTANTS } from "./crypto/sharing.mjs";

export const CRYPTO_MUTANTS = [
  ...SHARING_MUTANTS,
  ...RSA_MUTANTS,
  ...BLS_MUTANTS,
  ...RISTRETTO_MUTANTS,
  ...CEREMONY_MUTANTS,
  ...KEY_MUTANTS,
];
