/** A stopped party's store as an older version of the program has left it: its log is of another engine, which must not be replayed. */
import { join } from "node:path";
import { open } from "lmdb";

export async function pretendOlderEngine(directory) {
  const tables = open({
    path: join(directory, "store", "store.mdb"),
    encoding: "string",
    overlappingSync: false,
    maxDbs: 12,
  });
  await tables.put("engine", "abcast-engine/1");
  await tables.close();
}
