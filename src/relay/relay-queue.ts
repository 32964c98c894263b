/**
 * Relayed frames that wait for one link, in one line for each origin: each origin has its own room, and lines take turns, so that who
 * floods crowds out nobody else. What has no room is dropped: its origin repeats it.
 */
import type { PartyId } from "../core/party-set.js";

/** Frames of one origin that wait for one link; a single larger one is let through. */
export const MAX_RELAY_LINE_BYTES = 4 * 1024 * 1024;

interface Line {
  readonly frames: Uint8Array[];
  sizeBytes: number;
}

export class RelayQueue {
  /** No line is empty. The next frame is the first line's. */
  readonly #lines = new Map<PartyId, Line>();

  /** `frame` was proved to be of `origin`. */
  put(origin: PartyId, frame: Uint8Array): void {
    const line = this.#lines.get(origin);
    if (line === undefined) {
      this.#lines.set(origin, { frames: [frame], sizeBytes: frame.length });
    } else if (line.sizeBytes + frame.length <= MAX_RELAY_LINE_BYTES) {
      line.frames.push(frame);
      line.sizeBytes += frame.length;
    }
  }

  take(): Uint8Array | undefined {
    for (const [origin, line] of this.#lines) {
      const frame = line.frames.shift();
      this.#lines.delete(origin);
      if (frame === undefined) continue;
      line.sizeBytes -= frame.length;
      // To the end of the turn.
      if (line.frames.length > 0) this.#lines.set(origin, line);
      return frame;
    }
    return undefined;
  }

  clear(): void {
    this.#lines.clear();
  }
}
