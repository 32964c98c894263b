/**
 * A log and nothing else: takes any bytes, keeps how many operations there were, and replies with nothing. For those who want the
 * order alone, which the ledger has, and to measure what ordering costs without a service.
 */
import { decode, encode, struct, u64 } from "../../core/codec.js";
import type { Service } from "../service.js";

export const LOG = "log";

const NOTHING = new Uint8Array(0);

const stateCodec = struct({ operations: u64 });

export function createLog(): Service {
  let operations = 0;
  return {
    name: LOG,

    apply() {
      operations++;
      return NOTHING;
    },

    /** How many there were, whatever is asked. */
    query: () => encode(stateCodec, { operations }),

    snapshot: () => [encode(stateCodec, { operations })],

    restore(chunks) {
      const [chunk, ...others] = chunks;
      const state = chunk === undefined ? undefined : decode(stateCodec, chunk);
      if (state?.ok !== true || others.length > 0) throw new Error("the log's snapshot is none");
      operations = state.value.operations;
    },

    answerFrom: (chunk) => (decode(stateCodec, chunk).ok ? { answer: chunk.slice() } : undefined),
  };
}
