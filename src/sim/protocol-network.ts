/** A network whose parties run one protocol, as the only child of a root channel, under the tag `root/p`. */
import { type Codec, decode, encode, struct, u32 } from "../core/codec.js";
import { type Channel, statement } from "../core/engine.js";
import type { PartyId } from "../core/party-set.js";
import type { Child, Protocol } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";
import { CLUSTER, Network, type NetworkOptions } from "./network.js";

const noMessage = struct({});

export class ProtocolNetwork<I, M, O> extends Network<O, undefined> {
  readonly tag: Tag = "root/p";
  readonly #protocol: Protocol<I, M, O>;
  readonly #inputs: I[];

  constructor(options: NetworkOptions, protocol: Protocol<I, M, O>) {
    const inputs: I[] = [];
    super(options, () => ({ root: onlyChild(protocol, inputs) }));
    this.#protocol = protocol;
    this.#inputs = inputs;
  }

  input(party: PartyId, value: I): void {
    this.#inputs.push(value);
    this.step(party, { kind: "submit", channel: "root", payload: encode(u32, this.#inputs.length - 1) });
  }

  /** What a signature in the protocol covers, or in its descendant `below`. */
  statement(purpose: string, body: Uint8Array, below?: string): Uint8Array {
    return statement(CLUSTER, this.#below(below), purpose, body);
  }

  #below(below?: string): Tag {
    return below === undefined ? this.tag : `${this.tag}/${below}`;
  }

  /** `to` receives `message` of `from` now. */
  tell(from: PartyId, to: PartyId, message: M): void {
    this.deliver(from, to, { tag: this.tag, body: encode(this.#protocol.message, message) });
  }

  tellBelow<T>(from: PartyId, to: PartyId, below: string, codec: Codec<T>, message: T): void {
    this.deliver(from, to, { tag: this.#below(below), body: encode(codec, message) });
  }

  messages(from: PartyId, to?: PartyId): readonly M[] {
    return this.said(from, this.tag, this.#protocol.message, to);
  }

  messagesBelow<T>(from: PartyId, below: string, codec: Codec<T>, to?: PartyId): readonly T[] {
    return this.said(from, this.#below(below), codec, to);
  }
}

/** The root channel: a payload is the index of an input for its only child. */
export function onlyChild<I, M, O>(protocol: Protocol<I, M, O>, inputs: readonly I[]): Channel<object, O, undefined> {
  return {
    message: noMessage,
    start: (scope) => {
      const child: Child<I> = scope.spawn("p", protocol, (output) => scope.output(output));
      return {
        input: (payload) => {
          const index = decode(u32, payload);
          const value = index.ok ? inputs[index.value] : undefined;
          if (value !== undefined) child.input(value);
        },
        receive: (from) => scope.accuse(from, "malformed-message"),
        configure: () => undefined,
        clock: () => undefined,
        checkpoint: () => undefined,
        inspect: () => undefined,
      };
    },
  };
}
