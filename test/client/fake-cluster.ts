/**
 * Four parties that a client talks to over connections in memory. Honest ones are the replica's own desk and machine, fed by a
 * log that the test is the master of; the others do with their answers what the test says.
 */
import { concat, toHex, utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { thresholdGroup } from "../../src/core/group.js";
import { Client, type ClientOptions } from "../../src/client/index.js";
import {
  type CertificateVerifier,
  createCertificateVerifier,
  createEd25519Signer,
  createEd25519Verifier,
} from "../../src/crypto/index.js";
import { createMultisigCertifier } from "../../src/crypto/ed25519/multisig.js";
import { createPartySignatures } from "../../src/crypto/ed25519/party-signatures.js";
import { plainSha256Twice } from "../../src/crypto/hashing.js";
import { VerificationMemo } from "../../src/crypto/memo.js";
import {
  chunkTree,
  encodeSummary,
  proveChunk,
  summarize,
  summaryDigest,
} from "../../src/replica/checkpoint-summary.js";
import { documentsOf, statementOf } from "../../src/cli/notary-documents.js";
import { type ArchivedDocument, type ChunkProof, Desk } from "../../src/replica/desk/index.js";
import { answerFromChunk, Machine } from "../../src/replica/machine/index.js";
import type { LedgerEntry } from "../../src/replica/storage.js";
import { createCounter } from "../../src/services/counter/index.js";
import { createKv } from "../../src/services/kv/index.js";
import { createNotaryService } from "../../src/services/notary/index.js";
import type { Service } from "../../src/services/service.js";
import {
  type ClientFrame,
  clientFrameCodec,
  MAX_SUBMIT_BYTES,
  REFUSALS,
  type Refusal,
  type ReplyFrame,
  replyFrameCodec,
} from "../../src/wire/client-frames.js";
import { decodePayload, signRequest } from "../../src/wire/payload.js";
import { createTestTsa } from "../services/tsa/fixture.js";
import { MemoryPair } from "../support/memory-connection.js";
import { RECEIPT_KEY, sha256, sharer } from "./receipt-parties.js";

export const CLUSTER = new Uint8Array(32).fill(1);
export const N = 4;
export const GROUP = thresholdGroup({ n: N, byzantine: 1 });
const CLIENT = createEd25519Signer(new Uint8Array(32).fill(3));
const VERIFY_CLIENT = createEd25519Verifier(CLIENT.publicKey);
const SIGNERS = Array.from({ length: N }, (_, party) => createEd25519Signer(new Uint8Array(32).fill(10 + party)));

type Reply = ReplyFrame | Uint8Array;

/** How a party departs from an honest replica; undefined in place of it: it cannot be reached. */
export interface Behaviour {
  /** What is said instead of answering a frame; undefined: as an honest replica. */
  hear?(frame: ClientFrame, party: number): readonly Reply[] | undefined;
  /** What is said instead of an honest replica's reply. */
  say?(reply: ReplyFrame, party: number): readonly Reply[];
  /** Whether it does not learn what is ordered. */
  readonly isBehind?: boolean;
}

export const HONEST: Behaviour = {};
/** Welcomes, and says nothing else. */
export const SILENT: Behaviour = { say: (reply) => (reply.kind === "welcome" ? [reply] : []) };

/** Takes payloads and keeps them to itself, in silence. */
export const HOARDER: Behaviour = { ...SILENT, hear: (frame) => (frame.kind === "hello" ? undefined : []) };

export function refusal(id: Uint8Array, code: Refusal, reason: string, retryAfterMs = 0): ReplyFrame {
  return { kind: "refused", id, code: REFUSALS.indexOf(code), reason, retryAfterMs };
}

/** Refuses whatever it is asked. */
export function refusing(code: Refusal, reason: string, retryAfterMs = 0): Behaviour {
  return {
    hear: (frame) =>
      frame.kind === "hello" || frame.kind === "status"
        ? undefined
        : [refusal(idOf(frame), code, reason, retryAfterMs)],
  };
}

export function idOf(frame: ClientFrame): Uint8Array {
  if (frame.kind === "submit") return sha256(frame.payload);
  return "id" in frame ? frame.id : new Uint8Array(32);
}

/** Changes what an honest replica says of outcomes. */
export function outcomes(change: (reply: Extract<ReplyFrame, { kind: "reply" | "share" }>) => ReplyFrame): Behaviour {
  return { say: (reply) => [reply.kind === "reply" || reply.kind === "share" ? change(reply) : reply] };
}

function services(): Service[] {
  return [createNotaryService({ cluster: CLUSTER, hash: sha256 }), createKv(), createCounter(), createTestTsa()];
}

interface Checkpoint {
  readonly round: number;
  readonly chunks: readonly Uint8Array[];
  readonly summary: Uint8Array;
  readonly certificate: Uint8Array;
}

/** What the clients and the replicas of one cluster have in common. */
class Party {
  readonly desk: Desk;
  readonly machine = new Machine({
    cluster: CLUSTER,
    services: services(),
    hash: sha256,
    hashTwice: plainSha256Twice,
    isClient: (key) => toHex(key) === toHex(CLIENT.publicKey),
    verifyClient: (_key, statement, signature) => VERIFY_CLIENT(statement, signature),
    verifyParty: () => false,
  });
  readonly cluster: FakeCluster;
  readonly #ledger: LedgerEntry[] = [];
  checkpoint: Checkpoint | undefined;

  constructor(cluster: FakeCluster, party: number) {
    this.cluster = cluster;
    const { machine } = this;
    const shares = sharer(party);
    this.desk = new Desk({
      cluster: CLUSTER,
      hash: sha256,
      maxPayloadBytes: MAX_SUBMIT_BYTES,
      clientKey: () => CLIENT.publicKey,
      digestOf: (payload) => machine.digestOf(payload),
      isValid: (payload) => machine.admission().identify(payload) !== undefined,
      submit: (payload) => {
        cluster.queue.set(toHex(sha256(payload)), payload.slice());
        return "taken";
      },
      outcome: (client, session, number) => machine.outcome(client, session, number),
      service: (name) => machine.service(name),
      position: () => machine.tip,
      isDurable: () => true,
      document: (sequence, index) => this.#document(sequence, index),
      find: (digest) => this.#find(digest),
      proof: (service, query) => this.#prove(service, query),
      signer: () => {
        return {
          shareBytes: shares.shareBytes,
          share: (statement) => shares.share(statement),
          prove: (statement, done) => done(shares.prove(statement)),
        };
      },
      state: () => ({ ...STATE, round: machine.tip.round, sequence: machine.tip.sequence }),
      later: (work) => void cluster.work.push(work),
    });
  }

  deliver(round: number, payloads: readonly Uint8Array[]): void {
    const admission = this.machine.admission();
    const open = payloads.filter((payload) => {
      const id = admission.identify(payload);
      if (id === undefined || !admission.isOpen(id)) return false;
      admission.deliver(id, payload);
      return true;
    });
    const applied = this.machine.apply({ round, payloads: open, timeMs: 1000 * round });
    this.#ledger.push(...applied.map(({ entry }) => ({ ...entry, payload: entry.payload.slice() })));
    this.desk.delivered(applied);
  }

  #document(sequence: number, index: number): ArchivedDocument | undefined {
    const entry = this.#ledger[sequence - 1];
    const document = entry && documentsOf(entry)[index];
    if (entry === undefined || document === undefined) return undefined;
    return { digest: sha256(entry.payload), round: entry.round, statement: statementOf(CLUSTER, entry, document) };
  }

  #find(digest: Uint8Array): { sequence: number; index: number } | undefined {
    for (const entry of this.#ledger) {
      const index = documentsOf(entry).findIndex((document) => toHex(document.digest) === toHex(digest));
      if (index >= 0) return { sequence: entry.sequence, index };
    }
    return undefined;
  }

  #prove(name: string, query: Uint8Array): ChunkProof | undefined {
    const service = this.machine.service(name);
    if (this.checkpoint === undefined || service === undefined) return undefined;
    const { chunks, summary, certificate } = this.checkpoint;
    const index = chunks.findIndex((chunk) => typeof answerFromChunk(chunk, name, service, query) === "object");
    const chunk = chunks[index];
    if (chunk === undefined) return undefined;
    const path = proveChunk(chunks.map(sha256), index, sha256);
    return { summary, certificate, index, chunk, path };
  }
}

export const STATE = {
  kind: "state",
  state: "active",
  round: 0,
  sequence: 0,
  timeMs: 0,
  logDigest: new Uint8Array(32),
  checkpointRound: 0,
  catchUp: undefined,
  services: ["kv"],
  logBytes: 0,
  tableBytes: 0,
  sentFrames: 0,
  sentBytes: 0,
  clocks: [],
  accusations: [],
} as const satisfies ReplyFrame;

/** The bytes that a checkpoint's certificate is on, in tests. */
export function checkpointBytes(round: number, digest: Uint8Array): Uint8Array {
  return utf8(`checkpoint ${round} ${toHex(digest)}`);
}

export class FakeCluster {
  readonly client: Client;
  readonly parties: readonly Party[];
  /** What each party heard, by kind. */
  readonly heard: string[][] = Array.from({ length: N }, () => []);
  /** What the client had ordered, or tried to. */
  readonly submitted: Uint8Array[] = [];
  readonly queue = new Map<string, Uint8Array>();
  readonly work: (() => void)[] = [];
  readonly dialled: number[] = [];
  readonly closed: number[] = [];
  /** While it is not, nothing is ordered. */
  isOrdering = true;
  readonly #log: Uint8Array[][] = [];
  readonly #delivered: number[] = Array.from({ length: N }, () => 0);
  readonly #behaviours: (Behaviour | undefined)[];
  readonly #pairs = new Map<number, MemoryPair>();
  readonly #reconnect: (() => void)[] = [];

  constructor(behaviours: readonly (Behaviour | undefined)[], options: Partial<ClientOptions> = {}, of?: FakeCluster) {
    this.#behaviours = [...behaviours];
    // Another client program of the same cluster may be given the parties that there are.
    this.parties = of?.parties ?? Array.from({ length: N }, (_, party) => new Party(this, party));
    const known = new Map(services().map((service) => [service.name, service]));
    this.client = new Client({
      cluster: CLUSTER,
      group: GROUP,
      keys: { receipt: RECEIPT_KEY, token: RECEIPT_KEY },
      publicKey: CLIENT.publicKey,
      maxPayloadBytes: MAX_SUBMIT_BYTES,
      sign: (statement) => CLIENT.sign(statement),
      hash: sha256,
      service: (name) => known.get(name),
      proofs: {
        statement: checkpointBytes,
        verifyCertificate: CERTIFICATES,
        answerFrom: (chunk, name, query) => {
          const answer = answerFromChunk(chunk, name, known.get(name) ?? {}, query);
          return typeof answer === "object" ? answer.answer : undefined;
        },
      },
      fanout: "all",
      ...options,
      dial: (party, accept, onFailure) => {
        this.dialled.push(party);
        const connect = (): void => {
          this.#pairs.get(party)?.break("connection lost");
          if (this.#behaviours[party] === undefined) return onFailure("connection refused");
          this.#pairs.set(party, this.#connect(party, accept));
        };
        this.#reconnect[party] = connect;
        connect();
        return { close: () => this.closed.push(party) };
      },
    });
  }

  #connect(party: number, accept: Parameters<ClientOptions["dial"]>[1]): MemoryPair {
    const pair = new MemoryPair({ left: { kind: "party", party }, right: { kind: "client", client: 0 } });
    const handlers = accept(pair.left);
    if (handlers !== undefined) pair.left.start(handlers);
    const desk = this.parties[party]?.desk.open({
      peer: { kind: "client", client: 0 },
      send: (...frame) => this.#say(party, pair, concat(...frame)),
      pause: () => undefined,
      resume: () => undefined,
      close: () => pair.right.close(),
    });
    pair.right.start({
      onFrame: (frame) => {
        const decoded = decode(clientFrameCodec, frame);
        if (!decoded.ok) throw new Error(`the client sent a malformed frame: ${decoded.error}`);
        this.heard[party]?.push(decoded.value.kind);
        if (decoded.value.kind === "submit") this.submitted.push(decoded.value.payload);
        const instead = this.#behaviours[party]?.hear?.(decoded.value, party);
        if (instead === undefined) desk?.onFrame(frame);
        else for (const reply of instead) pair.right.send(bytesOf(reply));
      },
      onWritable: () => undefined,
      onClose: (reason) => desk?.onClose(reason),
    });
    return pair;
  }

  #say(party: number, pair: MemoryPair, frame: Uint8Array): boolean {
    const reply = decode(replyFrameCodec, frame);
    if (!reply.ok) throw new Error(`the desk sent a malformed frame: ${reply.error}`);
    const behaviour = this.#behaviours[party];
    for (const said of behaviour?.say?.(reply.value, party) ?? [frame]) pair.right.send(bytesOf(said));
    return true;
  }

  /** The party from now on, and a new connection to it. */
  become(party: number, behaviour: Behaviour | undefined): void {
    this.#behaviours[party] = behaviour;
    this.#reconnect[party]?.();
  }

  /** Only what the party says from now on, on the connection that is there. */
  change(party: number, behaviour: Behaviour): void {
    this.#behaviours[party] = behaviour;
  }

  isConnected(party: number): boolean {
    return this.#pairs.get(party)?.isBroken === false;
  }

  say(party: number, reply: Reply): void {
    this.#pairs.get(party)?.right.send(bytesOf(reply));
    this.settle();
  }

  /** Until nobody has anything to say, and nothing is to be ordered. */
  settle(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const pair of this.#pairs.values()) moved = pair.step(pair.right) || pair.step(pair.left) || moved;
      for (const work of this.work.splice(0)) {
        work();
        moved = true;
      }
      if (!moved && this.isOrdering) moved = this.#order();
    }
  }

  /** What a client says takes effect also while promises are waited for. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    // Handled by the caller, but perhaps not before it fails.
    promise.catch(() => undefined);
    const wait = { isOver: false };
    const over = (): void => void (wait.isOver = true);
    promise.then(over, over);
    for (let turn = 0; turn < 50 && !wait.isOver; turn++) {
      this.settle();
      await Promise.resolve();
    }
    return promise;
  }

  /** Lets promises go on, and everybody speak, for so long that all has come to rest. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) {
      this.settle();
      await Promise.resolve();
    }
  }

  #order(): boolean {
    const payloads = [...this.queue.values()];
    this.queue.clear();
    if (payloads.length > 0) this.#log.push(payloads);
    let moved = false;
    for (const [index, party] of this.parties.entries()) {
      if (this.#behaviours[index]?.isBehind === true) continue;
      for (let round = this.#delivered[index] ?? 0; round < this.#log.length; round++) {
        party.deliver(round + 1, this.#log[round] ?? []);
        this.#delivered[index] = round + 1;
        moved = true;
      }
    }
    return moved;
  }

  /** Has a payload of another of the client's programs ordered. */
  orderElsewhere(payload: Uint8Array): void {
    this.queue.set(toHex(sha256(payload)), payload);
    this.settle();
  }

  /** The state of now, certified by a quorum. */
  takeCheckpoint(signers = [0, 1, 2]): void {
    for (const party of this.parties) {
      const { tip } = party.machine;
      const chunks = party.machine.snapshot();
      const summary = encodeSummary(summarize(tip, chunkTree(chunks.map(sha256), sha256)));
      const certificate = certify(checkpointBytes(tip.round, summaryDigest(summary, sha256)), signers);
      party.checkpoint = { round: tip.round, chunks, summary, certificate };
    }
  }
}

function bytesOf(reply: Reply): Uint8Array {
  return reply instanceof Uint8Array ? reply : encode(replyFrameCodec, reply);
}

const SIGNING = SIGNERS.map(({ publicKey }) => publicKey);
const CERTIFICATES: CertificateVerifier = createCertificateVerifier(
  { signing: SIGNING, certificates: { scheme: "multisig" } },
  GROUP,
);

/** A certificate as the parties make it. `seed`: of another cluster's keys. */
export function certify(statement: Uint8Array, signers: readonly number[], seed = 10): Uint8Array {
  const publicKeys = Array.from(
    { length: N },
    (_, party) => createEd25519Signer(new Uint8Array(32).fill(seed + party)).publicKey,
  );
  const certifiers = signers.map((self) =>
    createMultisigCertifier({
      n: N,
      domain: "abcast/1 quorum certificate",
      suffices: () => true,
      signatures: createPartySignatures({
        publicKeys,
        self,
        seed: new Uint8Array(32).fill(seed + self),
        memo: new VerificationMemo(16),
      }),
    }),
  );
  const shares = new Map(signers.map((self, index) => [self, certifiers[index]?.share(statement) ?? new Uint8Array()]));
  const [first] = certifiers;
  if (first === undefined) throw new Error("nobody signs");
  return first.combine(statement, shares);
}

/** A request of the client, as another of its programs signs it. */
export function signedRequest({
  opened,
  number,
  acknowledged = 0,
}: {
  readonly opened: number;
  readonly number: number;
  readonly acknowledged?: number;
}): Uint8Array {
  const unsigned = {
    cluster: CLUSTER,
    client: CLIENT.publicKey,
    session: { opened, nonce: new Uint8Array(8) },
    number,
    acknowledged,
    action: { kind: "void" },
  } as const;
  return signRequest(unsigned, { hash: sha256, sign: (statement) => CLIENT.sign(statement) });
}

export function requestOf(payload: Uint8Array | undefined) {
  const decoded = payload === undefined ? undefined : decodePayload(payload);
  if (decoded?.ok !== true || decoded.value.kind !== "request") throw new Error("no request");
  return decoded.value;
}
