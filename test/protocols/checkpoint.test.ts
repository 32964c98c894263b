/** Checkpoints: certificates on what all honest parties have. */
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../src/core/codec.js";
import type { PartyId } from "../../src/core/party-set.js";
import { checkpointMessageCodec, checkpointStatement, decodeBoundary } from "../../src/protocols/index.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { CLUSTER, type NetworkOptions } from "../../src/sim/network.js";
import { CHANNEL, OrderingNetwork, payload } from "./ordering-network.js";

const DIGEST = new Uint8Array(32).fill(7);
const OTHER = new Uint8Array(32).fill(8);

/** Everybody has decided `rounds` rounds. With a scripted party 3, of the three others. */
function run(rounds: number, options: NetworkOptions = {}, interval = 1): OrderingNetwork {
  const net = new OrderingNetwork({ seed: 2, serves: true, ...options }, { checkpointInterval: interval });
  for (let round = 1; round <= rounds; round++) {
    net.submit(round % 3, payload(round));
    net.run();
  }
  return net;
}

const tagOf = (round: number): string => `${CHANNEL}/checkpoint/${round}`;

/** A share of `party`, as it travels. */
function shareOf(net: OrderingNetwork, party: PartyId, round: number, digest: Uint8Array, about = digest): Uint8Array {
  const share = net.suite(party).quorumCertifier.share(checkpointStatement(CLUSTER, CHANNEL, round, about));
  return encode(checkpointMessageCodec, { digest, share });
}

function tell(net: OrderingNetwork, from: PartyId, to: PartyId, round: number, digest: Uint8Array): void {
  net.deliver(from, to, { tag: tagOf(round), body: shareOf(net, from, round, digest) });
}

describe("a checkpoint", () => {
  test("is stable when a quorum has given one digest, with a certificate that convinces a stranger", () => {
    const net = run(2, { scripted: [3] });
    for (const party of net.running) net.checkpoint(party, 2, DIGEST);
    net.run();
    const stranger = mockSuite(net.group, 3, 2);
    for (const party of net.running) {
      const [stable, ...more] = net.of(party, "stable");
      expect(stable).toMatchObject({ channel: CHANNEL, round: 2, digest: DIGEST });
      expect(more).toEqual([]);
      const verify = (round: number, digest: Uint8Array, channel = CHANNEL): boolean =>
        stranger.quorumCertifier.verify(
          checkpointStatement(CLUSTER, channel, round, digest),
          stable?.certificate ?? new Uint8Array(0),
        );
      expect([verify(2, DIGEST), verify(1, DIGEST), verify(2, OTHER), verify(2, DIGEST, "abd")]).toEqual([
        true,
        false,
        false,
        false,
      ]);
    }
    expect(net.accusations).toEqual([]);
  });

  test("is not stable with less than a quorum, nor with one party's share twice", () => {
    const net = run(1, { scripted: [3] });
    net.checkpoint(0, 1, DIGEST);
    tell(net, 3, 0, 1, DIGEST);
    tell(net, 3, 0, 1, DIGEST);
    expect(net.of(0, "stable")).toEqual([]);
    expect(net.accusations).toEqual([]);
    net.checkpoint(1, 1, DIGEST);
    net.run();
    expect(net.of(0, "stable")).toHaveLength(1);
  });

  test("is so in spite of whoever lies, who is accused: of a bad share, of two digests, of a divergent one", () => {
    const net = run(1, { scripted: [3] });
    net.checkpoint(0, 1, DIGEST);
    net.deliver(3, 0, { tag: tagOf(1), body: shareOf(net, 3, 1, DIGEST, OTHER) });
    tell(net, 3, 0, 1, OTHER);
    tell(net, 3, 0, 1, DIGEST);
    expect(net.faultsOf(3)).toEqual(["invalid-share", "divergent-checkpoint", "equivocation"]);
    // Both are signed, so that anybody can be shown.
    expect(net.of(0, "evidence").map(({ evidence }) => evidence.party)).toEqual([3]);
    for (const party of [1, 2]) net.checkpoint(party, 1, DIGEST);
    net.run();
    for (const party of net.running) expect(net.of(party, "stable")).toHaveLength(1);
  });

  test("stops the party whose state is another than that of honest ones, and nobody else", () => {
    const net = run(1, { scripted: [3] });
    net.checkpoint(0, 1, OTHER);
    tell(net, 3, 0, 1, DIGEST);
    expect(() => net.deliver(1, 0, { tag: tagOf(1), body: shareOf(net, 1, 1, DIGEST) })).toThrow(
      "another than that of honest",
    );
    const others = run(1);
    for (const party of [1, 2, 3]) others.checkpoint(party, 1, DIGEST);
    tell(others, 0, 1, 1, OTHER);
    others.flights.splice(0, Infinity, ...others.flights.filter(({ to }) => to !== 0));
    others.run();
    for (const party of [1, 2, 3]) expect(others.of(party, "stable")).toHaveLength(1);
  });

  test("is begun once its round is decided, for rounds that have one, once", () => {
    const net = run(4, {}, 2);
    expect(() => net.checkpoint(0, 3, DIGEST)).toThrow("has no checkpoint");
    expect(() => net.checkpoint(0, 6, DIGEST)).toThrow("is not delivered");
    net.checkpoint(0, 4, DIGEST);
    const said = net.of(0, "send").length;
    net.checkpoint(0, 4, DIGEST);
    net.checkpoint(0, 2, DIGEST);
    expect(net.of(0, "send").length).toBe(said);
  });

  test("takes the place of the one before, whose messages are retired", () => {
    const net = run(2);
    net.checkpoint(0, 1, DIGEST);
    expect(net.of(0, "retire").filter(({ tag }) => tag.includes("checkpoint"))).toEqual([]);
    net.checkpoint(0, 2, DIGEST);
    expect(net.of(0, "retire").at(-1)).toMatchObject({ tag: tagOf(1) });
    tell(net, 3, 0, 1, DIGEST);
    expect(net.accusations).toEqual([]);
  });
});

describe("shares that come before the own digest", () => {
  test("are kept, the latest of each peer, also over a boundary", () => {
    const net = run(2, { scripted: [3] });
    tell(net, 3, 0, 1, OTHER);
    tell(net, 3, 0, 2, DIGEST);
    tell(net, 3, 0, 1, DIGEST);
    net.submit(0, payload("more"));
    net.run();
    const boundary = decodeBoundary(net.of(0, "boundary").at(-1)?.state ?? new Uint8Array(0));
    expect(boundary.ok && boundary.value.shares).toMatchObject([{ party: 3, round: 2 }]);
    net.checkpoint(0, 2, DIGEST);
    net.checkpoint(1, 2, DIGEST);
    net.run();
    expect(net.of(0, "stable")).toMatchObject([{ round: 2 }]);
    expect(net.accusations).toEqual([]);
  });

  test("are of checkpoints that there will be, and no longer than shares are", () => {
    const net = run(2, { scripted: [3] }, 2);
    for (const tag of [
      "abc/checkpoint/3",
      "abc/checkpoint/0",
      "abc/checkpoint/04",
      "abc/checkpoint/4/x",
      "abc/checkpoint",
    ])
      net.deliver(3, 0, { tag, body: shareOf(net, 3, 4, DIGEST) });
    expect(net.faultsOf(3)).toEqual(Array.from({ length: 5 }, () => "unknown-instance"));
    net.deliver(3, 0, { tag: tagOf(4), body: new Uint8Array(4000) });
    expect(net.faultsOf(3).at(-1)).toBe("malformed-message");
    const none = new OrderingNetwork({ scripted: [3] });
    none.deliver(3, 0, { tag: tagOf(1), body: shareOf(none, 3, 1, DIGEST) });
    expect(none.faultsOf(3)).toEqual(["unknown-instance"]);
  });
});

test("a learner gives no share of a round before the one ahead of which it speaks, and has the certificate all the same", () => {
  for (const [speakFrom, shares] of [
    [3, 0],
    [2, 3],
  ] as const) {
    const net = new OrderingNetwork({ seed: 2, serves: true }, (party) => ({
      checkpointInterval: 1,
      speakFrom: party === 2 ? speakFrom : 0,
    }));
    net.submit(0, payload("a"));
    net.run();
    for (const party of net.running) net.checkpoint(party, 1);
    net.run();
    expect(net.of(2, "send").filter(({ envelope }) => envelope.tag === tagOf(1))).toHaveLength(shares);
    expect(net.of(2, "signed").filter(({ slot }) => slot.startsWith(tagOf(1)))).toHaveLength(shares === 0 ? 0 : 1);
    expect(net.of(2, "stable")).toHaveLength(1);
  }
});

test("messages are canonical", () => {
  const net = run(1);
  const body = shareOf(net, 0, 1, DIGEST);
  const message = decode(checkpointMessageCodec, body);
  expect(message.ok && encode(checkpointMessageCodec, message.value)).toEqual(body);
});
