/** A card for each party: what it is, what one can do to it, and its log. */
import { fromUtf8, toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import type { Tag } from "../../core/tag.js";
import type { Action } from "../../sim/action.js";
import { byId, make, setText } from "../common/dom.js";
import type { Session } from "./session.js";

interface LogView {
  readonly channel: Tag;
  readonly list: HTMLOListElement;
  readonly digest: HTMLElement;
}

interface Card {
  readonly party: PartyId;
  readonly element: HTMLElement;
  readonly heading: HTMLElement;
  readonly crash: HTMLButtonElement;
  readonly lie: HTMLButtonElement;
  readonly stop: HTMLButtonElement;
  readonly logs: readonly LogView[];
}

export class PartiesView {
  readonly #act: (action: Action) => void;
  readonly #container = byId("parties", HTMLElement);
  readonly #receiver = byId("receiver", HTMLSelectElement);
  #session: Session | undefined;
  #cards: readonly Card[] = [];

  constructor(act: (action: Action) => void) {
    this.#act = act;
  }

  show(session: Session): void {
    if (this.#session !== session) this.#begin(session);
    for (const card of this.#cards) update(card, session);
  }

  #begin(session: Session): void {
    this.#session = session;
    this.#cards = session.parties.map((party) => this.#card(party, session));
    this.#container.replaceChildren(...this.#cards.map(({ element }) => element));
    this.#receiver.replaceChildren(...session.parties.map((party) => make("option", {}, String(party))));
  }

  #card(party: PartyId, session: Session): Card {
    const heading = make("h3");
    const button = (text: string, action: () => Action): HTMLButtonElement => {
      const made = make("button", { type: "button" }, text);
      made.addEventListener("click", () => this.#act(action()));
      return made;
    };
    const crash = button("Crash", () => ({ kind: session.run.world.isUp(party) ? "crash" : "restart", party }));
    const lie = button("Lie", () => ({ kind: "corrupt", party }));
    lie.setAttribute("aria-label", `Make party ${party} lie`);
    const stop = button("Stop for ever", () => ({ kind: "stop", party }));
    stop.setAttribute("aria-label", `Stop party ${party} for ever`);
    const logs = session.channels.map((channel) => ({ channel, list: make("ol"), digest: make("p") }));
    const element = make(
      "article",
      { className: "party" },
      heading,
      make("div", { className: "row" }, crash, lie, stop),
    );
    for (const { channel, list, digest } of logs) {
      digest.className = "digest";
      list.tabIndex = 0;
      list.setAttribute("aria-label", `Log of party ${party}, channel ${channel}`);
      if (logs.length > 1) element.append(make("h4", {}, `channel ${channel}`));
      element.append(list, digest);
    }
    return { party, element, heading, crash, lie, stop, logs };
  }
}

function update({ party, element, heading, crash, lie, stop, logs }: Card, session: Session): void {
  const { world } = session.run;
  const isUp = world.isUp(party);
  const isStopped = world.isStopped(party);
  const isCorrupted = world.isCorrupted(party);
  const state = isStopped ? "stopped" : isUp ? (isCorrupted ? "lies" : "honest") : "down";
  element.dataset["state"] = state;
  setText(heading, `Party ${party}: ${state}${state === "down" && isCorrupted ? ", lies" : ""}`);
  setText(crash, isUp ? "Crash" : "Restart");
  crash.setAttribute("aria-label", `${isUp ? "Crash" : "Restart"} party ${party}`);
  crash.disabled = stop.disabled = !session.isOpen || isStopped;
  lie.disabled = !session.isOpen || isStopped || isCorrupted;
  for (const { channel, list, digest } of logs) {
    const entries = session.logs.of(party, channel);
    for (const { round, payload } of entries.slice(list.childElementCount))
      list.append(make("li", { title: `round ${round}` }, nameOf(payload)));
    const last = entries.at(-1);
    setText(digest, last === undefined ? "empty" : `digest ${toHex(last.digest.subarray(0, 8))}`);
  }
}

/** A payload is a byte that says it is valid, and a text; in other simulations more, that nobody can read. */
function nameOf(payload: Uint8Array): string {
  const content = payload.subarray(1);
  const end = content.findIndex((byte) => byte < 0x20);
  try {
    return end < 0 ? fromUtf8(content) : `${fromUtf8(content.subarray(0, end))}…`;
  } catch {
    // Random bytes follow the name.
    return `${String.fromCharCode(...content.filter((byte) => byte >= 0x20 && byte < 0x7f).subarray(0, 24))}…`;
  }
}
