/** Whatever a corrupted origin signs, a corrupted neighbour hands on or the network replays: it is bounded, and accuses nobody honest. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { Courier } from "../../src/relay/courier.js";
import { SEEN_WINDOW } from "../../src/relay/seen.js";
import { NO_CHECKPOINTS } from "../../src/relay/serving.js";
import { mockRelayKeys } from "../../src/sim/mock-relay-keys.js";
import {
  type PeerFrame,
  type Relayed,
  peerFrameCodec,
  relayHeaderCodec,
  relayStatementCodec,
} from "../../src/wire/peer-frames.js";
import { CLUSTER, Mesh, envelope } from "./mesh.js";

fc.configureGlobal({ seed: 32 });

type Name = Pick<Relayed, "origin" | "to" | "run" | "number">;

interface Forgery {
  /** Who signs; the origin unless given. */
  readonly signer?: number;
  readonly cluster?: Uint8Array;
  /** What is sealed, before the frame; the header unless given. */
  readonly inside?: Name;
  readonly sealed?: Uint8Array;
}

const message = (name: string, number = 1): PeerFrame => ({
  kind: "message",
  number,
  after: 0,
  envelope: envelope(name),
});

function relay(name: Name, content: PeerFrame | Uint8Array, forgery: Forgery = {}): Relayed {
  const { signer = name.origin, cluster = CLUSTER, inside = name } = forgery;
  const keys = mockRelayKeys(signer, 1);
  const bytes = content instanceof Uint8Array ? content : encode(peerFrameCodec, content);
  const sealed = forgery.sealed ?? keys.seal(name.to, concat(encode(relayHeaderCodec, { cluster, ...inside }), bytes));
  const statement = encode(relayStatementCodec, { header: { cluster, ...name }, sealed });
  return { kind: "relay", ...name, sealed, signature: keys.sign(statement) };
}

/** Party 3 hands these to party 0. */
function handed(mesh: Mesh, ...frames: readonly Relayed[]): void {
  for (const frame of frames) mesh.hand(3, 0, encode(peerFrameCodec, frame));
}

const NAME: Name = { origin: 2, to: 0, run: 1, number: 1 };
const TO_1: Name = { ...NAME, to: 1 };

describe("a neighbour is to blame", () => {
  const genuine = relay(TO_1, message("a"));
  it.each<[string, Relayed]>([
    ["a signature of nobody", { ...genuine, signature: new Uint8Array(64) }],
    ["another's signature", relay(TO_1, message("a"), { signer: 3 })],
    ["another receiver", { ...genuine, to: 0 }],
    ["another number", { ...genuine, number: 2 }],
    ["another run", { ...genuine, run: 2 }],
    ["another origin", { ...genuine, origin: 3 }],
    ["other content", { ...genuine, sealed: Uint8Array.of(1, 2, 3) }],
    ["a frame of another cluster", relay(TO_1, message("a"), { cluster: new Uint8Array(32) })],
    ["a frame of party 0 itself", relay({ ...NAME, origin: 0, to: 1 }, message("a"))],
    ["a frame from a party to itself", relay({ ...NAME, to: 2 }, message("a"))],
    ["a frame of nobody", { ...genuine, origin: 200 }],
    ["a frame to nobody", relay({ ...NAME, to: 200 }, message("a"))],
  ])("for %s, which goes no further", (_, frame) => {
    const mesh = new Mesh({ n: 4 });
    handed(mesh, frame);
    expect(mesh.faults).toEqual([{ by: 0, party: 3, fault: "forged-relay" }]);
    expect(mesh.relayed.copies).toBe(0);
    // Nor does it take the place of the genuine one.
    handed(mesh, genuine);
    expect(mesh.relayed.copies).toBe(1);
    mesh.settle();
    expect(mesh.names(2, 1)).toEqual(["a"]);
    expect(mesh.faults).toHaveLength(1);
  });

  it("but not for handing on what came before: it goes on once, and is heard once", () => {
    const mesh = new Mesh({ n: 5 });
    const frame = encode(peerFrameCodec, relay(TO_1, message("a")));
    for (const via of [3, 4, 2, 3]) mesh.hand(via, 0, frame);
    // To 1, 4; not to 3, from whom it came, nor to 2, whose it is.
    expect(mesh.relayed.copies).toBe(2);
    mesh.settle();
    expect(mesh.relayed.most).toBe(1);
    expect(mesh.names(2, 1)).toEqual(["a"]);
    expect(mesh.faults).toEqual([]);
  });
});

describe("an origin is to blame", () => {
  it.each<[string, Relayed, string]>([
    ["a box that does not open", relay(NAME, message("a"), { sealed: new Uint8Array(50) }), "malformed-relay"],
    ["what another has sealed", relay(NAME, message("a"), { inside: { ...NAME, origin: 1 } }), "malformed-relay"],
    [
      "what was sealed under another number",
      relay(NAME, message("a"), { inside: { ...NAME, number: 7 } }),
      "malformed-relay",
    ],
    ["no frame", relay(NAME, utf8("no frame")), "malformed-relay"],
    ["nothing", relay(NAME, new Uint8Array(0)), "malformed-relay"],
    [
      "a greeting",
      relay(NAME, { kind: "welcome", resumeAfter: 0, bulkResumeAfter: 0, positions: [] }),
      "malformed-relay",
    ],
    ["a relayed frame in a relayed frame", relay(NAME, relay(TO_1, message("a"))), "malformed-relay"],
    [
      "having heard what was never said",
      relay(NAME, { kind: "heard", run: 1, upTo: 1, bulkUpTo: 0 }),
      "impossible-resume",
    ],
    [
      "a request about an unknown channel",
      relay(NAME, { kind: "askProofs", number: 1, after: 0, channel: "xyz", round: 1 }),
      "unknown-channel",
    ],
  ])("for %s", (_, frame, fault) => {
    const mesh = new Mesh({ n: 4 });
    handed(mesh, frame);
    expect(mesh.faults).toEqual([{ by: 0, party: 2, fault }]);
    expect(mesh.heard).toEqual([]);
    handed(mesh, relay({ ...NAME, number: 2 }, message("b", 2)));
    expect(mesh.names(2, 0)).toEqual(["b"]);
  });

  it("of nothing when it takes back what it acknowledged, or speaks of an earlier run of ours", () => {
    const mesh = new Mesh({ n: 4 });
    handed(
      mesh,
      relay(NAME, { kind: "heard", run: 0, upTo: 99, bulkUpTo: 0 }),
      relay({ ...NAME, number: 2 }, { kind: "heard", run: 2, upTo: 9, bulkUpTo: 0 }),
    );
    expect(mesh.faults).toEqual([]);
  });
});

describe("a replay", () => {
  it("of an earlier run is neither heard nor handed on once a later one is known", () => {
    const mesh = new Mesh({ n: 4 });
    handed(mesh, relay({ ...NAME, run: 2 }, message("new")), relay({ ...TO_1, run: 2 }, message("new")));
    const before = mesh.relayed.copies;
    handed(mesh, relay({ ...NAME, number: 9 }, message("old", 9)), relay({ ...TO_1, number: 9 }, message("old", 9)));
    expect(mesh.names(2, 0)).toEqual(["new"]);
    expect(mesh.relayed.copies).toBe(before);
    expect(mesh.faults).toEqual([]);
  });

  it("of an earlier run is not heard after a greeting of a later one either", () => {
    const mesh = new Mesh({ n: 4 });
    expect(mesh.courier(0).meet(2, 2)).toEqual({ prompt: 0, bulk: 0 });
    expect(mesh.courier(0).meet(2, 1)).toBeUndefined();
    handed(mesh, relay(NAME, message("old")));
    expect(mesh.heard).toEqual([]);
  });

  it("out of a box of its own is not heard twice", () => {
    const mesh = new Mesh({ n: 4 });
    handed(mesh, relay(NAME, message("a")), relay({ ...NAME, number: 2 }, message("a")));
    mesh.hand(2, 0, encode(peerFrameCodec, message("a")));
    expect(mesh.names(2, 0)).toEqual(["a"]);
  });

  it("far below what was seen counts as seen, and harms only whose numbers they are", () => {
    const mesh = new Mesh({ n: 4 });
    handed(mesh, relay({ ...NAME, number: 2 * SEEN_WINDOW }, message("a")), relay(NAME, message("b", 2)));
    handed(mesh, relay({ ...NAME, origin: 1 }, message("c")));
    expect(mesh.names(2, 0)).toEqual(["a"]);
    expect(mesh.names(1, 0)).toEqual(["c"]);
  });
});

it("any bytes as a relayed frame throw nothing, and accuse nobody but who signed or handed them", () => {
  const party = fc.integer({ min: 0, max: 5 });
  const number = fc.oneof(fc.nat(3), fc.constant(Number.MAX_SAFE_INTEGER));
  const content = fc.oneof<fc.Arbitrary<PeerFrame | Uint8Array>[]>(
    fc.uint8Array({ maxLength: 60 }),
    number.map((value) => message("x", value)),
    fc.record({ kind: fc.constant("heard" as const), run: fc.nat(2), upTo: number, bulkUpTo: number }),
    fc.record({ kind: fc.constant("askRepeat" as const), number, after: number }),
    fc.record({
      kind: fc.constant("askProofs" as const),
      number,
      after: number,
      channel: fc.constant("abc"),
      round: number,
    }),
  );
  const frame = fc
    .tuple(fc.record({ origin: party, to: party, run: fc.nat(2), number }), content, fc.boolean())
    .map(([name, inside, isForged]) => {
      const genuine = relay(name, inside);
      return isForged ? Object.assign(genuine, { signature: new Uint8Array(64) }) : genuine;
    });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), frame), { maxLength: 20 }), (frames) => {
      const mesh = new Mesh({ n: 4 });
      for (const [via, one] of frames) {
        const before = mesh.faults.length;
        mesh.hand(via, 0, encode(peerFrameCodec, one));
        for (const { party: accused } of mesh.faults.slice(before)) expect([via, one.origin]).toContain(accused);
      }
      mesh.pass(20);
      expect(mesh.relayed.most).toBeLessThanOrEqual(1);
    }),
    { numRuns: 150 },
  );
});

it("without keys nothing is relayed, and what others relay is ignored", () => {
  const sent: Uint8Array[] = [];
  const courier = new Courier({
    self: 0,
    cluster: CLUSTER,
    parties: [0, 1, 2, 3],
    keys: undefined,
    proofsPerRequest: 4,
    round: () => undefined,
    archive: { ...NO_CHECKPOINTS, proof: () => envelope("none") },
    relay: (_neighbour, _origin, frame) => sent.push(frame),
    acknowledge: () => undefined,
    onRestart: () => undefined,
  });
  courier.begin(1);
  courier.post(1, envelope("a"));
  for (let tick = 0; tick < 100; tick++) courier.tick();
  const frame = relay(TO_1, message("a"));
  expect(courier.relayed(3, frame, encode(peerFrameCodec, frame))).toEqual({ from: 3, envelopes: [], state: [] });
  expect(sent).toEqual([]);
  const next = courier.nextAfter(1, 0);
  expect(decode(peerFrameCodec, concat(...(next?.frame ?? []))).ok).toBe(true);
});
