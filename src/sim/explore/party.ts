/**
 * One honest party with the production engine, whose instances the explorer can look into. Engines cannot be copied: a state is
 * reached by giving a new engine the same inputs again.
 */
import { encode, u32 } from "../../core/codec.js";
import { type Effect, Engine, statement } from "../../core/engine.js";
import type { Envelope } from "../../core/envelope.js";
import type { Group } from "../../core/group.js";
import type { PartyId } from "../../core/party-set.js";
import type { Protocol } from "../../core/protocol.js";
import type { Suite } from "../../core/suite.js";
import type { Tag } from "../../core/tag.js";
import { CLUSTER } from "../network.js";
import { onlyChild } from "../protocol-network.js";

export const TAG: Tag = "root/p";

/** What a party is given: its own input, or a message. */
export type Given<I> =
  | { readonly kind: "input"; readonly value: I }
  | { readonly kind: "message"; readonly from: PartyId; readonly envelope: Envelope };

export interface PartyOptions<I, M, O> {
  readonly self: PartyId;
  readonly group: Group;
  readonly suite: Suite;
  readonly protocol: Protocol<I, M, O>;
}

/** The statement that a signature in the protocol covers, or in its descendant `below`. */
export function statementOf(purpose: string, body: Uint8Array, below?: string): Uint8Array {
  return statement(CLUSTER, below === undefined ? TAG : `${TAG}/${below}`, purpose, body);
}

export class Party<I, M, O> {
  /** The protocol's instance and all below it, by tag. */
  readonly instances = new Map<Tag, object>();
  readonly #engine: Engine<object, O, undefined>;
  readonly #inputs: I[] = [];

  constructor({ self, group, suite, protocol }: PartyOptions<I, M, O>) {
    const root = onlyChild(observed(protocol, this.instances), this.#inputs);
    this.#engine = new Engine({
      self,
      cluster: CLUSTER,
      group,
      suite,
      signed: { get: () => undefined },
      channels: { root },
    });
    this.#engine.start();
  }

  /** @throws InvariantError when the party is broken */
  give(given: Given<I>): readonly Effect<O>[] {
    if (given.kind === "message") return this.#engine.step(given);
    this.#inputs.push(given.value);
    return this.#engine.step({ kind: "submit", channel: "root", payload: encode(u32, this.#inputs.length - 1) });
  }
}

/** The same protocol; each instance that starts, of it or below it, is noted in `instances`. */
function observed<I, M, O>(protocol: Protocol<I, M, O>, instances: Map<Tag, object>): Protocol<I, M, O> {
  return {
    message: protocol.message,
    start: (scope) => {
      const instance = protocol.start({
        ...scope,
        spawn: (key, child, onOutput) => scope.spawn(key, observed(child, instances), onOutput),
      });
      instances.set(scope.tag, instance);
      return instance;
    },
  };
}
