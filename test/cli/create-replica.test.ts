/** Replicas as a library, with services of a program's own: here bidding, whose duties need the parties' parts of the key. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { openBidding, openClient } from "../../src/cli/cluster-client.js";
import { createBidding, createCounter, createReplica, type RunningReplica } from "../../src/cli/create-replica.js";
import { LocalCluster } from "./local-cluster.js";

const cluster = new LocalCluster();
const running: RunningReplica[] = [];
afterAll(async () => {
  await Promise.all(running.map((replica) => replica.stop()));
  cluster.remove();
});

it("runs bidding in a program's own replicas: sealed bids are opened after the close", async () => {
  await cluster.init("--services", "bidding,counter", "--clients", "2");
  for (let party = 0; party < 4; party++)
    running.push(
      await createReplica({
        directory: cluster.party(party),
        services: (sealing) => [createBidding(sealing), createCounter()],
      }),
    );
  const [owner, bidder] = await Promise.all([0, 1].map((client) => openClient(cluster.client(client))));
  if (owner === undefined || bidder === undefined) throw new Error("two clients");
  const [owns, bids] = [owner, bidder].map(({ client, config }) => openBidding(client, config.public.keys.encryption));
  const terms = {
    kind: "sealed-first",
    title: "a boat",
    unit: "EUR",
    bidders: [],
    closesAtMs: undefined,
    mayReplace: true,
    mayWithdraw: true,
    reserve: 1,
  } as const;
  try {
    const { auction } = (await owns?.create(terms)) ?? { auction: 0 };
    await bids?.bid(auction, { amount: 70, values: [] });
    expect((await owns?.bids(auction))?.map(({ offer }) => offer)).toEqual([undefined]);
    await owns?.close(auction);
    while ((await owns?.auction(auction))?.stage !== "decided") await sleep(50);
    expect((await owns?.auction(auction))?.outcome).toEqual({ bid: 1, price: 70 });
  } finally {
    owner.client.close();
    bidder.client.close();
  }
});
