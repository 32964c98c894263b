/** An award checked offline, by the key in a public.json from the disk, or in the client's file. */
import {
  type AwardVerdict,
  MAX_AWARD_FILE_BYTES,
  MAX_PUBLIC_FILE_BYTES,
  parseAward,
  readVerificationKey,
  type VerificationKey,
  verifyAward,
} from "../../verify/index.js";
import { fromHex, toHex } from "../../core/bytes.js";
import { byId, make } from "../common/dom.js";
import { textOf } from "../common/files.js";
import { countText } from "../common/format.js";
import { reasonOf } from "../common/shell.js";
import { amountText } from "./texts.js";
import { nameOf } from "./identity.js";

export interface VerifyViewOptions {
  /** Of the client's file, when there is one. */
  key(): VerificationKey | undefined;
  clients(): readonly string[];
}

export class VerifyView {
  readonly #options: VerifyViewOptions;
  readonly #award = byId("verify-award", HTMLInputElement);
  readonly #public = byId("verify-public", HTMLInputElement);
  readonly #verdict = byId("verdict", HTMLElement);

  constructor(options: VerifyViewOptions) {
    this.#options = options;
    const form = byId("verify", HTMLFormElement);
    // A verdict is on what was chosen, so it goes when that changes.
    form.addEventListener("change", () => this.#verdict.replaceChildren());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#verify().catch((error: unknown) => this.#show("", "This does not prove it.", [reasonOf(error)]));
    });
  }

  async #verify(): Promise<void> {
    const file = this.#award.files?.[0];
    if (file === undefined) throw new Error("choose an award");
    if (!isSecureContext)
      throw new Error("this browser checks signatures only on pages by HTTPS or of this machine; use `abcast verify`");
    const parsed = parseAward(await textOf(file, MAX_AWARD_FILE_BYTES));
    if (!parsed.ok) throw new Error(`${file.name} is no award: ${parsed.error}`);
    const { cluster, receiptKeySpki } = await this.#key();
    const verdict = await verifyAward({
      file: parsed.value,
      receiptKeySpki,
      cluster: fromHex(cluster) ?? new Uint8Array(),
    });
    if (!verdict.valid) throw new Error(verdict.reason);
    this.#accept(verdict, cluster);
  }

  async #key(): Promise<VerificationKey> {
    const file = this.#public.files?.[0];
    const own = this.#options.key();
    if (file === undefined && own !== undefined) return own;
    if (file === undefined) throw new Error("choose a public.json, or open your client’s file, which has it");
    const read = readVerificationKey(await textOf(file, MAX_PUBLIC_FILE_BYTES));
    if (!read.ok) throw new Error(`${file.name} is no public.json: ${read.error}`);
    return read.value;
  }

  #accept({ award, terms, bids }: Extract<AwardVerdict, { readonly valid: true }>, cluster: string): void {
    const name = (key: Uint8Array): string => nameOf(this.#options.clients(), toHex(key), undefined);
    const { won } = award;
    const outcome =
      won === undefined
        ? "Nobody won."
        : `${name(won.winner)} won with bid ${won.bid}, at ${amountText(won.price, terms.unit)}.`;
    this.#show("valid", "The award is valid.", [
      `Auction ${award.auction} of ${name(award.owner)}: ${terms.title}.`,
      outcome,
      `It follows from ${countText(bids.length, "bid")}, all before the close in round ${award.closedRound}.`,
      `Signed by cluster ${cluster}.`,
    ]);
  }

  #show(tone: string, title: string, lines: readonly string[]): void {
    this.#verdict.className = `verdict ${tone}`;
    const items = lines.map((line) => make("li", { className: "small" }, line));
    this.#verdict.replaceChildren(make("strong", {}, title), make("ul", {}, ...items));
  }
}
