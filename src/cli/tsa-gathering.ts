/**
 * Time-stamp requests on their way into the order. Those that come while others are under way go together, as operations of one request
 * of this replica: its signature, its way through the protocol and its reply are then paid once for all of them.
 */
import { type Caller, CallAbortedError, ClusterUnreachableError } from "../client/index.js";
import { decodeTsaReply, encodeTsaOperation, TSA_SERVICE, type TsaReply } from "../services/tsa/index.js";

/** In one request; they have room in it, as long as they may be. */
export const MAX_GATHERED = 100;
/** That wait; the HTTP server has fewer connections. */
export const MAX_WAITING = 1024;

/** The replica is a client of its own cluster: what it asks, it asks of itself and of as few others as it takes. */
export const USUAL = { acknowledgements: "honest", fanout: "few" } as const;

/** A request that was ordered: where, and what the authority said. */
export interface Gathered {
  readonly sequence: number;
  readonly index: number;
  readonly reply: TsaReply;
}

interface Waiting {
  readonly request: Uint8Array;
  resolve(gathered: Gathered): void;
  reject(error: unknown): void;
}

export class Gathering {
  readonly #timeoutMs: number;
  #waiting: Waiting[] = [];
  #isUnderWay = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** @throws as `Caller.callAll`; ClusterUnreachableError when it takes too long, or too many wait */
  add(client: Pick<Caller, "callAll">, request: Uint8Array): Promise<Gathered> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= MAX_WAITING)
        return reject(new ClusterUnreachableError(`${MAX_WAITING} time-stamp requests wait already`, []));
      this.#waiting.push({ request, resolve, reject });
      if (!this.#isUnderWay) void this.#run(client);
    });
  }

  /** Never rejects. */
  async #run(client: Pick<Caller, "callAll">): Promise<void> {
    this.#isUnderWay = true;
    // Whatever else this turn of the event loop brings goes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, MAX_GATHERED);
      try {
        await this.#order(client, together);
      } catch (error) {
        for (const waiting of together) waiting.reject(error);
      }
    }
    this.#isUnderWay = false;
  }

  async #order(client: Pick<Caller, "callAll">, together: readonly Waiting[]): Promise<void> {
    const operations = together.map(({ request }) => encodeTsaOperation({ kind: "request", request }));
    const options = { ...USUAL, timeoutMs: this.#timeoutMs };
    const { sequence, replies } = await client.callAll(TSA_SERVICE, operations, options);
    for (const [index, waiting] of together.entries()) {
      const reply = replies[index];
      if (reply === undefined) waiting.reject(new CallAbortedError("its reply found no room"));
      else waiting.resolve({ sequence, index, reply: replyOf(reply) });
    }
  }
}

/** @throws Error for what an honest replica does not say: a defect */
export function replyOf(reply: Uint8Array): TsaReply {
  const decoded = decodeTsaReply(reply);
  if (!decoded.ok) throw new Error(`the time-stamping authority answers what is no reply: ${decoded.error}`);
  return decoded.value;
}
