/** What is kept of evidence, and how much. */
import { beforeEach, describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { type Evidence, evidenceCodec } from "../../src/core/evidence.js";
import {
  EvidenceStore,
  MAX_EVIDENCE_BYTES,
  MAX_EVIDENCE_RECORDS,
  readEvidence,
} from "../../src/replica/evidence-store.js";

/** The small values of a storage. */
class Values {
  readonly values = new Map<string, Uint8Array>();
  readonly written: string[] = [];
  isBroken = false;
  #isWriting = false;

  meta(name: string): Uint8Array | undefined {
    return this.values.get(name);
  }

  async setMeta(name: string, value: Uint8Array | undefined): Promise<void> {
    if (this.#isWriting) throw new Error("two writes at once");
    this.#isWriting = true;
    this.written.push(name);
    // The first writes take longest.
    await new Promise((done) => setTimeout(done, Math.max(0, 5 - this.written.length)));
    this.#isWriting = false;
    if (this.isBroken) throw new Error("disk");
    if (value === undefined) this.values.delete(name);
    else this.values.set(name, value);
  }
}

const statement = (name: string, sizeBytes = 0): Evidence["first"] => ({
  body: utf8(name.padEnd(sizeBytes, "x")),
  signature: utf8("signature"),
});
const about = (party: number, round: number, sizeBytes = 0): Evidence => ({
  party,
  as: "signature",
  tag: `notary/${round}`,
  purpose: "queue",
  first: statement("a", sizeBytes),
  second: statement("b"),
});

let storage = new Values();
let store = new EvidenceStore(storage);
beforeEach(() => {
  storage = new Values();
  store = new EvidenceStore(storage);
});

describe("evidence", () => {
  test("is kept by party, in order, across restarts", async () => {
    const all = [about(2, 5), about(0, 7), about(2, 1)];
    expect(await Promise.all(all.map((one) => store.add(one)))).toEqual([true, true, true]);
    expect(storage.written).toEqual(["evidence/2/0", "evidence/0/0", "evidence/2/1"]);
    expect(readEvidence(storage)).toEqual([about(0, 7), about(2, 5), about(2, 1)]);
    const again = new EvidenceStore(storage);
    expect([again.count(0), again.count(1), again.count(2)]).toEqual([1, 0, 2]);
    expect(await again.add(about(2, 6))).toBe(true);
    expect(storage.written.at(-1)).toBe("evidence/2/2");
  });

  test("of one contradiction is kept once, also when a replay finds it again", async () => {
    expect(await store.add(about(2, 5))).toBe(true);
    expect(await store.add({ ...about(2, 5), second: statement("c") })).toBe(false);
    expect(await new EvidenceStore(storage).add(about(2, 5))).toBe(false);
    expect(await store.add(about(1, 5))).toBe(true);
    expect(readEvidence(storage)).toEqual([about(1, 5), about(2, 5)]);
  });

  test("that contradicts nothing is not kept", async () => {
    expect(await store.add({ ...about(2, 5), second: statement("a") })).toBe(false);
    expect(storage.written).toEqual([]);
  });

  test("is kept so many times about a party, the first ones; others have their own room", async () => {
    for (let round = 1; round <= MAX_EVIDENCE_RECORDS + 2; round++)
      expect(await store.add(about(2, round))).toBe(round <= MAX_EVIDENCE_RECORDS);
    expect(await store.add(about(1, 1))).toBe(true);
    expect(await new EvidenceStore(storage).add(about(2, 1000))).toBe(false);
    expect(readEvidence(storage)).toHaveLength(MAX_EVIDENCE_RECORDS + 1);
  });

  test("takes so many bytes about a party, unless the first record is larger", async () => {
    const half = MAX_EVIDENCE_BYTES / 2;
    expect(await store.add(about(2, 1, half))).toBe(true);
    expect(await store.add(about(2, 2, half))).toBe(false);
    expect(await new EvidenceStore(storage).add(about(2, 2, half))).toBe(false);
    expect(await store.add(about(2, 3, half / 2))).toBe(true);
    expect(await store.add(about(1, 1, 2 * MAX_EVIDENCE_BYTES - 100))).toBe(true);
    expect(await store.add(about(1, 2))).toBe(false);
  });

  test("that cannot be written is an error", async () => {
    storage.isBroken = true;
    await expect(store.add(about(2, 5))).rejects.toThrow("disk");
  });

  test("that is damaged is an error that names the record", () => {
    storage.values.set("evidence/2/0", utf8("junk"));
    expect(() => readEvidence(storage)).toThrow("evidence/2/0 is damaged");
    storage.values.set("evidence/2/0", encode(evidenceCodec, about(1, 5)));
    expect(() => new EvidenceStore(storage)).toThrow("evidence/2/0 is about party 1");
  });
});
