/** Keys that clients bring, in a world of the tests. */
import { createEd25519Signer } from "../../../src/crypto/index.js";
import { type BiddingKey, registrationOf, signedOperation } from "../../../src/client/bidding-actor.js";
import type { BiddingCommand, BiddingOperation } from "../../../src/services/bidding/index.js";
import { CLUSTER, type World } from "./support.js";

/** One of many keys. */
export function holder(number: number): BiddingKey {
  const seed = new Uint8Array(32).fill(0x40);
  new DataView(seed.buffer).setUint32(0, number);
  return createEd25519Signer(seed);
}

export function registration(key: BiddingKey, name: string, cluster = CLUSTER): BiddingOperation {
  return { kind: "register", ...registrationOf(cluster, name, key) };
}

export function signed(key: BiddingKey, number: number, command: BiddingCommand, cluster = CLUSTER): BiddingOperation {
  return signedOperation({ cluster, number, command }, key);
}

/** Registered by client 1. */
export function register(world: World, number: number, name = `holder ${number}`, sponsor = 1): BiddingKey {
  const key = holder(number);
  const reply = world.ask(sponsor, registration(key, name));
  if (reply.kind !== "registered") throw new Error(JSON.stringify(reply));
  return key;
}
