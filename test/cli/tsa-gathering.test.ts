/** Time-stamp requests that go into the order together. */
import { describe, expect, it } from "vitest";
import { Gathering, MAX_GATHERED, MAX_WAITING } from "../../src/cli/tsa-gathering.js";
import { ClusterUnreachableError, type CalledAll } from "../../src/client/index.js";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { encodeTsaOperation, encodeTsaReply } from "../../src/services/tsa/operations.js";

const WAITING = encodeTsaReply({ kind: "waiting" });
const request = (name: string): Uint8Array => utf8(name);

/** A cluster whose calls end when the test says so. */
class Calls {
  readonly operations: (readonly Uint8Array[])[] = [];
  readonly #ends: { resolve(called: CalledAll): void; reject(error: Error): void }[] = [];

  callAll(_service: string, operations: readonly Uint8Array[]): Promise<CalledAll> {
    this.operations.push(operations);
    return new Promise((resolve, reject) => this.#ends.push({ resolve, reject }));
  }

  answer(sequence: number): void {
    const replies = this.operations.at(-1)?.map(() => WAITING) ?? [];
    this.#ends.shift()?.resolve({ replies, sequence, round: 1, timeMs: 1, faulty: [] });
  }

  fail(error: Error): void {
    this.#ends.shift()?.reject(error);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("time-stamp requests", () => {
  it("of one turn go together, and those that come meanwhile in the next call", async () => {
    const [calls, gathering] = [new Calls(), new Gathering(1000)];
    const first = ["a", "b"].map((name) => gathering.add(calls, request(name)));
    await turn();
    const second = ["c", "d", "e"].map((name) => gathering.add(calls, request(name)));
    await turn();
    expect(calls.operations).toHaveLength(1);
    calls.answer(7);
    expect((await Promise.all(first)).map(({ sequence, index }) => [sequence, index])).toEqual([
      [7, 0],
      [7, 1],
    ]);
    await turn();
    calls.answer(9);
    expect((await Promise.all(second)).map(({ sequence, index }) => [sequence, index])).toEqual([
      [9, 0],
      [9, 1],
      [9, 2],
    ]);
    const sent = ["a", "b", "c", "d", "e"].map((name) =>
      toHex(encodeTsaOperation({ kind: "request", request: request(name) })),
    );
    expect(calls.operations.flat().map(toHex)).toEqual(sent);
  });

  it("hear of a call that failed, and later ones go on", async () => {
    const [calls, gathering] = [new Calls(), new Gathering(1000)];
    const failed = ["a", "b"].map((name) => gathering.add(calls, request(name)));
    const settled = Promise.allSettled(failed);
    await turn();
    const error = new ClusterUnreachableError("nobody answers", []);
    calls.fail(error);
    for (const result of await settled) expect(result).toEqual({ status: "rejected", reason: error });
    const next = gathering.add(calls, request("c"));
    await turn();
    calls.answer(3);
    expect(await next).toMatchObject({ sequence: 3, index: 0, reply: { kind: "waiting" } });
  });

  it("have bounds: in a call, and those that wait", async () => {
    const [calls, gathering] = [new Calls(), new Gathering(1000)];
    const all = Array.from({ length: MAX_WAITING }, (_, index) => gathering.add(calls, request(`${index}`)));
    await expect(gathering.add(calls, request("one more"))).rejects.toThrow("wait already");
    for (let sequence = 1; sequence <= Math.ceil(MAX_WAITING / MAX_GATHERED); sequence++) {
      await turn();
      expect(calls.operations.at(-1)?.length).toBeLessThanOrEqual(MAX_GATHERED);
      calls.answer(sequence);
    }
    expect(new Set((await Promise.all(all)).map(({ sequence, index }) => `${sequence}/${index}`)).size).toBe(
      MAX_WAITING,
    );
  });
});
