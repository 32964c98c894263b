/** The index of notarised documents: it has what was appended, written or not, and after a restart. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { DocumentIndex, type NewDocument } from "../../src/adapters/document-index.js";

const CLUSTER = new Uint8Array(32).fill(1);
const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

const digest = (name: number): Uint8Array => new Uint8Array(32).fill(name);
const documents = (...names: readonly number[]): NewDocument[] =>
  names.map((name) => ({ digest: digest(name), client: digest(100 + name) }));
/** The first is at the beginning of time, and one has no time. */
const at = (number: number) => ({ number, round: 2 * number, timeMs: number === 4 ? undefined : 1000 * (number - 1) });

function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "abcast-index-"));
  opened.push(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "documents.mdb");
}

function open(path: string, cluster: Uint8Array = CLUSTER): Promise<DocumentIndex> {
  const onError = (error: unknown): never => {
    throw error;
  };
  return DocumentIndex.open({ path, cluster, onError });
}

/** Payloads 1 to 5: two documents, none, one, three, and one with the digest of the first. */
function fill(index: DocumentIndex, upTo = 5): void {
  const payloads = [documents(1, 2), [], documents(3), documents(4, 5, 6), documents(1)];
  for (const [payload, its] of payloads.entries())
    if (payload + 1 > index.sequence && payload < upTo) index.append(at(payload + 1), its);
}

const placesOf = (index: DocumentIndex, from: number, limit: number): readonly (readonly number[])[] =>
  index.from(from, limit).map(({ number, index: place, logIndex }) => [number, place, logIndex]);

function expectAll(index: DocumentIndex): void {
  expect([index.sequence, index.documents]).toEqual([5, 7]);
  const all = [
    [1, 0, 0],
    [1, 1, 1],
    [3, 0, 2],
    [4, 0, 3],
    [4, 1, 4],
    [4, 2, 5],
    [5, 0, 6],
  ];
  expect(placesOf(index, 1, 100)).toEqual(all);
  // The documents of a payload stay together.
  expect(placesOf(index, 1, 1)).toEqual(all.slice(0, 2));
  expect(placesOf(index, 2, 2)).toEqual(all.slice(2, 6));
  expect(placesOf(index, 6, 1)).toEqual([]);
  expect(index.byNumber(2)).toEqual([]);
  expect(index.byNumber(4).map(({ digest: [first] }) => first)).toEqual([4, 5, 6]);
  expect(index.byDigest(digest(5))).toEqual({
    ...at(4),
    index: 1,
    digest: digest(5),
    client: digest(105),
    logIndex: 4,
  });
  // The first with this digest.
  expect(index.byDigest(digest(1))).toMatchObject(at(1));
  expect(index.byDigest(digest(5))?.timeMs).toBeUndefined();
  expect(index.byDigest(digest(9))).toBeUndefined();
}

describe("the index of documents", () => {
  it.each([0, 1, 2, 3, 4, 5])(
    "has everything, when %i payloads were written before the others came",
    async (written) => {
      const path = newPath();
      const index = await open(path);
      fill(index, written);
      await index.flush();
      fill(index);
      expectAll(index);
      const flushed = index.flush();
      expectAll(index);
      await flushed;
      expectAll(index);
      await index.close();
      const again = await open(path);
      opened.push(() => again.close());
      expectAll(again);
      expect(() => again.append(at(5), [])).toThrow(RangeError);
    },
  );

  it("says when there is more", async () => {
    const index = await open(newPath());
    opened.push(() => index.close());
    let told = 0;
    const stop = index.onMore(() => told++);
    fill(index, 2);
    expect(told).toBe(1);
    stop();
    fill(index);
    expect(told).toBe(1);
  });

  it("leaves out what is not to be had, and counts it", async () => {
    const path = newPath();
    const index = await open(path);
    fill(index, 3);
    index.skipTo(50, 30);
    index.append(at(51), documents(7));
    expect(placesOf(index, 2, 10)).toEqual([
      [3, 0, 2],
      [51, 0, 30],
    ]);
    await index.close();
    const again = await open(path);
    opened.push(() => again.close());
    expect([again.sequence, again.documents]).toEqual([51, 31]);
  });

  it("begins anew where the file is damaged, or of another cluster", async () => {
    const path = newPath();
    const index = await open(path);
    fill(index);
    await index.close();
    const other = await open(path, digest(2));
    expect(other.sequence).toBe(0);
    await other.close();
    writeFileSync(path, "no database");
    const again = await open(path);
    opened.push(() => again.close());
    expect([again.sequence, again.from(1, 10)]).toEqual([0, []]);
    fill(again);
    expectAll(again);
  });
});
