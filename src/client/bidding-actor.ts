/** Who acts in auctions: a client, as itself, or who holds a key that is registered, whose commands a client carries. */
import {
  type BiddingCommand,
  type BiddingOperation,
  type CommandOfKey,
  commandStatement,
  LAST_COUNTER,
  registrationStatement,
} from "../services/bidding/index.js";
import { BiddingRefusedError, biddingCalls, timeOf } from "./bidding-calls.js";
import type { CallOptions, Caller } from "./types.js";

/** An Ed25519 key. */
export interface BiddingKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(statement: Uint8Array): Uint8Array;
}

/** What a key's holder gives a client, which has the key registered. */
export interface Registration {
  readonly name: string;
  readonly key: Uint8Array;
  readonly proof: Uint8Array;
}

/** @throws EncodeError when the name is none (`keyNameProblem`) */
export function registrationOf(cluster: Uint8Array, name: string, holder: BiddingKey): Registration {
  const key = holder.publicKey;
  return { name, key, proof: holder.sign(registrationStatement({ cluster, name, key })) };
}

export interface BiddingActor {
  /** The owner, or the bidder. */
  readonly publicKey: Uint8Array;
  /** What a client has ordered for it. @throws BiddingRefusedError; as `Client.query` */
  operation(command: BiddingCommand, options: CallOptions | undefined): Promise<BiddingOperation>;
}

export function clientActor({ publicKey }: Pick<Caller, "publicKey">): BiddingActor {
  return { publicKey, operation: (command) => Promise.resolve(command) };
}

/**
 * Acts as a registered key; `caller` only carries what it signs. One command at a time: numbers grow, and what comes after a greater one is
 * refused.
 */
export function keyActor(caller: Pick<Caller, "cluster" | "call" | "query">, key: BiddingKey): BiddingActor {
  const { cluster } = caller;
  const { publicKey } = key;
  const calls = biddingCalls(caller);
  let used = 0;
  return {
    publicKey,
    async operation(command, options) {
      const registered = await calls.find("key", { kind: "key", key: publicKey }, timeOf(options));
      if (registered === undefined) throw new BiddingRefusedError("unknown-key");
      // What was signed before may still be on its way.
      const number = Math.max(registered.least, used + 1);
      if (number > LAST_COUNTER) throw new BiddingRefusedError("old-number");
      used = number;
      return signedOperation({ cluster, number: used, command }, key);
    },
  };
}

/** The operation that any client may carry for who holds the key. */
export function signedOperation(
  { cluster, number, command }: Omit<CommandOfKey, "key">,
  holder: BiddingKey,
): BiddingOperation {
  const key = holder.publicKey;
  const signature = holder.sign(commandStatement({ cluster, key, number, command }));
  return { kind: "signed", key, number, command, signature };
}
