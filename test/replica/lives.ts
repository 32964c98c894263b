/** Replicas that die at any time, at any write, and start again: schedules by seed. */
import type { PartyId } from "../../src/core/party-set.js";
import { Random } from "../../src/sim/random.js";
import type { CommitFate, MemoryStorageOptions } from "../support/memory-storage.js";
import { type Running, type TestCluster, hasDone, payloadOf } from "./test-cluster.js";

const WRITES: readonly CommitFate[] = ["lost", "unheard", "behind"];
const OPERATIONS: readonly CommitFate[] = ["lost", "unheard"];

export class Lives {
  readonly cluster: TestCluster;
  readonly random: Random;
  readonly names: string[] = [];
  /** Those in the middle of a write that never ends. */
  readonly dying = new Set<PartyId>();
  deaths = 0;

  constructor(cluster: TestCluster, seed: number) {
    this.cluster = cluster;
    this.random = new Random(seed + 1000);
  }

  /** Each write of the store is the last one with this probability. */
  deadly(party: PartyId, chance: number): MemoryStorageOptions {
    const fate = (fates: readonly CommitFate[]): CommitFate => {
      if (!this.random.chance(chance)) return "done";
      this.dying.add(party);
      return this.random.pick(fates);
    };
    return { fate: () => fate(WRITES), operationFate: () => fate(OPERATIONS) };
  }

  /** Until it is up; whether it came up. What dies before stays down. */
  async start(party: PartyId, options: MemoryStorageOptions = {}): Promise<boolean> {
    const running = this.cluster.make(party, options);
    const outcome: { error?: unknown; isUp?: boolean } = {};
    running.replica.start().then(
      () => (outcome.isUp = true),
      (error: unknown) => (outcome.error = error),
    );
    for (let turn = 0; outcome.isUp !== true; turn++) {
      if (outcome.error !== undefined) throw new Error(`party ${party} does not start`, { cause: outcome.error });
      if (this.dying.delete(party)) {
        running.store.kill(this.random.below(3));
        this.deaths++;
        return false;
      }
      if (turn === 1000) throw new Error(`party ${party} does not come up`);
      await this.cluster.turn();
    }
    this.cluster.running.set(party, running);
    return true;
  }

  kill(party: PartyId): void {
    this.dying.delete(party);
    this.cluster.crash(party, this.random.below(3));
    this.deaths++;
  }

  /** Some turns; who dies in them is dead at their end. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) await this.cluster.turn();
    for (const party of this.dying) if (this.cluster.running.has(party)) this.kill(party);
  }

  /** So many payloads, and after each any number of turns: up to any moment of a round. */
  async live(payloads: number): Promise<void> {
    for (let count = 0; count < payloads; count++) {
      this.submit();
      await this.turns(this.random.below(25));
    }
  }

  /** A new payload for one of those who take any. */
  submit(): void {
    const name = `n${this.names.length}`;
    this.names.push(name);
    const payload = payloadOf(name);
    for (const [, { replica }] of this.shuffled()) if (replica.submit(payload) === "taken") return;
  }

  shuffled(): readonly (readonly [PartyId, Running])[] {
    return this.random.shuffled([...this.cluster.running]);
  }

  /** Clients ask again whatever they asked, until all have all of it. */
  async settle(maxTurns = 20_000): Promise<void> {
    let turns = 0;
    await this.cluster.run(() => {
      if (turns++ % 500 === 0) this.#askAgain();
      return this.#isSettled;
    }, maxTurns);
  }

  #askAgain(): void {
    for (const { replica } of this.cluster.running.values())
      for (const name of this.names) replica.submit(payloadOf(name));
  }

  get #isSettled(): boolean {
    const replicas = [...this.cluster.running.values()].map(({ replica }) => replica);
    // A round may deliver nothing.
    const tips = new Set(replicas.map(({ state: { round, sequence } }) => `${round} ${sequence}`));
    return tips.size === 1 && replicas.every(({ machine }) => this.names.every((name) => hasDone(machine, name)));
  }
}
