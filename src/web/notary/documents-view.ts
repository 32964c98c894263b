/** The user's documents: each is hashed here, ordered by the group, and has its receipt and time stamps to download. */
import { toHex } from "../../core/bytes.js";
import { type Receipt, type VerificationKey, parseReceipt, verifyReceipt } from "../../verify/index.js";
import { postBytes, postJson } from "../common/api.js";
import { byId, make, setText } from "../common/dom.js";
import { save } from "../common/files.js";
import { sizeText, timeText } from "../common/format.js";
import { reasonOf } from "../common/shell.js";
import { digestOf } from "./hashing.js";
import { genTimeMs, readTimeStamp, timeStampQuery } from "./time-stamp.js";

const NONCE_BYTES = 16;

export interface DocumentsOptions {
  /** The cluster's key, as this replica tells it. */
  key(): Promise<VerificationKey>;
  /** The group has given this document a number. */
  onOrdered(digest: string): void;
}

/** One after the other, so that many large files do not crowd each other. */
export class DocumentsView {
  readonly #options: DocumentsOptions;
  readonly #list = byId("document-list", HTMLOListElement);
  readonly #said = byId("said", HTMLElement);
  #last: Promise<void> = Promise.resolve();

  constructor(options: DocumentsOptions) {
    this.#options = options;
  }

  add(files: readonly File[]): void {
    for (const file of files) {
      const card = new DocumentCard(file, this.#options, (text) => setText(this.#said, text));
      this.#list.prepend(card.element);
      this.#last = this.#last.then(() => card.notarise());
    }
  }
}

class DocumentCard {
  readonly element: HTMLLIElement;
  readonly #file: File;
  readonly #options: DocumentsOptions;
  readonly #say: (text: string) => void;
  readonly #state = make("span", { className: "pill" }, "waiting");
  readonly #bar = make("span");
  readonly #meter = make("div", { className: "meter" }, this.#bar);
  readonly #digest = make("p", { className: "digest mono" });
  readonly #facts = make("dl", { className: "facts", hidden: true });
  readonly #actions = make("div", { className: "row" });
  readonly #problem = make("p", { className: "problem", hidden: true });

  constructor(file: File, options: DocumentsOptions, say: (text: string) => void) {
    this.#file = file;
    this.#options = options;
    this.#say = say;
    this.#meter.setAttribute("aria-hidden", "true");
    const name = make("h2", {}, file.name);
    const size = make("span", { className: "faint small nowrap" }, sizeText(file.size));
    const head = make("div", { className: "row" }, name, size, this.#state);
    const body = [this.#meter, this.#facts, this.#digest, this.#actions, this.#problem];
    this.element = make("li", {}, make("article", { className: "document" }, head, ...body));
  }

  /** Never rejects: what goes wrong is shown, with a way to try again. */
  async notarise(): Promise<void> {
    this.#actions.replaceChildren();
    this.#problem.hidden = true;
    try {
      this.#show("fingerprinting");
      const digest = await digestOf(this.#file, (bytes) => this.#progress(bytes));
      this.#meter.hidden = true;
      const hex = toHex(digest);
      setText(this.#digest, `SHA-256 ${hex}`);
      this.#show("being ordered");
      const text = await postJson("/v1/entries", { digest: hex });
      await this.#ordered(text, digest);
    } catch (error) {
      this.#fail(error);
      this.#actions.replaceChildren(this.#button("Try again", () => this.notarise()));
    }
  }

  #progress(bytes: number): void {
    this.#bar.style.width = `${Math.floor((100 * bytes) / Math.max(1, this.#file.size))}%`;
  }

  async #ordered(text: string, digest: Uint8Array): Promise<void> {
    const parsed = parseReceipt(text);
    if (!parsed.ok) throw new Error(`the replica's receipt is none: ${parsed.error}`);
    const receipt = parsed.value;
    await this.#check(receipt, digest);
    this.#tell("Number", receipt.sequence.toLocaleString(), "number");
    this.#tell("Round", receipt.round.toLocaleString());
    const time = timeText(receipt.time);
    if (time !== "") this.#tell("Ordered at", time);
    this.#actions.replaceChildren(
      this.#button("Download receipt", () => save(`${this.#file.name}.receipt.json`, "application/json", text)),
      this.#button("Get a time stamp (.tsr)", () => this.#stamp(digest)),
    );
    this.#say(`${this.#file.name} has number ${receipt.sequence}, in round ${receipt.round}.`);
    this.#options.onOrdered(receipt.digest.value);
  }

  /** Where the browser has no WebCrypto, on plain HTTP of another machine, the receipt is shown unchecked. */
  async #check(receipt: Receipt, digest: Uint8Array): Promise<void> {
    if (!isSecureContext) return this.#show("signed, not checked", "warn");
    const verdict = await verifyReceipt({ receipt, digest, ...(await this.#options.key()) });
    if (!verdict.valid) throw new Error(`the replica's receipt does not verify: ${verdict.reason}`);
    this.#show("signed by the group", "good");
  }

  async #stamp(digest: Uint8Array): Promise<void> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const query = new Uint8Array(timeStampQuery(digest, nonce));
    const reply = await postBytes("/tsa", "application/timestamp-query", query);
    const stamp = readTimeStamp(reply, digest, nonce);
    if (!stamp.ok) throw new Error(`no time stamp: ${stamp.error}`);
    this.#tell("Time stamp", timeText(genTimeMs(stamp.value.genTime)));
    this.#say(`${this.#file.name} has a time stamp.`);
    save(`${this.#file.name}.tsr`, "application/timestamp-reply", new Uint8Array(reply));
  }

  /** One press is done before the next. */
  #button(label: string, act: () => void | Promise<void>): HTMLButtonElement {
    const press = make("button", { type: "button" }, label);
    const run = async (): Promise<void> => {
      press.disabled = true;
      this.#problem.hidden = true;
      try {
        await act();
      } catch (error) {
        this.#complain(error);
      }
      press.disabled = false;
    };
    press.addEventListener("click", () => void run());
    return press;
  }

  #show(state: string, tone = ""): void {
    this.#state.className = `pill ${tone}`;
    setText(this.#state, state);
  }

  /** A fact of this name takes the place of an older one. */
  #tell(name: string, value: string, className = ""): void {
    this.#facts.hidden = false;
    const old = [...this.#facts.children].find((child) => child.firstElementChild?.textContent === name);
    const fact = make("div", {}, make("dt", {}, name), make("dd", { className }, value));
    if (old === undefined) this.#facts.append(fact);
    else old.replaceWith(fact);
  }

  #fail(error: unknown): void {
    this.#meter.hidden = true;
    this.#show("failed", "bad");
    this.#complain(error);
  }

  #complain(error: unknown): void {
    this.#problem.hidden = false;
    setText(this.#problem, reasonOf(error));
    this.#say(`${this.#file.name}: ${reasonOf(error)}`);
  }
}
