/** One instance at one party: an engine with it alone, between the links and the caller's promise. */
import { Engine, type Channel, type Effect } from "../core/engine.js";
import type { Envelope } from "../core/envelope.js";
import type { Fault } from "../core/fault.js";
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { Protocol } from "../core/protocol.js";
import type { Suite } from "../core/suite.js";
import type { Tag } from "../core/tag.js";
import type { Agreement } from "./agreement.js";
import type { Links } from "./links.js";

export interface RunOptions<Input, Message, Decision> {
  readonly tag: Tag;
  readonly agreement: Agreement<Input, Message, Decision>;
  readonly input: Input;
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly suite: Suite;
  readonly links: Links;
  /** Once. */
  readonly onDecision: (decision: Decision) => void;
  /** This party cannot go on in the instance, and has not decided. */
  readonly onFailure: (error: Error) => void;
  readonly onAccusation: (party: PartyId, fault: Fault, tag: Tag) => void;
  /** A function of the caller's threw, or this party cannot go on although it has decided. */
  readonly onError: (error: unknown) => void;
}

const NO_PAYLOAD = new Uint8Array(0);

export class Run<Input, Message, Decision> {
  readonly #options: RunOptions<Input, Message, Decision>;
  readonly #engine: Engine<Message, Decision, undefined>;
  #isOver = false;
  #hasDecided = false;
  /** Whether a function of the caller's has thrown here: from then on what looks like a peer's fault may be its. */
  #hasThrown = false;

  constructor(options: RunOptions<Input, Message, Decision>) {
    const { tag, agreement, input, self, cluster, group, suite } = options;
    this.#options = options;
    const protocol = agreement.instance(input, (error) => {
      this.#hasThrown = true;
      options.onError(error);
    });
    // Nothing is known of an earlier process, which is why a party must not come back under the same tag.
    const signed = { get: () => undefined };
    this.#engine = new Engine({ self, cluster, group, suite, signed, channels: { [tag]: rootOf(protocol, input) } });
  }

  start(): void {
    const { tag } = this.#options;
    this.#step(() => this.#engine.start());
    this.#step(() => this.#engine.step({ kind: "submit", channel: tag, payload: NO_PAYLOAD }));
  }

  receive(from: PartyId, envelope: Envelope): void {
    this.#step(() => this.#engine.step({ kind: "message", from, envelope }));
  }

  /** Nothing is done or said any more. */
  end(): void {
    this.#isOver = true;
  }

  #step(run: () => readonly Effect<Decision>[]): void {
    if (this.#isOver) return;
    try {
      const effects = run();
      for (const effect of effects) this.#release(effect);
    } catch (error) {
      // The engine is of no use after that: for the others this party has crashed here.
      this.#isOver = true;
      if (this.#hasDecided) this.#options.onError(error);
      else this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #release(effect: Effect<Decision>): void {
    const { links, onAccusation } = this.#options;
    // The caller's predicate may have ended the instance meanwhile.
    if (this.#isOver) return;
    if (effect.kind === "send") links.send(effect.to, effect.envelope);
    else if (effect.kind === "output") this.#decide(effect.value);
    else if (effect.kind === "retire") links.retire(effect.tag);
    else if (effect.kind === "askRepeat") links.askRepeat(effect.of);
    else if (effect.kind === "accuse" && !this.#hasThrown) onAccusation(effect.party, effect.fault, effect.tag);
  }

  #decide(decision: Decision): void {
    if (this.#hasDecided) return;
    this.#hasDecided = true;
    this.#options.onDecision(decision);
  }
}

/** The engine's own inputs are bytes; that of the protocol, which has any type, comes at the first of them. */
function rootOf<Input, Message, Decision>(
  protocol: Protocol<Input, Message, Decision>,
  input: Input,
): Channel<Message, Decision, undefined> {
  return {
    message: protocol.message,
    start(scope) {
      const instance = protocol.start(scope);
      return {
        input: () => instance.input(input),
        receive: (from, message) => instance.receive(from, message),
        ...(instance.orphan && { orphan: (from, path, body) => instance.orphan?.(from, path, body) }),
        configure: () => undefined,
        clock: () => undefined,
        checkpoint: () => undefined,
        inspect: () => undefined,
      };
    },
  };
}
