/** Machines with cryptography that costs nothing, and a driver that orders as atomic broadcast does. */
import { createHash } from "node:crypto";
import { concat, equalBytes, fromHex, toHex, utf8 } from "../../../src/core/bytes.js";
import { bytes, decode, encode, list, struct, u32 } from "../../../src/core/codec.js";
import { plainSha256Twice } from "../../../src/crypto/hashing.js";
import { Machine, type Admission, type Applied, type MachineOptions } from "../../../src/replica/machine/index.js";
import type { ChunkAnswer, Duties, Service } from "../../../src/services/service.js";
import {
  dutyStatement,
  encodePayload,
  type SessionId,
  rejoinStatement,
  signRequest,
  type UnsignedRequest,
} from "../../../src/wire/payload.js";

export const CLUSTER = new Uint8Array(32).fill(7);
export const MEMBERS = 4;
export const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(data).digest());

/** A client's key: the first byte tells clients apart. */
export const clientKey = (client: number): Uint8Array => new Uint8Array(32).fill(client + 1);
export const STRANGER = new Uint8Array(32).fill(0xee);
export const sessionId = (opened: number, nonce = 0): SessionId => ({
  opened,
  nonce: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, nonce),
});

const sign = (key: Uint8Array, statement: Uint8Array): Uint8Array => {
  const half = sha256(concat(key, statement));
  return concat(half, half);
};
const partyKey = (party: number): Uint8Array => new Uint8Array(32).fill(100 + party);

export interface RequestFields {
  readonly client: number;
  readonly session: SessionId;
  readonly number: number;
  readonly acknowledged?: number;
  /** Undefined: a void request. */
  readonly operation?: Uint8Array | undefined;
  readonly service?: string;
}

export function unsignedRequest(fields: RequestFields): UnsignedRequest {
  const { client, session, number, acknowledged = Math.max(0, number - 1), operation, service = "list" } = fields;
  const action =
    operation === undefined ? ({ kind: "void" } as const) : ({ kind: "call", service, operation } as const);
  return { cluster: CLUSTER, client: clientKey(client), session, number, acknowledged, action };
}

export function signed(unsigned: UnsignedRequest): Uint8Array {
  return signRequest(unsigned, { hash: sha256, sign: (statement) => sign(unsigned.client, statement) });
}

export const request = (fields: RequestFields): Uint8Array => signed(unsignedRequest(fields));

export function rejoin(party: number, nonce: Uint8Array): Uint8Array {
  const unsigned = { cluster: CLUSTER, party, nonce };
  return encodePayload({ kind: "rejoin", ...unsigned, signature: sign(partyKey(party), rejoinStatement(unsigned)) });
}

export function duty(party: number, number: number, operation: Uint8Array, service = "list"): Uint8Array {
  const unsigned = { cluster: CLUSTER, party, number, service, operation };
  return encodePayload({ kind: "duty", ...unsigned, signature: sign(partyKey(party), dutyStatement(unsigned)) });
}

const itemCodec = struct({ sequence: u32, operation: bytes(64 * 1024) });
const itemsCodec = list(itemCodec, 100);

/**
 * Keeps all operations that it executes, a hundred in a chunk. An operation's first byte says how long the reply is: in KiB, at
 * most 70. Operations that begin with 255 are not valid. The service "list" takes duties, too: one of party 3, after time 1000.
 */
export class ListService implements Service {
  readonly name: string;
  readonly duties?: Duties;
  executed: { sequence: number; operation: Uint8Array }[] = [];

  constructor(name: string) {
    this.name = name;
    if (name !== "list") return;
    this.duties = {
      due: ({ party, nowMs }) => (party === 3 && nowMs >= 1000 ? Uint8Array.of(0, 7) : undefined),
      validate: (operation) => this.validate(operation),
      apply: ({ sequence }, operation) => void this.apply({ sequence }, operation),
    };
  }

  validate(operation: Uint8Array): boolean {
    return operation[0] !== 255;
  }

  apply({ sequence }: { readonly sequence: number }, operation: Uint8Array): Uint8Array {
    this.executed.push({ sequence, operation: operation.slice() });
    return this.query(operation);
  }

  query(query: Uint8Array): Uint8Array {
    const reply = new Uint8Array(4 + 1024 * (query[0] ?? 0));
    reply.set(encode(u32, this.executed.length));
    return reply;
  }

  snapshot(): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    for (let from = 0; from < this.executed.length; from += 100)
      chunks.push(encode(itemsCodec, this.executed.slice(from, from + 100)));
    return chunks;
  }

  restore(chunks: Iterable<Uint8Array>): void {
    this.executed = [...chunks].flatMap((chunk) => {
      const items = decode(itemsCodec, chunk);
      if (!items.ok) throw new Error(items.error);
      return items.value.map(({ sequence, operation }) => ({ sequence, operation: operation.slice() }));
    });
  }

  /** The number of items in the chunk. */
  answerFrom(chunk: Uint8Array): ChunkAnswer | undefined {
    const items = decode(itemsCodec, chunk);
    return items.ok ? { answer: encode(u32, items.value.length) } : undefined;
  }
}

export function machineOptions(overrides: Partial<MachineOptions> = {}): MachineOptions {
  return {
    cluster: CLUSTER,
    services: [new ListService("list"), new ListService("another")],
    hash: sha256,
    hashTwice: plainSha256Twice,
    isClient: (key) => !equalBytes(key, STRANGER),
    verifyClient: (key, statement, signature) => equalBytes(signature, sign(key, statement)),
    verifyParty: (party, statement, signature) =>
      party < MEMBERS && equalBytes(signature, sign(partyKey(party), statement)),
    ...overrides,
  };
}

export const newMachine = (overrides: Partial<MachineOptions> = {}): Machine => new Machine(machineOptions(overrides));

/** A replica: the admission goes first, as in atomic broadcast, and the machine executes what it let pass. */
export class Ordered {
  readonly machine: Machine;
  admission: Admission;

  constructor(machine = newMachine()) {
    this.machine = machine;
    this.admission = machine.admission();
  }

  /** The payloads that may be delivered, in this order, as one round. */
  round(payloads: readonly Uint8Array[], timeMs?: number): readonly Applied[] {
    const delivered: Uint8Array[] = [];
    for (const payload of payloads) {
      const id = this.admission.identify(payload);
      if (id === undefined || !this.admission.isOpen(id)) continue;
      this.admission.deliver(id, payload);
      delivered.push(payload);
    }
    return this.machine.apply({ round: this.machine.tip.round + 1, payloads: delivered, timeMs });
  }
}

export const snapshotText = (machine: Machine): string => machine.snapshot().map(toHex).join(" ");
export const text = (value: string): Uint8Array => utf8(value);
export const hex = (value: string): Uint8Array => fromHex(value) ?? new Uint8Array();
