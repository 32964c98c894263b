/** What the page shows: a run with its diagram and logs; perhaps one from a file. */
import { concat, utf8 } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import type { Tag } from "../../core/tag.js";
import { DiagramRecorder } from "../../sim/diagram.js";
import type { SimEvent } from "../../sim/event.js";
import { LogRecorder } from "../../sim/log-recorder.js";
import { Run } from "../../sim/run.js";
import { type Recording, type SimulationOptions, replay } from "../../sim/simulation.js";
import { type TraceFile, formatTrace } from "../../sim/trace-file.js";

/** The first byte of a payload that the simulated service takes. */
const VALID = Uint8Array.of(1);

export type LinkState = "whole" | "slow" | "cut";

export class Session {
  readonly options: SimulationOptions;
  readonly run: Run;
  readonly channels: readonly Tag[];
  /** What the file says that comes of it. */
  readonly expected: Recording | undefined;
  readonly diagram = new DiagramRecorder();
  readonly logs = new LogRecorder();
  readonly counts = { sent: 0, received: 0, lost: 0, lies: 0, accusations: 0 };
  #steps = 0;

  /** @throws Error when there is no such run */
  constructor(options: SimulationOptions, expected?: Recording) {
    this.options = options;
    this.expected = expected;
    this.channels = options.channels ?? ["abc"];
    this.run = new Run(options, { script: expected?.actions, observe: this.#observe });
  }

  /** @throws Error when there is no such run */
  static ofTrace({ options, recording }: TraceFile): Session {
    return new Session(options, recording);
  }

  get steps(): number {
    return this.#steps;
  }

  get parties(): readonly PartyId[] {
    return this.run.world.group.parties;
  }

  /** Whether the onlooker may act. */
  get isOpen(): boolean {
    return this.run.phase !== "scripted" && this.run.error === undefined;
  }

  step(): boolean {
    this.#steps++;
    return this.run.step();
  }

  hand(party: PartyId, text: string): boolean {
    const [channel = "abc"] = this.channels;
    return this.run.act({ kind: "hand", party, channel, payload: concat(VALID, utf8(text)) });
  }

  linkState(a: PartyId, b: PartyId): LinkState {
    if (this.run.world.cuts.some(([from, to]) => (from === a && to === b) || (from === b && to === a))) return "cut";
    return this.run.isSlow(a, b) ? "slow" : "whole";
  }

  setLink(a: PartyId, b: PartyId, state: LinkState): void {
    this.run.slow(a, b, state === "slow");
    this.run.act({ kind: state === "cut" ? "cut" : "mend", from: a, to: b });
  }

  /** The run so far as a trace file; whoever replays it brings it to its end. */
  toTrace(): string {
    const { options } = this;
    return formatTrace({ options, recording: replay(options, this.run.actions) });
  }

  readonly #observe = (event: SimEvent): void => {
    this.diagram.observe(event);
    this.logs.observe(event);
    const { counts } = this;
    if (event.kind === "sent" || event.kind === "received" || event.kind === "lost") counts[event.kind]++;
    else if (event.kind === "attacked") counts.lies++;
    else if (event.kind === "accused") counts.accusations++;
  };
}
