/** To be imported before a program that runs `abcast init` as a process (with-known-primes.ts): there primes are known. */
if (process.argv[2] === "init") {
  await import("./init.mjs");
  process.exit();
}
