/** Causal broadcast under schedules, crashes and corrupted parties: agreement, termination, and that nobody learns early. */
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import type { PartyId } from "../../src/core/party-set.js";
import { utf8 } from "../../src/core/bytes.js";
import { createSuite, createTdh2Scheme, loadRistretto } from "../../src/crypto/index.js";
import { sharesCodec } from "../../src/protocols/causal-broadcast/messages.js";
import { encryptMock, mockCiphertext } from "../../src/sim/mock-suite.js";
import type { Random } from "../../src/sim/random.js";
import { dealKeys } from "../crypto/dealt.js";
import { at } from "../crypto/fixtures.js";
import { thresholdGroup } from "../../src/core/group.js";
import {
  CausalCluster,
  type ClusterOptions,
  type Tamper,
  ciphertextOf,
  labelOf,
  payloadOf,
} from "./causal-broadcast-cluster.js";

const textOf = (index: number): string => `the secret number ${index}`;

interface Secret {
  readonly payload: Uint8Array;
  readonly text: string;
  /** Each party's share: to look for in messages. */
  readonly shares: readonly Uint8Array[];
}

/** Secrets of two clients; and a payload that does not decrypt. */
function secretsOf(cluster: CausalCluster, seed: number, count: number): readonly Secret[] {
  return Array.from({ length: count }, (_, index) => {
    const name = index % 2 === 0 ? "alice" : "bob";
    const text = textOf(index);
    const ciphertext =
      index === 1
        ? mockCiphertext(seed, labelOf(name), utf8("garbage instead of a body"))
        : encryptMock(seed, labelOf(name), utf8(text), index);
    const shares = cluster.suites.map((suite) => suite.decryption.share(labelOf(name), ciphertext));
    return { payload: payloadOf(name, ciphertext), text, shares };
  });
}

/** Whether `bytes` has `part` anywhere. */
const has = (bytes: Uint8Array, part: Uint8Array): boolean => Buffer.from(bytes).includes(Buffer.from(part));

/**
 * One run; while it runs, no honest party may say its share of what is not yet decided anywhere, and nobody ever
 * says a plaintext.
 */
function runAndWatch(
  options: ClusterOptions,
  count: number,
  onStart: (cluster: CausalCluster) => void = () => undefined,
) {
  let secrets: readonly Secret[] = [];
  const decided = new Set<Secret>();
  let shareMessages = 0;
  const cluster: CausalCluster = new CausalCluster({
    ...options,
    onSend: (from, _to, { body }) => {
      for (const secret of secrets) {
        expect(has(body, utf8(secret.text))).toBe(false);
        if (!has(body, at(secret.shares, from))) continue;
        shareMessages++;
        expect(decided.has(secret)).toBe(true);
      }
    },
    // What a decision decides is in its proof.
    onDecided: (party) => {
      const proof = cluster.effectsOf(party).findLast((effect) => effect.kind === "archive");
      for (const secret of secrets)
        if (proof !== undefined && has(proof.envelope.body, secret.payload)) decided.add(secret);
    },
  });
  secrets = secretsOf(cluster, options.seed, count);
  onStart(cluster);
  const { honest } = cluster;
  for (const [index, { payload }] of secrets.entries()) {
    cluster.submit(at(honest, index % honest.length), payload);
    cluster.run(10);
    // In case that one is down; the queue takes nothing twice.
    for (const party of honest) cluster.submit(party, payload);
  }
  cluster.run();
  const log = cluster.expectAgreement();
  const expected = secrets.map((_, index) =>
    index === 1 ? "bob undecryptable" : `${index % 2 === 0 ? "alice" : "bob"}: ${textOf(index)}`,
  );
  expect([...log].filter((line) => !line.startsWith("mallory")).sort()).toEqual([...expected].sort());
  expect(shareMessages).toBeGreaterThan(count);
  return cluster;
}

describe("all deliver the same plaintexts in the same order, and no share is said before its ciphertext is decided", () => {
  test.each([4, 7])("n=%i", (n) => {
    for (let seed = 1; seed <= 4; seed++)
      runAndWatch({ n, seed, lifo: seed % 3 === 0 ? 0.9 : 0, changes: { maxEntryPayloads: 1 + (seed % 2) } }, 5);
  });

  test("with a slow party, which catches up from proofs and asks for the shares", () => {
    for (const maxEarlyBytes of [0, 1_000_000]) {
      for (let seed = 1; seed <= 4; seed++) {
        const slow = seed % 4;
        const cluster = runAndWatch({ n: 4, seed, slow, changes: { maxEntryPayloads: 1, maxEarlyBytes } }, 7);
        expect(cluster.roundsOf(slow).length).toBeGreaterThan(2);
      }
    }
  });
});

test("who was away for many rounds gets all shares, of at most 16 rounds at once", () => {
  const seed = 3;
  const cluster = new CausalCluster({ n: 4, seed, changes: { maxEntryPayloads: 1 } });
  cluster.crash(3);
  const rounds = 40;
  for (let index = 0; index < rounds; index++) {
    cluster.submit(index % 3, payloadOf("alice", encryptMock(seed, labelOf("alice"), utf8(textOf(index)), index)));
    cluster.run(Infinity, false);
  }
  expect(cluster.roundsOf(3)).toEqual([]);
  expect(cluster.roundsOf(0)).toHaveLength(rounds);
  cluster.restart(3);
  cluster.run();
  expect(cluster.expectAgreement()).toHaveLength(rounds);
  for (const party of [0, 1, 2]) {
    const answers = cluster.outboxOf(party, 3).filter(({ tag }) => tag.startsWith("sealed/again/3/"));
    expect(answers.length).toBeLessThanOrEqual(16);
    // What is kept for a peer is what was said last.
    expect(
      new Set(cluster.outboxOf(party, 3).flatMap(({ tag }) => /^sealed\/open\/(\d+)$/.exec(tag)?.[1] ?? [])),
    ).toEqual(new Set([String(rounds)]));
  }
});

test("a replay after any crash says the same again, and what was lost arrives", () => {
  for (let seed = 1; seed <= 6; seed++)
    runAndWatch(
      { n: 4, seed, crashRate: 0.01, changes: { maxEntryPayloads: 1, maxEarlyBytes: seed % 2 === 0 ? 100 : 10_000 } },
      5,
    );
});

const retagged = ({ tag, body }: Envelope, shift: number): Envelope => ({
  tag: tag.replace(/\d+$/, (round) => String(Math.max(1, Number(round) + shift))),
  body,
});

function garbled({ tag, body }: Envelope, random: Random): Envelope {
  const decoded = decode(sharesCodec, body);
  if (!decoded.ok) return { tag, body };
  const { batch, shares } = decoded.value;
  const changed = shares.map((share) =>
    share.map((byte, index) => (index === 3 ? byte ^ (1 + random.below(255)) : byte)),
  );
  return { tag, body: encode(sharesCodec, { batch, shares: changed }) };
}

/** Bad, withheld, duplicate, early and late shares, and shares for another round. */
const misbehave: Tamper = (_from, _to, envelope, random) => {
  if (!/^sealed\/(?:open|again)\//.test(envelope.tag)) return [envelope];
  const others: readonly (() => readonly Envelope[])[] = [
    () => [],
    () => [garbled(envelope, random)],
    () => [garbled(envelope, random), envelope],
    () => [envelope, envelope],
    () => [retagged(envelope, 1), retagged(envelope, 5), envelope],
    () => [retagged(envelope, -1)],
    () => [{ tag: envelope.tag, body: envelope.body.subarray(1) }],
    () => [
      { tag: "sealed/ask/1", body: envelope.body },
      { tag: "sealed/again/0/1", body: envelope.body },
    ],
  ];
  return random.pick(others)();
};

describe("corrupted parties", () => {
  test.each([
    [4, [2]],
    [7, [1, 5]],
  ] as const)("of n=%i with bad, withheld, duplicate, early shares change nothing", (n, corrupted) => {
    let accusations = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const cluster = runAndWatch({ n, seed, corrupted, tamper: misbehave, changes: { maxEntryPayloads: 2 } }, 5);
      accusations += cluster.honest.flatMap((party) =>
        cluster.effectsOf(party).filter((effect) => effect.kind === "accuse" && effect.fault === "invalid-share"),
      ).length;
    }
    expect(accusations).toBeGreaterThan(0);
  });

  test("who all say nothing of what they should", () => {
    const silent: Tamper = () => [];
    runAndWatch({ n: 4, seed: 1, corrupted: [0], tamper: silent }, 4);
    runAndWatch({ n: 7, seed: 2, corrupted: [3, 4], tamper: silent, crashRate: 0.002 }, 4);
  });

  test.each([
    [4, [2]],
    [7, [1, 5]],
  ] as const)(
    "of n=%i cannot decrypt together, before and while it is ordered, until an honest party helps",
    (n, corrupted) => {
      const seed = 5;
      const cluster = new CausalCluster({ n, seed, corrupted });
      const ciphertext = encryptMock(seed, labelOf("alice"), utf8("secret"));
      const sharesOf = (parties: readonly PartyId[]) =>
        new Map(
          parties.map((party) => [party, at(cluster.suites, party).decryption.share(labelOf("alice"), ciphertext)]),
        );
      const combine = (parties: readonly PartyId[]) =>
        at(cluster.suites, 1).decryption.combine(labelOf("alice"), ciphertext, sharesOf(parties));
      expect(() => combine(corrupted)).toThrow(RangeError);
      expect(combine([...corrupted, 0])).toEqual(utf8("secret"));
    },
  );
});

test("with the schemes of production", async () => {
  const group = thresholdGroup({ n: 4, byzantine: 1 });
  const { publicKeys, secretKeys } = await dealKeys(group);
  const suites = await Promise.all(
    group.parties.map((self) => createSuite({ group, self, publicKeys, secretKeys: at(secretKeys, self) })),
  );
  const tdh2 = createTdh2Scheme({ ristretto: await loadRistretto(), publicKey: publicKeys.encryption });
  const encrypt = (name: string, text: string): Uint8Array =>
    tdh2.encrypt({ label: labelOf(name), plaintext: utf8(text) });
  const cluster = new CausalCluster({ n: 4, seed: 1, suites, corrupted: [2], tamper: misbehave });
  const payloads = [payloadOf("alice", encrypt("alice", "one")), payloadOf("bob", encrypt("bob", "two"))];
  for (const [index, payload] of payloads.entries()) cluster.submit(index, payload);
  // Copied from alice; and alice's, changed.
  const copied = ciphertextOf(at(payloads, 0));
  cluster.submit(3, payloadOf("mallory", copied));
  cluster.submit(
    3,
    payloadOf(
      "alice",
      copied.map((byte, index) => (index === copied.length - 1 ? byte ^ 1 : byte)),
    ),
  );
  cluster.run();
  expect([...cluster.expectAgreement()].sort()).toEqual(["alice: one", "bob: two"]);
});
