/** The time-stamping authority as a service: what its tokens say, when, and by whose certificate. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromUtf8, toHex } from "../../../src/core/bytes.js";
import { integer, oid } from "../../../src/core/der.js";
import type { Service } from "../../../src/services/service.js";
import { decodeTsaAnswer, encodeTsaOperation } from "../../../src/services/tsa/index.js";
import { generalizedTime } from "../../../src/services/tsa/gen-time.js";
import { MAX_PENDING_REQUESTS } from "../../../src/services/tsa/pending.js";
import { chunksOf, mutation, restored } from "../support/service.js";
import { apply, certificate, createTestTsa, key, POLICY, requestOf, token } from "./fixture.js";

fc.configureGlobal({ seed: 13 });

const REQUEST = requestOf({ nonce: 5 });
const NOTHING = new Uint8Array();

/** genTime as TSTInfo has it. */
function genTimeOf({ info }: { readonly info: Uint8Array }): string {
  const text = fromUtf8(info.map((byte) => (byte < 0x80 ? byte : 0x3f)));
  const time = /[0-9]{14}(?:\.[0-9]+)?Z/.exec(text)?.[0];
  if (time === undefined) throw new Error("no genTime");
  return time;
}

function request(tsa: Service, sequence: number, place = {}, bytes = REQUEST): void {
  expect(apply(tsa, { sequence, ...place }, { kind: "request", request: bytes })).toEqual({ kind: "waiting" });
}

describe("a token", () => {
  it("is made in a later round than its request came, and is dated by that round", () => {
    const tsa = createTestTsa();
    request(tsa, 1, { round: 7, roundTimeMs: 1_000 });
    const early = apply(tsa, { sequence: 2, round: 7, roundTimeMs: 1_000 }, { kind: "stamp", sequence: 1, index: 0 });
    expect(early).toEqual({ kind: "too-early" });
    const made = token(
      apply(tsa, { sequence: 3, round: 8, roundTimeMs: 86_400_123 }, { kind: "stamp", sequence: 1, index: 0 }),
    );
    expect(genTimeOf(made)).toBe("19700102000000.123Z");
    // INTEGER 3 is the serial number, before genTime.
    expect(toHex(made.info)).toContain("0201031813");
  });

  it("is made once, for the client that asked", () => {
    const tsa = createTestTsa();
    request(tsa, 1);
    const stamp = { kind: "stamp", sequence: 1, index: 0 } as const;
    expect(apply(tsa, { sequence: 2, client: key(8) }, stamp)).toEqual({ kind: "not-waiting" });
    expect(apply(tsa, { sequence: 3 }, { kind: "stamp", sequence: 2, index: 0 })).toEqual({ kind: "not-waiting" });
    token(apply(tsa, { sequence: 4 }, stamp));
    expect(apply(tsa, { sequence: 5 }, stamp)).toEqual({ kind: "not-waiting" });
  });

  it("has a later time than every token before it, also where the clock stands still", () => {
    const tsa = createTestTsa();
    for (let sequence = 1; sequence <= 4; sequence++) request(tsa, sequence, { round: 1 });
    const times = [1, 2, 3, 4].map((sequence) =>
      genTimeOf(
        token(
          apply(
            tsa,
            { sequence: 4 + sequence, round: 2, roundTimeMs: sequence < 4 ? 2000 : 2001 },
            { kind: "stamp", sequence, index: 0 },
          ),
        ),
      ),
    );
    expect(times).toEqual([
      "19700101000002Z",
      "19700101000002.000001Z",
      "19700101000002.000002Z",
      "19700101000002.001Z",
    ]);
  });

  it("is not made where rounds have no time, or one that no number has in microseconds", () => {
    const tsa = createTestTsa();
    expect(apply(tsa, { sequence: 1, roundTimeMs: undefined }, { kind: "request", request: REQUEST })).toEqual({
      kind: "no-time",
    });
    request(tsa, 2);
    const stamp = { kind: "stamp", sequence: 2, index: 0 } as const;
    for (const roundTimeMs of [undefined, 2 ** 53 - 1]) {
      expect(apply(tsa, { sequence: 3, roundTimeMs }, stamp)).toEqual({ kind: "no-time" });
    }
    token(apply(tsa, { sequence: 4 }, stamp));
  });

  it("has the certificates when they are asked for, and names the signer's in any case", () => {
    const tsa = createTestTsa();
    request(tsa, 1);
    request(tsa, 2, {}, requestOf({ certReq: true }));
    const without = token(apply(tsa, { sequence: 3 }, { kind: "stamp", sequence: 1, index: 0 }));
    const within = token(apply(tsa, { sequence: 4 }, { kind: "stamp", sequence: 2, index: 0 }));
    expect(without.certificates).toEqual([]);
    expect(within.certificates).toHaveLength(1);
    expect(toHex(within.signer)).toBe(toHex(without.signer));
    // SignedAttributes: contentType, messageDigest, signingCertificateV2.
    for (const attribute of ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.47"]) {
      expect(toHex(without.attributes)).toContain(toHex(oid(attribute)));
    }
  });

  it("has a number of its own: of several operations in one request only the first makes one", () => {
    const tsa = createTestTsa();
    for (const sequence of [1, 2]) request(tsa, sequence);
    const stamp = (index: number) =>
      apply(tsa, { sequence: 3, index }, { kind: "stamp", sequence: 1 + index, index: 0 });
    token(stamp(0));
    expect(stamp(1)).toEqual({ kind: "not-alone" });
    token(apply(tsa, { sequence: 5 }, { kind: "stamp", sequence: 2, index: 0 }));
  });

  it("is made of each of the requests that were ordered together", () => {
    const tsa = createTestTsa();
    const together = [0, 1, 2].map((index) => requestOf({ nonce: 100 + index }));
    for (const [index, request] of together.entries())
      expect(apply(tsa, { sequence: 1, index }, { kind: "request", request })).toEqual({ kind: "waiting" });
    const copy = restored(createTestTsa, chunksOf(tsa));
    for (const [at, index] of [2, 0, 1].entries()) {
      const stamp = { kind: "stamp", sequence: 1, index } as const;
      const { info } = token(apply(copy, { sequence: 10 + at }, stamp));
      expect(toHex(info)).toContain(toHex(integer(BigInt(100 + index))));
      expect(apply(copy, { sequence: 20 + at }, stamp)).toEqual({ kind: "not-waiting" });
    }
    expect(apply(copy, { sequence: 30 }, { kind: "stamp", sequence: 1, index: 3 })).toEqual({ kind: "not-waiting" });
  });

  it("is what is signed, with the key for tokens; nothing else is", () => {
    const tsa = createTestTsa();
    const waiting = tsa.apply(
      { sequence: 1, index: 0, round: 1, roundTimeMs: 1, client: key(9) },
      encodeTsaOperation({ kind: "request", request: REQUEST }),
    );
    const reply = tsa.apply(
      { sequence: 2, index: 0, round: 2, roundTimeMs: 2, client: key(9) },
      encodeTsaOperation({ kind: "stamp", sequence: 1, index: 0 }),
    );
    expect(tsa.statementKey).toBe("token");
    expect(tsa.statement?.(waiting)).toBeUndefined();
    expect(tsa.statement?.(NOTHING)).toBeUndefined();
    expect(tsa.statement?.(reply)?.[0]).toBe(0x31);
  });
});

describe("what is ordered", () => {
  it("is nothing but requests that get a token, stamps, and certificates that fit", () => {
    const validate = (bytes: Uint8Array): boolean | undefined => createTestTsa().validate?.(bytes);
    expect(validate(encodeTsaOperation({ kind: "request", request: REQUEST }))).toBe(true);
    expect(validate(encodeTsaOperation({ kind: "request", request: requestOf({ version: 2 }) }))).toBe(false);
    expect(validate(encodeTsaOperation({ kind: "request", request: requestOf({ policy: "1.2.3" }) }))).toBe(false);
    expect(validate(encodeTsaOperation({ kind: "stamp", sequence: 2 ** 53 - 1, index: 0 }))).toBe(true);
    expect(validate(encodeTsaOperation({ kind: "install", chain: [certificate()] }))).toBe(true);
    expect(validate(encodeTsaOperation({ kind: "install", chain: [] }))).toBe(false);
    const near = mutation(fc.constantFrom(encodeTsaOperation({ kind: "install", chain: [certificate()] }), NOTHING));
    fc.assert(fc.property(near, (bytes) => void validate(bytes)));
  });
});

describe("certificates", () => {
  const [next, other] = [certificate("next"), certificate("other")];
  const inForce = (tsa: Service): string => {
    const answer = decodeTsaAnswer(tsa.query(NOTHING));
    if (!answer.ok) throw new Error(answer.error);
    return toHex(answer.value.chain[0] ?? NOTHING);
  };
  const vote = (tsa: Service, sequence: number, party: number, chain = [next]) =>
    apply(tsa, { sequence, client: key(party) }, { kind: "install", chain });

  it("change when so many parties have voted for the same that one is honest", () => {
    const tsa = createTestTsa();
    const first = inForce(tsa);
    expect(vote(tsa, 1, 0)).toEqual({ kind: "vote", votes: 1 });
    expect(vote(tsa, 2, 0)).toEqual({ kind: "vote", votes: 1 });
    expect(vote(tsa, 3, 1, [other])).toEqual({ kind: "vote", votes: 1 });
    expect(vote(tsa, 4, 0, [other])).toEqual({ kind: "installed" });
    expect(inForce(tsa)).toBe(toHex(other));
    expect(inForce(tsa)).not.toBe(first);
    // A vote that comes late changes nothing; the votes before are spent.
    expect(vote(tsa, 5, 2, [other])).toEqual({ kind: "installed" });
    expect(vote(tsa, 6, 3)).toEqual({ kind: "vote", votes: 1 });
  });

  it("do not change on a client's word", () => {
    const tsa = createTestTsa();
    for (const client of [4, 5, 6]) expect(vote(tsa, client, client)).toEqual({ kind: "not-a-party" });
    expect(inForce(tsa)).toBe(inForce(createTestTsa()));
  });

  it("stand in tokens from then on", () => {
    const tsa = createTestTsa();
    request(tsa, 1, {}, requestOf({ certReq: true }));
    vote(tsa, 2, 0);
    vote(tsa, 3, 3);
    const made = token(apply(tsa, { sequence: 4 }, { kind: "stamp", sequence: 1, index: 0 }));
    expect(made.certificates.map(toHex)).toEqual([toHex(next)]);
  });
});

describe("the state", () => {
  type Step = readonly [kind: "request" | "stamp" | "vote", client: number];
  const steps = fc.array(fc.tuple(fc.constantFrom("request", "stamp", "vote"), fc.nat(5)) as fc.Arbitrary<Step>, {
    maxLength: 30,
  });
  const chains = [[certificate("a")], [certificate("b")]] as const;

  it("goes on from a snapshot as it would have gone on, byte by byte", () => {
    const run = (tsa: Service, all: readonly Step[], from: number): readonly string[] =>
      all.map(([kind, client], index) => {
        const sequence = from + index;
        const context = {
          sequence,
          index: 0,
          round: Math.floor(sequence / 2),
          roundTimeMs: Math.floor(sequence / 5),
          client: key(client),
        };
        const operation =
          kind === "request"
            ? ({ kind, request: requestOf({ nonce: sequence, certReq: client % 2 === 0 }) } as const)
            : kind === "stamp"
              ? ({ kind, sequence: Math.max(0, sequence - 1 - client), index: 0 } as const)
              : ({ kind: "install", chain: chains[sequence % 2] ?? chains[0] } as const);
        return toHex(tsa.apply(context, encodeTsaOperation(operation)));
      });
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const tsa = createTestTsa();
        run(tsa, before, 1);
        const copy = restored(createTestTsa, chunksOf(tsa));
        expect(run(copy, after, before.length + 1)).toEqual(run(tsa, after, before.length + 1));
        expect(chunksOf(copy).map(toHex)).toEqual(chunksOf(tsa).map(toHex));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it("has a bound: who has most waiting loses the oldest", () => {
    const tsa = createTestTsa();
    request(tsa, 1, { client: key(8) });
    for (let sequence = 2; sequence <= MAX_PENDING_REQUESTS + 1; sequence++) request(tsa, sequence, { client: key(9) });
    const after = MAX_PENDING_REQUESTS + 2;
    expect(apply(tsa, { sequence: after, client: key(9) }, { kind: "stamp", sequence: 2, index: 0 })).toEqual({
      kind: "not-waiting",
    });
    const copy = restored(createTestTsa, chunksOf(tsa));
    for (const [client, sequence] of [
      [8, 1],
      [9, 3],
    ] as const) {
      token(apply(copy, { sequence: after + client, client: key(client) }, { kind: "stamp", sequence, index: 0 }));
    }
  });

  it("is not taken from what is no snapshot", () => {
    const tsa = createTestTsa();
    for (const sequence of [1, 2]) request(tsa, sequence);
    const [head = NOTHING, page = NOTHING] = chunksOf(tsa);
    for (const chunks of [[], [page], [head, head], [head, page, page], [head.subarray(1)]]) {
      expect(() => createTestTsa().restore(chunks)).toThrow("snapshot");
    }
  });
});

describe("the options", () => {
  it.each([
    [{ policy: "1.2.x" }, "no object identifier"],
    [{ accuracyMs: 9 }, "not within"],
    [{ accuracyMs: 10.5 }, "not within"],
    [{ chain: [] }, "no certificate"],
    [{ tokenKey: NOTHING }, "token key"],
  ])("%#: are checked", (changes, problem) => {
    expect(() => createTestTsa(changes)).toThrow(problem);
    expect(() => createTestTsa(changes)).toThrow(RangeError);
  });

  it("has its policy in every token", () => {
    const tsa = createTestTsa();
    request(tsa, 1);
    const made = token(apply(tsa, { sequence: 2 }, { kind: "stamp", sequence: 1, index: 0 }));
    expect(toHex(made.info)).toContain(toHex(oid(POLICY)));
  });
});

describe("genTime", () => {
  it("is the date that calendars have, to the microsecond", () => {
    // Up to where microseconds are exact.
    const latest = Math.floor((2 ** 53 - 1) / 1000);
    const times = fc.oneof(
      fc.integer({ min: 0, max: latest }),
      fc.constantFrom(
        0,
        Date.UTC(2000, 1, 29),
        Date.UTC(2100, 1, 28, 23, 59, 59, 999),
        Date.UTC(2100, 2, 1),
        Date.UTC(2024, 11, 31, 23, 59, 59),
      ),
    );
    fc.assert(
      fc.property(times, fc.nat(999), (millis, micros) => {
        const [date = "", fraction = ""] = new Date(millis)
          .toISOString()
          .replace(/[-:T]/g, "")
          .replace("Z", "")
          .split(".");
        const digits = `${fraction}${String(micros).padStart(3, "0")}`.replace(/0+$/, "");
        const expected = `${date}${digits === "" ? "" : `.${digits}`}Z`;
        expect(fromUtf8(generalizedTime(1000 * millis + micros).subarray(2))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
