/**
 * The notary's documents as a transparency log (docs/log.md): this replica writes the files, and a checkpoint that parties have cosigned
 * each with a key of its own. A party cosigns what its own log says, never what it is told, so a cosignature is its word that it has
 * the same entries in the same order.
 */
import type { Ed25519Signer } from "../crypto/ed25519/ed25519.js";
import { LogFiles, LogFilesError } from "../adapters/tlog/index.js";
import { toHex } from "../core/bytes.js";
import type { Group } from "../core/group.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { Applied, Outcome } from "../replica/machine/index.js";
import type { LedgerEntry } from "../replica/storage.js";
import {
  COSIGNATURE,
  type NoteKey,
  type NoteSignature,
  type Tile,
  cosign,
  cosignedAt,
  formatCheckpoint,
  formatNote,
  parseNote,
} from "../tlog/index.js";
import { documentsOf, LedgerPayloadError, repliedStatements, statementOf } from "./notary-documents.js";
import { sha256 } from "./sha256.js";

/** From one checkpoint to the next. */
const INTERVAL_MS = 2_000;
/** Cosignatures of earlier lengths that are given when asked for. */
const MAX_REMEMBERED_ROOTS = 4_096;

export function logOrigin(cluster: Uint8Array): string {
  return `abcast/${toHex(cluster)}`;
}

/** The keys with which parties cosign, by party. */
export function logKeys(cluster: Uint8Array, cosigning: readonly Uint8Array[]): NoteKey[] {
  return cosigning.map((publicKey, party) => ({
    name: `${logOrigin(cluster)}/party-${party}`,
    algorithm: COSIGNATURE,
    publicKey,
  }));
}

export interface LogPublisherOptions {
  readonly cluster: Uint8Array;
  readonly self: PartyId;
  readonly group: Group;
  readonly keys: readonly NoteKey[];
  readonly signer: Ed25519Signer;
  readonly directory: string;
  /** Of the ledger, ascending, from this number on, as far as it is kept. */
  ledger(sequence: number): Iterable<LedgerEntry>;
  /** Asks a party for its cosigned checkpoint of the log of `size` documents; undefined when it does not answer. */
  ask(party: PartyId, size: number): Promise<Uint8Array | undefined>;
  readonly verify: (publicKey: Uint8Array, statement: Uint8Array, signature: Uint8Array) => boolean;
  readonly nowMs: () => number;
  onLog(message: string): void;
}

export class LogPublisher {
  readonly #options: LogPublisherOptions;
  readonly #files: LogFiles;
  /** By the number of documents, after each round: what this party cosigns. */
  readonly #roots = new Map<number, Uint8Array>();
  #published = -1;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #isBroken = false;

  /** @throws LogFilesError when the log cannot go on from its files: the ledger has not what comes next */
  static async open(options: LogPublisherOptions): Promise<LogPublisher> {
    const files = await LogFiles.open(options.directory, sha256);
    const publisher = new LogPublisher(options, files);
    publisher.#catchUp();
    return publisher;
  }

  private constructor(options: LogPublisherOptions, files: LogFiles) {
    this.#options = options;
    this.#files = files;
  }

  /** Documents in the log. */
  get size(): number {
    return this.#files.size;
  }

  /** The hashes of a tile of the log. @throws LogFilesError */
  tile(tile: Tile): Promise<readonly Uint8Array[]> {
    return this.#files.tile(tile);
  }

  /** What the ledger has and the files have not. */
  #catchUp(): void {
    for (const entry of this.#options.ledger(this.#files.sequence + 1)) this.#take(entry);
    this.#remember();
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** Payloads that are durable, in their order. */
  applied(applied: readonly Applied[]): void {
    if (this.#isBroken) return;
    try {
      for (const { entry, outcome } of applied) this.#take(entry, outcome?.outcome);
      this.#remember();
    } catch (error) {
      if (!(error instanceof LogFilesError)) throw error;
      this.#break(error);
    }
  }

  #take(entry: LedgerEntry, outcome?: Outcome): void {
    if (entry.sequence <= this.#files.sequence) return;
    this.#files.append(entry.sequence, (outcome && repliedStatements(outcome)) ?? this.#statementsOf(entry));
  }

  /** Of a payload's documents, as the notary makes them, from the ledger alone. */
  #statementsOf(entry: LedgerEntry): Uint8Array[] {
    try {
      return documentsOf(entry).map((document) => statementOf(this.#options.cluster, entry, document));
    } catch (error) {
      if (error instanceof LedgerPayloadError) throw new LogFilesError(error.message);
      throw error;
    }
  }

  #remember(): void {
    const { size } = this.#files;
    if (this.#roots.has(size)) return;
    if (this.#roots.size >= MAX_REMEMBERED_ROOTS) {
      const [oldest] = this.#roots.keys();
      if (oldest !== undefined) this.#roots.delete(oldest);
    }
    this.#roots.set(size, this.#files.root);
  }

  /** The checkpoint of the log when it had `size` documents, cosigned by this party; undefined when it had not, or that is long ago. */
  cosigned(size: number): string | undefined {
    const root = this.#isBroken ? undefined : this.#roots.get(size);
    if (root === undefined) return undefined;
    const text = formatCheckpoint({ origin: logOrigin(this.#options.cluster), size, root });
    return formatNote({ text, signatures: [this.#cosign(text)] });
  }

  #cosign(text: string): NoteSignature {
    const { keys, self, signer, nowMs } = this.#options;
    const key = keys[self];
    if (key === undefined) throw new RangeError(`no key of party ${self}`);
    const timeS = Math.max(0, Math.floor(nowMs() / 1000));
    return cosign(sha256, text, { ...key, timeS }, (statement) => signer.sign(statement));
  }

  #tick(): void {
    if (this.#isBroken || this.#files.size === this.#published) return;
    this.#work = this.#work.then(() => this.#publish()).catch((error: unknown) => this.#break(error));
  }

  async #publish(): Promise<void> {
    const { size } = this.#files;
    if (this.#isBroken || size === this.#published) return;
    const note = await this.#gather(size);
    // What came meanwhile goes with the next: the files may have more than the checkpoint tells.
    await this.#files.publish(note);
    if (note !== undefined) this.#published = size;
  }

  /** The checkpoint with the cosignatures of parties that are to be believed; undefined while there are too few. */
  async #gather(size: number): Promise<string | undefined> {
    const { group, self, keys, cluster } = this.#options;
    const root = this.#roots.get(size);
    if (root === undefined) return undefined;
    const text = formatCheckpoint({ origin: logOrigin(cluster), size, root });
    const signatures = new Map<PartyId, NoteSignature>([[self, this.#cosign(text)]]);
    await Promise.all(
      group.parties.map(async (party) => {
        const key = keys[party];
        const bytes = party === self || key === undefined ? undefined : await this.#options.ask(party, size);
        const note = bytes && parseNote(bytes);
        if (key === undefined || !note?.ok || note.value.text !== text) return;
        const time = await cosignedAt(sha256, this.#options.verify, note.value, key);
        const signature = note.value.signatures.find(({ name }) => name === key.name);
        if (time !== undefined && signature !== undefined) signatures.set(party, signature);
      }),
    );
    if (!group.hasHonest(PartySet.of(signatures.keys()))) return undefined;
    const inOrder = [...signatures].sort(([a], [b]) => a - b).map(([, signature]) => signature);
    return formatNote({ text, signatures: inOrder });
  }

  /** The replica goes on without: nothing depends on the log, and its files can be had from another replica. */
  #break(error: unknown): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.onLog(
      `the transparency log stops: ${reason}; stop the replica, copy the directory tlog of another one, and start it again`,
    );
  }

  /** A state was installed that is ahead of the ledger. */
  installed(sequence: number): void {
    if (sequence > this.#files.sequence)
      this.#break(new LogFilesError(`payloads up to ${sequence} came as a state, not one by one`));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work;
    if (!this.#isBroken) await this.#files.publish(undefined);
  }
}
