import { describe, expect, it } from "vitest";
import { type Monitored, monitoringRoutes } from "../../../src/adapters/http/monitoring.js";
import { gauge } from "../../../src/adapters/http/exposition.js";
import { thresholdGroup } from "../../../src/core/group.js";
import type { ReplicaState } from "../../../src/replica/replica.js";
import { parseExposition, sampleKey } from "../../support/exposition.js";

const STATE: ReplicaState = {
  party: 1,
  state: "active",
  round: 7,
  sequence: 40,
  logDigest: new Uint8Array(32),
  timeMs: 1_700_000_000_000,
  catchUp: undefined,
  checkpointRound: 4,
  sentFrames: 100,
  sentBytes: 20_000,
  relayedFrames: 3,
  relayedBytes: 600,
  clocks: [
    { party: 1, offsetMs: -20, isFar: false },
    { party: 2, offsetMs: 3_600_000, isFar: true },
  ],
  accusations: [
    { party: 0, fault: "equivocation", tag: "notary/3", count: 2 },
    { party: 0, fault: "malformed-frame", tag: "link", count: 1 },
  ],
};

/** Party 1 of four, of which one may be corrupted: three are a quorum. */
function ask(path: string, state: Partial<ReplicaState> = {}, connected: readonly number[] = [0, 2, 3]) {
  const monitored: Monitored = {
    group: thresholdGroup({ n: 4, byzantine: 1 }),
    state: () => ({ ...STATE, ...state }),
    isConnected: (peer) => connected.includes(peer),
    heldBytes: (peer) => 1000 * peer,
    queueLength: () => 5,
    clientConnections: () => 2,
    size: () => ({ logBytes: 3000, batchBytes: 5000, tableBytes: 7000 }),
    syncs: () => 9,
    traffic: () => ({ sentBytes: 44_000, receivedBytes: 55_000 }),
  };
  const answer = monitoringRoutes(monitored, () => [gauge("process_x", "X.", { value: 1 })]).get(path)?.();
  if (answer === undefined) throw new Error(`no ${path}`);
  return answer;
}

function asJson(path: string, ...rest: [Partial<ReplicaState>?, (readonly number[])?]): readonly [number, unknown] {
  const { status, contentType, body } = ask(path, ...rest);
  expect(contentType).toBe("application/json; charset=utf-8");
  return [status, JSON.parse(body)];
}

describe("/healthz", () => {
  it("is well until the replica has stopped", () => {
    for (const state of ["active", "starting", "learner", "catching-up"] as const) {
      expect(asJson("/healthz", { state }, [])).toEqual([200, { status: "ok" }]);
    }
    expect(asJson("/healthz", { state: "stopped" })).toEqual([503, { status: "stopped" }]);
  });
});

describe("/readyz", () => {
  it("is ready with a quorum, itself included", () => {
    for (const connected of [
      [0, 2, 3],
      [0, 3],
      [2, 3],
    ]) {
      expect(asJson("/readyz", {}, connected)).toEqual([200, { status: "ready" }]);
    }
  });

  it("gives every reason why not", () => {
    const tooFew = (count: number, missing: string): string =>
      `connected to ${count} of 3 peers, too few for a quorum; missing: ${missing}`;
    const notReady = (...reasons: readonly string[]) => [503, { status: "not ready", reasons }];
    expect(asJson("/readyz", {}, [3])).toEqual(notReady(tooFew(1, "0, 2")));
    expect(asJson("/readyz", {}, [])).toEqual(notReady(tooFew(0, "0, 2, 3")));
    const starting = "the replica is starting: it replays its log";
    expect(asJson("/readyz", { state: "starting" }, [])).toEqual(notReady(starting, tooFew(0, "0, 2, 3")));
    expect(asJson("/readyz", { state: "stopped" })).toEqual(notReady("the replica has stopped"));
    const learner = "the replica must not speak yet: it follows the others";
    expect(asJson("/readyz", { state: "learner" })).toEqual(notReady(learner));
    const behind = "the replica is behind the others, and catches up";
    expect(asJson("/readyz", { state: "catching-up" })).toEqual(notReady(behind));
  });
});

describe("/metrics", () => {
  it("has what the replica knows, and the process", () => {
    const { status, contentType, body } = ask("/metrics", {}, [0]);
    expect([status, contentType]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    const { families, samples } = parseExposition(body);
    expect(Object.fromEntries(samples)).toEqual({
      [sampleKey("abcast_state", { state: "starting" })]: 0,
      [sampleKey("abcast_state", { state: "learner" })]: 0,
      [sampleKey("abcast_state", { state: "catching-up" })]: 0,
      [sampleKey("abcast_state", { state: "active" })]: 1,
      [sampleKey("abcast_state", { state: "stopped" })]: 0,
      [sampleKey("abcast_ready")]: 0,
      [sampleKey("abcast_round")]: 7,
      [sampleKey("abcast_sequence")]: 40,
      [sampleKey("abcast_checkpoint_round")]: 4,
      [sampleKey("abcast_catch_up_rounds")]: 0,
      [sampleKey("abcast_log_bytes")]: 3000,
      [sampleKey("abcast_batch_bytes")]: 5000,
      [sampleKey("abcast_table_bytes")]: 7000,
      [sampleKey("abcast_queue_length")]: 5,
      [sampleKey("abcast_client_connections")]: 2,
      [sampleKey("abcast_peers_connected")]: 1,
      [sampleKey("abcast_peer_connected", { peer: "0" })]: 1,
      [sampleKey("abcast_peer_connected", { peer: "2" })]: 0,
      [sampleKey("abcast_peer_connected", { peer: "3" })]: 0,
      [sampleKey("abcast_peer_held_bytes", { peer: "0" })]: 0,
      [sampleKey("abcast_peer_held_bytes", { peer: "2" })]: 2000,
      [sampleKey("abcast_peer_held_bytes", { peer: "3" })]: 3000,
      [sampleKey("abcast_disk_syncs_total")]: 9,
      [sampleKey("abcast_tls_sent_bytes_total")]: 44_000,
      [sampleKey("abcast_tls_received_bytes_total")]: 55_000,
      [sampleKey("abcast_sent_frames_total")]: 100,
      [sampleKey("abcast_sent_bytes_total")]: 20_000,
      [sampleKey("abcast_relayed_frames_total")]: 3,
      [sampleKey("abcast_relayed_bytes_total")]: 600,
      [sampleKey("abcast_clock_offset_seconds", { peer: "1" })]: -0.02,
      [sampleKey("abcast_clock_offset_seconds", { peer: "2" })]: 3600,
      [sampleKey("abcast_clock_far", { peer: "1" })]: 0,
      [sampleKey("abcast_clock_far", { peer: "2" })]: 1,
      [sampleKey("abcast_accusations_total", { peer: "0", fault: "equivocation" })]: 2,
      [sampleKey("abcast_accusations_total", { peer: "0", fault: "malformed-frame" })]: 1,
      [sampleKey("process_x")]: 1,
    });
    for (const [name, { type, help }] of families) {
      expect(type, name).toBe(name.endsWith("_total") ? "counter" : "gauge");
      expect(help, name).not.toBe("");
    }
  });

  it("says how far a replica is behind", () => {
    const catchUp = { targetRound: 19, chunks: 9, receivedChunks: 2 };
    const { samples } = parseExposition(ask("/metrics", { state: "catching-up", catchUp }).body);
    expect(samples.get(sampleKey("abcast_catch_up_rounds"))).toBe(12);
  });

  it("agrees with /readyz", () => {
    expect(parseExposition(ask("/metrics").body).samples.get(sampleKey("abcast_ready"))).toBe(1);
  });
});
