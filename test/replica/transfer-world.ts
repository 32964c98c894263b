/** A replica that fetches a state, its disk, and peers of every kind. */
import { createHash } from "node:crypto";
import { concat, equalBytes, toHex, utf8 } from "../../src/core/bytes.js";
import type { PartyId } from "../../src/core/party-set.js";
import {
  type ChunkTree,
  chunkTree,
  encodeSummary,
  summarize,
  summaryDigest,
} from "../../src/replica/checkpoint-summary.js";
import { type CompleteState, Transfer, type TransferProgress } from "../../src/replica/transfer.js";
import type { TransferStorage } from "../../src/replica/transfer-record.js";

export const hash = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

export const CLUSTER = "this cluster";

/** Before the disk gets its turn. */
const ANSWERS_PER_TURN = 70;

function certificateOf(cluster: string, round: number, digest: Uint8Array): Uint8Array {
  return hash(concat(utf8(`${cluster} ${round} `), digest));
}

/** The state after a round, with its certificate. */
export class Checkpoint {
  readonly round: number;
  readonly chunks: readonly Uint8Array[];
  readonly hashes: readonly Uint8Array[];
  readonly tree: ChunkTree;
  readonly summary: Uint8Array;
  readonly certificate: Uint8Array;

  constructor(round: number, chunkCount: number, cluster = CLUSTER) {
    this.round = round;
    this.chunks = Array.from({ length: chunkCount }, (_, index) => utf8(`chunk ${index} of round ${round}`));
    this.hashes = this.chunks.map(hash);
    this.tree = chunkTree(this.hashes, hash);
    const tip = { round, sequence: 10 * round, logDigest: new Uint8Array(32), timeMs: undefined };
    this.summary = encodeSummary(summarize(tip, this.tree));
    this.certificate = certificateOf(cluster, round, summaryDigest(this.summary, hash));
  }
}

/** What a crash leaves: what was resolved before. */
export class Disk implements TransferStorage {
  readonly chunks = new Map<string, Uint8Array>();
  readonly metas = new Map<string, Uint8Array>();
  /** Writes so far, and after how many the power fails. */
  writes = 0;
  failsAfter = Infinity;
  writtenHashBytes = 0;
  /** Writes wait until it is released. */
  isStuck = false;
  #waiting: (() => void)[] = [];

  async #write(): Promise<void> {
    if (this.isStuck) await new Promise<void>((resume) => this.#waiting.push(resume));
    await Promise.resolve();
    if (this.writes >= this.failsAfter) throw new Error("power failed");
    this.writes++;
  }

  release(): void {
    this.isStuck = false;
    for (const resume of this.#waiting.splice(0)) resume();
  }

  async putChunks(chunks: readonly { readonly hash: Uint8Array; readonly bytes: Uint8Array }[]): Promise<void> {
    await this.#write();
    for (const one of chunks) this.chunks.set(toHex(one.hash), one.bytes.slice());
  }

  meta(name: string): Uint8Array | undefined {
    return this.metas.get(name);
  }

  async setMeta(name: string, value: Uint8Array | undefined): Promise<void> {
    await this.#write();
    if (value === undefined) this.metas.delete(name);
    else this.metas.set(name, value.slice());
    if (name.includes("/")) this.writtenHashBytes += value?.length ?? 0;
  }
}

export interface Ask {
  readonly peer: PartyId;
  readonly round: number;
  readonly index: number;
}

/** What a peer does when it is asked. */
export type Behaviour = (world: TransferWorld, ask: Ask) => void;

/** Gives of these checkpoints what it is asked for, and says when it has none. */
export function honest(...checkpoints: readonly Checkpoint[]): Behaviour {
  return (world, { peer, round, index }) => {
    const checkpoint = checkpoints.find((one) => one.round === round);
    if (checkpoint === undefined) return world.transfer.noChunk(peer, { round });
    world.give(peer, checkpoint, index);
  };
}

export const silent: Behaviour = () => undefined;

export function falseBytes(checkpoint: Checkpoint): Behaviour {
  return (world, { peer, round, index }) =>
    world.transfer.chunk(peer, { round, index, bytes: utf8("false"), path: checkpoint.tree.path(index) });
}

export function falsePath(checkpoint: Checkpoint): Behaviour {
  return (world, { peer, round, index }) => {
    const bytes = checkpoint.chunks[index] ?? utf8("none");
    world.transfer.chunk(peer, { round, index, bytes, path: checkpoint.tree.path(index).slice(1) });
  };
}

/** Gives each chunk in the place of its neighbour. */
export function wrongIndex(checkpoint: Checkpoint): Behaviour {
  return (world, { peer, round, index }) => {
    const other = (index + 1) % checkpoint.chunks.length;
    const bytes = checkpoint.chunks[other] ?? utf8("none");
    world.transfer.chunk(peer, { round, index, bytes, path: checkpoint.tree.path(other) });
  };
}

export const prunes: Behaviour = (world, { peer, round }) => world.transfer.noChunk(peer, { round });

export class TransferWorld {
  readonly disk: Disk;
  transfer: Transfer;
  round = 0;
  readonly asks: Ask[] = [];
  readonly withdrawn: Ask[] = [];
  readonly faults: string[] = [];
  readonly completed: CompleteState[] = [];
  readonly offersAsked: PartyId[] = [];
  readonly fatal: unknown[] = [];
  verified = 0;
  readonly #behaviours = new Map<PartyId, Behaviour>();
  readonly #waiting: Ask[] = [];

  constructor(disk = new Disk()) {
    this.disk = disk;
    this.transfer = this.start();
  }

  /** A new process on the same disk. */
  start(): Transfer {
    this.#waiting.length = 0;
    this.transfer = new Transfer({
      storage: this.disk,
      hash,
      peers: Array.from({ length: 10 }, (_, peer) => peer),
      round: () => this.round,
      verify: (round, digest, certificate) => {
        this.verified++;
        return equalBytes(certificate, certificateOf(CLUSTER, round, digest));
      },
      ask: (peer, round, index) => {
        this.asks.push({ peer, round, index });
        this.#waiting.push({ peer, round, index });
      },
      withdraw: (peer, round, index) => this.withdrawn.push({ peer, round, index }),
      askOffer: (peer) => this.offersAsked.push(peer),
      onComplete: (state) => {
        if (32 * this.disk.chunks.size < state.chunkHashes.length) throw new Error("complete before it is durable");
        this.completed.push(state);
      },
      onFault: (peer, fault) => this.faults.push(`${peer} ${fault}`),
      onFatal: (error) => this.fatal.push(error),
    });
    return this.transfer;
  }

  get progress(): TransferProgress | undefined {
    return this.transfer.progress;
  }

  peer(peer: PartyId, behaviour: Behaviour): void {
    this.#behaviours.set(peer, behaviour);
  }

  offer(peer: PartyId, { summary, certificate }: Pick<Checkpoint, "summary" | "certificate">): void {
    this.transfer.offered(peer, { summary, certificate });
  }

  give(peer: PartyId, checkpoint: Checkpoint, index: number): void {
    const bytes = checkpoint.chunks[index];
    if (bytes === undefined) throw new Error(`no chunk ${index}`);
    this.transfer.chunk(peer, { round: checkpoint.round, index, bytes, path: checkpoint.tree.path(index) });
  }

  /** Answers one ask; false when none waits. */
  step(): boolean {
    const ask = this.#waiting.shift();
    if (ask === undefined) return false;
    (this.#behaviours.get(ask.peer) ?? silent)(this, ask);
    return true;
  }

  /** Answers what is asked, and lets time pass, until nothing more happens for `ticks`. */
  async run(ticks = 1, isOver: () => boolean = () => this.completed.length > 0): Promise<void> {
    for (let tick = 0; tick < ticks && !isOver(); tick++) {
      for (;;) {
        for (let answers = 0; answers < ANSWERS_PER_TURN && this.step(); answers++);
        await this.transfer.settled();
        if (this.#waiting.length === 0) break;
      }
      if (isOver()) return;
      this.transfer.tick();
    }
    await this.transfer.settled();
  }

  /** Throws unless the state has arrived, and is on the disk. */
  check(checkpoint: Checkpoint): void {
    const [state] = this.completed;
    if (state === undefined) throw new Error(`not complete: ${JSON.stringify(this.progress)}`);
    if (state.round !== checkpoint.round) throw new Error(`round ${state.round} instead of ${checkpoint.round}`);
    if (!equalBytes(state.chunkHashes, concat(...checkpoint.hashes))) throw new Error("other hashes");
    if (!equalBytes(state.summary, checkpoint.summary)) throw new Error("another summary");
    for (const [index, one] of checkpoint.hashes.entries()) {
      const stored = this.disk.chunks.get(toHex(one));
      const chunk = checkpoint.chunks[index];
      if (stored === undefined || chunk === undefined || !equalBytes(stored, chunk)) throw new Error(`chunk ${index}`);
    }
  }
}
