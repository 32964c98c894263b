/** Who acts in auctions through the client library: the client, or a registered key that it carries for. */
import { describe, expect, it } from "vitest";
import { type BiddingActor, keyActor, registrationOf, signedOperation } from "../../src/client/bidding-actor.js";
import { openBidding } from "../../src/client/bidding.js";
import { BiddingRefusedError } from "../../src/client/bidding-calls.js";
import type { Caller } from "../../src/client/types.js";
import { toHex } from "../../src/core/bytes.js";
import { decodeBiddingOperation } from "../../src/services/bidding/index.js";
import { LAST_COUNTER, MAX_LISTED_PER_ANSWER } from "../../src/services/bidding/messages.js";
import { holder } from "../services/bidding/keys.js";
import { CLUSTER, keyOf, TERMS, World } from "../services/bidding/support.js";

const COURIER = 4;

function setup() {
  const world = new World();
  const numbers: number[] = [];
  const caller: Caller = {
    cluster: CLUSTER,
    publicKey: keyOf(COURIER),
    query: async (_service, query) => {
      return { answer: world.service.query(query).slice(), sequence: 1, round: 1, timeMs: 1, faulty: [] };
    },
    call: async (_service, bytes) => {
      const operation = decodeBiddingOperation(bytes);
      if (operation.ok && operation.value.kind === "signed") numbers.push(operation.value.number);
      world.sequence += 1;
      const { sequence } = world;
      const context = { sequence, index: 0, round: sequence, roundTimeMs: 1, client: keyOf(COURIER) };
      return { reply: world.service.apply(context, bytes).slice(), sequence, round: sequence, timeMs: 1, faulty: [] };
    },
    callAll: () => Promise.reject(new Error("not used")),
  };
  const open = (actor?: BiddingActor) =>
    openBidding(caller, { access: 1, publicKey: new Uint8Array(32) } as never, actor);
  return { world, caller, numbers, open };
}

describe("a registered key", () => {
  it("owns, bids and trades as a client does, and the client that carries its commands does none of it", async () => {
    const { world, caller, numbers, open } = setup();
    const key = holder(1);
    const sponsor = open();
    await sponsor.register(registrationOf(CLUSTER, "Bidder Ltd", key));
    expect(await sponsor.keys()).toMatchObject([{ name: "Bidder Ltd", least: 1 }]);
    const own = open(keyActor(caller, key));
    const { auction } = await own.create(TERMS.open);
    expect(toHex((await own.auction(auction)).owner)).toBe(toHex(key.publicKey));
    await expect(sponsor.close(auction)).rejects.toThrow("not-owner");
    const { auction: other } = await sponsor.create(TERMS.open);
    await own.bid(other, { amount: 20, values: [] });
    expect(toHex((await own.bids(other))[0]?.bidder ?? new Uint8Array())).toBe(toHex(key.publicKey));
    await own.withdraw(other);
    const { auction: book } = await sponsor.create(TERMS.book);
    const { order } = await own.place(book, { side: "sell", quantity: 3, price: 5 });
    expect([await own.orders(book), await sponsor.orders(book)]).toMatchObject([[{ order, quantity: 3 }], []]);
    expect(await own.cancel(book, order)).toMatchObject({ quantity: 3 });
    await own.close(auction);
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6]);
    expect(world.auction(auction).stage).toBe("decided");
  });

  it("takes no number again that it has signed, also where nobody knows yet what became of it", async () => {
    const { caller, numbers, open } = setup();
    const key = holder(1);
    await open().register(registrationOf(CLUSTER, "Bidder Ltd", key));
    const actor = keyActor(caller, key);
    // Signed, and never seen again.
    await actor.operation({ kind: "withdraw", auction: 1, counter: 1 }, undefined);
    await open(actor).create(TERMS.open);
    expect(numbers).toEqual([2]);
    // Another program with the key goes on where the service is.
    await open(keyActor(caller, key)).create(TERMS.open);
    expect(numbers).toEqual([2, 3]);
  });

  it("is told where no number, and no counter, is left", async () => {
    const { world, caller, open } = setup();
    const key = holder(1);
    await open().register(registrationOf(CLUSTER, "Bidder Ltd", key));
    const { auction } = await open().create(TERMS.open);
    const command = { kind: "withdraw", auction, counter: 1 } as const;
    world.ask(COURIER, signedOperation({ cluster: CLUSTER, number: LAST_COUNTER, command }, key));
    const own = open(keyActor(caller, key));
    await expect(own.create(TERMS.open)).rejects.toThrow(new BiddingRefusedError("old-number"));
    world.bidClear(auction, 2, LAST_COUNTER, 20);
    const other = openBidding({ ...caller, publicKey: keyOf(2) }, {} as never);
    await expect(other.withdraw(auction)).rejects.toThrow(new BiddingRefusedError("old-counter"));
  });

  it("must be registered before", async () => {
    const { caller, open } = setup();
    const unknown = open(keyActor(caller, holder(1))).create(TERMS.open);
    await expect(unknown).rejects.toThrow(new BiddingRefusedError("unknown-key"));
  });
});

describe("a trader", () => {
  it("is told of all of its orders, also where they take more than one answer", async () => {
    const { open } = setup();
    const own = open();
    const { auction: book } = await own.create(TERMS.book);
    const numbers = Array.from({ length: MAX_LISTED_PER_ANSWER + 2 }, (_, index) => index + 1);
    for (const price of numbers) await own.place(book, { side: "sell", quantity: 1, price });
    expect((await own.orders(book)).map(({ order }) => order)).toEqual(numbers);
  });
});
