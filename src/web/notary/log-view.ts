/** The order as it grows: the latest entries, and each new one as the replica tells it. */
import { getJson, listIn, numberIn, stringIn } from "../common/api.js";
import { byId, make, setText } from "../common/dom.js";
import { shortHex, shortTimeText } from "../common/format.js";

/** Entries that are shown. */
const SHOWN = 12;
/** Numbers that are looked through for those at the beginning: other services have numbers, too. */
const LOOKED_BACK = 200;
const RETRY_MS = 5_000;

interface Entry {
  readonly sequence: number;
  /** Which of those with this number. */
  readonly index: number;
  readonly digest: string;
  readonly round: number;
  readonly timeMs: number | undefined;
}

export class LogView {
  readonly #list = byId("log", HTMLOListElement);
  readonly #empty = byId("log-empty", HTMLElement);
  readonly #live = byId("live", HTMLElement);
  readonly #own = new Set<string>();
  /** The last one that was shown: after a new connection some come again. */
  #last: Pick<Entry, "sequence" | "index"> = { sequence: 0, index: 0 };

  /** Never rejects. A stream that breaks off the browser opens again, from where it was; one that is refused comes later. */
  async follow(): Promise<void> {
    const events = new EventSource(`/v1/events?from=${await this.#beginning()}`);
    events.addEventListener("open", () => this.#tell("live", "good"));
    events.addEventListener("entry", ({ data }: MessageEvent<unknown>) => this.#take(entryOf(data)));
    events.addEventListener("error", () => {
      this.#tell("connecting", "warn");
      if (events.readyState === EventSource.CLOSED) setTimeout(() => void this.follow(), RETRY_MS);
    });
  }

  /** A document of the user's own, which the list marks. */
  mark(digest: string): void {
    this.#own.add(digest);
    for (const item of this.#list.children) {
      if (item instanceof HTMLElement && item.title === digest) item.classList.add("own");
    }
  }

  async #beginning(): Promise<number> {
    if (this.#last.sequence > 0) return this.#last.sequence;
    try {
      const status = await getJson("/v1/status");
      const numbers = listIn(status, "parties").map((party) => numberIn(party, "sequence") ?? 0);
      return Math.max(1, ...numbers.map((number) => number - LOOKED_BACK));
    } catch {
      // The stream will tell that the replica does not answer.
      return 1;
    }
  }

  #take(entry: Entry | undefined): void {
    const { sequence, index } = this.#last;
    if (entry === undefined || entry.sequence < sequence) return;
    if (entry.sequence === sequence && entry.index <= index) return;
    this.#last = entry;
    this.#empty.hidden = true;
    this.#list.prepend(this.#item(entry));
    while (this.#list.children.length > SHOWN) this.#list.lastElementChild?.remove();
  }

  #item({ sequence, digest, round, timeMs }: Entry): HTMLLIElement {
    const number = make("span", { className: "number" }, String(sequence));
    const when = [`round ${round}`, shortTimeText(timeMs)].filter((part) => part !== "").join(" · ");
    const text = make("span", {}, make("span", { className: "mono" }, shortHex(digest)));
    text.append(make("span", { className: "faint small when" }, when));
    const own = this.#own.has(digest) ? " own" : "";
    return make("li", { className: `fresh${own}`, title: digest }, number, text);
  }

  #tell(state: string, tone: string): void {
    this.#live.className = `pill ${tone}`;
    setText(this.#live, state);
  }
}

/** Of the text of an event; undefined when it is none. */
function entryOf(data: unknown): Entry | undefined {
  let value: unknown;
  try {
    value = typeof data === "string" ? JSON.parse(data) : undefined;
  } catch {
    return undefined;
  }
  const sequence = numberIn(value, "sequenceNumber");
  const digest = stringIn(value, "digest");
  if (sequence === undefined || digest === undefined) return undefined;
  const [index = 0, round = 0, timeMs] = [numberIn(value, "index"), numberIn(value, "round"), numberIn(value, "time")];
  return { sequence, index, digest, round, timeMs };
}
