/** Open loop: what a stall costs shows in the latencies, of all payloads that should have been sent meanwhile. */
import { expect, it } from "vitest";
import { Traffic } from "../../../src/adapters/tls/index.js";
import { Load } from "../../../src/cli/bench/load.js";
import { type Batch, OpenLoop } from "../../../src/cli/bench/pacer.js";

class SlowClient {
  readonly sent: Batch[] = [];
  readonly patiences: number[] = [];
  readonly #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  get inFlight(): number {
    return this.sent.length;
  }

  get hasRoom(): boolean {
    return this.sent.length < this.#room;
  }

  send(batch: Batch): void {
    this.sent.push(batch);
  }

  widen(patienceMs: number): void {
    this.patiences.push(patienceMs);
  }
}

/** One payload a millisecond from 0 on. */
function loadOf(client: SlowClient) {
  const clock = { nowMs: 0 };
  const traffic = new Traffic();
  const load = new Load({
    clients: [client],
    maxOperations: 10,
    pacer: new OpenLoop(0, 1000, () => 0),
    traffic,
    nowMs: () => clock.nowMs,
  });
  const at = (nowMs: number): void => {
    clock.nowMs = nowMs;
    load.send();
  };
  const acknowledge = (): void => {
    const batch = client.sent.shift();
    if (batch !== undefined) load.onAcknowledged(batch, batch.intendedMs);
  };
  return { load, traffic, at, acknowledge };
}

it("counts from when a payload should have been sent", () => {
  const client = new SlowClient(1);
  const { load, at, acknowledge } = loadOf(client);
  at(0);
  // The cluster does nothing for 1 s. What was due then goes out as soon as there is room.
  at(999);
  expect(client.sent).toEqual([{ intendedMs: 0, stepMs: 1, count: 1 }]);
  acknowledge();
  for (let left = 0; left < 100; left++) acknowledge();
  const { acknowledged, latencyMs } = load.measured();
  expect(acknowledged).toBe(1000);
  expect(latencyMs.p50).toBeGreaterThan(495);
  expect(latencyMs.p50).toBeLessThan(510);
  expect(latencyMs.p99).toBeGreaterThan(985);
});

it("measures from `begin` on, with what was sent since", () => {
  const { load, traffic, at, acknowledge } = loadOf(new SlowClient(5));
  at(0);
  acknowledge();
  traffic.sentBytes = 100;
  load.begin();
  expect(load.measured()).toMatchObject({ acknowledged: 0, requests: 0, sentBytes: 0, latencyMs: { p50: null } });
  at(1);
  traffic.sentBytes = 250;
  acknowledge();
  expect(load.measured()).toMatchObject({ seconds: 0.001, acknowledged: 1, requests: 1, sentBytes: 150 });
});

it("sends nothing more after its end", () => {
  const client = new SlowClient(5);
  const { load, at } = loadOf(client);
  load.end();
  at(10);
  expect(load.inFlight).toBe(0);
});

it("is patient with who is slow of late", () => {
  const client = new SlowClient(100);
  const { load, at, acknowledge } = loadOf(client);
  load.widen();
  for (let second = 0; second < 50; second++) at(second);
  at(2000);
  for (let left = 0; left < 100; left++) acknowledge();
  load.widen();
  expect(client.patiences[0]).toBe(1000);
  expect(client.patiences[1]).toBeGreaterThan(1000);
});
