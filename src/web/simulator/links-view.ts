/** A table with a button for each link. */
import type { PartyId } from "../../core/party-set.js";
import { byId, make, setText } from "../common/dom.js";
import type { LinkState, Session } from "./session.js";

const SIGNS: Readonly<Record<LinkState, string>> = { whole: "—", slow: "~", cut: "✕" };
const NEXT: Readonly<Record<LinkState, LinkState>> = { whole: "slow", slow: "cut", cut: "whole" };

interface Cell {
  readonly a: PartyId;
  readonly b: PartyId;
  readonly button: HTMLButtonElement;
}

export class LinksView {
  readonly #onChange: () => void;
  readonly #container = byId("links", HTMLElement);
  #session: Session | undefined;
  #cells: readonly Cell[] = [];

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  show(session: Session): void {
    if (this.#session !== session) this.#begin(session);
    for (const cell of this.#cells) update(cell, session);
  }

  #begin(session: Session): void {
    this.#session = session;
    const cells: Cell[] = [];
    const header = (party: PartyId): HTMLElement => make("th", {}, String(party));
    const rows = session.parties.slice(0, -1).map((a) => {
      const row = make("tr", {}, header(a));
      for (const b of session.parties.slice(1)) {
        const button = make("button", { type: "button" });
        button.addEventListener("click", () => this.#press(session, a, b));
        row.append(make("td", {}, ...(a < b ? [button] : [])));
        if (a < b) cells.push({ a, b, button });
      }
      return row;
    });
    const head = make("tr", {}, make("td"), ...session.parties.slice(1).map(header));
    this.#container.replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
    this.#cells = cells;
  }

  #press(session: Session, a: PartyId, b: PartyId): void {
    session.setLink(a, b, NEXT[session.linkState(a, b)]);
    this.#onChange();
  }
}

function update({ a, b, button }: Cell, session: Session): void {
  const state = session.linkState(a, b);
  setText(button, SIGNS[state]);
  button.dataset["state"] = state;
  button.setAttribute("aria-label", `Link ${a}–${b} is ${state}; make it ${NEXT[state]}`);
  button.disabled = !session.isOpen;
}
