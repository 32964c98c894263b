/**
 * Feeds inputs to the execution, with those that they call for, and keeps their encodings for the log, and what they led to: what
 * the next commit is made of.
 */
import { type Pieces, sizeOfPieces } from "../core/bytes.js";
import type { Input } from "../core/engine.js";
import type { Tag } from "../core/tag.js";
import { type Consequences, type Execution, hasAny, newConsequences } from "./execution.js";
import { encodeInput } from "./input-log.js";

/** So much may wait for a commit that others have to wait for. */
const MAX_IDLE_INPUTS = 64;
const MAX_IDLE_BYTES = 128 * 1024;

export class Taker {
  readonly inputs: Pieces[] = [];
  readonly consequences: Consequences;
  readonly #channel: Tag;
  readonly #execution: Execution;
  readonly #lastInput: number;
  #sizeBytes = 0;

  /** `lastInput`: the number of the last input that the log has. */
  constructor(channel: Tag, execution: Execution, lastInput: number, consequences = newConsequences()) {
    this.#channel = channel;
    this.#execution = execution;
    this.consequences = consequences;
    this.#lastInput = lastInput;
  }

  /**
   * Whether nobody waits for its commit: it has inputs, few, which led to nothing that anybody else will see, such as a vote that
   * completes no quorum. They may go into the log with later ones: a crash that loses them loses what was never acknowledged.
   */
  get isIdle(): boolean {
    const { length } = this.inputs;
    return length > 0 && length <= MAX_IDLE_INPUTS && this.#sizeBytes <= MAX_IDLE_BYTES && !hasAny(this.consequences);
  }

  take(input: Input): void {
    this.#step(input);
    const { due } = this.consequences;
    for (let next = due[0]; next !== undefined; next = due[0])
      this.#step({ kind: "checkpoint", channel: this.#channel, ...next });
  }

  #step(input: Input): void {
    const encoded = encodeInput(input);
    this.inputs.push(encoded);
    this.#sizeBytes += sizeOfPieces(encoded);
    this.#execution.step(this.consequences, input, this.#lastInput + this.inputs.length);
  }
}
