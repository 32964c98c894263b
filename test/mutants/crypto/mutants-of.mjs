/** Makes mutants of `file`, a path under the root; `tests` is what vitest runs, by default the test of the same name. */
export function mutantsOf(file, ...tests) {
  const own = file.replace(/^src/, "test").replace(/\.ts$/, ".test.ts");
  const stages = [tests.length === 0 ? [own] : tests];
  /** `search` occurs once in the file. */
  return (name, search, replacement = "") => ({ name: `crypto: ${name}`, file, search, replacement, stages });
}
