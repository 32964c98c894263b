/**
 * What a party needs of its links to the others, as a port. Implementations: `memory-links.ts`, and `tls-links.ts` with mutual TLS 1.3.
 *
 * The protocols assume authenticated links on which nothing is lost between honest parties: so a link keeps what was said, and
 * says it again on request, until it is retired.
 */
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";

/** What a peer can do wrong on a link, besides the faults of the protocols. */
export type LinkFault =
  /** Bytes that are no frame. */
  | "malformed-frame"
  /** A frame that has no place here, such as anything before the greeting. */
  | "unexpected-frame"
  | "wrong-version"
  | "wrong-cluster"
  /** It claims to have heard what was never said. */
  | "impossible-resume";

export interface LinkHandlers {
  /** `from` is authenticated. What the envelope has may be any bytes. */
  onMessage(from: PartyId, envelope: Envelope): void;
  /** `party` did on its link what no honest party does. */
  onFault(party: PartyId, fault: LinkFault): void;
}

export interface Links {
  /** From now on what peers say is handed on. @throws LinksError when it is called again: links are one party's */
  open(handlers: LinkHandlers): void;
  /** Keeps `envelope`, and gets it to `to` as soon as that can be. MUST NOT call a handler before it returns. */
  send(to: PartyId, envelope: Envelope): void;
  /** What was said within `tag` need not be said any more. */
  retire(tag: Tag): void;
  /** `from` is to say again all that it has said and not retired. */
  askRepeat(from: PartyId): void;
  /** Nothing is said or handed on from here on. */
  close(): Promise<void>;
}
