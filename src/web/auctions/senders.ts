/** How a signed command comes to be ordered: as a client's request, or carried by the replica for a registered key. */
import { toBase64 } from "../../core/base64.js";
import { toHex } from "../../core/bytes.js";
import { type BiddingCommand, commandStatement, encodeBiddingOperation } from "../../services/bidding/index.js";
import { SESSION_NONCE_BYTES, signRequest } from "../../wire/payload.js";
import { ApiError, getJson, numberIn, postJson } from "../common/api.js";
import type { Identity } from "./identity.js";
import { BROWSER_TOOLS } from "./tools.js";

const ATTEMPTS = 5;
const PAUSE_MS = 1_000;

export interface Sender {
  /** What the command did, as the replica says. @throws ApiError */
  send(command: BiddingCommand): Promise<unknown>;
}

export function senderOf(identity: Identity): Sender {
  return identity.who.kind === "client" ? new ClientSender(identity) : new KeySender(identity);
}

class ClientSender implements Sender {
  readonly #identity: Identity;
  readonly #session = {
    opened: Date.now(),
    nonce: globalThis.crypto.getRandomValues(new Uint8Array(SESSION_NONCE_BYTES)),
  };
  #number = 0;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** The same bytes again where there was no answer: a number is executed once, and its reply is kept. */
  send(command: BiddingCommand): Promise<unknown> {
    const { cluster, publicKey: client, sign } = this.#identity;
    const number = ++this.#number;
    const action = { kind: "call", service: "bidding", operation: encodeBiddingOperation(command) } as const;
    const unsigned = { cluster, client, session: this.#session, number, acknowledged: number - 1, action };
    const request = toBase64(signRequest(unsigned, { hash: (bytes) => BROWSER_TOOLS.sha256(bytes), sign }));
    return repeated("/v1/auctions/commands", { request }, [0, 429, 503, 504]);
  }
}

class KeySender implements Sender {
  readonly #identity: Identity;
  #used = 0;

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** Not again where there was no answer: it may have been done, and then the number is an old one. */
  async send(command: BiddingCommand): Promise<unknown> {
    const { cluster, publicKey: key, sign } = this.#identity;
    const registered = await getJson(`/v1/bidding/keys/${toHex(key)}`);
    const number = Math.max(numberIn(registered, "least") ?? 1, this.#used + 1);
    this.#used = number;
    const signature = sign(commandStatement({ cluster, key, number, command }));
    const operation = toBase64(encodeBiddingOperation({ kind: "signed", key, number, command, signature }));
    return repeated("/v1/bidding/commands", { operation }, [429]);
  }
}

/** Asks again, after a pause, while the answer is one of these; 0: none. */
async function repeated(path: string, body: object, passing: readonly number[]): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer: unknown = JSON.parse(await postJson(path, body));
      return answer;
    } catch (error) {
      if (!(error instanceof ApiError) || !passing.includes(error.status) || attempt === ATTEMPTS) throw error;
      await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    }
  }
}
