/** What the checkers say, where the run stands, and what it cost. */
import { byId, make, setText } from "../common/dom.js";
import type { Session } from "./session.js";

const TOO_MANY = "More parties fail than the group tolerates: nothing is promised.";

export class VerdictView {
  readonly #verdict = byId("verdict", HTMLElement);
  readonly #status = byId("status", HTMLElement);
  readonly #trace = byId("trace", HTMLElement);
  readonly #counters = byId("counters", HTMLElement);

  show(session: Session, isPlaying: boolean): void {
    const { kind, text } = verdictOf(session);
    this.#verdict.dataset["verdict"] = kind;
    setText(this.#verdict, text);
    setText(this.#status, statusOf(session, isPlaying));
    setText(this.#trace, traceOf(session));
    this.#count(session);
  }

  #count({ run, steps, counts }: Session): void {
    const rows = Object.entries({
      steps,
      rounds: run.world.checkers.rounds,
      payloads: run.world.checkers.payloads,
      "under way": run.world.flights.length,
      ...counts,
      KiB: Math.ceil(run.world.bytes / 1024),
    });
    while (this.#counters.childElementCount < rows.length)
      this.#counters.append(make("div", {}, make("dt"), make("dd")));
    for (const [index, [name, count]] of rows.entries()) {
      const [term, value] = this.#counters.children[index]?.children ?? [];
      if (term !== undefined) setText(term, name);
      if (value !== undefined) setText(value, String(count));
    }
  }
}

interface Verdict {
  readonly kind: "violation" | "equal" | "so-far";
  readonly text: string;
}

function verdictOf({ run }: Session): Verdict {
  const { failure, phase, world } = run;
  const warning = run.isTolerated ? "" : ` ${TOO_MANY}`;
  if (failure !== undefined) return { kind: "violation", text: `Violation of ${failure.message}.${warning}` };
  const { payloads, rounds } = world.checkers;
  if (phase !== "over") return { kind: "so-far", text: `The honest logs are equal so far.${warning}` };
  const text = `The honest logs are equal: ${payloads} payloads in ${rounds} rounds. Every property holds.${warning}`;
  return { kind: "equal", text };
}

function statusOf({ run, expected, steps }: Session, isPlaying: boolean): string {
  if (run.phase === "over") return "The run is over. Whatever you do goes on with it.";
  if (run.waitsForMending) {
    return "Nothing is under way: the run waits for what is down or cut. Mend it, or go on: then everything is mended, and the run ends.";
  }
  if (run.phase === "scripted") return `Replays a file: action ${steps} of ${expected?.actions.length ?? 0}.`;
  if (run.phase === "mending") return "Everything was mended; messages only arrive, until nothing is left to do.";
  return isPlaying ? "Running." : steps === 0 ? "Ready." : "Paused.";
}

function traceOf({ run, expected }: Session): string {
  if (run.phase !== "over") return expected === undefined ? "" : `The file says: trace SHA-256 ${expected.traceSha256}`;
  const own = run.world.traceSha256;
  if (expected === undefined) return `Trace SHA-256 ${own}`;
  return own === expected.traceSha256
    ? `Trace SHA-256 ${own}, as the file says`
    : `Trace SHA-256 ${own}; the file says ${expected.traceSha256}`;
}
