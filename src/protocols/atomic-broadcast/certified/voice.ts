/**
 * What this party says of one batch. It has a tag of its own, so that it can be retired, and no instance that lives: what others say of
 * it comes to the channel, which has the whole lane. Nothing is said to oneself.
 */
import type { PartyId } from "../../../core/party-set.js";
import type { Protocol, Scope } from "../../../core/protocol.js";
import { BATCH, type LaneMessage, type Place, lanePath, laneMessageCodec } from "./messages.js";

type LaneScope = Scope<LaneMessage, never>;

export class Voice {
  readonly #scope: Scope<never, never>;

  constructor(scope: Scope<never, never>) {
    this.#scope = scope;
  }

  /** To all others. */
  announce(lane: PartyId, height: number, message: LaneMessage): void {
    const isBulk = message.kind === "batch";
    this.#within(lane, height, (scope) => scope.announce(message, { isBulk }));
  }

  /** Signs that the whole lane from the last cut to this place is stored here, and tells its owner. */
  acknowledge(lane: PartyId, { height, digest }: Place): Uint8Array {
    return this.#within(lane, height, (scope) => {
      const share = scope.endorse("broadcast", BATCH, BATCH, digest);
      if (lane !== scope.self) scope.send(lane, { kind: "share", share });
      return share;
    });
  }

  #within<Result>(lane: PartyId, height: number, speak: (scope: LaneScope) => Result): Result {
    const said: Result[] = [];
    const protocol: Protocol<never, LaneMessage, never> = {
      message: laneMessageCodec,
      start: (scope) => {
        said.push(speak(scope));
        return { input: () => undefined, receive: (from) => scope.accuse(from, "unknown-instance") };
      },
    };
    this.#scope.spawn(lanePath(lane, height), protocol, () => undefined).close();
    return said[0] as Result;
  }
}
