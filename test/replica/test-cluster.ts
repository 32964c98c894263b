/**
 * Replicas of one group in one process, over connections and disks in memory. Frames move in an order that a seed
 * fixes; commits and replays run on the event loop, of which each turn of `run` takes one. No time passes anywhere.
 */
import { toHex, utf8 } from "../../src/core/bytes.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import { type AtomicBroadcastOptions, atomicBroadcast } from "../../src/protocols/index.js";
import { Replica } from "../../src/replica/replica.js";
import type { Service } from "../../src/services/service.js";
import { mockRelayKeys } from "../../src/sim/mock-relay-keys.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { Random } from "../../src/sim/random.js";
import { MemoryPair } from "../support/memory-connection.js";
import { MemoryDisk, MemoryStore, type MemoryStoreOptions } from "../support/memory-store.js";

export const CHANNEL = "abc";
export const CLUSTER = new Uint8Array(32).fill(1);
const N = 4;
export const GROUP = thresholdGroup({ n: N, byzantine: 1 });

/** Repeats what it is told. */
const ECHO: Service<string> = {
  validate: (payload) => payload.length > 0 && payload[0] !== 0,
  apply: ({ sequence }, payload) => `${sequence}:${toHex(payload)}`,
};

export interface TestClusterOptions {
  readonly seed?: number;
  readonly order?: AtomicBroadcastOptions["order"];
  readonly delivery?: AtomicBroadcastOptions["delivery"];
  /** May be changed between two starts. */
  maxEntryPayloads?: number;
  readonly maxPayloads?: number;
  readonly bufferBytes?: number;
  readonly service?: Service<string>;
}

export interface Running {
  readonly replica: Replica<string>;
  readonly store: MemoryStore;
  readonly delivered: string[];
  readonly fatal: Error[];
}

export class TestCluster {
  readonly disks: readonly MemoryDisk[] = Array.from({ length: N }, () => new MemoryDisk());
  readonly running = new Map<PartyId, Running>();
  /** By `dialler>acceptor`. */
  readonly pairs = new Map<string, MemoryPair>();
  /** Parties whose connections carry nothing: what is sent to and by them waits. */
  readonly slow = new Set<PartyId>();
  readonly #options: TestClusterOptions;
  readonly #random: Random;
  /** Directed links that delete whatever one party says to another, on any connection, as `from>to`. */
  readonly deleting = new Set<string>();
  /** Turns between two ticks of all parties; no tick unless given. */
  tickTurns: number | undefined;
  #turns = 0;

  constructor(options: TestClusterOptions = {}) {
    this.#options = options;
    this.#random = new Random(options.seed ?? 1);
  }

  /** Starts all parties. */
  static async of(options: TestClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    for (const party of GROUP.parties) await cluster.start(party);
    return cluster;
  }

  /** Makes the replica of `party`, not started, on the disk that it has. */
  make(party: PartyId, storeOptions: MemoryStoreOptions = {}): Running {
    const store = new MemoryStore(this.disk(party), storeOptions);
    const delivered: string[] = [];
    const fatal: Error[] = [];
    const service = this.#options.service ?? ECHO;
    const settings = {
      maxEntryPayloads: this.#options.maxEntryPayloads ?? 1,
      maxEntryBytes: 4096,
      maxPayloads: this.#options.maxPayloads ?? 256,
      maxPayloadsPerPeer: 256,
      maxEarlyBytes: 1024 * 1024,
    };
    const replica = new Replica({
      self: party,
      cluster: CLUSTER,
      group: GROUP,
      suite: mockSuite(GROUP, party, 1),
      channel: CHANNEL,
      settings,
      protocol: atomicBroadcast({
        ...settings,
        vectorSize: 2,
        order: this.#options.order ?? "fixed",
        delivery: this.#options.delivery,
        isValid: (payload) => service.validate(payload),
      }),
      service,
      store,
      peerQuotaBytes: 1024 * 1024,
      relayKeys: mockRelayKeys(party, 1),
      onDelivered: (_id, _entry, reply) => delivered.push(reply),
      onFatal: (error) => fatal.push(error),
      onLog: () => undefined,
    });
    return { replica, store, delivered, fatal };
  }

  async start(party: PartyId, storeOptions: MemoryStoreOptions = {}): Promise<Running> {
    const running = this.make(party, storeOptions);
    await running.replica.start();
    this.running.set(party, running);
    return running;
  }

  /** As SIGKILL: nothing of the process has any effect from here on, except on what was durable. */
  crash(party: PartyId): void {
    this.get(party).store.kill();
    this.running.delete(party);
    for (const [name, pair] of this.pairs) if (name.split(">").map(Number).includes(party)) pair.break("crashed");
  }

  get(party: PartyId): Running {
    const running = this.running.get(party);
    if (running === undefined) throw new Error(`party ${party} does not run`);
    return running;
  }

  disk(party: PartyId): MemoryDisk {
    const disk = this.disks[party];
    if (disk === undefined) throw new Error(`no party ${party}`);
    return disk;
  }

  submit(party: PartyId, ...names: readonly string[]): void {
    for (const name of names) {
      if (!this.get(party).replica.submit(utf8(name))) throw new Error(`party ${party} has no room for ${name}`);
    }
  }

  #connect(): void {
    for (const [dialler, { replica }] of this.running) {
      for (const [acceptor, { replica: other }] of this.running) {
        const name = `${dialler}>${acceptor}`;
        if (dialler === acceptor || this.pairs.get(name)?.isBroken === false) continue;
        if (replica.state.state !== "active" || other.state.state !== "active") continue;
        this.pairs.set(name, this.pairOf(dialler, acceptor));
      }
    }
  }

  /** A connection; whichever end belongs to a replica that runs is opened. */
  pairOf(dialler: PartyId, acceptor: PartyId): MemoryPair {
    const pair = new MemoryPair({
      left: { kind: "party", party: acceptor },
      right: { kind: "party", party: dialler },
      ...(this.#options.bufferBytes === undefined ? {} : { bufferBytes: this.#options.bufferBytes }),
    });
    const left = this.running.get(dialler)?.replica.dialled(acceptor, pair.left);
    const right = this.running.get(acceptor)?.replica.accepted(dialler, pair.right);
    if (left !== undefined) pair.left.start(left);
    if (right !== undefined) pair.right.start(right);
    return pair;
  }

  /** One turn: some frames on each connection, then whatever the event loop has. */
  async turn(): Promise<void> {
    this.#connect();
    for (const [name, pair] of this.pairs) {
      if (name.split(">").some((party) => this.slow.has(Number(party)))) continue;
      const moves = this.#random.below(12);
      for (let move = 0; move < moves; move++) {
        const isRight = this.#random.chance(0.5);
        const [dialler, acceptor] = name.split(">");
        if (this.deleting.has(isRight ? name : `${acceptor}>${dialler}`)) (isRight ? pair.left : pair.right).delete();
        else pair.step(isRight ? pair.right : pair.left);
      }
    }
    if (this.tickTurns !== undefined && ++this.#turns % this.tickTurns === 0)
      for (const { replica } of this.running.values()) replica.tick();
    await new Promise((resume) => setImmediate(resume));
  }

  /** Turns until `done`; `maxTurns` is far above what any test needs. */
  async run(done: () => boolean, maxTurns = 20_000): Promise<void> {
    for (let turn = 0; turn < maxTurns; turn++) {
      if (done()) return;
      await this.turn();
    }
    throw new Error(`not done after ${maxTurns} turns: ${this.describe()}`);
  }

  describe(): string {
    return [...this.running]
      .map(([party, { replica, fatal }]) => {
        const { state, round, sequence, accusations } = replica.state;
        const accused = accusations.map(({ party: of, fault, tag }) => `${of}:${fault}@${tag}`).join(",");
        return `party ${party} ${state} round=${round} sequence=${sequence} accuses=[${accused}] ${fatal.map(String).join()}`;
      })
      .join("; ");
  }

  /** All running parties have delivered `sequence` payloads. */
  hasDelivered(sequence: number, parties: readonly PartyId[] = [...this.running.keys()]): boolean {
    return parties.every((party) => this.get(party).replica.state.sequence === sequence);
  }

  /** Equal logs in memory and on disk, nobody stopped; who is accused by whom, as `accuser:accused:fault`. */
  agreement(parties: readonly PartyId[] = [...this.running.keys()]): {
    readonly digests: number;
    readonly logs: number;
    readonly replies: number;
    readonly accusations: readonly string[];
    readonly fatal: readonly Error[];
  } {
    const all = parties.map((party) => ({ party, ...this.get(party) }));
    const ledgers = parties.map((party) =>
      this.disk(party)
        .ledger.map(({ round, payload }) => `${round}:${toHex(payload)}`)
        .join(),
    );
    return {
      digests: new Set(all.map(({ replica }) => toHex(replica.state.logDigest))).size,
      logs: new Set(ledgers).size,
      replies: new Set(all.map(({ delivered }) => delivered.join())).size,
      accusations: all.flatMap(({ party, replica }) =>
        replica.state.accusations.map((accusation) => `${party}:${accusation.party}:${accusation.fault}`),
      ),
      fatal: all.flatMap(({ fatal }) => fatal),
    };
  }
}

/** What `agreement` says when all is well. */
export const AGREED = { digests: 1, logs: 1, replies: 1, accusations: [], fatal: [] };
