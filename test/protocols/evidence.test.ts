/** Which pairs of signed statements convict their party; and that an honest party never signs such a pair. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { bytes, decode, encode, fixedBytes, struct, text } from "../../src/core/codec.js";
import { statement } from "../../src/core/engine.js";
import { type Endorsement, type Evidence, evidenceCodec } from "../../src/core/evidence.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { Certifier, Suite } from "../../src/core/suite.js";
import { BATCH } from "../../src/protocols/atomic-broadcast/certified/messages.js";
import { MAIN_VOTE, PRE_VOTE, voteBody } from "../../src/protocols/binary-agreement/messages.js";
import { evidenceCheckOf, faultOf, signedSlot, verifyEvidence } from "../../src/protocols/index.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { Run } from "../../src/sim/run.js";

const CLUSTER = utf8("a cluster of 32 bytes, no more, ").subarray(0, 32);
const group = thresholdGroup({ n: 4, byzantine: 1 });
const suites = group.parties.map((party) => mockSuite(group, party, 1));
const check = evidenceCheckOf(CLUSTER, mockSuite(group, 0, 1));

interface Where {
  readonly by?: PartyId;
  readonly cluster?: Uint8Array;
  readonly tag?: string;
  readonly as?: Endorsement;
  readonly purpose?: string;
}

/** What party 2 signs in `abc/7/aba`, unless `where` says otherwise. */
function signed(purpose: string, as: Endorsement, body: Uint8Array, where: Where = {}): Evidence["first"] {
  const { by = 2, cluster = CLUSTER, tag = "abc/7/aba" } = where;
  const suite = suites[by] as Suite;
  const covered = statement(cluster, tag, where.purpose ?? purpose, body);
  return { body, signature: signature(suite, where.as ?? as, covered) };
}

function signature(suite: Suite, as: Endorsement, covered: Uint8Array): Uint8Array {
  if (as === "signature") return suite.sign(covered);
  return (as === "quorum" ? suite.quorumCertifier : suite.broadcastCertifier).share(covered);
}

function pair(purpose: string, as: Endorsement, first: Uint8Array, second: Uint8Array, where?: Where): Evidence {
  return {
    party: 2,
    as,
    tag: "abc/7/aba",
    purpose,
    first: signed(purpose, as, first),
    second: signed(purpose, as, second, where),
  };
}

const digest = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

describe("two statements convict", () => {
  test.each<[string, Evidence, string]>([
    ["queue entries of one round", pair("queue", "signature", utf8("a"), utf8("b")), "equivocation"],
    ["pre-votes of one round", pair(PRE_VOTE, "quorum", voteBody(3, 0), voteBody(3, 1)), "double-vote"],
    ["main-votes of one round", pair(MAIN_VOTE, "quorum", voteBody(3, 1), voteBody(3, 0)), "double-vote"],
    ["a main-vote and an abstention", pair(MAIN_VOTE, "quorum", voteBody(3, 2), voteBody(3, 1)), "double-vote"],
    ["witness shares of one broadcast", pair("witness", "broadcast", digest(1), digest(2)), "double-vote"],
  ])("%s", (_name, evidence, fault) => {
    expect(verifyEvidence(evidence, check)).toEqual({ valid: true });
    expect(faultOf(evidence)).toBe(fault);
    expect(decode(evidenceCodec, encode(evidenceCodec, evidence))).toEqual({ ok: true, value: evidence });
    const { first, second } = evidence;
    expect(verifyEvidence({ ...evidence, first: second, second: first }, check)).toEqual({ valid: true });
  });
});

describe("two statements do not convict", () => {
  const votes = pair(PRE_VOTE, "quorum", voteBody(3, 0), voteBody(3, 1));
  const second = (where: Where): Evidence => pair(PRE_VOTE, "quorum", voteBody(3, 0), voteBody(3, 1), where);

  test.each<[string, Evidence]>([
    ["of different rounds", pair(PRE_VOTE, "quorum", voteBody(3, 0), voteBody(4, 1))],
    ["main-votes of different rounds", pair(MAIN_VOTE, "quorum", voteBody(3, 0), voteBody(4, 0))],
    ["that are the same", pair(PRE_VOTE, "quorum", voteBody(3, 0), voteBody(3, 0))],
    ["that are the same entry", pair("queue", "signature", utf8("a"), utf8("a"))],
    ["of which one is no vote", pair(PRE_VOTE, "quorum", voteBody(3, 0), utf8("vote"))],
    ["of which none is a vote", pair(PRE_VOTE, "quorum", utf8("a"), utf8("b"))],
    ["of which one pre-votes an abstention", pair(PRE_VOTE, "quorum", voteBody(3, 0), voteBody(3, 2))],
    ["batches of one height, which who has lost its store may sign", pair(BATCH, "broadcast", digest(1), digest(2))],
    ["for a purpose without a rule", pair("coin", "quorum", utf8("a"), utf8("b"))],
    ["signed for another use of the key", pair("queue", "quorum", utf8("a"), utf8("b"))],
    ["signed as a vote of another kind", pair(PRE_VOTE, "broadcast", voteBody(3, 0), voteBody(3, 1))],
  ])("%s", (_name, evidence) => {
    expect(verifyEvidence(evidence, check)).toMatchObject({
      valid: false,
      reason: expect.stringContaining("may sign both") as string,
    });
  });

  test.each<[string, Evidence]>([
    ["of another party", second({ by: 1 })],
    ["of another cluster", second({ cluster: digest(9) })],
    ["of another instance", second({ tag: "abc/8/aba" })],
    ["for another purpose", second({ purpose: MAIN_VOTE })],
    ["with a share for other certificates", second({ as: "broadcast" })],
    ["with an ordinary signature", second({ as: "signature" })],
  ])("the second %s", (_name, evidence) => {
    const reason = expect.stringContaining("the second statement is not signed by party 2") as string;
    expect(verifyEvidence(evidence, check)).toEqual({ valid: false, reason });
    const swapped = { ...evidence, first: evidence.second, second: evidence.first };
    expect(verifyEvidence(swapped, check)).toMatchObject({
      valid: false,
      reason: expect.stringContaining("the first") as string,
    });
  });

  test("in the name of another party, of none, or of an instance that has no name", () => {
    for (const party of [0, 1, 3, 4, 63])
      expect(verifyEvidence({ ...votes, party }, check)).toMatchObject({ valid: false });
    expect(verifyEvidence({ ...votes, tag: "no tag" }, check)).toMatchObject({ valid: false });
  });

  test("as shares of a threshold signature, which others can work out", () => {
    const one = group.parties.map((party) => mockSuite(group, party, 1, { certificates: "one" }));
    const share = (body: Uint8Array): Evidence["first"] => ({
      body,
      signature: (one[2] as Suite).quorumCertifier.share(statement(CLUSTER, votes.tag, PRE_VOTE, body)),
    });
    const evidence = { ...votes, first: share(voteBody(3, 0)), second: share(voteBody(3, 1)) };
    expect(verifyEvidence(evidence, evidenceCheckOf(CLUSTER, one[0] as Suite))).toMatchObject({ valid: false });
  });
});

/** Everything that a party signed, by its statement. */
type Endorsed = Map<string, { readonly as: Endorsement; readonly covered: Uint8Array; readonly signature: Uint8Array }>;

/** `suite`, and what it signs kept in `endorsed`. */
function remembering(suite: Suite, endorsed: Endorsed): Suite {
  const keep = (as: Endorsement, covered: Uint8Array, made: Uint8Array): Uint8Array => {
    endorsed.set(`${as} ${covered.join()}`, { as, covered: covered.slice(), signature: made });
    return made;
  };
  const kept = (as: Endorsement, certifier: Certifier): Certifier => ({
    ...certifier,
    share: (covered) => keep(as, covered, certifier.share(covered)),
  });
  return {
    ...suite,
    sign: (covered) => keep("signature", covered, suite.sign(covered)),
    quorumCertifier: kept("quorum", suite.quorumCertifier),
    broadcastCertifier: kept("broadcast", suite.broadcastCertifier),
  };
}

const statementCodec = struct({
  domain: text(32),
  cluster: fixedBytes(32),
  tag: text(160),
  purpose: text(32),
  body: bytes(8 * 1024 * 1024),
});

describe("what an honest party signs", () => {
  test("never convicts it: no two of all its statements in 40 runs, whatever evidence calls them", () => {
    let pairs = 0;
    let sameInstance = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const endorsed = group.parties.map((): Endorsed => new Map());
      const run = new Run({
        seed,
        n: 4,
        dissemination: seed % 3 === 0 ? "inline" : "certified",
        payloads: 8,
        weather: { rate: seed % 4 === 0 ? 1 : undefined },
        order: seed % 2 === 0 ? "random" : "fixed",
        suites: group.parties.map((party) => remembering(mockSuite(group, party, seed), endorsed[party] as Endorsed)),
      });
      while (run.step());
      expect(run.failure).toBeUndefined();
      for (const party of group.parties.filter((each) => !run.world.isCorrupted(each))) {
        const all = [...(endorsed[party] as Endorsed).values()].map(({ as, covered, signature: made }) => {
          const decoded = decode(statementCodec, covered);
          if (!decoded.ok) throw new Error(decoded.error);
          const { cluster, tag, purpose, body } = decoded.value;
          // What it signs has a rule, so that nothing that is signed once only goes unpunished when it is signed twice.
          expect(signedSlot(as, purpose, body) !== undefined, purpose).toBe(purpose !== BATCH);
          return { as, cluster, tag, purpose, body, signature: made };
        });
        const honest = evidenceCheckOf(all[0]?.cluster ?? CLUSTER, mockSuite(group, 0, seed));
        for (const one of all) {
          for (const other of all) {
            const { as, tag, purpose } = one;
            if (verifyEvidence({ party, as, tag, purpose, first: one, second: other }, honest).valid)
              throw new Error(`seed ${seed}: party ${party} is framed for ${purpose} in ${tag}`);
            pairs++;
            if (tag === other.tag && purpose === other.purpose && one !== other) sameInstance++;
          }
        }
      }
    }
    expect(pairs).toBeGreaterThan(100_000);
    expect(sameInstance).toBeGreaterThan(50);
  });
});
