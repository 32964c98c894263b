/** Whatever a peer sends: at worst its connection is closed and it is accused; nothing throws. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat } from "../../src/core/bytes.js";
import type { ConnectionHandlers } from "../../src/replica/links.js";
import type { PeerFrame } from "../../src/wire/peer-frames.js";
import { type MemoryConnection, MemoryPair } from "../support/memory-connection.js";
import { envelope, frame, HELLO, LinkPair, RUN, WELCOME } from "./link-pair.js";

fc.configureGlobal({ seed: 21 });

type Side = "dialler" | "acceptor";

interface Attacked {
  readonly link: LinkPair;
  readonly connection: MemoryConnection;
  readonly send: (...frames: readonly (PeerFrame | Uint8Array)[]) => void;
}

/** A link half of which we are the peer. */
function attack(side: Side): Attacked {
  const link = new LinkPair();
  link.dialler.post(1, envelope(1, "a"));
  link.dialler.post(1, envelope(1, "b"));
  const pair = new MemoryPair({ left: { kind: "party", party: 1 }, right: { kind: "party", party: 0 } });
  const connection = side === "dialler" ? pair.left : pair.right;
  const handlers: ConnectionHandlers =
    side === "dialler" ? link.outgoing.open(connection) : link.incoming.open(connection);
  return {
    link,
    connection,
    send: (...frames) => {
      // As a transport does, hand on nothing after the close.
      for (const one of frames)
        if (!connection.isClosed) handlers.onFrame(one instanceof Uint8Array ? one : frame(one));
    },
  };
}

const message = { kind: "message", number: 1, after: 0, envelope: envelope(1, "a") } as const satisfies PeerFrame;
const askRepeat: PeerFrame = { kind: "askRepeat", number: 1, after: 0 };
const heard = { kind: "heard", run: RUN, upTo: 1, bulkUpTo: 0 } as const satisfies PeerFrame;
const relay: PeerFrame = {
  kind: "relay",
  origin: 1,
  to: 0,
  run: 1,
  number: 1,
  sealed: new Uint8Array(3),
  signature: new Uint8Array(64),
};
const unknown = { channel: "abd", round: 1 };

describe("the acceptor", () => {
  it.each<[string, readonly (PeerFrame | Uint8Array)[], string]>([
    ["garbage", [Uint8Array.of(255, 1, 2)], "malformed-frame"],
    ["garbage after the hello", [HELLO, Uint8Array.of(2)], "malformed-frame"],
    ["a relayed frame before the hello", [relay], "unexpected-frame"],
    ["a frame with a byte too many", [concat(frame(HELLO), Uint8Array.of(0))], "malformed-frame"],
    ["a message before the hello", [message], "unexpected-frame"],
    ["a second hello", [HELLO, HELLO], "unexpected-frame"],
    ["a welcome, which is the acceptor's to send", [HELLO, WELCOME], "unexpected-frame"],
    ["an acknowledgement, likewise", [HELLO, heard], "unexpected-frame"],
    ["another version", [{ ...HELLO, version: 1 }], "wrong-version"],
    ["another cluster", [{ ...HELLO, cluster: new Uint8Array(32) }], "wrong-cluster"],
  ])("closes on %s", (_, frames, fault) => {
    const { link, connection, send } = attack("acceptor");
    send(...frames, message);
    expect(link.faults).toEqual([`acceptor: ${fault}`]);
    expect(connection.isClosed).toBe(true);
    expect(link.heard).toEqual([]);
  });

  it("has one name for all wrong versions: a peer must not fill the table of accusations", () => {
    const faults = new Set<string>();
    for (let version = 3; version < 100; version++) {
      const { link, send } = attack("acceptor");
      send({ ...HELLO, version });
      for (const fault of link.faults) faults.add(fault);
    }
    expect(faults.size).toBe(1);
  });

  it("takes no frame of a connection that another one has replaced", () => {
    const { link, connection, send } = attack("acceptor");
    send(HELLO, message);
    const next = new MemoryPair({ left: connection.peer, right: connection.peer });
    link.incoming.open(next.right);
    expect(connection.isClosed).toBe(true);
    expect(link.heard).toHaveLength(1);
  });
});

describe("the dialler", () => {
  it.each<[string, readonly (PeerFrame | Uint8Array)[], string]>([
    ["garbage", [Uint8Array.of(255, 1, 2)], "malformed-frame"],
    ["garbage after the welcome", [WELCOME, Uint8Array.of(1)], "malformed-frame"],
    ["an acknowledgement before the welcome", [heard], "unexpected-frame"],
    ["a request before the welcome", [askRepeat], "unexpected-frame"],
    ["a second welcome", [WELCOME, WELCOME], "unexpected-frame"],
    ["a hello, which is the dialler's to send", [WELCOME, HELLO], "unexpected-frame"],
    ["a message, likewise", [WELCOME, message], "unexpected-frame"],
    ["a request, likewise", [WELCOME, askRepeat], "unexpected-frame"],
    ["a relayed frame, likewise", [WELCOME, relay], "unexpected-frame"],
    ["having heard later what was never said", [WELCOME, { ...heard, upTo: 3 }], "impossible-resume"],
    ["having heard what was never said", [{ ...WELCOME, resumeAfter: 3 }], "impossible-resume"],
    ["having heard the greatest number", [{ ...WELCOME, resumeAfter: Number.MAX_SAFE_INTEGER }], "impossible-resume"],
    ["a position in an unknown channel", [{ ...WELCOME, positions: [unknown] }], "unknown-channel"],
  ])("closes on %s", (_, frames, fault) => {
    const { link, connection, send } = attack("dialler");
    send(...frames, heard);
    expect(link.faults).toEqual([`dialler: ${fault}`]);
    expect(connection.isClosed).toBe(true);
    // An orderly peer afterwards is served as if nothing had been.
    link.connect().settle();
    expect(link.names).toEqual(["a", "b"]);
  });

  it("accepts that all was heard", () => {
    const { link, connection, send } = attack("dialler");
    send({ ...WELCOME, resumeAfter: 2 });
    expect(connection.sent).toBe(1);
    expect(link.faults).toEqual([]);
  });

  it("does not mind an acknowledgement of an earlier run, nor one that comes twice", () => {
    const { link, send } = attack("dialler");
    send(WELCOME, { ...heard, run: 1, upTo: 99 }, heard, heard);
    expect(link.faults).toEqual([]);
  });
});

describe.each<Side>(["dialler", "acceptor"])("any frames at the %s", (side) => {
  const number = fc.oneof(fc.nat(5), fc.constant(Number.MAX_SAFE_INTEGER));
  const anyFrame: fc.Arbitrary<PeerFrame | Uint8Array> = fc.oneof(
    // Of an earlier run: who uses up the numbers of a run has nobody to blame.
    fc.constantFrom<PeerFrame>({ ...HELLO, run: 1 }, WELCOME, relay),
    number.map((value): PeerFrame => ({ kind: "message", number: value, after: 0, envelope: envelope(1, value) })),
    number.map((value): PeerFrame => ({ kind: "askRepeat", number: value, after: value })),
    number.map((upTo): PeerFrame => ({ kind: "heard", run: 1, upTo, bulkUpTo: 0 })),
    fc.uint8Array({ minLength: 1, maxLength: 80 }),
  );

  it("throw nothing, make at most one accusation a connection, and end in a link that works", () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 30 }), (frames) => {
        const { link, send } = attack(side);
        send(...frames);
        expect(link.faults.length).toBeLessThanOrEqual(1);
        const before = link.heard.length;
        link.connect().settle();
        link.askRepeat();
        link.pair?.settle();
        expect(link.names.slice(before)).toEqual(expect.arrayContaining(["a", "b"]));
      }),
      { numRuns: 300 },
    );
  });
});
