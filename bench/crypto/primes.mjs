/** The primes of the RSA keys that are measured, by the size of the modulus in bits. */
import { PRIMES_1024, PRIMES_1536, PRIMES_2048 } from "../../test/support/safe-primes.mjs";

export const SAFE_PRIMES = new Map([
  [2048, PRIMES_1024],
  [3072, PRIMES_1536],
  [4096, PRIMES_2048],
]);
