/** Commands of one key, signed here and handed to the replica, one after the other. */
import { encodeOffer, type Offer, sealedBidLabel, type Terms } from "../../services/bidding/index.js";
import { toHex } from "../../core/bytes.js";
import { getJson, numberIn } from "../common/api.js";
import type { Identity } from "./identity.js";
import { type Sender, senderOf } from "./senders.js";

export class Commander {
  readonly identity: Identity;
  readonly #sender: Sender;
  /** What is sent waits for what was sent before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(identity: Identity) {
    this.identity = identity;
    this.#sender = senderOf(identity);
  }

  /** The new auction's number. @throws ApiError */
  async create(terms: Terms): Promise<number> {
    return numberIn(await this.#inTurn(() => this.#sender.send({ kind: "create", terms })), "auction") ?? 0;
  }

  /** Where it is sealed only the ciphertext leaves this tab. The bid's number. @throws ApiError */
  async bid(auction: number, isSealed: boolean, offer: Offer): Promise<number> {
    const done = await this.#inTurn(async () => {
      const counter = await this.#counter(auction);
      return this.#sender.send({
        kind: "bid",
        auction,
        counter,
        content: this.#contentOf(auction, isSealed, offer, counter),
      });
    });
    return numberIn(done, "bid") ?? 0;
  }

  #contentOf(auction: number, isSealed: boolean, offer: Offer, counter: number) {
    if (!isSealed) return { kind: "clear", offer } as const;
    const { cluster, publicKey: bidder, encryption } = this.identity;
    const label = sealedBidLabel({ cluster, auction, bidder, counter });
    return { kind: "sealed", ciphertext: encryption.encrypt({ label, plaintext: encodeOffer(offer) }) } as const;
  }

  /** @throws ApiError */
  async say(kind: "withdraw" | "close", auction: number): Promise<void> {
    await this.#inTurn(async () => this.#sender.send({ kind, auction, counter: await this.#counter(auction) }));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work, work);
    this.#last = next;
    return next;
  }

  async #counter(auction: number): Promise<number> {
    const counted = await getJson(`/v1/auctions/${auction}/counter?client=${toHex(this.identity.publicKey)}`);
    return numberIn(counted, "least") ?? 1;
  }
}
