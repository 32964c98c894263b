/** Checks the store in argv[2] and prints the outcome as JSON: in a process of its own, which a damaged database may crash. */
import { checkStore } from "../adapters/storage/check.js";
import { StorageError } from "../adapters/storage/index.js";

const [, , directory = ""] = process.argv;
try {
  process.stdout.write(JSON.stringify({ checked: await checkStore(directory) }));
} catch (error) {
  if (!(error instanceof StorageError)) throw error;
  process.stdout.write(JSON.stringify({ refused: error.message }));
}
