/**
 * Replicas of one group in one process, over connections and disks in memory. Frames move in an order that a seed
 * fixes; commits and replays run on the event loop, of which each turn of `run` takes one. No time passes anywhere.
 */
import { createHash } from "node:crypto";
import { equalBytes, toHex, utf8 } from "../../src/core/bytes.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import { plainSha256Twice } from "../../src/crypto/hashing.js";
import { type AtomicBroadcastOptions, atomicBroadcast } from "../../src/protocols/index.js";
import { DutyBearer } from "../../src/replica/duty-bearer.js";
import { Machine } from "../../src/replica/machine/index.js";
import { Replica } from "../../src/replica/replica.js";
import type { LedgerEntry } from "../../src/replica/storage.js";
import type { Service } from "../../src/services/service.js";
import { mockRelayKeys } from "../../src/sim/mock-relay-keys.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { Random } from "../../src/sim/random.js";
import { encodePayload } from "../../src/wire/payload.js";
import { MemoryPair } from "../support/memory-connection.js";
import { MemoryDisk, MemoryStorage, type MemoryStorageOptions } from "../support/memory-storage.js";

export const CHANNEL = "abc";
export const CLUSTER = new Uint8Array(32).fill(1);
const N = 4;
export const GROUP = thresholdGroup({ n: N, byzantine: 1 });

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());

/** Repeats what it is told, and remembers how much that was. */
export function createEcho(): Service {
  let count = 0;
  const counted = (): Uint8Array => utf8(String(count));
  return {
    name: "echo",
    validate: (operation) => operation[0] !== 0,
    apply({ sequence }, operation) {
      count++;
      return utf8(`${sequence}:${toHex(operation)}`);
    },
    query: counted,
    *snapshot() {
      yield counted();
    },
    restore(chunks) {
      const [chunk] = chunks;
      count = Number(new TextDecoder().decode(chunk));
    },
  };
}

/** Counts on many pages, of which each is a chunk of its state. */
export function createPaged(pages: number): Service {
  let counts = Array.from({ length: pages }, () => 0);
  return {
    name: "echo",
    validate: () => true,
    apply({ sequence }, operation) {
      const page = sha256(operation).reduce((sum, byte) => sum + byte) % pages;
      counts[page] = (counts[page] ?? 0) + 1;
      return utf8(`${sequence}:${page}:${counts[page]}`);
    },
    query: () => utf8(counts.join()),
    *snapshot() {
      for (const [page, count] of counts.entries()) yield utf8(`${page}:${count}`.padEnd(200));
    },
    restore(chunks) {
      counts = [...chunks].map((chunk) => Number(new TextDecoder().decode(chunk).split(":")[1]));
    },
  };
}

/** The request of a client of its own, which asks this only. */
export function payloadOf(name: string): Uint8Array {
  return requestOf(name, 1, name);
}

/** Whether the machine has executed `payloadOf(name)`. */
export function hasDone(machine: Machine, name: string): boolean {
  return machine.outcome(sha256(utf8(name)), { opened: 1, nonce: new Uint8Array(8) }, 1).kind === "done";
}

/** What a client that has heard all earlier replies asks. */
export function requestOf(client: string, number: number, name: string): Uint8Array {
  return encodePayload({
    kind: "request",
    cluster: CLUSTER,
    client: sha256(utf8(client)),
    session: { opened: 1, nonce: new Uint8Array(8) },
    number,
    acknowledged: number - 1,
    action: { kind: "call", service: "echo", operation: utf8(name) },
    signature: new Uint8Array(64),
  });
}

export interface TestClusterOptions {
  readonly seed?: number;
  readonly order?: AtomicBroadcastOptions["order"];
  readonly delivery?: AtomicBroadcastOptions["delivery"];
  /** That of the environment unless given: `DISSEMINATION=certified npx vitest run test/replica` runs all tests so. */
  readonly dissemination?: AtomicBroadcastOptions["dissemination"];
  /** 2 unless given: too small for rounds to have a time. */
  readonly vectorSize?: number;
  /** May be changed between two starts. */
  maxEntryPayloads?: number;
  readonly maxPayloads?: number;
  readonly bufferBytes?: number;
  readonly createService?: (party: PartyId) => Service;
  /** What a party gives for its share of a ciphertext; its share, unless given. */
  readonly forgeShare?: (party: PartyId, share: Uint8Array) => Uint8Array;
  /** Rounds; 1000 unless given. */
  readonly checkpointInterval?: number;
  readonly forgetsLedger?: boolean;
  /** How far a party's clock is from what all others show. */
  readonly clockOffsetMs?: (party: PartyId) => number;
}

export interface Running {
  readonly bearer: DutyBearer;
  readonly replica: Replica;
  readonly store: MemoryStorage;
  readonly delivered: string[];
  /** Rounds of installed checkpoints. */
  readonly installed: number[];
  readonly logged: string[];
  readonly fatal: Error[];
}

export class TestCluster {
  readonly disks: MemoryDisk[] = Array.from({ length: N }, () => new MemoryDisk());
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
  /** Sees each frame on connections that are made from now on, and may change it. */
  rewrite: ((from: PartyId, to: PartyId, frame: Uint8Array) => Uint8Array) | undefined;
  /** What all clocks show. */
  nowMs = 1_000_000;

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

  get #dissemination(): "inline" | "certified" {
    return this.#options.dissemination ?? (process.env["DISSEMINATION"] === "certified" ? "certified" : "inline");
  }

  /** No time passes: a round that must wait comes next. */
  /** By a clock that goes as far as somebody waits. */
  #newPace() {
    let nowMs = 0;
    return {
      intervalMs: 1,
      nowMs: () => nowMs,
      later: (delayMs: number, action: () => void) => {
        const untilMs = nowMs + delayMs;
        setImmediate(() => {
          nowMs = Math.max(nowMs, untilMs);
          action();
        });
      },
    };
  }

  /** Makes the replica of `party`, not started, on the disk that it has. */
  make(party: PartyId, storeOptions: MemoryStorageOptions = {}): Running {
    const store = new MemoryStorage(this.disk(party), storeOptions);
    const delivered: string[] = [];
    const installed: number[] = [];
    const logged: string[] = [];
    const fatal: Error[] = [];
    const suite = mockSuite(GROUP, party, 1);
    const createService = this.#options.createService ?? createEcho;
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
      suite,
      hash: sha256,
      channel: CHANNEL,
      settings,
      pace: this.#dissemination === "certified" ? this.#newPace() : undefined,
      protocol: ({ admission, restore, kept, laneBefore }) =>
        atomicBroadcast({
          ...settings,
          dissemination: this.#dissemination,
          isPaced: this.#dissemination === "certified",
          kept,
          laneBefore,
          speakFrom: 0,
          vectorSize: this.#options.vectorSize ?? 2,
          order: this.#options.order ?? "fixed",
          delivery: this.#options.delivery,
          checkpointInterval: this.#options.checkpointInterval ?? 1000,
          admission,
          restore,
        }),
      newMachine: () =>
        new Machine({
          cluster: CLUSTER,
          services: [createService(party)],
          hash: sha256,
          hashTwice: plainSha256Twice,
          isClient: () => true,
          verifyClient: () => true,
          verifyParty: (of, statement, signature) => equalBytes(signature, rejoinSignature(of, statement)),
        }),
      storage: store,
      forgetsLedger: this.#options.forgetsLedger ?? false,
      peerQuotaBytes: 1024 * 1024,
      relayKeys: mockRelayKeys(party, 1),
      sign: (statement) => rejoinSignature(party, statement),
      nowMs: () => this.nowMs++ + (this.#options.clockOffsetMs?.(party) ?? 0),
      clockAccuracyMs: 1000,
      onApplied(applied) {
        bearer.look();
        for (const { outcome } of applied)
          if (outcome?.outcome.reply !== undefined) delivered.push(new TextDecoder().decode(outcome.outcome.reply));
      },
      onInstalled: () => installed.push(replica.state.round),
      onFatal: (error) => fatal.push(error),
      onLog: (line) => logged.push(line),
    });
    const bearer: DutyBearer = new DutyBearer({
      self: party,
      cluster: CLUSTER,
      machine: () => (replica.state.state === "active" ? replica.machine : undefined),
      decryption: {
        share: (label, ciphertext) => {
          const share = suite.decryption.share(label, ciphertext);
          return this.#options.forgeShare?.(party, share) ?? share;
        },
      },
      sign: (statement) => rejoinSignature(party, statement),
      nowMs: () => this.nowMs,
      submit: (payload) => replica.submit(payload) === "taken",
    });
    return { bearer, replica, store, delivered, installed, logged, fatal };
  }

  async start(party: PartyId, storeOptions: MemoryStorageOptions = {}): Promise<Running> {
    const running = this.make(party, storeOptions);
    await running.replica.start();
    this.running.set(party, running);
    return running;
  }

  /**
   * As SIGKILL: nothing of the process has any effect from here on, except on what was durable. `lostCommits`: so many whose
   * inputs are on disk and whose rows were to be written later.
   */
  crash(party: PartyId, lostCommits = 0): void {
    this.get(party).store.kill(lostCommits);
    this.running.delete(party);
    for (const [name, pair] of this.pairs) if (name.split(">").map(Number).includes(party)) pair.break("crashed");
  }

  get(party: PartyId): Running {
    const running = this.running.get(party);
    if (running === undefined) throw new Error(`party ${party} does not run`);
    return running;
  }

  /** The party's disk is gone, and it gets another: what it ever signed is remembered by us alone. */
  wipe(party: PartyId): MemoryDisk {
    const disk = new MemoryDisk(this.disk(party).everSigned);
    this.disks[party] = disk;
    return disk;
  }

  disk(party: PartyId): MemoryDisk {
    const disk = this.disks[party];
    if (disk === undefined) throw new Error(`no party ${party}`);
    return disk;
  }

  /** What the party has on disk, ascending. */
  ledger(party: PartyId): readonly LedgerEntry[] {
    return [...this.disk(party).ledger.values()].sort((a, b) => a.sequence - b.sequence);
  }

  submit(party: PartyId, ...names: readonly string[]): void {
    for (const name of names) {
      const taken = this.get(party).replica.submit(payloadOf(name));
      if (taken !== "taken") throw new Error(`party ${party} is ${taken}: ${name}`);
    }
  }

  #connect(): void {
    for (const [dialler, { replica }] of this.running) {
      for (const [acceptor, { replica: other }] of this.running) {
        const name = `${dialler}>${acceptor}`;
        if (dialler === acceptor || this.pairs.get(name)?.isBroken === false) continue;
        if (!isUp(replica) || !isUp(other)) continue;
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
    const { rewrite } = this;
    if (rewrite !== undefined) {
      pair.left.rewrite = (frame) => rewrite(dialler, acceptor, frame);
      pair.right.rewrite = (frame) => rewrite(acceptor, dialler, frame);
    }
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
      for (const { replica, bearer } of this.running.values()) {
        replica.tick();
        bearer.tick();
      }
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

  get areInOneRound(): boolean {
    return new Set([...this.running.values()].map(({ replica }) => replica.state.round)).size === 1;
  }

  /**
   * One log, one state, for each payload one reply, nobody stopped, nothing signed twice; who is accused by whom, as
   * `accuser:accused:fault`. What a replica was told before a restart, or forgot, is not compared.
   */
  agreement(parties: readonly PartyId[] = [...this.running.keys()]): typeof AGREED {
    const all = parties.map((party) => ({ party, ...this.get(party) }));
    return {
      digests: new Set(all.map(({ replica }) => toHex(replica.state.logDigest))).size,
      states: new Set(all.map(({ replica }) => replica.machine.snapshot().map(toHex).join())).size,
      contradictions: [
        ...parties.flatMap((party) => this.disk(party).contradictions),
        ...differences(parties.flatMap((party) => this.ledger(party).map(nameOf))),
        ...differences(all.flatMap(({ delivered }) => delivered.map(splitReply))),
      ],
      accusations: all.flatMap(({ party, replica }) =>
        replica.state.accusations.map((accusation) => `${party}:${accusation.party}:${accusation.fault}`),
      ),
      fatal: all.flatMap(({ fatal }) => fatal),
    };
  }
}

/** What has two values under one name. */
function differences(all: readonly (readonly [name: string, value: string])[]): string[] {
  const values = new Map<string, string>();
  return all.flatMap(([name, value]) => {
    const first = values.get(name) ?? value;
    values.set(name, first);
    return first === value ? [] : [`${name}: ${first} and ${value}`];
  });
}

function nameOf({ sequence, round, payload }: LedgerEntry): [string, string] {
  return [`entry ${sequence}`, `${round}:${toHex(payload)}`];
}

function splitReply(reply: string): [string, string] {
  return [`reply ${reply.split(":")[0]}`, reply];
}

/** What `agreement` says when all is well. */
export const AGREED: {
  readonly digests: number;
  readonly states: number;
  readonly contradictions: readonly string[];
  readonly accusations: readonly string[];
  readonly fatal: readonly Error[];
} = { digests: 1, states: 1, contradictions: [], accusations: [], fatal: [] };

function isUp({ state }: Replica): boolean {
  return state.state !== "starting" && state.state !== "stopped";
}

/** Good enough for a test: 64 bytes of party and statement. */
export function rejoinSignature(party: PartyId, statement: Uint8Array): Uint8Array {
  const digest = sha256(Uint8Array.of(party, ...statement));
  return Uint8Array.of(...digest, ...digest);
}
