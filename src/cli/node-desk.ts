/** What a replica's desk is given: the machine as far as it is durable, the certified checkpoint for proofs, the signer. */
import type { IndexedDocument } from "../adapters/document-index.js";
import { greatestPayloadBytes } from "../protocols/index.js";
import { CheckpointProofs } from "../replica/checkpoint-proofs.js";
import type { Party } from "../replica/config-files.js";
import type { ArchivedDocument, DeskOptions, ShareMaker } from "../replica/desk/index.js";
import type { OutcomeStatus } from "../replica/machine/index.js";
import type { Replica, ReplicaState } from "../replica/replica.js";
import type { Storage } from "../replica/storage.js";
import type { StatementKey } from "../services/service.js";
import type { PartyState } from "../wire/client-frames.js";
import type { NotaryArchive } from "./notary-archive.js";
import { documentsOf, statementOf } from "./notary-documents.js";

/** Makes this party's shares of signatures with one key. */
export interface KeySigner {
  readonly shareBytes: number;
  share(statement: Uint8Array): Uint8Array;
  /** In another thread: it takes tens of milliseconds with long keys. */
  prove(statement: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** By what the key is for. */
export type Signers = Readonly<Record<StatementKey, KeySigner>>;

export interface NodeDeskOptions {
  readonly party: Party;
  readonly replica: Replica;
  readonly storage: Pick<Storage, "size" | "checkpoints" | "chunk" | "ledgerEntry">;
  readonly signers: Signers;
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** Undefined where the replica does not keep its ledger, and while it starts. */
  readonly archive: () => NotaryArchive | undefined;
  readonly onLog: (message: string) => void;
}

export function deskOptions(options: NodeDeskOptions): DeskOptions {
  const { party, replica, storage, signers, hash, onLog } = options;
  const { public: cluster } = party;
  const proofs = new CheckpointProofs({
    hash,
    certified: () => storage.checkpoints().findLast(({ certificate }) => certificate !== undefined),
    chunk: (chunkHash) => storage.chunk(chunkHash),
    service: (name) => replica.machine.service(name),
  });
  const makerOf = (signer: KeySigner): ShareMaker => {
    const prove = async (statement: Uint8Array, done: (proven: Uint8Array | undefined) => void): Promise<void> => {
      const proven = await signer.prove(statement).catch((error: unknown) => {
        onLog(`a share could not be proved: ${String(error)}`);
      });
      done(proven ?? undefined);
    };
    return {
      shareBytes: signer.shareBytes,
      share: (statement) => signer.share(statement),
      prove: (statement, done) => void prove(statement, done),
    };
  };
  const makers = { receipt: makerOf(signers.receipt), token: makerOf(signers.token) };
  return {
    cluster: cluster.cluster,
    maxPayloadBytes: greatestPayloadBytes(cluster.channel.dissemination),
    hash,
    clientKey: (client) => cluster.clients[client]?.publicKey,
    digestOf: (payload) => replica.machine.digestOf(payload),
    isValid: (payload) => replica.machine.isValid(payload),
    submit: (payload) => replica.submit(payload),
    outcome: (client, session, number) => durable(replica, replica.machine.outcome(client, session, number)),
    service: (name) => replica.machine.service(name),
    // One that lost its store may not know yet that it is behind.
    position: () => (replica.state.state === "active" ? replica.machine.tip : undefined),
    isDurable: () => isDurable(replica),
    document: (sequence, index) => archived(options, sequence, index),
    find: (digest) => placeOf(options.archive()?.index.byDigest(digest)),
    proof: (service, query) => proofs.prove(service, query),
    signer: (key) => makers[key],
    state: () => partyState(replica.state, { storage, services: cluster.channel.services }),
    later: (work) => void setImmediate(work),
  };
}

/** Nothing but its ledger may make a replica sign what was not ordered: the statement is made from the entry alone. */
function archived(
  { party, replica, storage, hash }: NodeDeskOptions,
  sequence: number,
  index: number,
): ArchivedDocument | undefined {
  const entry = sequence <= replica.durableSequence ? storage.ledgerEntry(sequence) : undefined;
  const document = entry && documentsOf(entry)[index];
  if (entry === undefined || document === undefined) return undefined;
  const statement = statementOf(party.public.cluster, entry, document);
  return { digest: hash(entry.payload), round: entry.round, statement };
}

function placeOf(document: IndexedDocument | undefined): { sequence: number; index: number } | undefined {
  return document && { sequence: document.number, index: document.index };
}

/** Whether all that was executed is. */
export function isDurable(replica: Replica): boolean {
  return replica.machine.tip.sequence <= replica.durableSequence;
}

/** What is executed and not durable yet nobody is told: it may still be executed, as far as anybody knows. */
function durable(replica: Replica, status: OutcomeStatus): OutcomeStatus {
  const isTold = status.kind === "done" ? status.sequence <= replica.durableSequence : isDurable(replica);
  return isTold ? status : { kind: "open" };
}

export function partyState(
  {
    state,
    round,
    sequence,
    timeMs,
    logDigest,
    catchUp,
    checkpointRound,
    sentFrames,
    sentBytes,
    clocks,
    accusations,
  }: ReplicaState,
  { storage, services }: { readonly storage: Pick<Storage, "size">; readonly services: readonly string[] },
): PartyState {
  const { logBytes, batchBytes, tableBytes } = storage.size();
  return {
    state,
    round,
    sequence,
    timeMs: timeMs ?? 0,
    logDigest,
    checkpointRound,
    catchUp: catchUp && {
      toRound: catchUp.targetRound,
      chunksReceived: catchUp.receivedChunks,
      chunks: catchUp.chunks,
      roundsBehind: Math.max(0, catchUp.targetRound - round),
    },
    services,
    logBytes: logBytes + batchBytes,
    tableBytes,
    sentFrames,
    sentBytes,
    clocks: clocks.map(({ party, offsetMs, isFar }) => ({
      party,
      aheadMs: Math.max(0, offsetMs),
      behindMs: Math.max(0, -offsetMs),
      isFar,
    })),
    accusations,
  };
}
