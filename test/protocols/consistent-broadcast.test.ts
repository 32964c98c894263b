/** Verifiable consistent broadcast: its properties, and for each check the attack that it stops. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import {
  type ConsistentBroadcastInput,
  type ConsistentBroadcastMessage,
  type Delivered,
  WITNESS,
  consistentBroadcast,
  consistentBroadcastMessageCodec,
  encodeClosing,
  verifyClosing,
} from "../../src/protocols/consistent-broadcast/index.js";
import { type NetworkOptions, lastInFirstOut, randomOrder, starving } from "../../src/sim/network.js";
import { ProtocolNetwork } from "../../src/sim/protocol-network.js";

const SENDER = 0;
const A = utf8("ok: a");
const B = utf8("ok: b");
const C = utf8("ok: c");
const BAD = utf8("no");

type BroadcastNetwork = ProtocolNetwork<ConsistentBroadcastInput, ConsistentBroadcastMessage, Delivered>;

/** The predicate: a message starts with "o". */
function network(options: NetworkOptions = {}): BroadcastNetwork {
  const fault = (message: Uint8Array): "invalid-proposal" | undefined =>
    message[0] === "o".charCodeAt(0) ? undefined : "invalid-proposal";
  return new ProtocolNetwork(options, consistentBroadcast({ sender: SENDER, fault }));
}

function shareOf(net: BroadcastNetwork, party: PartyId, message: Uint8Array, below?: string): Uint8Array {
  const statement = net.statement(WITNESS, net.suite(party).hash(message), below);
  return net.suite(party).broadcastCertifier.share(statement);
}

function certificateOf(
  net: BroadcastNetwork,
  message: Uint8Array,
  parties: readonly PartyId[],
  below?: string,
): Uint8Array {
  const shares = new Map(parties.map((party) => [party, shareOf(net, party, message, below)]));
  return net.suite(0).broadcastCertifier.combine(net.statement(WITNESS, net.suite(0).hash(message), below), shares);
}

function deliveredOf(net: BroadcastNetwork): readonly (readonly Uint8Array[])[] {
  return net.running.map((party) => net.outputsOf(party).map(({ message }) => message));
}

describe("an honest sender", () => {
  test("is delivered once by all, under any schedule, and nobody is accused", () => {
    const schedulers = [
      randomOrder,
      lastInFirstOut,
      starving(({ to }) => to === 2),
      starving(({ from }) => from === 3),
    ];
    for (const scheduler of schedulers) {
      for (let seed = 1; seed <= 20; seed++) {
        const net = network({ n: 7, seed, scheduler });
        net.input(SENDER, { kind: "broadcast", message: A });
        net.run();
        expect(deliveredOf(net)).toEqual(net.running.map(() => [A]));
        expect(net.accusations).toEqual([]);
      }
    }
  });

  test("is delivered although t parties are silent and their shares are missing", () => {
    const net = network({ n: 7, scripted: [5, 6] });
    net.input(SENDER, { kind: "broadcast", message: A });
    net.run();
    expect(deliveredOf(net)).toEqual(net.running.map(() => [A]));
  });

  test("is delivered although it gets bad shares, which are not counted and are accused", () => {
    const net = network({ scripted: [3] });
    net.input(SENDER, { kind: "broadcast", message: A });
    net.tell(3, SENDER, { kind: "share", share: shareOf(net, 3, B) });
    net.tell(3, SENDER, { kind: "share", share: shareOf(net, 2, A) });
    expect(net.faultsOf(3, SENDER)).toEqual(["invalid-share", "invalid-share"]);
    net.run();
    expect(deliveredOf(net)).toEqual([[A], [A], [A]]);
    for (const { closing } of net.outputsOf(1)) expect(verifyClosing(scopeOf(net), closing)?.message).toEqual(A);
  });

  test("counts each witness once", () => {
    const net = network({ scripted: [1, 2, 3] });
    net.input(SENDER, { kind: "broadcast", message: A });
    for (let copy = 0; copy < 3; copy++) net.tell(3, SENDER, { kind: "share", share: shareOf(net, 3, A) });
    expect(net.messages(SENDER).filter(({ kind }) => kind === "final")).toEqual([]);
    net.tell(2, SENDER, { kind: "share", share: shareOf(net, 2, A) });
    expect(net.messages(SENDER, 3).filter(({ kind }) => kind === "final")).toHaveLength(1);
    expect(net.accusations).toEqual([]);
  });

  test("shares before it has sent anything are accused", () => {
    const net = network({ scripted: [3] });
    net.tell(3, SENDER, { kind: "share", share: shareOf(net, 3, A) });
    expect(net.faultsOf(3)).toEqual(["invalid-share"]);
  });
});

function scopeOf(net: BroadcastNetwork): Parameters<typeof verifyClosing>[0] {
  return { suite: net.suite(1), statement: (purpose, body, below) => net.statement(purpose, body, below) };
}

describe("a corrupted sender", () => {
  test("gets one share of each party, whatever it sends, so two messages are never both certified", () => {
    const net = network({ scripted: [SENDER] });
    for (const party of net.running) {
      net.tell(SENDER, party, { kind: "send", message: party === 1 ? A : B });
      net.tell(SENDER, party, { kind: "send", message: party === 1 ? B : A });
    }
    const shares = net.running.map((party) =>
      net.messages(party).map((message) => message.kind === "share" && message.share),
    );
    expect(shares).toEqual([[shareOf(net, 1, A)], [shareOf(net, 2, B)], [shareOf(net, 3, B)]]);
    expect(net.faultsOf(SENDER)).toEqual(["equivocation", "equivocation", "equivocation"]);
  });

  test("delivers at most one message, whatever it sends in whatever order", () => {
    const outcomes = new Set<number>();
    for (let seed = 1; seed <= 200; seed++) {
      const net = network({ n: 7, seed, scripted: [SENDER, 6] });
      for (const party of net.running) {
        for (const message of [A, B, C]) net.post(SENDER, party, sendEnvelope(net, message));
      }
      net.run();
      // It certifies whatever the shares suffice for; the other corrupted party signs all.
      for (const message of [A, B, C]) {
        const signers = net.running.filter((party) => signed(net, party, message));
        if (signers.length + 2 < 5) continue;
        const certificate = certificateOf(net, message, [...signers, SENDER, 6]);
        const digest = net.suite(0).hash(message);
        for (const party of net.running) net.tell(SENDER, party, { kind: "final", digest, certificate });
        const [holder] = signers;
        const closing = net.outputsOf(holder ?? 0)[0]?.closing ?? encodeClosing(message, certificate);
        for (const party of net.running) net.input(party, { kind: "closing", closing });
      }
      const delivered = new Set(deliveredOf(net).flat().map(String));
      expect(delivered.size).toBeLessThanOrEqual(1);
      expect(deliveredOf(net).every((messages) => messages.length === delivered.size)).toBe(true);
      outcomes.add(delivered.size);
    }
    // The seeds hold both outcomes, else they show nothing.
    expect(outcomes).toEqual(new Set([0, 1]));
  });

  test("gets no share on a message that violates the predicate, and one on a valid message later", () => {
    const net = network({ scripted: [SENDER] });
    net.tell(SENDER, 1, { kind: "send", message: BAD });
    expect(net.messages(1)).toEqual([]);
    expect(net.faultsOf(SENDER, 1)).toEqual(["invalid-proposal"]);
    net.tell(SENDER, 1, { kind: "send", message: A });
    expect(net.messages(1)).toHaveLength(1);
  });

  test("a certificate of too few, of another message, purpose or tag delivers nothing and is accused", () => {
    const net = network({ scripted: [SENDER] });
    net.tell(SENDER, 1, { kind: "send", message: A });
    const digest = net.suite(0).hash(A);
    const forgeries = [
      certificateOf(net, A, [0, 1]),
      certificateOf(net, B, [0, 1, 2]),
      certificateOf(net, A, [0, 1, 2], "other"),
      net
        .suite(0)
        .quorumCertifier.combine(
          digest,
          new Map(
            [0, 1, 2].map((party) => [party, net.suite(party).quorumCertifier.share(net.statement(WITNESS, digest))]),
          ),
        ),
      utf8("junk"),
    ];
    for (const certificate of forgeries) net.tell(SENDER, 1, { kind: "final", digest, certificate });
    expect(net.outputsOf(1)).toEqual([]);
    expect(net.faultsOf(SENDER, 1)).toEqual(forgeries.map(() => "invalid-certificate"));
    // The slot for a certificate is still free.
    net.tell(SENDER, 1, { kind: "final", digest, certificate: certificateOf(net, A, [0, 1, 2]) });
    expect(net.outputsOf(1).map(({ message }) => message)).toEqual([A]);
  });

  test("a certificate before the message delivers when the message comes", () => {
    const net = network({ scripted: [SENDER] });
    net.tell(SENDER, 1, { kind: "final", digest: net.suite(0).hash(A), certificate: certificateOf(net, A, [0, 2, 3]) });
    expect(net.outputsOf(1)).toEqual([]);
    net.tell(SENDER, 1, { kind: "send", message: A });
    expect(net.outputsOf(1).map(({ message }) => message)).toEqual([A]);
  });

  test("a certificate on another message than the one sent here convicts it; a closing still completes", () => {
    const net = network({ scripted: [SENDER] });
    net.tell(SENDER, 1, { kind: "send", message: A });
    const certificate = certificateOf(net, B, [0, 2, 3]);
    net.tell(SENDER, 1, { kind: "final", digest: net.suite(0).hash(B), certificate });
    expect(net.outputsOf(1)).toEqual([]);
    expect(net.faultsOf(SENDER, 1)).toEqual(["equivocation"]);
    net.input(1, { kind: "closing", closing: encodeClosing(B, certificate) });
    expect(net.outputsOf(1).map(({ message }) => message)).toEqual([B]);
  });
});

function sendEnvelope(net: BroadcastNetwork, message: Uint8Array): Envelope {
  return { tag: net.tag, body: encode(consistentBroadcastMessageCodec, { kind: "send", message }) };
}

function signed(net: BroadcastNetwork, party: PartyId, message: Uint8Array): boolean {
  const share = String(shareOf(net, party, message));
  return net.messages(party).some((said) => said.kind === "share" && String(said.share) === share);
}

describe("others than the sender", () => {
  test("cannot send, certify or collect in its name", () => {
    const net = network({ scripted: [3] });
    net.tell(3, 1, { kind: "send", message: A });
    net.tell(3, 1, { kind: "final", digest: net.suite(0).hash(A), certificate: certificateOf(net, A, [0, 1, 2]) });
    net.tell(3, 1, { kind: "share", share: shareOf(net, 3, A) });
    expect(net.faultsOf(3, 1)).toEqual(["wrong-sender", "wrong-sender", "wrong-sender"]);
    expect(net.messages(1)).toEqual([]);
    expect(net.outputsOf(1)).toEqual([]);
  });
});

describe("closings", () => {
  test("complete the broadcast at a party that got nothing from the sender, once", () => {
    const net = network({ scripted: [3] });
    net.input(SENDER, { kind: "broadcast", message: A });
    net.run();
    const closing = net.outputsOf(1)[0]?.closing ?? new Uint8Array(0);
    const late = network();
    late.input(2, { kind: "closing", closing });
    late.input(2, { kind: "closing", closing });
    expect(late.outputsOf(2)).toMatchObject([{ message: A, closing }]);
  });

  test("verify only under their own tag, unaltered, with a broadcast quorum", () => {
    const net = network();
    const closing = encodeClosing(A, certificateOf(net, A, [0, 1, 2]));
    expect(verifyClosing(scopeOf(net), closing)?.message).toEqual(A);
    expect(verifyClosing(scopeOf(net), closing, "proposal/1")).toBeUndefined();
    expect(
      verifyClosing(scopeOf(net), encodeClosing(A, certificateOf(net, A, [0, 1, 2], "proposal/1")), "proposal/1")
        ?.message,
    ).toEqual(A);
    expect(verifyClosing(scopeOf(net), encodeClosing(A, certificateOf(net, A, [0, 1])))).toBeUndefined();
    expect(verifyClosing(scopeOf(net), encodeClosing(B, certificateOf(net, A, [0, 1, 2])))).toBeUndefined();
    net.input(1, { kind: "closing", closing: encodeClosing(A, certificateOf(net, A, [0, 1])) });
    expect(net.outputsOf(1)).toEqual([]);
  });

  test("of any bytes and any altered bytes are refused without an exception", () => {
    const net = network();
    const closing = encodeClosing(A, certificateOf(net, A, [0, 1, 2]));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => verifyClosing(scopeOf(net), bytes) === undefined),
    );
    const altered = fc.tuple(fc.nat(closing.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(altered, ([at, mask]) => {
        const bytes = closing.map((byte, index) => (index === at ? byte ^ mask : byte));
        return verifyClosing(scopeOf(net), bytes) === undefined;
      }),
    );
    fc.assert(
      fc.property(
        fc.nat(closing.length - 1),
        (end) => verifyClosing(scopeOf(net), closing.subarray(0, end)) === undefined,
      ),
    );
  });

  test("need witnesses among the honest in every structure: any two broadcast quorums share an honest party", () => {
    for (let n = 1; n <= 40; n++) {
      const byzantine = Math.floor((n - 1) / 3);
      const group = thresholdGroup({ n, byzantine });
      const needed = group.parties.findIndex((_, index) => group.isBroadcastQuorum({ size: index + 1 } as never)) + 1;
      expect(2 * needed - n, `n=${n}`).toBeGreaterThan(byzantine);
      expect(needed).toBeLessThanOrEqual(n - byzantine);
    }
  });
});
