/** What a replica counts of itself, from its `/metrics`. */

export interface ReplicaCounts {
  readonly round: number;
  readonly sentBytes: number;
  readonly syncs: number;
}

const TIMEOUT_MS = 20_000;

/** @throws Error when it does not answer, or not with all of them */
export async function replicaCounts(httpPort: number): Promise<ReplicaCounts> {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await answer.text();
  const value = (name: string): number => {
    const found = new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
    if (found === undefined) throw new Error(`/metrics at port ${httpPort} has no ${name}`);
    return Number(found);
  };
  return {
    round: value("abcast_round"),
    sentBytes: value("abcast_tls_sent_bytes_total"),
    syncs: value("abcast_disk_syncs_total"),
  };
}
