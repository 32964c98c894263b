/** Checks the store in argv[2] and prints the outcome as JSON: in a process of its own, which a damaged database may crash. */
import { checkStore } from "../adapters/storage/check.js";
import { StorageError } from "../adapters/storage/index.js";
import { digestOfBatch } from "../protocols/index.js";
import { sha256 } from "./sha256.js";

const [, , directory = ""] = process.argv;
try {
  process.stdout.write(
    JSON.stringify({ checked: await checkStore(directory, (bytes) => digestOfBatch(bytes, sha256)) }),
  );
} catch (error) {
  if (!(error instanceof StorageError)) throw error;
  process.stdout.write(JSON.stringify({ refused: error.message }));
}
