/** Compact closings, and fetching the message of which only the certificate is held. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import type { Fault } from "../../src/core/fault.js";
import type { PartyId } from "../../src/core/party-set.js";
import { createMultisigCertifier } from "../../src/crypto/ed25519/multisig.js";
import {
  type ConsistentBroadcastInput,
  type ConsistentBroadcastMessage,
  type Delivered,
  WITNESS,
  consistentBroadcast,
  encodeClosing,
  encodeCompactClosing,
  verifyClosing,
  verifyCompactClosing,
} from "../../src/protocols/consistent-broadcast/index.js";
import { ProtocolNetwork } from "../../src/sim/protocol-network.js";

const SENDER = 0;
const A = utf8("a");
const B = utf8("b");

type BroadcastNetwork = ProtocolNetwork<ConsistentBroadcastInput, ConsistentBroadcastMessage, Delivered>;

/** Of seven parties the named ones run; the test speaks for the others. A broadcast quorum is five. */
function network(running: readonly PartyId[], fetches = true): BroadcastNetwork {
  const scripted = [0, 1, 2, 3, 4, 5, 6].filter((party) => !running.includes(party));
  const fault = (): Fault | undefined => undefined;
  return new ProtocolNetwork({ n: 7, scripted }, consistentBroadcast({ sender: SENDER, fetches, fault }));
}

function certificateOf(net: BroadcastNetwork, message: Uint8Array, signers: readonly PartyId[]): Uint8Array {
  const statement = net.statement(WITNESS, net.suite(0).hash(message));
  const shares = new Map(signers.map((party) => [party, net.suite(party).broadcastCertifier.share(statement)]));
  return net.suite(0).broadcastCertifier.combine(statement, shares);
}

function compact(
  net: BroadcastNetwork,
  message: Uint8Array,
  signers: readonly PartyId[] = [0, 1, 2, 3, 4],
): Uint8Array {
  return encodeCompactClosing({
    digest: net.suite(0).hash(message),
    certificate: certificateOf(net, message, signers),
  });
}

function askedBy(net: BroadcastNetwork, party: PartyId): readonly PartyId[] {
  return net.group.parties.filter((to) => net.messages(party, to).some(({ kind }) => kind === "ask"));
}

function deliveredBy(net: BroadcastNetwork, party: PartyId): readonly Uint8Array[] {
  return net.outputsOf(party).map(({ message }) => message);
}

describe("a compact closing", () => {
  const net = network([6]);
  const scope: Parameters<typeof verifyCompactClosing>[0] = {
    suite: net.suite(1),
    statement: (purpose, body, below) => net.statement(purpose, body, below),
  };

  test("verifies under its own tag, unaltered, with a broadcast quorum", () => {
    const closing = compact(net, A);
    expect(verifyCompactClosing(scope, closing)?.digest).toEqual(net.suite(0).hash(A));
    expect(verifyCompactClosing(scope, closing, "proposal/1")).toBeUndefined();
    expect(verifyCompactClosing(scope, compact(net, A, [0, 1, 2, 3]))).toBeUndefined();
    const otherDigest = { digest: net.suite(0).hash(B), certificate: certificateOf(net, A, [0, 1, 2, 3, 4]) };
    expect(verifyCompactClosing(scope, encodeCompactClosing(otherDigest))).toBeUndefined();
    const altered = fc.tuple(fc.nat(closing.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(altered, ([at, mask]) => {
        const bytes = closing.map((byte, index) => (index === at ? byte ^ mask : byte));
        return verifyCompactClosing(scope, bytes) === undefined;
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => verifyCompactClosing(scope, bytes) === undefined),
    );
  });

  test("is no full closing, nor the other way round", () => {
    expect(verifyClosing(scope, compact(net, A))).toBeUndefined();
    expect(verifyCompactClosing(scope, encodeClosing(A, certificateOf(net, A, [0, 1, 2, 3, 4])))).toBeUndefined();
  });

  test("comes with each delivery", () => {
    const all = network([0, 1, 2, 3, 4, 5, 6]);
    all.input(SENDER, { kind: "broadcast", message: A });
    all.run();
    for (const party of all.running) {
      const closing = all.outputsOf(party)[0]?.compactClosing ?? utf8("none");
      expect(verifyCompactClosing(scope, closing)?.digest).toEqual(all.suite(0).hash(A));
    }
  });
});

test("certificates that are lists of signatures name the signers, on any bytes", () => {
  const signatures = { sign: () => new Uint8Array(64), verify: () => true };
  const options = { n: 4, domain: "abcast/1 quorum certificate", signatures, suffices: () => true } as const;
  const certifier = createMultisigCertifier(options);
  const shares = new Map([1, 3].map((party) => [party, new Uint8Array(64)]));
  expect(String(certifier.signers?.(certifier.combine(A, shares)))).toBe("{1,3}");
  expect(certifier.signers?.(utf8("junk"))).toBeUndefined();
});

describe("who fetches", () => {
  test("asks the signers that the certificate names, all others when asked again, each once", () => {
    const net = network([6]);
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    expect(askedBy(net, 6)).toEqual([0, 1, 2, 3, 4]);
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    expect(askedBy(net, 6)).toEqual([0, 1, 2, 3, 4, 5]);
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    expect(net.messages(6)).toHaveLength(6);
  });

  test("asks everybody when certificates name nobody", () => {
    const net = network([6]);
    delete net.suite(6).broadcastCertifier.signers;
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    expect(askedBy(net, 6)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("delivers what one signer serves, though the others serve nothing, and then takes no more", () => {
    const net = network([6]);
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    net.tell(3, 6, { kind: "value", message: A });
    net.tell(2, 6, { kind: "value", message: A });
    expect(deliveredBy(net, 6)).toEqual([A]);
    expect(net.accusations).toEqual([]);
    const closing = net.outputsOf(6)[0]?.closing ?? utf8("none");
    expect(closing).toEqual(encodeClosing(A, certificateOf(net, A, [0, 1, 2, 3, 4])));
  });

  test("accuses a signer of a wrong answer and asks the others, too", () => {
    const net = network([6]);
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    net.tell(3, 6, { kind: "value", message: B });
    expect(deliveredBy(net, 6)).toEqual([]);
    expect(net.faultsOf(3)).toEqual(["invalid-certificate"]);
    expect(askedBy(net, 6)).toEqual([0, 1, 2, 3, 4, 5]);
    net.tell(5, 6, { kind: "value", message: A });
    expect(deliveredBy(net, 6)).toEqual([A]);
  });

  test("asks nobody when it has the message, for a forged closing, or after delivery", () => {
    const net = network([6]);
    net.input(6, { kind: "fetch", closing: compact(net, A, [0, 1, 2, 3]) });
    net.tell(SENDER, 6, { kind: "send", message: A });
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    expect(deliveredBy(net, 6)).toEqual([A]);
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    expect(askedBy(net, 6)).toEqual([]);
  });

  test("accuses those who answer unasked", () => {
    const net = network([6]);
    net.tell(3, 6, { kind: "value", message: A });
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    net.tell(5, 6, { kind: "value", message: A });
    expect(net.accusations.map(({ party, fault }) => [party, fault])).toEqual([
      [3, "wrong-sender"],
      [5, "wrong-sender"],
    ]);
    expect(deliveredBy(net, 6)).toEqual([]);
  });
});

describe("who is asked", () => {
  const digestOf = (net: BroadcastNetwork, message: Uint8Array): Uint8Array => net.suite(0).hash(message);
  const servedTo = (net: BroadcastNetwork, party: PartyId): readonly Uint8Array[] =>
    net.messages(6, party).flatMap((message) => (message.kind === "value" ? [message.message] : []));

  test("answers each party once, a signer before it has delivered", () => {
    const net = network([6]);
    net.tell(SENDER, 6, { kind: "send", message: A });
    for (const party of [1, 2, 1]) net.tell(party, 6, { kind: "ask", digest: digestOf(net, A) });
    expect([servedTo(net, 1), servedTo(net, 2), servedTo(net, 3)]).toEqual([[A], [A], []]);
    expect(net.accusations).toEqual([]);
  });

  test("answers as soon as it has the message, however it came", () => {
    const sent = network([6]);
    sent.tell(1, 6, { kind: "ask", digest: digestOf(sent, A) });
    expect(servedTo(sent, 1)).toEqual([]);
    sent.tell(SENDER, 6, { kind: "send", message: A });
    expect(servedTo(sent, 1)).toEqual([A]);

    const fetched = network([6]);
    fetched.tell(5, 6, { kind: "ask", digest: digestOf(fetched, A) });
    fetched.input(6, { kind: "fetch", closing: compact(fetched, A) });
    fetched.tell(1, 6, { kind: "value", message: A });
    expect(servedTo(fetched, 5)).toEqual([A]);
  });

  test("serves what is certified rather than what the sender said here", () => {
    const net = network([6]);
    net.tell(SENDER, 6, { kind: "send", message: B });
    net.tell(1, 6, { kind: "ask", digest: digestOf(net, A) });
    expect(servedTo(net, 1)).toEqual([]);
    net.input(6, { kind: "closing", closing: encodeClosing(A, certificateOf(net, A, [0, 1, 2, 3, 4])) });
    expect(servedTo(net, 1)).toEqual([A]);
  });

  test("accuses who asks for two messages", () => {
    const net = network([6]);
    net.tell(1, 6, { kind: "ask", digest: digestOf(net, A) });
    net.tell(1, 6, { kind: "ask", digest: digestOf(net, B) });
    expect(net.faultsOf(1)).toEqual(["equivocation"]);
  });

  test("that only serves any more neither signs nor judges", () => {
    const net = network([6]);
    net.input(6, { kind: "closing", closing: encodeClosing(A, certificateOf(net, A, [0, 1, 2, 3, 4])) });
    net.input(6, { kind: "serve" });
    net.tell(SENDER, 6, { kind: "send", message: B });
    net.tell(3, 6, { kind: "final", digest: digestOf(net, B), certificate: utf8("x") });
    expect(net.messages(6)).toEqual([]);
    expect(net.accusations).toEqual([]);
    net.tell(1, 6, { kind: "ask", digest: digestOf(net, A) });
    expect(servedTo(net, 1)).toEqual([A]);
  });

  test("accuses whoever asks or answers where nothing is fetched", () => {
    const net = network([6], false);
    net.tell(1, 6, { kind: "ask", digest: digestOf(net, A) });
    net.tell(1, 6, { kind: "value", message: A });
    net.input(6, { kind: "fetch", closing: compact(net, A) });
    expect(net.faultsOf(1)).toEqual(["malformed-message", "malformed-message"]);
    expect(net.messages(6)).toEqual([]);
  });
});
