/**
 * Commits batches to the store in argv[2] until it is killed, and says on stdout which are acknowledged. The contents
 * follow from the batch's number, so that whoever opens the store afterwards knows what must be there.
 */
import { writeSync } from "node:fs";

const [, , adapter, codec, directory] = process.argv;
const { openStore } = await import(adapter);
const { batchOf, countOf } = await import(codec);

const store = openStore(directory);
for (let number = countOf(store) + 1; ; number++) {
  await store.commit(batchOf(number));
  writeSync(1, `${number}\n`);
}
