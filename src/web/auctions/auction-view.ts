/** One auction: its terms, count-down and bids, what this tab's client may do in it, and its outcome. */
import { toHex } from "../../core/bytes.js";
import { byId, make, setText } from "../common/dom.js";
import { getText } from "../common/api.js";
import { save } from "../common/files.js";
import { timeText } from "../common/format.js";
import { reasonOf, showProblem } from "../common/shell.js";
import type { Commander } from "./commands.js";
import { nameOf } from "./identity.js";
import { type Bid, type Shown, isSealedKind, showAuction } from "./state.js";
import { amountText, factsOf, leftText, refusalText, STAGE_TEXTS } from "./texts.js";
import { wholeOf } from "./terms-form.js";

const MAX_U32 = 0xffff_ffff;

export interface AuctionViewOptions {
  /** Undefined while there is no key. */
  commander(): Commander | undefined;
}

export class AuctionView {
  readonly #options: AuctionViewOptions;
  readonly #card = byId("auction-card", HTMLElement);
  readonly #form = byId("bid-form", HTMLFormElement);
  readonly #amount = byId("amount", HTMLInputElement);
  /** Of a tender's criteria; made when an auction is chosen. */
  #values: readonly HTMLInputElement[] = [];
  #chosen: number | undefined;
  #shown: Shown | undefined;
  /** The amounts that were bid in this tab, by auction and bid: nobody else knows them yet. */
  readonly #own = new Map<string, string>();

  constructor(options: AuctionViewOptions) {
    this.#options = options;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#act(() => this.#bid());
    });
    this.#onPress("withdraw", () => this.#say("withdraw", "Your bid is taken back."));
    this.#onPress("close", () => this.#say("close", "It is closed. The group opens the bids."));
    this.#onPress("award", () => this.#download());
    setInterval(() => this.#tick(), 500);
  }

  get chosen(): number | undefined {
    return this.#chosen;
  }

  async choose(auction: number): Promise<void> {
    this.#chosen = auction;
    this.#shown = undefined;
    this.#values = [];
    this.#amount.value = "";
    this.#note("");
    await this.refresh();
    byId("auction-title", HTMLElement).focus();
  }

  /** The key is another one, or gone. */
  forget(): void {
    this.#own.clear();
    if (this.#shown !== undefined) this.#show(this.#shown);
  }

  async refresh(): Promise<void> {
    const auction = this.#chosen;
    if (auction === undefined) return;
    const shown = await showAuction(auction);
    // Another one was chosen meanwhile.
    if (this.#chosen === auction) this.#show(shown);
  }

  #onPress(id: string, work: () => Promise<void>): void {
    byId(id, HTMLButtonElement).addEventListener("click", () => this.#act(work));
  }

  /** One thing at a time; what fails is said. */
  #act(work: () => Promise<void>): void {
    showProblem("");
    this.#note("");
    this.#card.toggleAttribute("aria-busy", true);
    for (const button of this.#card.querySelectorAll("button")) button.disabled = true;
    work()
      .then(() => this.refresh())
      .catch((error: unknown) => showProblem(refusalText(reasonOf(error))))
      .finally(() => {
        this.#card.toggleAttribute("aria-busy", false);
        for (const button of this.#card.querySelectorAll("button")) button.disabled = false;
      });
  }

  #note(text: string): void {
    setText(byId("said", HTMLElement), text);
  }

  async #bid(): Promise<void> {
    const [shown, commander] = [this.#shown, this.#options.commander()];
    if (shown === undefined || commander === undefined) return;
    const { auction, terms } = shown;
    const amount = wholeOf(this.#amount.value, "amount");
    const values = this.#values.map((input, index) => {
      const { name = "value", max = MAX_U32 } = terms.criteria[index] ?? {};
      return wholeOf(input.value, name, max);
    });
    const isSealed = isSealedKind(terms.kind);
    const bid = await commander.bid(auction, isSealed, { amount, values });
    this.#own.set(`${auction}/${bid}`, [amountText(amount, terms.unit), ...values].join(" · "));
    for (const input of [this.#amount, ...this.#values]) input.value = "";
    this.#note(isSealed ? `Bid ${bid} is in, and sealed.` : `Bid ${bid} is in.`);
  }

  async #say(kind: "withdraw" | "close", done: string): Promise<void> {
    const [shown, commander] = [this.#shown, this.#options.commander()];
    if (shown === undefined || commander === undefined) return;
    await commander.say(kind, shown.auction);
    this.#note(done);
  }

  async #download(): Promise<void> {
    const auction = this.#shown?.auction ?? 0;
    save(`auction-${auction}.award`, "application/json", await getText(`/v1/auctions/${auction}/award`));
  }

  #tick(): void {
    const { terms, stage } = this.#shown ?? {};
    const countDown = byId("count-down", HTMLElement);
    const isCounting = stage === "open" && terms?.closesAtMs !== undefined;
    countDown.hidden = !isCounting;
    if (isCounting) setText(countDown, leftText(terms.closesAtMs - Date.now()));
  }

  #show(shown: Shown): void {
    const isFirst = this.#shown === undefined;
    this.#shown = shown;
    this.#card.hidden = false;
    const { terms, stage, outcome } = shown;
    const [clients, own] = this.#names();
    const name = (key: string): string => nameOf(clients, key, own);
    setText(byId("auction-title", HTMLElement), `${shown.auction} · ${terms.title}`);
    const pill = byId("auction-stage", HTMLElement);
    setText(pill, STAGE_TEXTS[stage] ?? stage);
    pill.className = `pill ${stage === "open" ? "good" : stage === "opening" ? "warn" : ""}`;
    if (isFirst) this.#showTerms(shown, name);
    const decided = byId("outcome", HTMLElement);
    decided.hidden = stage !== "decided";
    if (stage === "decided") setText(decided, outcomeText(shown, outcome, name));
    this.#showBids(shown, name);
    this.#showActions(shown, own);
    this.#tick();
  }

  #names(): readonly [clients: readonly string[], own: string | undefined] {
    const identity = this.#options.commander()?.identity;
    return [identity?.clients ?? [], identity && toHex(identity.publicKey)];
  }

  #showTerms({ terms, owner }: Shown, name: (key: string) => string): void {
    const facts: (readonly [string, string])[] = [...factsOf(terms, name(owner))];
    if (terms.closesAtMs !== undefined) facts.push(["Closes at", timeText(terms.closesAtMs)]);
    const items = facts.flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, text)]);
    byId("auction-facts", HTMLElement).replaceChildren(...items);
    setText(
      byId("amount-label", HTMLElement),
      `${terms.kind === "tender" ? "Price" : "Amount"}${terms.unit && `, ${terms.unit}`}`,
    );
    for (const input of this.#values) input.closest("label")?.remove();
    this.#values = terms.criteria.map(({ name: criterion, max }) => {
      const input = make("input", {
        type: "text",
        inputMode: "numeric",
        pattern: "[0-9]{1,10}",
        required: true,
        autocomplete: "off",
      });
      byId("bid-fields", HTMLElement).append(
        make("label", { className: "field" }, make("span", {}, `${criterion}, up to ${max}`), input),
      );
      return input;
    });
    const isSealed = isSealedKind(terms.kind);
    setText(byId("bid-button", HTMLButtonElement), isSealed ? "Encrypt and bid" : "Bid in the open");
    const note = isSealed
      ? "Encrypted in this tab for this auction and your key alone. Only the ciphertext is sent."
      : "Bids here are for everybody to see, at once.";
    setText(byId("bid-note", HTMLElement), note);
  }

  #showBids({ auction, bids, terms }: Shown, name: (key: string) => string): void {
    const items = bids.map((bid) =>
      make(
        "li",
        {},
        make("span", { className: "number" }, String(bid.bid)),
        make("span", {}, name(bid.bidder)),
        ...(bid.standing === "standing" ? [] : [make("span", { className: "pill" }, bid.standing)]),
        amountElement(bid, terms.unit, this.#own.get(`${auction}/${bid.bid}`)),
      ),
    );
    const list = byId("bids", HTMLElement);
    // Written anew only when something changed: a selection in it would be lost.
    const before = [...list.children].map(({ textContent }) => textContent).join("\n");
    if (items.map(({ textContent }) => textContent).join("\n") !== before) list.replaceChildren(...items);
    byId("no-bids", HTMLElement).hidden = bids.length > 0;
  }

  #showActions({ stage, owner, bids, terms }: Shown, own: string | undefined): void {
    const isOpen = stage === "open";
    const isOwner = own === owner;
    const isBook = terms.kind === "book";
    this.#form.hidden = !isOpen || own === undefined || isOwner || isBook;
    const hasBid = bids.some(({ bidder, standing }) => bidder === own && standing === "standing");
    byId("withdraw", HTMLElement).hidden = !(hasBid && terms.mayWithdraw);
    setText(byId("bid-heading", HTMLElement), hasBid ? "Bid again, in place of your bid" : "Your bid");
    byId("close", HTMLElement).hidden = !(isOpen && isOwner && terms.closesAtMs === undefined);
    byId("award", HTMLElement).hidden = stage !== "decided";
    const why = isBook
      ? "Order books are traded in by the command line: abcast book."
      : own === undefined && isOpen
        ? "To bid, open your client’s file."
        : isOwner && isOpen
          ? "You began this auction, so you cannot bid in it."
          : "";
    setText(byId("who-may", HTMLElement), why);
  }
}

function amountElement({ amount, values, standing }: Bid, unit: string, own: string | undefined): HTMLElement {
  if (amount !== undefined)
    return make("span", { className: "amount" }, [amountText(amount, unit), ...values].join(" · "));
  const sealed = standing === "standing" ? "sealed" : "never opened";
  return make("span", { className: "amount gone" }, own === undefined ? sealed : `${sealed}; you bid ${own}`);
}

function outcomeText({ bids, terms }: Shown, outcome: Shown["outcome"], name: (key: string) => string): string {
  const winner = bids.find(({ bid }) => bid === outcome?.bid);
  if (outcome === undefined || winner === undefined) return "Nobody won: no bid could.";
  const who = name(winner.bidder);
  const verb = terms.kind === "tender" ? (who === "you" ? "are paid" : "is paid") : who === "you" ? "pay" : "pays";
  return `${who === "you" ? "You" : who} won with bid ${outcome.bid}, and ${verb} ${amountText(outcome.price, terms.unit)}.`;
}
