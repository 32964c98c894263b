/**
 * The machine's state in chunks that say what they are of, so that a client that was proved one of them can read it. In this
 * order: the tip, with what follows it; the cut, if there is one; clients with their sessions; each service's chunks, services ascending by name.
 *
 * Clients are put together by the first byte of their keys, so that a client that is busy changes few chunks: those that are
 * as they were are not stored again.
 */
import { concat, equalBytes } from "../../core/bytes.js";
import {
  type Decoded,
  type Value,
  bytes,
  decode,
  encode,
  fixedBytes,
  list,
  struct,
  u32,
  u64,
  u8,
  union,
} from "../../core/codec.js";
import { type ChunkAnswer, MAX_CHUNK_BYTES, type Service } from "../../services/service.js";
import { serviceNameCodec } from "../../wire/payload.js";
import {
  MAX_SESSION_CLIENTS,
  clientsCodec,
  decodeSnapshot,
  dutiesCodec,
  optionalTimeCodec,
  outcomeCodec,
  rejoinsCodec,
} from "./client-codec.js";
import type { ClientRecord } from "./sessions.js";
import { SnapshotError } from "./snapshot-error.js";
import type { Outcome } from "./types.js";

/** Services of one machine. */
export const MAX_SERVICES = 64;
/** A service's chunk, and what says whose it is. */
export const MAX_STATE_CHUNK_BYTES = MAX_CHUNK_BYTES + 64;

const chunkCodec = union({
  tip: struct({
    round: u64,
    sequence: u64,
    logDigest: fixedBytes(32),
    timeMs: optionalTimeCodec,
    rejoins: rejoinsCodec,
    duties: dutiesCodec,
    /** How many chunks each service has, ascending by name. */
    services: list(struct({ name: serviceNameCodec, chunks: u32 }), MAX_SERVICES),
  }),
  /** Of the encoding of clients whose keys begin with this byte, the part with this number. Only the last is not full. */
  clients: struct({ firstByte: u8, part: u32, bytes: bytes(MAX_CHUNK_BYTES) }),
  service: struct({ name: serviceNameCodec, bytes: bytes(MAX_CHUNK_BYTES) }),
  /** `DeliveredRound.cut` after the last round. */
  cut: struct({ bytes: bytes(MAX_CHUNK_BYTES) }),
});
export type StateChunk = Value<typeof chunkCodec>;
export type TipChunk = Extract<StateChunk, { readonly kind: "tip" }>;

const NOTHING = new Uint8Array();
const machineClients = clientsCodec(outcomeCodec);

export function encodeChunk(chunk: StateChunk): Uint8Array {
  return encode(chunkCodec, chunk);
}

/** Total and canonical. The fields are views of `chunk`. */
export function decodeChunk(chunk: Uint8Array): Decoded<StateChunk> {
  return decode(chunkCodec, chunk);
}

/** Encoded chunks of all clients. */
export function clientChunks(records: readonly ClientRecord<Outcome>[]): Uint8Array[] {
  const byFirstByte = new Map<number, ClientRecord<Outcome>[]>();
  for (const record of records) {
    const firstByte = Number.parseInt(record.client.slice(0, 2), 16);
    const others = byFirstByte.get(firstByte);
    if (others === undefined) byFirstByte.set(firstByte, [record]);
    else others.push(record);
  }
  return [...byFirstByte].flatMap(([firstByte, clients]) =>
    partsOf(encode(machineClients, clients)).map((part, number) =>
      encodeChunk({ kind: "clients", firstByte, part: number, bytes: part }),
    ),
  );
}

function partsOf(encoded: Uint8Array): Uint8Array[] {
  const count = Math.ceil(encoded.length / MAX_CHUNK_BYTES);
  return Array.from({ length: count }, (_, part) =>
    encoded.subarray(part * MAX_CHUNK_BYTES, (part + 1) * MAX_CHUNK_BYTES),
  );
}

/** A state's chunks, sorted by what they are of. */
export interface SortedChunks {
  readonly tip: TipChunk;
  readonly cut: Uint8Array | undefined;
  readonly clients: readonly ClientRecord<Outcome>[];
  readonly services: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** @throws SnapshotError when the chunks are not what `encodeChunk` and `clientChunks` make of some state */
export function sortChunks(chunks: Iterable<Uint8Array>): SortedChunks {
  const [first, ...rest] = chunks;
  const tip = first === undefined ? undefined : stateChunk(first);
  if (tip?.kind !== "tip") throw new SnapshotError("a snapshot begins with its tip");
  const cut = cutIn(rest[0]);
  const others = cut === undefined ? rest : rest.slice(1);
  const isClients = (chunk: Uint8Array): boolean => stateChunk(chunk).kind === "clients";
  const end = others.findIndex((chunk) => !isClients(chunk));
  const ofClients = end < 0 ? others : others.slice(0, end);
  return {
    tip,
    cut,
    clients: clientsOf(ofClients),
    services: servicesOf(tip, others.slice(ofClients.length)),
  };
}

/** The cut of a state, from the chunk after its tip; undefined when it has none. @throws SnapshotError when it is no chunk */
export function cutIn(chunk: Uint8Array | undefined): Uint8Array | undefined {
  const second = chunk === undefined ? undefined : stateChunk(chunk);
  return second?.kind === "cut" ? second.bytes : undefined;
}

function stateChunk(chunk: Uint8Array): StateChunk {
  return decodeSnapshot(chunkCodec, chunk);
}

function clientsOf(chunks: readonly Uint8Array[]): ClientRecord<Outcome>[] {
  const parts = new Map<number, Uint8Array[]>();
  for (const encoded of chunks) {
    const chunk = stateChunk(encoded);
    if (chunk.kind !== "clients") throw new SnapshotError(`a chunk of ${chunk.kind} among the clients'`);
    const others = parts.get(chunk.firstByte);
    if (others === undefined) parts.set(chunk.firstByte, [chunk.bytes]);
    else others.push(chunk.bytes);
  }
  const clients = [...parts.values()].flatMap((of) => decodeSnapshot(machineClients, concat(...of)));
  if (clients.length > MAX_SESSION_CLIENTS) throw new SnapshotError(`${clients.length} clients`);
  // They were cut and numbered in some way; there is only one right one.
  if (!isSame(clientChunks(clients), chunks)) throw new SnapshotError("clients are not cut into chunks as they must");
  return clients;
}

function isSame(some: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  return some.length === others.length && some.every((chunk, index) => equalBytes(chunk, others[index] ?? NOTHING));
}

function servicesOf(tip: TipChunk, chunks: readonly Uint8Array[]): Map<string, Uint8Array[]> {
  const services = new Map<string, Uint8Array[]>();
  let next = 0;
  let previous = "";
  for (const { name, chunks: count } of tip.services) {
    if (name <= previous) throw new SnapshotError(`service ${name} is out of order`);
    previous = name;
    const own: Uint8Array[] = [];
    for (; own.length < count; next++) {
      const encoded = chunks[next];
      const chunk = encoded === undefined ? undefined : stateChunk(encoded);
      if (chunk?.kind !== "service" || chunk.name !== name)
        throw new SnapshotError(`a chunk of service ${name} is missing`);
      own.push(chunk.bytes);
    }
    services.set(name, own);
  }
  if (next < chunks.length) throw new SnapshotError(`${chunks.length - next} chunks too many`);
  return services;
}

/**
 * Answers a service's query from one chunk of a snapshot alone; "before" and "after" say where the chunk to ask is. Total:
 * undefined when `chunk` is none, or the service has no answer from it. For clients, too.
 */
export function answerFromChunk(
  chunk: Uint8Array,
  serviceName: string,
  service: Pick<Service, "answerFrom">,
  query: Uint8Array,
): ChunkAnswer | undefined {
  const decoded = decodeChunk(chunk);
  if (!decoded.ok) return undefined;
  if (decoded.value.kind !== "service" || decoded.value.name < serviceName) return "after";
  if (decoded.value.name > serviceName) return "before";
  return service.answerFrom?.(decoded.value.bytes, query);
}
