import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { concat, fromUtf8, toHex, utf8 } from "../../src/core/bytes.js";
import { plainSha256Twice } from "../../src/crypto/hashing.js";
import { CheckpointProofs } from "../../src/replica/checkpoint-proofs.js";
import {
  chunkTree,
  decodeSummary,
  encodeSummary,
  summarize,
  verifyChunk,
} from "../../src/replica/checkpoint-summary.js";
import { answerFromChunk, Machine } from "../../src/replica/machine/index.js";
import type { CheckpointRecord } from "../../src/replica/storage.js";
import { createCounter, encodeCounterOperation } from "../../src/services/counter/index.js";
import { createKv, decodeKvAnswer, encodeKvOperation, encodeKvQuery } from "../../src/services/kv/index.js";
import { encodePayload } from "../../src/wire/payload.js";

const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());

/** A machine with so many keys that they take many chunks. */
function machineWithKeys(count: number): Machine {
  const cluster = new Uint8Array(32);
  const machine = new Machine({
    cluster,
    services: [createCounter(), createKv()],
    hash,
    hashTwice: plainSha256Twice,
    isClient: () => true,
    verifyClient: () => true,
    verifyParty: () => false,
  });
  const payloads = Array.from({ length: count }, (_, index) => {
    const value = utf8(`value ${index} `.repeat(50));
    const operation = encodeKvOperation({ kind: "put", key: utf8(`key ${index}`), condition: { kind: "none" }, value });
    return encodePayload({
      kind: "request",
      cluster,
      client: new Uint8Array(32).fill(1),
      session: { opened: 1, nonce: new Uint8Array(8) },
      number: index + 1,
      acknowledged: index,
      action: { kind: "call", service: "kv", operation },
      signature: new Uint8Array(64),
    });
  });
  machine.apply({ round: 1, payloads, timeMs: undefined });
  return machine;
}

function recordOf(machine: Machine): { readonly record: CheckpointRecord; readonly chunks: Map<string, Uint8Array> } {
  const list = machine.snapshot();
  const hashes = list.map(hash);
  const summary = encodeSummary(summarize(machine.tip, chunkTree(hashes, hash)));
  const record = {
    round: machine.tip.round,
    summary,
    chunkHashes: concat(...hashes),
    input: 1,
    local: new Uint8Array(),
    certificate: utf8("certificate"),
  };
  return { record, chunks: new Map(list.map((chunk, index) => [toHex(hashes[index] ?? utf8("")), chunk])) };
}

describe("checkpoint proofs", () => {
  const machine = machineWithKeys(200);
  const { record, chunks } = recordOf(machine);
  const proofs = (certified: CheckpointRecord | undefined, of = chunks): { made: CheckpointProofs; read: number } => {
    const looked = { read: 0 };
    const made = new CheckpointProofs({
      hash,
      certified: () => certified,
      chunk: (key) => {
        looked.read++;
        return of.get(toHex(key));
      },
      service: (name) => machine.service(name),
    });
    return Object.assign(looked, { made });
  };

  it("show each key, and that others are not there", () => {
    const { made } = proofs(record);
    for (const key of ["key 0", "key 57", "key 199", "a", "key 57x", "zzz"]) {
      const query = encodeKvQuery({ kind: "get", key: utf8(key) });
      const proof = made.prove("kv", query);
      const summary = decodeSummary(proof?.summary ?? utf8(""));
      if (proof === undefined || !summary.ok) throw new Error("no proof");
      expect(verifyChunk(summary.value, proof.index, proof.chunk, proof.path, hash)).toBe(true);
      const answer = answerFromChunk(proof.chunk, "kv", createKv(), query);
      const decoded = decodeKvAnswer(typeof answer === "object" ? answer.answer : utf8(""));
      if (!decoded.ok) throw new Error(decoded.error);
      const number = /^key ([0-9]+)$/.exec(key)?.[1];
      expect(decoded.value.kind).toBe(number === undefined ? "absent" : "present");
      if (decoded.value.kind === "present") expect(fromUtf8(decoded.value.value)).toContain(`value ${number} `);
    }
  });

  it("read few chunks of many, and find other services'", () => {
    const looked = proofs(record);
    expect(chunks.size).toBeGreaterThan(16);
    expect(looked.made.prove("counter", encodeCounterOperation({ kind: "read" }))).toBeDefined();
    expect(looked.read).toBeLessThanOrEqual(Math.ceil(Math.log2(chunks.size)) + 1);
  });

  it("are not there without a certificate, a service, a sensible query, or the chunk", () => {
    const query = encodeKvQuery({ kind: "get", key: utf8("key 1") });
    expect(proofs(undefined).made.prove("kv", query)).toBeUndefined();
    expect(proofs({ ...record, certificate: undefined }).made.prove("kv", query)).toBeUndefined();
    expect(proofs(record).made.prove("none", query)).toBeUndefined();
    expect(proofs(record).made.prove("kv", utf8("?"))).toBeUndefined();
    expect(proofs(record, new Map()).made.prove("kv", query)).toBeUndefined();
  });

  it("are of the latest checkpoint", () => {
    let present: CheckpointRecord = record;
    const later = recordOf(machineWithKeys(3));
    const made = new CheckpointProofs({
      hash,
      certified: () => present,
      chunk: (key) => chunks.get(toHex(key)) ?? later.chunks.get(toHex(key)),
      service: (name) => machine.service(name),
    });
    const query = encodeKvQuery({ kind: "get", key: utf8("key 1") });
    expect(made.prove("kv", query)?.summary).toEqual(record.summary);
    present = { ...later.record, round: 2 };
    expect(made.prove("kv", query)?.path.length).toBeLessThan(4);
  });
});
