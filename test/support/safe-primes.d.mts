import type { SafePrimes } from "../../src/crypto/index.js";

export const PRIMES_1024: SafePrimes;
/** A second pair: another key. */
export const OTHER_PRIMES_1024: SafePrimes;
export const PRIMES_1536: SafePrimes;
/** A second pair: another key. */
export const OTHER_PRIMES_1536: SafePrimes;
export const PRIMES_2048: SafePrimes;
