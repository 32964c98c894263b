/** Commands of one client, signed here and handed to the replica, one after the other. */
import { toBase64 } from "../../core/base64.js";
import {
  type BiddingOperation,
  encodeBiddingOperation,
  encodeOffer,
  type Offer,
  sealedBidLabel,
  type Terms,
} from "../../services/bidding/index.js";
import { toHex } from "../../core/bytes.js";
import { encodePayload, requestStatement, SESSION_NONCE_BYTES } from "../../wire/payload.js";
import { ApiError, getJson, numberIn, postJson } from "../common/api.js";
import type { Identity } from "./identity.js";

const ATTEMPTS = 5;
const PAUSE_MS = 1_000;

export class Commander {
  readonly identity: Identity;
  readonly #session = {
    opened: Date.now(),
    nonce: globalThis.crypto.getRandomValues(new Uint8Array(SESSION_NONCE_BYTES)),
  };
  #number = 0;
  /** What is sent waits for what was sent before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(identity: Identity) {
    this.identity = identity;
  }

  /** The new auction's number. @throws ApiError */
  async create(terms: Terms): Promise<number> {
    return numberIn(await this.#inTurn(() => this.#send({ kind: "create", terms })), "auction") ?? 0;
  }

  /** Where it is sealed only the ciphertext leaves this tab. The bid's number. @throws ApiError */
  async bid(auction: number, isSealed: boolean, offer: Offer): Promise<number> {
    const done = await this.#inTurn(async () => {
      const counter = await this.#counter(auction);
      return this.#send({ kind: "bid", auction, counter, content: this.#contentOf(auction, isSealed, offer, counter) });
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
    await this.#inTurn(async () => this.#send({ kind, auction, counter: await this.#counter(auction) }));
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

  /** The same bytes again where there was no answer: a number is executed once. */
  async #send(operation: BiddingOperation): Promise<unknown> {
    const { cluster, publicKey: client, sign } = this.identity;
    const number = ++this.#number;
    const action = { kind: "call", service: "bidding", operation: encodeBiddingOperation(operation) } as const;
    const unsigned = { cluster, client, session: this.#session, number, acknowledged: number - 1, action };
    const signature = sign(requestStatement(unsigned));
    const request = toBase64(encodePayload({ kind: "request", ...unsigned, signature }));
    for (let attempt = 1; ; attempt++) {
      try {
        const answer: unknown = JSON.parse(await postJson("/v1/auctions/commands", { request }));
        return answer;
      } catch (error) {
        if (!(error instanceof ApiError) || !isPassing(error) || attempt === ATTEMPTS) throw error;
        await new Promise((resume) => setTimeout(resume, PAUSE_MS));
      }
    }
  }
}

/** Whether it may be another time. */
function isPassing({ status }: ApiError): boolean {
  return status === 0 || status === 429 || status === 503 || status === 504;
}
