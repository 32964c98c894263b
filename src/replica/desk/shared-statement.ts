/** What the group signs for requests of several operations, as far as the service has such a statement of its own. */
import type { Service } from "../../services/service.js";
import { decodeReplies } from "../../wire/replies.js";
import type { Outcome } from "../machine/types.js";

export const NO_ATTACHMENT = new Uint8Array();

/** Of a request with several operations; empty when the service has none, or has it no more. */
export function attachmentOf(
  service: Service | undefined,
  { action, sequence }: Outcome,
  reply: Uint8Array,
): Uint8Array {
  const replies = action === "calls" && service?.shared !== undefined ? decodeReplies(reply) : undefined;
  if (replies?.ok !== true) return NO_ATTACHMENT;
  return service?.shared?.attachment(sequence, replies.value) ?? NO_ATTACHMENT;
}

export function sharedStatement(
  service: Service | undefined,
  reply: Uint8Array,
  attachment: Uint8Array,
): Uint8Array | undefined {
  const replies = decodeReplies(reply);
  if (attachment.length === 0 || !replies.ok) return undefined;
  return service?.shared?.statement(replies.value, attachment);
}
