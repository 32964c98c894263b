/** Admission: which payloads may be delivered, and what becomes of those that may not be any more. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { statement } from "../../src/core/engine.js";
import type { PartyId } from "../../src/core/party-set.js";
import { MAX_REMEMBERED_PAYLOADS } from "../../src/protocols/atomic-broadcast/admission.js";
import { QUEUE, entryBody, queueEntryCodec } from "../../src/protocols/atomic-broadcast/messages.js";
import { type Admission, AdmissionError, atomicBroadcast, digestAdmission } from "../../src/protocols/index.js";
import { thresholdGroup } from "../../src/core/group.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { CLUSTER } from "../../src/sim/network.js";
import { CHANNEL, OPTIONS, OrderingNetwork, payload } from "./ordering-network.js";

const suite = mockSuite(thresholdGroup({ n: 4, byzantine: 1 }), 0, 1);
const hash = (bytes: Uint8Array): Uint8Array => suite.hash(bytes);

describe("admission by digests", () => {
  test("takes valid payloads once", () => {
    const admission = digestAdmission({ hash, isValid: OPTIONS.isValid });
    expect(admission.identify(utf8("no"))).toBeUndefined();
    const id = admission.identify(payload(1)) ?? "";
    expect(admission.isOpen(id)).toBe(true);
    admission.deliver(id, payload(1));
    expect(admission.isOpen(id)).toBe(false);
    expect(admission.identify(payload(1))).toBe(id);
  });

  test("judges a payload once, and again when it has forgotten", () => {
    let judged = 0;
    const isValid = (): boolean => ++judged > 0;
    const admission = digestAdmission({ hash: (bytes) => bytes, isValid });
    const number = (value: number): Uint8Array => Uint8Array.of(value >>> 16, value >>> 8, value);
    for (let time = 0; time < 3; time++) admission.identify(number(0));
    expect(judged).toBe(1);
    for (let value = 1; value <= MAX_REMEMBERED_PAYLOADS; value++) admission.identify(number(value));
    admission.identify(number(0));
    expect(judged).toBe(MAX_REMEMBERED_PAYLOADS + 2);
  });

  test("has a snapshot, of the same deliveries the same, and goes on from it", () => {
    const delivered = (...names: readonly string[]): Admission => {
      const admission = digestAdmission({ hash, isValid: OPTIONS.isValid });
      for (const name of names) admission.deliver(admission.identify(payload(name)) ?? "", payload(name));
      return admission;
    };
    const snapshot = delivered("a", "b").snapshot();
    const again = digestAdmission({ hash, isValid: OPTIONS.isValid, snapshot });
    expect(again.snapshot()).toEqual(snapshot);
    expect(["a", "b", "c"].map((name) => again.isOpen(again.identify(payload(name)) ?? ""))).toEqual([
      false,
      false,
      true,
    ]);
    for (const malformed of [snapshot.subarray(1), new Uint8Array(3), delivered("a").snapshot().subarray(0, 20)])
      expect(() => digestAdmission({ hash, isValid: OPTIONS.isValid, snapshot: malformed })).toThrow(AdmissionError);
    const twice = snapshot.slice();
    twice.copyWithin(36, 4, 36);
    expect(() => digestAdmission({ hash, isValid: OPTIONS.isValid, snapshot: twice })).toThrow("twice");
  });
});

/** A payload is "o", the name of a slot, and anything: one for each slot, and none for slots below the latest `close`. */
function slots(): Admission {
  const filled = new Set<string>();
  return {
    identify: (bytes) => (OPTIONS.isValid(bytes) ? String.fromCharCode(bytes[1] ?? 0) : undefined),
    digest: hash,
    isOpen: (id) => ![...filled].some((slot) => slot >= id),
    deliver: (id) => void filled.add(id),
    snapshot: () => utf8([...filled].join("")),
  };
}

describe("another admission", () => {
  const network = (scripted: readonly PartyId[] = [3]): OrderingNetwork =>
    new OrderingNetwork({ seed: 3, scripted, serves: true }, { admission: slots });

  function tell(net: OrderingNetwork, from: PartyId, to: PartyId, ...texts: readonly string[]): void {
    const content = { clock: 0, payloads: texts.map((text) => utf8(text)) };
    const signature = net.suite(from).sign(statement(CLUSTER, `${CHANNEL}/1`, QUEUE, entryBody(content)));
    net.deliver(from, to, { tag: `${CHANNEL}/1`, body: encode(queueEntryCodec, { ...content, signature }) });
  }

  const delivered = (net: OrderingNetwork, party: PartyId): readonly string[] =>
    net.outputsOf(party).flatMap(({ payloads }) => payloads.map((bytes) => new TextDecoder().decode(bytes)));

  test("an entry has one payload of each identity, and none that is closed", () => {
    const net = network();
    tell(net, 3, 0, "oa one", "oa two");
    expect(net.faultsOf(3)).toEqual(["invalid-queue-entry"]);
    tell(net, 3, 0, "oa one");
    expect(net.faultsOf(3)).toHaveLength(1);
    expect(net.inspect(0, CHANNEL).queueLength).toBe(1);
  });

  test("of two with one identity in different entries the first is delivered, the same everywhere", () => {
    const net = network([]);
    for (const party of [0, 1, 2, 3]) net.submit(party, utf8(`oa of ${party}`));
    net.run();
    const first = delivered(net, 0);
    expect(first).toHaveLength(1);
    for (const party of net.running) expect(delivered(net, party)).toEqual(first);
    for (const party of net.running) expect(net.inspect(party, CHANNEL).queueLength).toBe(0);
  });

  test("what a delivery closes is delivered no more, and leaves the queue", () => {
    const net = new OrderingNetwork({ seed: 3, serves: true }, { admission: slots, maxEntryPayloads: 1 });
    net.submit(0, utf8("oc"));
    net.submit(1, utf8("oa"));
    net.run();
    const log = delivered(net, 0);
    expect(log).toContain("oc");
    expect(log.indexOf("oa")).toBeLessThan(1);
    for (const party of net.running) {
      expect(delivered(net, party)).toEqual(log);
      expect(net.inspect(party, CHANNEL).queueLength).toBe(0);
    }
    // Waits nowhere, and is not taken again.
    net.submit(2, utf8("oa again"));
    expect(net.inspect(2, CHANNEL).queueLength).toBe(0);
  });

  test("what waits already takes no more of the quota", () => {
    const net = new OrderingNetwork({ scripted: [1, 2, 3] }, { admission: slots, maxPayloads: 2 });
    for (const text of ["oa one", "oa two", "oa one"]) net.submit(0, utf8(text));
    expect(net.inspect(0, CHANNEL)).toMatchObject({ queueLength: 1, room: 1 });
  });

  test("somebody must say what may be ordered", () => {
    const { isValid: _, ...options } = OPTIONS;
    expect(() => atomicBroadcast(options)).toThrow("neither isValid nor an admission");
    expect(() => atomicBroadcast({ ...OPTIONS, checkpointInterval: 1.5 })).toThrow("checkpointInterval");
  });
});
