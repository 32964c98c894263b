/** What the group signs for requests of several operations, as far as the service has such a statement of its own. */
import type { AttachedStatement, Service } from "../../services/service.js";
import { decodeReplies } from "../../wire/replies.js";
import type { Outcome } from "../machine/types.js";

export const NO_ATTACHMENT = new Uint8Array();

/** Of a request with several operations; undefined when the service has none, or has it no more. */
export function sharedStatement(
  service: Service | undefined,
  { action, sequence }: Outcome,
  reply: Uint8Array,
): AttachedStatement | undefined {
  const replies = action === "calls" && service?.shared !== undefined ? decodeReplies(reply) : undefined;
  return replies?.ok === true ? service?.shared?.ofRequest(sequence, replies.value) : undefined;
}
