/** For the environment of a program that runs `abcast init`, such as the demo: the search takes seconds, sometimes many. */
export const WITH_KNOWN_PRIMES = {
  NODE_OPTIONS: `--import=${new URL("known-primes.mjs", import.meta.url).href}`,
} as const;
