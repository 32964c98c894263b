/** A receipt checked offline: document, receipt and public.json from the disk, or the public.json that the page was given. */
import {
  MAX_PUBLIC_FILE_BYTES,
  MAX_RECEIPT_BYTES,
  type Receipt,
  type VerificationKey,
  parseReceipt,
  readVerificationKey,
  verifyReceipt,
} from "../../verify/index.js";
import { byId, make } from "../common/dom.js";
import { textOf } from "../common/files.js";
import { timeText } from "../common/format.js";
import { reasonOf } from "../common/shell.js";
import { digestOf } from "./hashing.js";

export interface VerifyOptions {
  /** The cluster's key, as this replica tells it. */
  key(): Promise<VerificationKey>;
}

export class VerifyView {
  readonly #options: VerifyOptions;
  readonly #document = byId("verify-document", HTMLInputElement);
  readonly #receipt = byId("verify-receipt", HTMLInputElement);
  readonly #public = byId("verify-public", HTMLInputElement);
  readonly #field = byId("public-field", HTMLLabelElement);
  readonly #form = byId("verify", HTMLFormElement);
  readonly #verdict = byId("verdict", HTMLElement);

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  listen(): void {
    this.#form.addEventListener("change", () => this.#choose());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#verify();
    });
    this.#choose();
  }

  get #hasOwnKey(): boolean {
    return new FormData(this.#form).get("trust") === "file";
  }

  /** A verdict is on what was chosen, so it goes when that changes. */
  #choose(): void {
    this.#field.hidden = !this.#hasOwnKey;
    this.#public.required = this.#hasOwnKey;
    this.#verdict.replaceChildren();
  }

  async #verify(): Promise<void> {
    try {
      const [document, receipt] = [this.#document.files?.[0], this.#receipt.files?.[0]];
      if (document === undefined || receipt === undefined) throw new Error("choose a document and its receipt");
      await this.#judge(document, await receiptIn(receipt));
    } catch (error) {
      this.#refuse(reasonOf(error));
    }
  }

  async #judge(document: File, receipt: Receipt): Promise<void> {
    if (!isSecureContext) {
      throw new Error("this browser checks signatures only on pages by HTTPS or of this machine; use `abcast verify`");
    }
    const key = await this.#key();
    const digest = await digestOf(document, () => undefined);
    const verdict = await verifyReceipt({ receipt, digest, ...key });
    if (verdict.valid) this.#accept(document, receipt, key);
    else this.#refuse(verdict.reason);
  }

  async #key(): Promise<VerificationKey> {
    const file = this.#public.files?.[0];
    if (!this.#hasOwnKey) return this.#options.key();
    if (file === undefined) throw new Error("choose the public.json that you have");
    const read = readVerificationKey(await textOf(file, MAX_PUBLIC_FILE_BYTES));
    if (!read.ok) throw new Error(`${file.name} is no public.json: ${read.error}`);
    return read.value;
  }

  #accept(document: File, receipt: Receipt, key: VerificationKey): void {
    const { sequence, round, client } = receipt;
    const lines = [
      `${document.name} is the document of this receipt: its SHA-256 is ${receipt.digest.value}.`,
      `The group gave it number ${sequence}, in round ${round}${dated(receipt)}.`,
      receipt.format === "abcast-receipt/2"
        ? `It is document ${receipt.log.index + 1} of ${receipt.log.documents} in a log, by a path of ${receipt.log.proof.length} hashes; the group signed the log’s head.`
        : "The group signed this document’s own statement.",
      `The client that asked has the key ${client}.`,
      this.#hasOwnKey
        ? `By your public.json, of cluster ${key.cluster}.`
        : `By this replica’s public.json, of cluster ${key.cluster}. A replica that lies would show another one: compare the cluster’s name with one that you trust.`,
    ];
    this.#show("valid", "The receipt is valid.", lines);
  }

  #refuse(reason: string): void {
    this.#show("", "This does not prove it.", [reason]);
  }

  #show(tone: string, title: string, lines: readonly string[]): void {
    this.#verdict.className = `verdict ${tone}`;
    const items = lines.map((line) => make("li", { className: "small" }, line));
    this.#verdict.replaceChildren(make("strong", {}, title), make("ul", {}, ...items));
  }
}

function dated(receipt: Receipt): string {
  const time = timeText(receipt.time);
  return time === "" ? "" : `, at ${time}`;
}

async function receiptIn(file: File): Promise<Receipt> {
  const parsed = parseReceipt(await textOf(file, MAX_RECEIPT_BYTES));
  if (!parsed.ok) throw new Error(`${file.name} is no receipt: ${parsed.error}`);
  return parsed.value;
}
