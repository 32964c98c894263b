/** What a peer may bring into the log: messages that can matter, and of them so many bytes between two decisions. */
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";

export class PeerQuota {
  readonly #channel: Tag;
  readonly #quotaBytes: number;
  /** Since the last decision. */
  readonly #usedBytes = new Map<PartyId, number>();

  constructor({ channel, quotaBytes }: { readonly channel: Tag; readonly quotaBytes: number }) {
    this.#channel = channel;
    this.#quotaBytes = quotaBytes;
  }

  /** Rounds were decided. */
  renew(): void {
    this.#usedBytes.clear();
  }

  /**
   * Why the message must not go into the log; undefined when it may, and is charged to `from`. "late": its round is over here.
   * `servedFrom`: the earliest round in which messages are still answered.
   */
  refusal(
    from: PartyId,
    { tag, body }: Envelope,
    servedFrom: number,
  ): "unknown-instance" | "late" | "flood" | undefined {
    const [channel, segment] = tag.split("/");
    if (channel !== this.#channel) return "unknown-instance";
    if (Number(segment) < servedFrom) return "late";
    const usedBytes = (this.#usedBytes.get(from) ?? 0) + tag.length + body.length;
    if (usedBytes > this.#quotaBytes) return "flood";
    this.#usedBytes.set(from, usedBytes);
    return undefined;
  }
}
