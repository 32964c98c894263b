/** A courier whose direct links take everything at once: for hosts without connections, such as the simulator. */
import { concat } from "../core/bytes.js";
import { decode } from "../core/codec.js";
import type { PartyId } from "../core/party-set.js";
import { type Line, isItem, peerFrameCodec } from "../wire/peer-frames.js";
import { Courier, type CourierOptions, type Received } from "./courier.js";

export interface PostOptions extends Omit<CourierOptions, "relay" | "acknowledge"> {
  /** Greater than in every earlier run of this party; 1 or more. */
  readonly run: number;
  /** Puts a frame on the link to `to`, which may delete it for ever. */
  send(to: PartyId, frame: Uint8Array): void;
}

export class Post {
  readonly courier: Courier;
  readonly #options: PostOptions;
  /** Per peer, the last items sent on the direct link. */
  readonly #cursors = new Map<PartyId, Record<Line, number>>();

  constructor(options: PostOptions) {
    this.#options = options;
    this.courier = new Courier({
      ...options,
      relay: (neighbour, _origin, frame) => options.send(neighbour, frame),
      acknowledge: (peer, frame) => options.send(peer, frame),
    });
    this.courier.begin(options.run);
  }

  /** Sends what is new on the direct links; to be called after each call of the courier. */
  flush(): void {
    for (const to of this.#options.parties) {
      if (to === this.#options.self) continue;
      const cursors = this.#cursors.get(to) ?? { prompt: 0, bulk: 0 };
      this.#cursors.set(to, cursors);
      for (const line of ["prompt", "bulk"] as const) {
        for (;;) {
          const next = this.courier.nextAfter(to, cursors[line], line);
          if (next === undefined) break;
          cursors[line] = next.number;
          this.#options.send(to, concat(...next.frame));
        }
      }
    }
  }

  /** A frame of the neighbour `from`, which is in its run `run`. */
  receive(from: PartyId, run: number, bytes: Uint8Array): Received {
    const frame = decode(peerFrameCodec, bytes);
    if (!frame.ok) return blame(from, "malformed-relay");
    const { value } = frame;
    if (isItem(value)) return this.courier.hear(from, run, value, bytes.length);
    if (value.kind === "relay") return this.courier.relayed(from, value, bytes);
    if (value.kind !== "heard") return blame(from, "malformed-relay");
    const fault = this.courier.heard(from, value);
    return fault === undefined ? { from, envelopes: [], state: [] } : blame(from, fault);
  }
}

function blame(party: PartyId, fault: NonNullable<Received["accused"]>["fault"]): Received {
  return { from: party, envelopes: [], state: [], accused: { party, fault } };
}
