/** Listens to a run, and has each party's log: what it delivered, in order, with the digest that replicas show of theirs. */
import { sha256 } from "@noble/hashes/sha2.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import { EMPTY_LOG_DIGEST, extendLogDigest } from "../replica/log-digest.js";
import type { SimEvent } from "./event.js";

export interface LogEntry {
  readonly round: number;
  readonly payload: Uint8Array;
  /** Of the log up to here, 32 bytes. */
  readonly digest: Uint8Array;
}

export class LogRecorder {
  readonly #logs = new Map<string, LogEntry[]>();

  readonly observe = (event: SimEvent): void => {
    if (event.kind !== "delivered") return;
    const log = this.#log(event.party, event.channel);
    const { round, payloads } = event.value;
    for (const payload of payloads) {
      const previous = log.at(-1)?.digest ?? EMPTY_LOG_DIGEST;
      const digest = extendLogDigest(sha256, previous, { sequence: log.length + 1, round, digest: sha256(payload) });
      log.push({ round, payload, digest });
    }
  };

  of(party: PartyId, channel: Tag): readonly LogEntry[] {
    return this.#log(party, channel);
  }

  #log(party: PartyId, channel: Tag): LogEntry[] {
    const name = `${party} ${channel}`;
    const log = this.#logs.get(name) ?? [];
    this.#logs.set(name, log);
    return log;
  }
}
