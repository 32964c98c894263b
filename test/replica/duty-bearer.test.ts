import { describe, expect, it } from "vitest";
import { DutyBearer } from "../../src/replica/duty-bearer.js";
import type { DueDuty, Machine } from "../../src/replica/machine/index.js";
import { decodePayload, type Duty } from "../../src/wire/payload.js";

const CLUSTER = new Uint8Array(32).fill(1);

/** A machine that owes what it is told to, and executes on request. */
class World {
  executed = 0;
  owed: number | undefined;
  isReady = true;
  hasRoom = true;
  asked = 0;
  readonly said: Duty[] = [];
  readonly bearer = new DutyBearer({
    self: 2,
    cluster: CLUSTER,
    machine: () => (this.isReady ? this.#machine : undefined),
    decryption: { share: (label) => label },
    sign: () => new Uint8Array(64).fill(9),
    nowMs: () => 5,
    submit: (payload) => {
      if (!this.hasRoom) return false;
      const decoded = decodePayload(payload);
      if (!decoded.ok || decoded.value.kind !== "duty") throw new Error("no duty");
      this.said.push(decoded.value);
      return true;
    },
  });
  readonly #machine: Pick<Machine, "nextDuty" | "due"> = {
    nextDuty: () => this.executed + 1,
    due: (debtor): DueDuty | undefined => {
      const { party, nowMs } = debtor;
      expect([party, nowMs, debtor.decryptionShare(CLUSTER, CLUSTER)]).toEqual([2, 5, CLUSTER]);
      this.asked += 1;
      const { owed } = this;
      return owed === undefined
        ? undefined
        : { number: this.executed + 1, service: "list", operation: Uint8Array.of(owed) };
    },
  };

  /** The numbers and operations that were said. */
  get words(): string[] {
    return this.said.map(({ number, operation }) => `${number}:${operation.join()}`);
  }
}

describe("a replica's duties", () => {
  it("are said one at a time: the next when the last one was executed", () => {
    const world = new World();
    world.bearer.look();
    expect(world.said).toEqual([]);
    world.owed = 7;
    world.bearer.look();
    world.owed = 8;
    for (let time = 0; time < 20; time++) world.bearer.tick();
    expect(world.words).toEqual(["1:7"]);
    expect(world.said[0]).toMatchObject({ cluster: CLUSTER, party: 2, service: "list" });
    world.executed = 1;
    world.bearer.look();
    expect(world.words).toEqual(["1:7", "2:8"]);
    // What is said is not worked out again.
    const { asked } = world;
    world.bearer.look();
    expect(world.asked).toBe(asked);
  });

  it("are not said by a replica that is to say nothing, nor lost where there is no room", () => {
    const world = new World();
    world.owed = 7;
    world.isReady = false;
    world.bearer.tick();
    world.isReady = true;
    world.hasRoom = false;
    world.bearer.tick();
    // One attempt a tick.
    const { asked } = world;
    for (let time = 0; time < 5; time++) world.bearer.look();
    expect(world.asked).toBe(asked);
    world.hasRoom = true;
    world.bearer.tick();
    expect(world.words).toEqual(["1:7"]);
  });

  it("that were executed and are due again wait ever longer, until there is something else", () => {
    const world = new World();
    world.owed = 7;
    const saidAt: number[] = [];
    for (let tick = 1; tick <= 2000; tick++) {
      world.bearer.tick();
      world.bearer.look();
      if (world.said.length > saidAt.length) saidAt.push(tick);
      world.executed = world.said.length;
    }
    const gaps = saidAt.slice(1).map((tick, index) => tick - (saidAt[index] ?? 0));
    expect(gaps.slice(0, 9)).toEqual([2, 3, 5, 9, 17, 33, 65, 129, 257]);
    expect(Math.max(...gaps)).toBe(257);
    // Something else does not wait.
    world.owed = 8;
    world.bearer.look();
    expect(world.words.at(-1)).toBe(`${world.said.length}:8`);
    world.executed = world.said.length;
    const before = world.said.length;
    for (let tick = 0; tick < 3; tick++) world.bearer.tick();
    expect(world.said.length).toBe(before + 1);
  });
});
