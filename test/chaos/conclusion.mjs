/** The end of a run: all replicas up, no client any more. What was promised must be in their logs, and they must be one log. */
import { writeFileSync } from "node:fs";
import { findViolations } from "./linearizability.mjs";
import { accusations, checkStores, readLogs } from "./stores.mjs";
import { judge } from "./verdict.mjs";

const AGREE_MS = 300_000;

/** Stops the replicas. `historyFiles`: where the history goes, when the workload has one. */
export async function conclude({ cluster, workload, historyFiles = [] }) {
  const violations = [...(workload.violations ?? [])];
  try {
    violations.push(...accusations(await cluster.agreed(cluster.parties, AGREE_MS)));
  } catch (error) {
    violations.push(error.message);
  }
  await Promise.all(cluster.replicas.map((replica) => replica.stop()));
  const { logs, lostLogs } = await readLogs(cluster, (payload) => workload.identify(payload));
  const verdict = judge(workload.acknowledged, logs, lostLogs);
  violations.push(...verdict.violations, ...(await checkStores(cluster)));
  const { history } = workload;
  if (history !== undefined) violations.push(...judgeHistory(history, historyFiles));
  return {
    acknowledged: workload.acknowledged.length,
    lost: verdict.lost,
    duplicated: verdict.duplicated,
    unchecked: verdict.unchecked,
    unknown: workload.unknown,
    operations: history?.length ?? 0,
    violations,
  };
}

function judgeHistory(history, files) {
  const text = history.map((operation) => `${JSON.stringify(operation)}\n`).join("");
  for (const file of files) writeFileSync(file, text);
  try {
    return findViolations(history).map((violation) => `not linearisable: ${JSON.stringify(violation)}`);
  } catch (error) {
    return [`the history could not be judged: ${error.message}`];
  }
}
