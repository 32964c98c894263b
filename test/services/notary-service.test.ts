import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { equalBytes, fromUtf8, toHex, utf8 } from "../../src/core/bytes.js";
import { EncodeError } from "../../src/core/codec.js";
import {
  createNotaryService,
  decodeLogHead,
  decodeNotaryAnswer,
  decodeStatement,
  type DocumentDigest,
  encodeLogHead,
  encodeNotaryOperation,
  MAX_LOG_HEAD_BYTES,
  MAX_RECENT_DOCUMENTS,
  readAttachment,
} from "../../src/services/notary/index.js";
import { isIncluded, leafHash } from "../../src/tlog/index.js";
import type { Service } from "../../src/services/service.js";
import { applied, chunksOf, contextAt, mutation, restored } from "./support/service.js";

const random = (sizeBytes: number): Uint8Array => new Uint8Array(randomBytes(sizeBytes));
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const cluster = random(32);
const create = (): Service => createNotaryService({ cluster, hash: sha256 });
const anyDigest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((value): DocumentDigest => ({ algorithm: "sha256", value }));
const NOTHING = new Uint8Array();

describe("the notary as a service", () => {
  it("replies with the statement that binds cluster, number, round, time, digest and client, and has it signed", () => {
    const anyTime = fc.option(fc.maxSafeNat(), { nil: undefined });
    fc.assert(
      fc.property(anyDigest, fc.maxSafeNat(), fc.maxSafeNat(), anyTime, (digest, sequence, round, timeMs) => {
        const client = random(32);
        const notary = create();
        const operation = encodeNotaryOperation(digest);
        const reply = notary.apply({ sequence, index: 0, round, roundTimeMs: timeMs, client }, operation);
        operation.fill(0);
        expect(decodeStatement(reply)).toEqual({
          ok: true,
          value: { cluster, sequence, round, timeMs, digest, client },
        });
        expect(notary.statement?.(reply)).toEqual(reply);
      }),
    );
  });

  it("gives a document that comes twice two numbers", () => {
    const notary = create();
    const operation = encodeNotaryOperation({ algorithm: "sha256", value: random(32) });
    expect(equalBytes(applied(notary, 1, operation), applied(notary, 2, operation))).toBe(false);
    expect(decodeNotaryAnswer(notary.query(NOTHING))).toEqual({ ok: true, value: { documents: 2 } });
  });

  it("has only digests ordered, whatever bytes come", () => {
    const notary = create();
    const encoded = anyDigest.map(encodeNotaryOperation);
    fc.assert(
      fc.property(fc.oneof(encoded, fc.uint8Array({ maxLength: 40 }), mutation(encoded)), (hostile) => {
        const isDigest = hostile.length === 33 && hostile[0] === 1;
        expect(notary.validate?.(hostile)).toBe(isDigest);
        if (!isDigest)
          expect(() => notary.apply(contextAt(7), hostile)).toThrow("operation 7 was ordered but is no digest");
        expect(decodeNotaryAnswer(notary.query(hostile))).toEqual({ ok: true, value: { documents: 0 } });
        expect(notary.answerFrom?.(hostile, hostile)).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
    expect(() => encodeNotaryOperation({ algorithm: "sha256", value: random(31) })).toThrow(EncodeError);
  });

  it("counts the documents, also when it was restored on the way", () => {
    fc.assert(
      fc.property(fc.array(anyDigest, { maxLength: 20 }), fc.nat(20), (digests, at) => {
        const notary = create();
        let other = create();
        for (const [index, digest] of digests.entries()) {
          if (index === at) other = restored(create, chunksOf(notary));
          const operation = encodeNotaryOperation(digest);
          expect(toHex(applied(other, index, operation))).toBe(toHex(applied(notary, index, operation)));
        }
        const [chunk = NOTHING] = chunksOf(notary);
        expect(chunksOf(other)).toEqual(chunksOf(notary));
        expect(decodeNotaryAnswer(notary.query(NOTHING))).toEqual({ ok: true, value: { documents: digests.length } });
        expect(create().answerFrom?.(chunk, NOTHING)).toEqual({ answer: notary.query(NOTHING) });
      }),
    );
  });

  it("refuses what is no snapshot, and a cluster identifier of the wrong size", () => {
    const notary = create();
    for (let sequence = 1; sequence <= 5; sequence++) apply(notary, sequence, sequence);
    const chunks = chunksOf(notary);
    const [start = NOTHING, recent = NOTHING] = chunks;
    expect(chunks).toHaveLength(2);
    for (const wrong of [[], [recent], [start], [start, start], [start, recent, recent], [start.subarray(1), recent]])
      expect(() => notary.restore(wrong)).toThrow("notary's snapshot");
    expect(chunksOf(notary)).toEqual(chunks);
    expect(() => createNotaryService({ cluster: random(31), hash: sha256 })).toThrow(RangeError);
  });
});

/** One document; its statement. */
function apply(
  notary: Service,
  sequence: number,
  round: number,
  index = 0,
  roundTimeMs: number | undefined = 1000,
): Uint8Array {
  const operation = encodeNotaryOperation({ algorithm: "sha256", value: random(32) });
  return notary.apply({ sequence, index, round, roundTimeMs, client: new Uint8Array(32) }, operation);
}

/** A document of each place in `sequences`, the same in all rounds; statements by sequence. */
function grow(notary: Service, rounds: readonly (readonly [round: number, sequences: readonly number[]])[]) {
  const statements = new Map<number, Uint8Array[]>();
  for (const [round, sequences] of rounds) {
    for (const sequence of sequences) {
      const of = statements.get(sequence) ?? [];
      statements.set(sequence, [...of, apply(notary, sequence, round, of.length)]);
    }
  }
  return statements;
}

describe("documents of one round", () => {
  const ROUNDS = [
    [3, [1, 2, 2, 2]],
    [4, [5]],
    [9, [6, 6, 7, 9, 9, 9, 9]],
  ] as const;

  it("share one statement, to which the replies of each request lead with their attachment", () => {
    const notary = create();
    const statements = grow(notary, ROUNDS);
    for (const [round, sequences] of ROUNDS) {
      const heads = new Set<string>();
      for (const sequence of new Set(sequences)) {
        const replies = statements.get(sequence) ?? [];
        const attachment = notary.shared?.ofRequest(sequence, replies)?.attachment ?? NOTHING;
        const logged = readAttachment(sha256, replies, attachment);
        if (!logged.ok) throw new Error(logged.error);
        const { head, first, inclusions, statement } = logged.value;
        expect(notary.shared?.statement(replies, attachment)).toEqual(statement);
        // What a replica signs is what its client makes of the replies.
        expect(notary.shared?.ofRequest(sequence, replies)?.statement).toEqual(statement);
        expect(head).toMatchObject({ cluster, round, timeMs: 1000 });
        for (const [at, reply] of replies.entries()) {
          const place = { leaf: leafHash(sha256, reply), index: first + at, size: head.documents, root: head.root };
          expect(isIncluded(sha256, { ...place, proof: inclusions[at] ?? [] })).toBe(true);
        }
        heads.add(fromUtf8(statement));
      }
      expect(heads.size).toBe(1);
    }
  });

  it.each([undefined, 0, 7])("have one time, in the head and in each statement: %s", (timeMs) => {
    const notary = create();
    // As the context says it: a default would stand for undefined.
    const operation = encodeNotaryOperation({ algorithm: "sha256", value: random(32) });
    const context = { sequence: 1, round: 1, roundTimeMs: timeMs, client: random(32) };
    const replies = [0, 1].map((index) => notary.apply({ ...context, index }, operation));
    const logged = readAttachment(sha256, replies, notary.shared?.ofRequest(1, replies)?.attachment ?? NOTHING);
    expect(logged).toMatchObject({ ok: true, value: { head: { timeMs } } });
    for (const reply of replies) expect(decodeStatement(reply)).toMatchObject({ ok: true, value: { timeMs } });
  });

  it("share nothing when they have different times", () => {
    const notary = create();
    const replies = [1000, 1001].map((timeMs, index) => apply(notary, 1, 1, index, timeMs));
    const attachment = notary.shared?.ofRequest(1, replies)?.attachment ?? NOTHING;
    expect(attachment).not.toEqual(NOTHING);
    expect(notary.shared?.statement(replies, attachment)).toBeUndefined();
  });

  it("have it also at a replica that was restored on the way", () => {
    const notary = create();
    const statements = grow(notary, ROUNDS);
    const other = restored(create, chunksOf(notary));
    for (const [sequence, replies] of statements)
      expect(other.shared?.ofRequest(sequence, replies)).toEqual(notary.shared?.ofRequest(sequence, replies));
  });

  it("have none where it is asked for others, or for others than there are", () => {
    const notary = create();
    const statements = grow(notary, ROUNDS);
    const [one = NOTHING, two = NOTHING, three = NOTHING] = statements.get(2) ?? [];
    expect(notary.shared?.ofRequest(2, [one, two])).toBeUndefined();
    expect(notary.shared?.ofRequest(2, [one, two, three, three])).toBeUndefined();
    expect(notary.shared?.ofRequest(3, [one])).toBeUndefined();
    expect(notary.shared?.ofRequest(10, [one])).toBeUndefined();
    const attachment = notary.shared?.ofRequest(2, [one, two, three])?.attachment ?? NOTHING;
    const right = notary.shared?.statement([one, two, three], attachment);
    expect(right).toBeDefined();
    for (const replies of [[], [two, one, three], [one, two], [one, two, NOTHING]])
      expect(notary.shared?.statement(replies, attachment)).not.toEqual(right);
    const [later = NOTHING] = statements.get(5) ?? [];
    expect(notary.shared?.statement([one, two, later], attachment)).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (hostile) => {
        expect(notary.shared?.statement([one, two, three], hostile)).not.toEqual(right);
      }),
    );
  });

  it("are kept for a while, in whole rounds", () => {
    const notary = create();
    const first = apply(notary, 1, 1);
    for (let sequence = 2; sequence <= MAX_RECENT_DOCUMENTS + 1; sequence++) apply(notary, sequence, 2);
    expect(notary.shared?.ofRequest(1, [first])).toBeDefined();
    const last = apply(notary, MAX_RECENT_DOCUMENTS + 2, 3);
    expect(notary.shared?.ofRequest(1, [first])).toBeUndefined();
    expect(notary.shared?.ofRequest(2, [first])).toBeDefined();
    const chunks = chunksOf(notary);
    const other = restored(create, chunks);
    expect(other.shared?.ofRequest(MAX_RECENT_DOCUMENTS + 2, [last])).toEqual(
      notary.shared?.ofRequest(MAX_RECENT_DOCUMENTS + 2, [last]),
    );
    apply(notary, MAX_RECENT_DOCUMENTS + 3, 4);
    const before = new Set(chunks.map(toHex));
    // The chunks of documents that were there already stay as they are, but for the first and the last.
    expect(chunksOf(notary).filter((chunk) => !before.has(toHex(chunk))).length).toBeLessThanOrEqual(3);
  });
});

describe("the head of a log", () => {
  const anyHead = fc.record({
    cluster: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    round: fc.maxSafeNat(),
    timeMs: fc.option(fc.maxSafeNat(), { nil: undefined }),
    documents: fc.maxSafeNat(),
    root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  });

  it("has one text, and its text has one meaning", () => {
    fc.assert(
      fc.property(anyHead, (head) => {
        const text = encodeLogHead(head);
        expect(text.length).toBeLessThanOrEqual(MAX_LOG_HEAD_BYTES);
        expect(decodeLogHead(text)).toEqual({ ok: true, value: head });
      }),
    );
    fc.assert(
      fc.property(mutation(anyHead.map(encodeLogHead)), (hostile) => {
        const decoded = decodeLogHead(hostile);
        if (decoded.ok) expect(encodeLogHead(decoded.value)).toEqual(hostile);
      }),
    );
    const head = { cluster, round: 1, timeMs: 2, documents: 3, root: random(32) };
    for (const wrong of [
      { round: -1 },
      { timeMs: 0.5 },
      { documents: 2 ** 53 },
      { root: random(31) },
      { cluster: random(33) },
    ])
      expect(() => encodeLogHead({ ...head, ...wrong })).toThrow(EncodeError);
    expect(decodeLogHead(utf8(fromUtf8(encodeLogHead(head)).replace("round: 1", "round: 9007199254740993"))).ok).toBe(
      false,
    );
  });
});
