/** What replicas and their stores say when all is over. */
import { openReader } from "../../dist/adapters/storage/index.js";
import { join } from "node:path";
import { abcast } from "./cluster.mjs";

/** The log of the party in `directory`, as it is in its store: { sequence, payload } in order. The replica does not run. */
export async function readLedger(directory) {
  const store = openReader(join(directory, "store"));
  try {
    return [...store.ledger(1)].map(({ sequence, payload }) => ({ sequence, payload }));
  } finally {
    await store.close();
  }
}

/** By party, its whole log for verdict.mjs, and what was in logs that it has lost. The replicas have stopped. */
export async function readLogs(cluster, identify) {
  const logs = new Map();
  const lostLogs = new Map();
  const entryOf = ({ sequence, payload }) => ({
    sequence,
    id: identify(payload),
    bytes: Buffer.from(payload).toString("base64"),
  });
  for (const { party, directory, lostEntries } of cluster.replicas) {
    logs.set(party, (await readLedger(directory)).map(entryOf));
    lostLogs.set(party, lostEntries.map(entryOf));
  }
  return { logs, lostLogs };
}

/** Nobody lies in these runs: whoever is accused is so wrongly. */
export function accusations(states) {
  return states.flatMap((state, accuser) =>
    state.accusations.map(
      ({ party, fault, tag, count }) => `party ${accuser} accuses ${party} of ${fault} in ${tag}, ${count} times`,
    ),
  );
}

/** What `abcast fsck` finds. */
export async function checkStores(cluster) {
  const problems = [];
  for (const { party, directory } of cluster.replicas) {
    try {
      await abcast("fsck", directory);
    } catch (error) {
      problems.push(`fsck of party ${party}: ${error.stdout ?? ""}${error.stderr ?? error.message}`);
    }
  }
  return problems;
}
