import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROOFS_PER_REQUEST } from "../../src/protocols/index.js";
import { ProofRequests } from "../../src/replica/proof-requests.js";

fc.configureGlobal({ seed: 20 });

describe("ProofRequests", () => {
  it("asks once for what one answer brings", () => {
    const requests = new ProofRequests();
    expect(requests.start(1, "abc", 5, 100)).toBe(true);
    for (let round = 5; round < 5 + PROOFS_PER_REQUEST; round++)
      expect(requests.start(1, "abc", round, 100)).toBe(false);
    expect(requests.start(1, "abc", 5 + PROOFS_PER_REQUEST, 100)).toBe(true);
  });

  it("does not count on proofs of rounds that the peer may not have decided", () => {
    const requests = new ProofRequests();
    expect(requests.start(1, "abc", 5, 7)).toBe(true);
    expect(requests.start(1, "abc", 6, 9)).toBe(false);
    expect(requests.start(1, "abc", 7, 9)).toBe(true);
  });

  it("keeps peers and channels apart", () => {
    const requests = new ProofRequests();
    expect(requests.start(1, "abc", 5, 9)).toBe(true);
    expect(requests.start(2, "abc", 5, 9)).toBe(true);
    expect(requests.start(1, "abd", 5, 9)).toBe(true);
    expect(requests.start(1, "abc", 5, 9)).toBe(false);
  });

  it("forgets what was under way on a broken link, of that peer only", () => {
    const requests = new ProofRequests();
    requests.start(1, "abc", 5, 9);
    requests.start(2, "abc", 5, 9);
    requests.forget(1);
    expect(requests.start(1, "abc", 5, 9)).toBe(true);
    expect(requests.start(2, "abc", 5, 9)).toBe(false);
  });

  it("gets a party through any number of rounds with about one request per PROOFS_PER_REQUEST, whoever asks how often", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 1, max: 5 }), (decidedBelow, times) => {
        const requests = new ProofRequests();
        let served = 1;
        let asked = 0;
        for (let round = 1; round < decidedBelow; round++) {
          for (let time = 0; time < times; time++) {
            if (!requests.start(1, "abc", round, decidedBelow)) continue;
            asked++;
            served = Math.max(served, Math.min(round + PROOFS_PER_REQUEST, decidedBelow));
          }
          // The proof of this round was served: it is below what was asked for.
          expect(round).toBeLessThan(served);
        }
        expect(asked).toBe(Math.ceil((decidedBelow - 1) / PROOFS_PER_REQUEST));
      }),
    );
  });
});
