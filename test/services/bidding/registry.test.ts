/** Keys that clients bring: who may act under them, once, and under no other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BiddingKey } from "../../../src/client/bidding-actor.js";
import { toHex } from "../../../src/core/bytes.js";
import { MAX_CLIENTS } from "../../../src/replica/config.js";
import {
  type BiddingCommand,
  type BiddingOperation,
  commandStatement,
  decodeAward,
  decodeBiddingOperation,
  encodeBiddingOperation,
  keyNameProblem,
  MAX_KEY_NAME_BYTES,
  type Offer,
  registrationStatement,
  sealedBidLabel,
} from "../../../src/services/bidding/index.js";
import { MAX_AUCTIONS_PER_OWNER, MAX_AUCTIONS_PER_SPONSOR } from "../../../src/services/bidding/house.js";
import { Listing } from "../../../src/services/bidding/listing.js";
import { MAX_KEYS, MAX_KEYS_PER_SPONSOR, Registry } from "../../../src/services/bidding/registry.js";
import { chunksOf, mutation } from "../support/service.js";
import { holder, register, registration, signed } from "./keys.js";
import { CLUSTER, create, keyOf, OWNER, sealedUnder, sealing, TERMS, World } from "./support.js";

const refused = (reason: string) => ({ kind: "refused", reason });
const OTHER_CLUSTER = new Uint8Array(32).fill(6);

/** What the key's holder encrypts for its bid. */
function sealedBy({ publicKey: bidder }: BiddingKey, offer: Offer, counter = 1, auction = 1): Uint8Array {
  return sealedUnder(sealedBidLabel({ cluster: CLUSTER, auction, bidder, counter }), offer);
}

function bidOf(ciphertext: Uint8Array, counter = 1, auction = 1): BiddingCommand {
  return { kind: "bid", auction, counter, content: { kind: "sealed", ciphertext } };
}

const withdraw = (counter: number, auction = 1): BiddingCommand => ({ kind: "withdraw", auction, counter });
const OFFER = { amount: 50, values: [] };

describe("a registration", () => {
  it("is a name, a key and a place in the log; its sponsor is the client that asked", () => {
    const world = new World();
    const key = register(world, 1, "Bidder Ltd", 3);
    const shown = { key: key.publicKey, name: "Bidder Ltd", sponsor: keyOf(3), sequence: world.sequence, least: 1 };
    expect(world.query({ kind: "key", key: key.publicKey })).toEqual({ kind: "key", ...shown });
    expect(world.query({ kind: "keys", from: 0 })).toEqual({ kind: "keys", keys: [shown], hasMore: false });
    expect(world.query({ kind: "keys", from: 1 })).toEqual({ kind: "keys", keys: [], hasMore: false });
    expect(world.query({ kind: "key", key: holder(2).publicKey })).toEqual({ kind: "absent" });
    world.restart();
    expect(world.query({ kind: "key", key: key.publicKey })).toEqual({ kind: "key", ...shown });
  });

  it("is for who has the key: of this cluster, with this name", () => {
    const world = new World();
    const [key, other] = [holder(1), holder(2)];
    const good = registration(key, "a");
    if (good.kind !== "register") throw new Error(good.kind);
    const bad: BiddingOperation[] = [
      registration(key, "a", OTHER_CLUSTER),
      { ...good, name: "b" },
      { ...good, key: other.publicKey },
      { ...good, proof: good.proof.with(3, (good.proof[3] ?? 0) ^ 1) },
      // It signs commands, too: one is no registration.
      { ...good, proof: proofOfCommand(key) },
    ];
    for (const operation of bad) expect(world.ask(1, operation)).toEqual(refused("bad-proof"));
    expect(world.query({ kind: "keys", from: 0 })).toMatchObject({ keys: [] });
    expect(world.ask(1, good)).toEqual({ kind: "registered" });
  });

  function proofOfCommand(key: BiddingKey): Uint8Array {
    const operation = signed(key, 1, withdraw(1));
    return operation.kind === "signed" ? operation.signature : new Uint8Array();
  }

  it("is not for keys of small order, under which one signature fits many statements", () => {
    const world = new World();
    // The identity, and R = identity with S = 0: a signature of everything, by OpenSSL.
    const identity = new Uint8Array(32).with(0, 1);
    const proof = new Uint8Array(64).with(0, 1);
    expect(world.ask(1, { kind: "register", name: "anybody", key: identity, proof })).toEqual(refused("bad-key"));
    const none = new Uint8Array(32).fill(0xff);
    expect(world.ask(1, { kind: "register", name: "nobody", key: none, proof })).toEqual(refused("bad-key"));
  });

  it("comes once for a key, and once for a name, whatever its letters' case", () => {
    const world = new World();
    const key = register(world, 1, "Bidder Ltd");
    expect(world.ask(2, registration(key, "Another"))).toEqual(refused("known-key"));
    expect(world.ask(1, registration(holder(2), "Bidder Ltd"))).toEqual(refused("name-taken"));
    expect(world.ask(1, registration(holder(2), "BIDDER ltd"))).toEqual(refused("name-taken"));
    world.restart();
    expect(world.ask(2, registration(key, "Another"))).toEqual(refused("known-key"));
    expect(world.ask(1, registration(holder(2), "BIDDER ltd"))).toEqual(refused("name-taken"));
  });

  it.each(["", " a", "a ", "a  b", "a\nb", "Müller", "a\u202eb", "x".repeat(MAX_KEY_NAME_BYTES + 1)])(
    "has a name that people can tell from others: not %j",
    (name) => {
      expect(keyNameProblem(name)).toMatch(/printable ASCII/);
      const named = encodeBiddingOperation(registration(holder(1), "x"));
      // The name comes first, after the operation's own byte.
      const bytes = new TextEncoder().encode(name);
      const changed = Buffer.concat([
        named.subarray(0, 1),
        Buffer.from([0, 0, 0, bytes.length]),
        bytes,
        named.subarray(6),
      ]);
      expect(create().validate?.(new Uint8Array(changed))).toBe(false);
      expect(create().validate?.(named)).toBe(true);
    },
  );

  it("of a client's own key makes one who acts of it, not two", () => {
    const world = new World();
    const key = holder(1);
    world.ask(2, registration(key, "also a client"));
    world.create(TERMS.first);
    const asClient = (operation: BiddingOperation) => world.askAs(key.publicKey, operation);
    expect(asClient(bidOf(sealedBy(key, OFFER)))).toEqual({ kind: "bid", bid: 1 });
    expect(world.ask(2, signed(key, 1, bidOf(sealedBy(key, OFFER))))).toEqual(refused("old-counter"));
    expect(world.ask(2, signed(key, 2, withdraw(2)))).toEqual({ kind: "withdrawn", bids: 1 });
  });
});

describe("a signed command", () => {
  function auction(): { readonly world: World; readonly key: BiddingKey } {
    const world = new World();
    const key = register(world, 1);
    world.create(TERMS.first);
    return { world, key };
  }

  it("is its key's, whoever carries it: owner, bidder, label, counter", () => {
    const { world, key } = auction();
    expect(world.ask(9, signed(key, 1, { kind: "create", terms: TERMS.first }))).toEqual({
      kind: "created",
      auction: 2,
    });
    expect(toHex(world.auction(2).owner)).toBe(toHex(key.publicKey));
    expect(world.ask(9, { kind: "close", auction: 2, counter: 1 })).toEqual(refused("not-owner"));
    expect(world.ask(8, signed(key, 2, bidOf(sealedBy(key, OFFER, 1, 2), 1, 2)))).toEqual(refused("not-bidder"));
    expect(world.ask(8, signed(key, 3, bidOf(sealedBy(key, OFFER))))).toEqual({ kind: "bid", bid: 1 });
    expect(toHex(world.bids(1)[0]?.bidder ?? new Uint8Array())).toBe(toHex(key.publicKey));
    expect(world.query({ kind: "counter", auction: 1, client: key.publicKey })).toMatchObject({ least: 2 });
    expect(world.query({ kind: "counter", auction: 1, client: keyOf(8) })).toMatchObject({ least: 1 });
    expect(world.ask(7, signed(key, 4, { kind: "close", auction: 2, counter: 1 }))).toEqual({ kind: "closed" });
  });

  it("wins, and the award says so", () => {
    const { world, key } = auction();
    world.bidSealed(1, 2, 1, 40);
    world.ask(3, signed(key, 1, bidOf(sealedBy(key, OFFER))));
    world.ask(OWNER, { kind: "close", auction: 1, counter: 1 });
    world.settle();
    const reply = world.ask(3, signed(key, 2, { kind: "award", auction: 1 }));
    const award = decodeAward(reply.kind === "award" ? reply.statement : new Uint8Array());
    expect(award.ok && award.value.won).toEqual({ winner: key.publicKey, bid: 2, price: 50 });
  });

  it("trades in a book, where its orders are its own", () => {
    const { world, key } = auction();
    const book = world.create(TERMS.book);
    const order = { kind: "place", auction: book, counter: 1, side: "sell", price: 9, quantity: 4 } as const;
    expect(world.ask(3, signed(key, 1, order))).toMatchObject({ kind: "placed", resting: 4 });
    expect(world.ask(3, { kind: "cancel", auction: book, counter: 1, order: 1 })).toEqual(refused("no-order"));
    const asked = { kind: "orders", auction: book, client: key.publicKey, from: 0 } as const;
    expect(world.query(asked)).toMatchObject({ orders: [{ order: 1, quantity: 4 }] });
    expect(world.ask(4, signed(key, 2, { kind: "cancel", auction: book, counter: 2, order: 1 }))).toMatchObject({
      quantity: 4,
    });
  });

  it("cannot be carried twice, by any courier, whatever became of it", () => {
    const { world, key } = auction();
    const begin = signed(key, 5, { kind: "create", terms: TERMS.open });
    expect(world.ask(3, begin)).toMatchObject({ kind: "created" });
    expect(world.ask(3, begin)).toEqual(refused("old-number"));
    expect(world.ask(4, begin)).toEqual(refused("old-number"));
    expect(world.ask(4, signed(key, 4, { kind: "create", terms: TERMS.open }))).toEqual(refused("old-number"));
    // Refused for now: the courier cannot wait until it would be taken.
    const early = signed(key, 6, withdraw(1));
    expect(world.ask(3, early)).toEqual(refused("no-bid"));
    expect(world.ask(3, signed(key, 7, bidOf(sealedBy(key, OFFER, 2), 2)))).toMatchObject({ kind: "bid" });
    expect(world.ask(3, early)).toEqual(refused("old-number"));
    world.restart();
    expect(world.ask(3, early)).toEqual(refused("old-number"));
    expect(world.query({ kind: "key", key: key.publicKey })).toMatchObject({ least: 8 });
  });

  it("uses up a number by the key's own signature only", () => {
    const { world, key } = auction();
    const other = register(world, 2);
    const good = signed(key, 1, bidOf(sealedBy(key, OFFER)));
    if (good.kind !== "signed") throw new Error(good.kind);
    const bad: BiddingOperation[] = [
      { ...good, number: 2 },
      { ...good, key: other.publicKey },
      { ...good, command: bidOf(sealedBy(key, OFFER), 1, 2) },
      { ...good, command: bidOf(sealedBy(key, OFFER), 2) },
      { ...good, command: withdraw(1) },
      { ...good, signature: good.signature.with(40, (good.signature[40] ?? 0) ^ 1) },
      signed(key, 1, bidOf(sealedBy(key, OFFER)), OTHER_CLUSTER),
    ];
    for (const operation of bad) expect(world.ask(3, operation)).toEqual(refused("bad-signature"));
    for (const { publicKey } of [key, other])
      expect(world.query({ kind: "key", key: publicKey })).toMatchObject({ least: 1 });
    expect(world.ask(3, good)).toEqual({ kind: "bid", bid: 1 });
  });

  it("of a key that nobody has brought is refused", () => {
    const { world } = auction();
    const key = holder(2);
    expect(world.ask(3, signed(key, 1, bidOf(sealedBy(key, OFFER))))).toEqual(refused("unknown-key"));
    // Registered later it has used no number.
    register(world, 2);
    expect(world.ask(3, signed(key, 1, bidOf(sealedBy(key, OFFER))))).toEqual({ kind: "bid", bid: 1 });
  });

  it("has a ciphertext that nobody else can use: not the courier, not the sponsor, not another key", () => {
    const { world, key } = auction();
    const other = register(world, 2);
    const ciphertext = sealedBy(key, OFFER);
    expect(world.ask(3, bidOf(ciphertext))).toEqual(refused("wrong-label"));
    expect(world.ask(1, bidOf(ciphertext))).toEqual(refused("wrong-label"));
    expect(world.ask(3, signed(other, 1, bidOf(ciphertext)))).toEqual(refused("wrong-label"));
    expect(world.ask(3, signed(key, 1, bidOf(ciphertext)))).toEqual({ kind: "bid", bid: 1 });
  });

  it("is one of an auction or a book: no registration, and none in another", () => {
    const { key } = auction();
    const inner = encodeBiddingOperation(signed(key, 1, withdraw(1)));
    const registered = encodeBiddingOperation(registration(holder(3), "x"));
    // The command comes after the operation's byte, the key and the number; before the signature.
    for (const nested of [inner, registered]) {
      const bytes = new Uint8Array(Buffer.concat([inner.subarray(0, 37), nested, inner.subarray(-64)]));
      expect(decodeBiddingOperation(bytes).ok).toBe(false);
    }
  });

  it("is one of those whom the terms name, by its key", () => {
    const world = new World();
    const [named, other] = [register(world, 1), register(world, 2)];
    world.create({ ...TERMS.first, bidders: [named.publicKey] });
    expect(world.ask(3, signed(other, 1, bidOf(sealedBy(other, OFFER))))).toEqual(refused("not-bidder"));
    expect(world.ask(3, signed(named, 1, bidOf(sealedBy(named, OFFER))))).toEqual({ kind: "bid", bid: 1 });
  });
});

it("each kind of statement begins with a line of its own, so that none is taken for another", () => {
  const { publicKey: key } = holder(1);
  const command = withdraw(1);
  const statements = [
    registrationStatement({ cluster: CLUSTER, name: "x", key }),
    commandStatement({ cluster: CLUSTER, key, number: 1, command }),
  ];
  const lines = statements.map((statement) => Buffer.from(statement).toString("latin1").split("\n")[0]);
  expect(lines).toEqual(["abcast/2 bidding key", "abcast/2 bidding command"]);
});

describe("bounds", () => {
  function filled(): Registry {
    const registry = new Registry();
    for (let index = 0; index < MAX_KEYS; index++) {
      const sponsor = new Uint8Array(32).fill(1 + Math.floor(index / MAX_KEYS_PER_SPONSOR));
      expect(registry.refusalOf({ ...entry(index), sponsor })).toBeUndefined();
      registry.add({ ...entry(index), sponsor });
    }
    return registry;
  }

  function entry(index: number) {
    const key = new Uint8Array(32);
    new DataView(key.buffer).setUint32(0, index);
    return { key, name: `key ${index}`, sequence: index, last: 0 };
  }

  it("keep one client from taking all the room, and all clients from taking more", () => {
    const one = new Registry();
    const sponsor = keyOf(1);
    for (let index = 0; index < MAX_KEYS_PER_SPONSOR; index++) one.add({ ...entry(index), sponsor });
    expect(one.refusalOf({ ...entry(MAX_KEYS_PER_SPONSOR), sponsor })).toBe("full");
    expect(one.refusalOf({ ...entry(MAX_KEYS_PER_SPONSOR), sponsor: keyOf(2) })).toBeUndefined();
    expect(filled().refusalOf({ ...entry(MAX_KEYS), sponsor: keyOf(200) })).toBe("full");
  });

  it("have room for every client and every key in one auction", () => {
    const listing = Listing.start({ id: 1, owner: keyOf(OWNER) }, TERMS.book, sealing);
    for (let index = 0; index < MAX_CLIENTS + MAX_KEYS; index++) listing.use(entry(index).key, 1);
    expect(Listing.decode(listing.encoded, sealing).ok).toBe(true);
  });

  it("of a client hold for the operation", () => {
    const world = new World();
    for (let index = 0; index < MAX_KEYS_PER_SPONSOR; index++) register(world, index);
    expect(world.ask(1, registration(holder(1000), "one more"))).toEqual(refused("full"));
    world.restart();
    expect(world.ask(1, registration(holder(1000), "one more"))).toEqual(refused("full"));
    expect(world.ask(2, registration(holder(1000), "one more"))).toEqual({ kind: "registered" });
    // Of several answers, and of several chunks.
    expect(world.query({ kind: "keys", from: 0 })).toMatchObject({ hasMore: true });
    expect(world.query({ kind: "keys", from: 256 })).toMatchObject({ keys: [{ name: "one more" }], hasMore: false });
    expect(chunksOf(world.service)).toHaveLength(3);
  });

  it("let the keys of one client have so many auctions: what is over makes room, the oldest first", () => {
    const world = new World();
    const count = MAX_AUCTIONS_PER_SPONSOR / MAX_AUCTIONS_PER_OWNER + 1;
    const keys = Array.from({ length: count }, (_, index) => register(world, index));
    const [first, last] = [keys[0], keys.at(-1)];
    if (first === undefined || last === undefined) throw new Error("no keys");
    for (const key of keys.slice(0, -1))
      for (let index = 1; index <= MAX_AUCTIONS_PER_OWNER; index++)
        expect(world.ask(1, signed(key, index, { kind: "create", terms: TERMS.open }))).toMatchObject({
          kind: "created",
        });
    expect(world.ask(1, signed(last, 1, { kind: "create", terms: TERMS.open }))).toEqual(refused("full"));
    // The sponsor itself, and keys of others, have theirs.
    expect(world.create(TERMS.open, 1)).toBe(MAX_AUCTIONS_PER_SPONSOR + 1);
    const other = register(world, 100, "of another", 2);
    expect(world.ask(1, signed(other, 1, { kind: "create", terms: TERMS.open }))).toMatchObject({ kind: "created" });
    world.ask(1, signed(first, 100, { kind: "close", auction: 3, counter: 1 }));
    expect(world.ask(1, signed(last, 2, { kind: "create", terms: TERMS.open }))).toMatchObject({ kind: "created" });
    expect(world.query({ kind: "auction", auction: 3 })).toEqual({ kind: "absent" });
  });
});

describe("a snapshot", () => {
  it("that does not make sense is refused", () => {
    const world = new World();
    register(world, 1);
    world.create(TERMS.first);
    const [head = new Uint8Array(), keys = new Uint8Array(), part = new Uint8Array()] = chunksOf(world.service);
    for (const wrong of [
      [keys, head, part],
      [head, part, keys],
      [head, keys, keys, part],
    ])
      expect(() => create().restore(wrong)).toThrow();
    create().restore([head, keys, part]);
    // Of before keys could be registered.
    create().restore([head, part]);
  });
});

describe("the registry", () => {
  /** What may be tried, with keys and names that meet often. */
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("register" as const),
      by: fc.nat(2),
      key: fc.nat(4),
      name: fc.nat(4),
      isProved: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("signed" as const),
      by: fc.nat(2),
      key: fc.nat(4),
      number: fc.integer({ min: 0, max: 6 }),
      isSigned: fc.boolean(),
    }),
    fc.constant({ kind: "restart" as const }),
  );

  it("is what a table with a line for each key would be, across restarts", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        const lines: { key: number; name: number; sponsor: number; last: number }[] = [];
        for (const one of steps) {
          if (one.kind === "restart") {
            const before = world.snapshot();
            world.restart();
            expect(world.snapshot()).toBe(before);
            continue;
          }
          const line = lines.find(({ key }) => key === one.key);
          if (one.kind === "register") {
            const { by, key, name, isProved } = one;
            const operation = registration(holder(key), `name ${name}`, isProved ? CLUSTER : OTHER_CLUSTER);
            const isTaken = lines.some((other) => other.name === name);
            const reason =
              line !== undefined ? "known-key" : isTaken ? "name-taken" : isProved ? undefined : "bad-proof";
            expect(world.ask(by, operation)).toEqual(reason === undefined ? { kind: "registered" } : refused(reason));
            if (reason === undefined) lines.push({ key, name, sponsor: by, last: 0 });
            continue;
          }
          const { by, key, number, isSigned } = one;
          const command = { kind: "withdraw", auction: 1, counter: 1 } as const;
          const operation = signed(holder(key), number, command, isSigned ? CLUSTER : OTHER_CLUSTER);
          const reason =
            line === undefined
              ? "unknown-key"
              : number <= line.last
                ? "old-number"
                : isSigned
                  ? "no-auction"
                  : "bad-signature";
          expect(world.ask(by, operation)).toEqual(refused(reason));
          if (line !== undefined && reason === "no-auction") line.last = number;
        }
        const answer = world.query({ kind: "keys", from: 0 });
        const shown = answer.kind === "keys" ? answer.keys : [];
        expect(shown.map(({ key, name, sponsor, least }) => [toHex(key), name, toHex(sponsor), least])).toEqual(
          lines.map(({ key, name, sponsor, last }) => [
            toHex(holder(key).publicKey),
            `name ${name}`,
            toHex(keyOf(sponsor)),
            last + 1,
          ]),
        );
      }),
      { numRuns: 150 },
    );
  });

  it("takes any bytes for what they are", () => {
    const world = new World();
    const key = register(world, 1);
    world.create(TERMS.first);
    const samples = [
      encodeBiddingOperation(registration(holder(2), "two")),
      encodeBiddingOperation(signed(key, 1, bidOf(sealedBy(key, OFFER)))),
      encodeBiddingOperation(signed(key, 2, { kind: "create", terms: TERMS.tender })),
    ];
    fc.assert(
      fc.property(mutation(fc.constantFrom(...samples)), (bytes) => {
        const isOne = decodeBiddingOperation(bytes).ok;
        expect(world.service.validate?.(bytes)).toBe(isOne);
        const context = { sequence: 50, index: 0, round: 50, roundTimeMs: 5, client: keyOf(1) };
        expect(world.service.apply(context, bytes)).toBeInstanceOf(Uint8Array);
      }),
      { numRuns: 500 },
    );
    world.restart();
  });
});
