/** An instance that only speaks: what it says has a tag of its own, by which it can be retired. */
import type { Codec } from "../../core/codec.js";
import type { PartyId } from "../../core/party-set.js";
import type { Protocol } from "../../core/protocol.js";

/** Says `messages` to each of `to` as it starts, and is then to be closed. */
export function saying<Message>(
  message: Codec<Message>,
  messages: readonly Message[],
  to: readonly PartyId[],
): Protocol<never, Message, never> {
  return {
    message,
    start: (scope) => {
      for (const one of messages) for (const party of to) scope.send(party, one);
      return { input: () => undefined, receive: (from) => scope.accuse(from, "unknown-instance") };
    },
  };
}
