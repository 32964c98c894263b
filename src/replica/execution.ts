/**
 * What inputs lead to: the engine and the replicated machine, run together. Deterministic; a replay of the same inputs leads to the
 * same consequences, and makes the same demands of the host.
 *
 * After a round that is due for a checkpoint the engine shows its boundary. There the machine's state is the same at every
 * replica, so its digest goes back into the engine as an input, which has it certified.
 */
import { equalBytes } from "../core/bytes.js";
import { encode } from "../core/codec.js";
import { type Effect, Engine, type Input, type SignedTable } from "../core/engine.js";
import { envelopeCodec } from "../core/envelope.js";
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import { type BatchName, InvariantError } from "../core/protocol.js";
import type { Suite } from "../core/suite.js";
import type { Tag } from "../core/tag.js";
import type {
  Admission,
  AtomicBroadcastProtocol,
  AtomicBroadcastState,
  DeliveredRound,
  NoMessage,
} from "../protocols/index.js";
import { type CheckpointSummary, chunkTree, encodeSummary, summarize, summaryDigest } from "./checkpoint-summary.js";
import type { Applied, Machine } from "./machine/index.js";
import type { Rows } from "./storage.js";

export type ReplicaEffect = Exclude<
  Effect<DeliveredRound>,
  { readonly kind: "signed" | "archive" | "output" | "boundary" | "stable" }
>;

/** The state after a round, complete. */
export interface Boundary {
  readonly summary: CheckpointSummary;
  readonly summaryBytes: Uint8Array;
  readonly chunks: readonly { readonly hash: Uint8Array; readonly bytes: Uint8Array }[];
  /** The engine's own part. */
  readonly local: Uint8Array;
  /** The number of the input that led to it. */
  readonly input: number;
}

export interface Stable {
  readonly round: number;
  readonly digest: Uint8Array;
  readonly certificate: Uint8Array;
}

/** What some inputs led to. */
export interface Consequences {
  readonly rows: { [K in keyof Rows]: Rows[K][number][] };
  readonly applied: Applied[];
  readonly effects: ReplicaEffect[];
  readonly boundaries: Boundary[];
  readonly stable: Stable[];
  /** Digests that the next inputs must bring, one each. */
  readonly due: { readonly round: number; readonly digest: Uint8Array }[];
}

/** What the channel's protocol is made with. */
export interface ProtocolParts {
  readonly admission: () => Admission;
  readonly restore: Uint8Array | undefined;
  readonly kept: (name: BatchName) => Uint8Array | undefined;
  readonly laneBefore: number;
}

export interface ExecutionOptions {
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly suite: Suite;
  /** SHA-256. */
  hash(bytes: Uint8Array): Uint8Array;
  readonly signed: SignedTable;
  readonly channel: Tag;
  protocol(parts: ProtocolParts): AtomicBroadcastProtocol;
  readonly machine: Machine;
  /** A batch of the channel that was kept. */
  kept(name: BatchName): Uint8Array | undefined;
  /** The height up to which this party may have signed batches of its own lane that it has forgotten. */
  readonly laneBefore: number;
  /** The boundary to which the machine was restored: the engine's part, and the digest of the state. */
  readonly restore: { readonly local: Uint8Array; readonly round: number; readonly digest: Uint8Array } | undefined;
}

export function newConsequences(): Consequences {
  return {
    rows: { signed: [], proofs: [], ledger: [], certificates: [], batches: [] },
    applied: [],
    effects: [],
    boundaries: [],
    stable: [],
    due: [],
  };
}

/** Whether there are any. */
export function hasAny({ rows, ...rest }: Consequences): boolean {
  return [...Object.values(rows), ...Object.values(rest)].some(({ length }) => length > 0);
}

export class Execution {
  readonly self: PartyId;
  readonly machine: Machine;
  readonly #engine: Engine<NoMessage, DeliveredRound, AtomicBroadcastState>;
  readonly #channel: Tag;
  readonly #hash: (bytes: Uint8Array) => Uint8Array;
  readonly #restored: ExecutionOptions["restore"];

  constructor(options: ExecutionOptions) {
    const { self, cluster, group, suite, signed, channel, machine, restore } = options;
    this.self = self;
    this.machine = machine;
    this.#channel = channel;
    this.#hash = (bytes) => options.hash(bytes);
    this.#restored = restore;
    const protocol = options.protocol({
      admission: () => machine.admission(),
      restore: restore?.local,
      kept: (name) => options.kept(name),
      laneBefore: options.laneBefore,
    });
    this.#engine = new Engine({ self, cluster, group, suite, signed, channels: { [channel]: protocol } });
  }

  get state(): AtomicBroadcastState {
    return this.#engine.inspect(this.#channel);
  }

  start(consequences: Consequences, input: number): void {
    this.#collect(consequences, this.#engine.start(), input);
  }

  /** `number`: the input's in the log. */
  step(consequences: Consequences, input: Input, number: number): void {
    this.#checkDue(consequences, input);
    this.#collect(consequences, this.#engine.step(input), number);
  }

  /** In a replay it is in the log, and must be what the state has now. */
  #checkDue({ due }: Consequences, input: Input): void {
    const first = due.shift();
    if (first === undefined && input.kind !== "checkpoint") return;
    // The boundary's own digest is the first input after it, unless the state came from peers.
    const next = first ?? this.#restored;
    const isDue = next !== undefined && input.kind === "checkpoint" && input.round === next.round;
    if (isDue && equalBytes(input.digest, next.digest)) return;
    throw new InvariantError(
      `the state after round ${next?.round ?? "?"} is not what it was when the log was written: a service is not deterministic, or the log is not this replica's`,
    );
  }

  #collect(consequences: Consequences, effects: readonly Effect<DeliveredRound>[], input: number): void {
    const { rows } = consequences;
    for (const effect of effects) {
      switch (effect.kind) {
        case "signed":
          rows.signed.push(effect);
          break;
        case "archive":
          rows.proofs.push({ ...effect, envelope: encode(envelopeCodec, effect.envelope) });
          break;
        case "output":
          this.#apply(consequences, effect.value);
          break;
        case "boundary":
          this.#reach(consequences, effect.state, input);
          break;
        case "stable":
          consequences.stable.push(effect);
          break;
        case "keepBatch":
          rows.batches.push(effect);
          consequences.effects.push(effect);
          break;
        case "send":
        case "accuse":
        case "evidence":
        case "retire":
        case "askProofs":
        case "askRepeat":
        case "askBatch":
          consequences.effects.push(effect);
      }
    }
  }

  #apply(consequences: Consequences, delivered: DeliveredRound): void {
    for (const applied of this.machine.apply(delivered)) {
      consequences.rows.ledger.push(applied.entry);
      consequences.applied.push(applied);
    }
  }

  #reach(consequences: Consequences, local: Uint8Array, input: number): void {
    const chunks = this.machine.snapshot().map((bytes) => ({ bytes, hash: this.#hash(bytes) }));
    const tree = chunkTree(
      chunks.map(({ hash }) => hash),
      this.#hash,
    );
    const summary = summarize(this.machine.tip, tree);
    const summaryBytes = encodeSummary(summary);
    consequences.boundaries.push({ summary, summaryBytes, chunks, local, input });
    consequences.due.push({ round: summary.round, digest: summaryDigest(summaryBytes, this.#hash) });
  }
}
