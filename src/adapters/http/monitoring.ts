/**
 * What a replica tells who monitors it:
 *
 *     GET /healthz   200 {"status":"ok"}, or 503 {"status":"stopped"}
 *     GET /readyz    200 {"status":"ready"}, or 503 {"status":"not ready","reasons":[...]}
 *     GET /metrics   counters and gauges for Prometheus
 *
 * It is what this replica says of itself, as `abcast status` is, to whoever can connect.
 */
import type { Group } from "../../core/group.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import type { ReplicaState } from "../../replica/replica.js";
import type { StorageSize } from "../../replica/storage.js";
import { counter, EXPOSITION_CONTENT_TYPE, expose, gauge, type MetricFamily, type Sample } from "./exposition.js";
import { jsonAnswer, type TextAnswer } from "./exchange.js";

/** A replica and its desk, as far as they are monitored. */
export interface Monitored {
  readonly group: Pick<Group, "parties" | "isQuorum">;
  state(): ReplicaState;
  isConnected(peer: PartyId): boolean;
  heldBytes(peer: PartyId): number;
  queueLength(): number;
  clientConnections(): number;
  /** On disk. */
  size(): StorageSize;
  /** How often the disk was waited for. */
  syncs(): number;
  /** Of all connections with peers and clients. */
  traffic(): { readonly sentBytes: number; readonly receivedBytes: number };
}

const STATES: readonly ReplicaState["state"][] = ["starting", "learner", "catching-up", "active", "stopped"];

/** `processMetrics`: what is to be told of the process besides. */
export function monitoringRoutes(
  monitored: Monitored,
  processMetrics: () => readonly MetricFamily[],
): ReadonlyMap<string, () => TextAnswer> {
  return new Map<string, () => TextAnswer>([
    ["/healthz", () => health(monitored)],
    ["/readyz", () => readiness(monitored)],
    [
      "/metrics",
      () => {
        const body = expose([...replicaMetrics(monitored), ...processMetrics()]);
        return { status: 200, contentType: EXPOSITION_CONTENT_TYPE, body };
      },
    ],
  ]);
}

/** A replica that starts, which may take long, is well. */
function health(monitored: Monitored): TextAnswer {
  const isStopped = monitored.state().state === "stopped";
  return isStopped ? jsonAnswer(503, { status: "stopped" }) : jsonAnswer(200, { status: "ok" });
}

function readiness(monitored: Monitored): TextAnswer {
  const reasons = reasonsAgainst(monitored);
  if (reasons.length === 0) return jsonAnswer(200, { status: "ready" });
  return jsonAnswer(503, { status: "not ready", reasons });
}

/** Why the replica cannot take part: not active, or not connected to a quorum, of which it is one itself. */
function reasonsAgainst(monitored: Monitored): string[] {
  const { state, party } = monitored.state();
  const reasons: string[] = [];
  if (state === "starting") reasons.push("the replica is starting: it replays its log");
  if (state === "stopped") reasons.push("the replica has stopped");
  if (state === "learner") reasons.push("the replica must not speak yet: it follows the others");
  if (state === "catching-up") reasons.push("the replica is behind the others, and catches up");
  const peers = peersOf(monitored);
  const connected = peers.filter((peer) => monitored.isConnected(peer));
  if (!monitored.group.isQuorum(PartySet.of([party, ...connected]))) {
    const missing = peers.filter((peer) => !connected.includes(peer)).join(", ");
    reasons.push(
      `connected to ${connected.length} of ${peers.length} peers, too few for a quorum; missing: ${missing}`,
    );
  }
  return reasons;
}

function peersOf(monitored: Monitored): readonly PartyId[] {
  const { party } = monitored.state();
  return monitored.group.parties.filter((other) => other !== party);
}

/** Labels are peers of the group and names of faults and states: few, whatever anybody sends. */
function replicaMetrics(monitored: Monitored): readonly MetricFamily[] {
  const state = monitored.state();
  const { logBytes, batchBytes, tableBytes } = monitored.size();
  const { sentBytes, receivedBytes } = monitored.traffic();
  const peers = peersOf(monitored);
  const byPeer = (value: (peer: PartyId) => number): Sample[] =>
    peers.map((peer) => ({ labels: { peer: String(peer) }, value: value(peer) }));
  const connected = byPeer((peer) => Number(monitored.isConnected(peer)));
  const isReady = reasonsAgainst(monitored).length === 0;
  const accusations = state.accusations.map(({ party, fault, count }) => {
    return { labels: { peer: String(party), fault }, value: count };
  });
  return [
    gauge(
      "abcast_state",
      "1 for the state that the replica is in.",
      ...STATES.map((name) => ({ labels: { state: name }, value: Number(name === state.state) })),
    ),
    gauge("abcast_ready", "1 when /readyz says that the replica is ready.", { value: Number(isReady) }),
    gauge("abcast_round", "The last decided round.", { value: state.round }),
    gauge("abcast_sequence", "The last number that was given: delivered payloads.", { value: state.sequence }),
    gauge("abcast_checkpoint_round", "The round of the latest certified checkpoint.", { value: state.checkpointRound }),
    gauge("abcast_catch_up_rounds", "Rounds that others are known to have decided, and this replica has not.", {
      value: Math.max(0, (state.catchUp?.targetRound ?? 0) - state.round),
    }),
    gauge("abcast_log_bytes", "Bytes of the log on disk.", { value: logBytes }),
    gauge("abcast_batch_bytes", "Bytes of the files of batches on disk.", { value: batchBytes }),
    gauge("abcast_table_bytes", "Bytes of the tables on disk.", { value: tableBytes }),
    gauge("abcast_queue_length", "Payloads that this replica knows and that have no number yet.", {
      value: monitored.queueLength(),
    }),
    gauge("abcast_client_connections", "Connections of clients.", { value: monitored.clientConnections() }),
    gauge("abcast_peers_connected", "Peers that are connected, both ways.", {
      value: connected.reduce((sum, { value }) => sum + value, 0),
    }),
    gauge("abcast_peer_connected", "1 when the peer is connected, both ways.", ...connected),
    gauge(
      "abcast_peer_held_bytes",
      "Bytes that are kept because the peer may still need them.",
      ...byPeer((peer) => monitored.heldBytes(peer)),
    ),
    counter("abcast_disk_syncs_total", "How often the disk was waited for.", { value: monitored.syncs() }),
    counter("abcast_tls_sent_bytes_total", "Bytes sent to peers and clients, before encryption.", { value: sentBytes }),
    counter("abcast_tls_received_bytes_total", "Bytes received from peers and clients, after decryption.", {
      value: receivedBytes,
    }),
    counter("abcast_sent_frames_total", "Frames sent to peers.", { value: state.sentFrames }),
    counter("abcast_sent_bytes_total", "Their bytes before encryption.", { value: state.sentBytes }),
    counter("abcast_relayed_frames_total", "Those among the frames that were relayed.", { value: state.relayedFrames }),
    counter("abcast_relayed_bytes_total", "Bytes of the relayed frames.", { value: state.relayedBytes }),
    gauge(
      "abcast_clock_offset_seconds",
      "A party's clock minus the group's time, by rounds in which both are; this replica's own, too.",
      ...state.clocks.map(({ party, offsetMs }) => ({ labels: { peer: String(party) }, value: offsetMs / 1000 })),
    ),
    gauge(
      "abcast_clock_far",
      "1 for a clock that is farther from the group's time than honest clocks can be.",
      ...state.clocks.map(({ party, isFar }) => ({ labels: { peer: String(party) }, value: Number(isFar) })),
    ),
    counter("abcast_accusations_total", "What this replica found peers to do wrong.", ...accusations),
  ];
}
