/** Whether every acknowledged payload is in every honest log, exactly once, where the client was told; and the logs are one log. */

/**
 * `acknowledged`: { id, sequence }. `logs`: by party, what is left of its log in order, each entry { sequence, id, bytes }, where
 * `id` is undefined for what no client of ours has sent, and `bytes` is the payload as text.
 * `lostLogs`: by party, entries of logs that it had before, in any order, also twice.
 */
export function judge(acknowledged, logs, lostLogs = new Map()) {
  const violations = [];
  const lost = new Set();
  const duplicated = new Set();
  let unchecked = 0;
  for (const [party, entries] of logs) {
    const places = new Map();
    let previous;
    for (const { sequence, id } of entries) {
      if (previous !== undefined && sequence !== previous + 1)
        violations.push(`party ${party}: its log goes on with ${sequence} after ${previous}`);
      previous = sequence;
      if (id === undefined) continue;
      if (places.has(id)) {
        duplicated.add(id);
        violations.push(`party ${party}: ${id} is in its log as ${places.get(id)} and as ${sequence}`);
      } else places.set(id, sequence);
    }
    const before = new Map();
    for (const { sequence, id } of lostLogs.get(party) ?? []) {
      if (id === undefined) continue;
      const place = places.get(id) ?? before.get(id) ?? sequence;
      if (place !== sequence) {
        duplicated.add(id);
        violations.push(`party ${party}: ${id} was in its log as ${sequence}, and is as ${place}`);
      }
      before.set(id, sequence);
    }
    const first = entries[0]?.sequence ?? Infinity;
    for (const { id, sequence } of acknowledged) {
      const place = places.get(id) ?? before.get(id);
      if (place === sequence) continue;
      if (place === undefined && sequence < first && entries.length > 0) unchecked++;
      else {
        lost.add(id);
        violations.push(
          `party ${party}: ${id} was acknowledged as ${sequence}, and its log has it ${place ?? "nowhere"}`,
        );
      }
    }
  }
  return {
    lost: lost.size,
    duplicated: duplicated.size,
    unchecked,
    violations: [...violations, ...differences(logs, lostLogs)],
  };
}

/** Entries that two logs have under one number must be the same; and they must end with the same. */
function differences(logs, lostLogs) {
  const violations = [];
  const seen = new Map();
  const ends = new Map();
  for (const [party, entries] of [...logs, ...lostLogs]) {
    for (const { sequence, bytes } of entries) {
      const other = seen.get(sequence);
      if (other === undefined) seen.set(sequence, { party, bytes });
      else if (other.bytes !== bytes)
        violations.push(`parties ${other.party} and ${party} have different entries ${sequence}`);
    }
  }
  for (const [party, entries] of logs) ends.set(party, entries.at(-1)?.sequence ?? 0);
  if (new Set(ends.values()).size > 1)
    violations.push(
      `the logs end differently: ${[...ends].map(([party, end]) => `party ${party} with ${end}`).join(", ")}`,
    );
  return violations;
}
