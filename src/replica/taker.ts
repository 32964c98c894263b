/** Feeds a batch of inputs to the execution, with those that they call for, and keeps their encodings for the log. */
import type { Input } from "../core/engine.js";
import type { Tag } from "../core/tag.js";
import type { Consequences, Execution } from "./execution.js";
import { encodeInput } from "./input-log.js";

export class Taker {
  readonly inputs: Uint8Array[] = [];
  readonly #channel: Tag;
  readonly #execution: Execution;
  readonly #consequences: Consequences;
  readonly #lastInput: number;

  /** `lastInput`: the number of the last input that the log has. */
  constructor(channel: Tag, execution: Execution, consequences: Consequences, lastInput: number) {
    this.#channel = channel;
    this.#execution = execution;
    this.#consequences = consequences;
    this.#lastInput = lastInput;
  }

  take(input: Input): void {
    this.#step(input);
    const { due } = this.#consequences;
    for (let next = due[0]; next !== undefined; next = due[0])
      this.#step({ kind: "checkpoint", channel: this.#channel, ...next });
  }

  #step(input: Input): void {
    this.inputs.push(encodeInput(input));
    this.#execution.step(this.#consequences, input, this.#lastInput + this.inputs.length);
  }
}
