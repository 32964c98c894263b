/** Which tests of replicas depend on the mode of dissemination: those with replicas that order, of the mode in the environment. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = "test/replica";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** A file that makes a `TestCluster`, itself or by one of the others. */
const WITH_CLUSTER = /from "\.\/(?:test-cluster|bidding-cluster|lives)\.js"/;
/** Of these every cluster is given its mode. */
const GIVEN: ReadonlySet<string> = new Set([
  "clock-report.test.ts",
  "idle-inputs.test.ts",
  "replica-certified.test.ts",
]);

/** Their paths from the root. */
export function testsOfBothModes(): string[] {
  return readdirSync(join(ROOT, FOLDER))
    .filter((name) => name.endsWith(".test.ts") && !GIVEN.has(name))
    .map((name) => `${FOLDER}/${name}`)
    .filter((path) => WITH_CLUSTER.test(readFileSync(join(ROOT, path), "utf8")));
}
