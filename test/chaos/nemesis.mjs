/** Carries a schedule out. Each action heals what it has broken; what then does not recover is a violation. */
import { setTimeout as sleep } from "node:timers/promises";
import { WRITE_POINTS } from "../../dist/adapters/storage/index.js";
import { Random } from "../../dist/sim/index.js";
import { fillDisk } from "./full-disk.mjs";
import { flipBit } from "./flipped-bit.mjs";
import { pretendOlderEngine } from "./older-engine.mjs";
import { flood, garbage, slowLoris } from "./hostile.mjs";
import { readLedger } from "./stores.mjs";

const HOUR_MS = 3_600_000;
/** How long a replica may take to replay, and to be in the log's present again; only violations wait so long. */
const RECOVERY_MS = 300_000;
/** Where every replica comes by within seconds. */
const COMMON_POINTS = WRITE_POINTS.filter((point) =>
  /^(log\.(append|sync)|tables\.commit|chunks\.put|checkpoint\.put|rebase|prune)$/.test(point),
);
const MAX_COUNT = 3;
/** Also on a machine that is so busy that the time is over before. */
const LEAST_STEPS = 8;

export class Nemesis {
  /** By name, how often. */
  done = {};
  kills = 0;
  killsDuringWrites = 0;
  violations = [];
  #cluster;
  #clientFile;
  #rejoin;
  #disks;

  /** `rejoin(party)`: makes a party whose store is gone one of the cluster again. `disks`: by party, small file systems under stores. */
  constructor({ cluster, clientFile, rejoin, disks = new Map() }) {
    this.#cluster = cluster;
    this.#clientFile = clientFile;
    this.#rejoin = rejoin;
    this.#disks = disks;
  }

  /** Until `deadlineMs` on the clock of `performance`, but some steps at least; or the schedule's end. */
  async run(steps, deadlineMs, onStep) {
    for (const [index, { actions, durationMs, gapMs }] of steps.entries()) {
      const isLate = performance.now() > deadlineMs && index >= LEAST_STEPS;
      if (isLate || this.violations.length > 0) return;
      onStep?.(actions);
      await Promise.all(actions.map((action) => this.#act(action, durationMs)));
      await sleep(gapMs);
    }
  }

  async #act({ nemesis, party, draw }, durationMs) {
    const random = new Random(draw);
    try {
      await this.#actions[nemesis](this.#cluster.replicas[party], durationMs, random);
      this.done[nemesis] = (this.done[nemesis] ?? 0) + 1;
    } catch (error) {
      this.violations.push(`${nemesis} of party ${party}: ${error.message}`);
    }
  }

  #actions = {
    kill: async (replica, durationMs) => {
      await this.#kill(replica);
      await sleep(durationMs);
      await this.#start(replica);
    },
    "kill-at-write": async (replica, durationMs, random) => {
      await replica.stop();
      const [point, moment] = [random.pick(COMMON_POINTS), random.pick(["before", "middle", "after"])];
      replica.start({ kill: { point, moment, count: 1 + random.below(MAX_COUNT) } });
      const timer = new AbortController();
      const late = sleep(durationMs + 2000, undefined, { signal: timer.signal }).catch(() => undefined);
      await Promise.race([replica.ended, late]);
      timer.abort();
      // Where the place was not come to.
      if (replica.isRunning) await this.#kill(replica);
      else this.kills++;
      await this.#start(replica);
    },
    restart: async (replica) => {
      const { code, signal } = await replica.stop();
      if (code !== 0) throw new Error(`stopped with exit code ${code}, signal ${signal}`);
      await this.#start(replica);
    },
    upgrade: async (replica) => {
      await replica.stop();
      await pretendOlderEngine(replica.directory);
      await this.#start(replica);
      await this.#cluster.speaking(replica.party, RECOVERY_MS);
    },
    pause: async (replica, durationMs) => {
      replica.signal("SIGSTOP");
      await sleep(durationMs);
      replica.signal("SIGCONT");
    },
    isolate: async ({ party }, durationMs, random) => {
      await this.#divide([party], this.#others([party]), durationMs, random);
    },
    "clock-forward": (replica, durationMs, random) => this.#jump(replica, HOUR_MS, durationMs, random),
    "clock-back": (replica, durationMs, random) => this.#jump(replica, -HOUR_MS, durationMs, random),
    "disk-full": async (replica, durationMs) => {
      const empty = await fillDisk(this.#disks.get(replica.party));
      try {
        await Promise.race([replica.ended, sleep(durationMs)]);
      } finally {
        await empty();
      }
      if (replica.isRunning) return;
      const { signal } = await replica.ended;
      if (signal !== null) throw new Error(`a full disk ended it with ${signal}`);
      await this.#start(replica);
    },
    "flip-bit": async (replica, _durationMs, random) => {
      await replica.stop();
      await flipBit(replica, random);
      await this.#lose(replica);
    },
    wipe: async (replica, durationMs) => {
      await this.#kill(replica);
      await sleep(durationMs);
      await this.#lose(replica);
    },
    flood: (replica, durationMs) => {
      const { port, httpPort } = this.#cluster.entries[replica.party];
      return during(durationMs, flood([port, httpPort]));
    },
    "slow-loris": (replica, durationMs) => during(durationMs, slowLoris(this.#cluster.entries[replica.party])),
    garbage: (replica, durationMs, random) =>
      during(durationMs, garbage(this.#cluster.entries[replica.party], this.#clientFile, random)),
    partition: async (_replica, durationMs, random) => {
      const parties = random.shuffled(this.#cluster.replicas.map(({ party }) => party));
      const half = parties.slice(0, parties.length >> 1);
      await this.#divide(half, this.#others(half), durationMs, random);
    },
    blackout: async (_replica, durationMs) => {
      await Promise.all(this.#cluster.replicas.map((replica) => this.#kill(replica)));
      await sleep(durationMs);
      for (const replica of this.#cluster.replicas) replica.start();
      await Promise.all(this.#cluster.replicas.map((replica) => this.#recovered(replica)));
    },
  };

  #others(parties) {
    return this.#cluster.replicas.map(({ party }) => party).filter((party) => !parties.includes(party));
  }

  async #divide(one, other, durationMs, random) {
    this.#cluster.links.cut(one, other);
    await sleep(durationMs);
    this.#cluster.links.heal({ reset: random.below(2) === 0 });
  }

  /** The clock jumps while the replica runs, or while it is down; and back again. */
  async #jump(replica, offsetMs, durationMs, random) {
    const isDown = random.below(2) === 0;
    if (isDown) await replica.stop();
    replica.setClock(offsetMs);
    if (isDown) await this.#start(replica);
    await sleep(durationMs);
    replica.setClock(0);
  }

  async #kill(replica) {
    const wasWriting = await replica.killNow();
    if (wasWriting === undefined) return;
    this.kills++;
    if (wasWriting) this.killsDuringWrites++;
  }

  /** A party whose store is gone, or damaged, counts as corrupted until the cluster has taken it back. */
  async #lose(replica) {
    // What it had is judged, too.
    replica.lostEntries.push(...(await readLedger(replica.directory)));
    replica.wipe();
    await this.#rejoin(replica);
    await this.#start(replica);
    await this.#cluster.speaking(replica.party, RECOVERY_MS);
  }

  async #start(replica) {
    replica.start();
    await this.#recovered(replica);
  }

  async #recovered(replica) {
    const timer = new AbortController();
    const late = sleep(RECOVERY_MS, "late", { signal: timer.signal }).catch(() => undefined);
    const isServing = await Promise.race([replica.serving(), late]);
    timer.abort();
    if (isServing !== true)
      throw new Error(
        `it does not serve again (${isServing === "late" ? "yet" : "it ended"}): ${replica.log.slice(-1500)}`,
      );
  }
}

async function during(durationMs, end) {
  try {
    await sleep(durationMs);
  } finally {
    end();
  }
}
