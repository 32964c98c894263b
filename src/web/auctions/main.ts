/** The page of auctions: they are begun, bid in, watched and checked; bids are encrypted and signed here. */
import { toHex } from "../../core/bytes.js";
import { byId, make, setText } from "../common/dom.js";
import { textOf } from "../common/files.js";
import { shortHex } from "../common/format.js";
import { reasonOf, repeat, run, showProblem } from "../common/shell.js";
import { AuctionView } from "./auction-view.js";
import { Commander } from "./commands.js";
import { MAX_CLIENT_FILE_BYTES, readIdentity, whoText } from "./identity.js";
import { type Listed, listAuctions } from "./state.js";
import { followKind, termsOfForm } from "./terms-form.js";
import { KIND_TEXTS, refusalText, STAGE_TEXTS } from "./texts.js";
import { VerifyView } from "./verify-view.js";

const REFRESH_MS = 2_000;

let commander: Commander | undefined;

const auction = new AuctionView({ commander: () => commander });
const verification = {
  key: () => commander?.identity.verification,
  clients: () => commander?.identity.clients ?? [],
};
// It listens to its form.
void new VerifyView(verification);

function showKey(): void {
  const { identity } = commander ?? {};
  byId("key-field", HTMLElement).hidden = identity !== undefined;
  byId("forget", HTMLElement).hidden = identity === undefined;
  byId("create-button", HTMLButtonElement).disabled = identity === undefined;
  const text =
    identity === undefined
      ? "None. You can look, and check awards; to bid, open your client’s or your key’s file."
      : `You are ${whoText(identity)} of cluster ${shortHex(toHex(identity.cluster))}, with the key ${shortHex(toHex(identity.publicKey))}`;
  setText(byId("key-state", HTMLElement), text);
  setText(
    byId("create-note", HTMLElement),
    identity === undefined
      ? "To begin one, open your client’s or your key’s file."
      : "You will own it, and cannot bid in it.",
  );
  auction.forget();
}

async function openKey(file: File): Promise<void> {
  const identity = readIdentity(await textOf(file, MAX_CLIENT_FILE_BYTES));
  if (!identity.ok) throw new Error(`${file.name}: ${identity.error}`);
  commander = new Commander(identity.value);
  showProblem("");
  showKey();
}

async function begin(): Promise<void> {
  if (commander === undefined) return;
  showProblem("");
  const number = await commander.create(termsOfForm(Date.now()));
  byId("title", HTMLInputElement).value = "";
  await refreshList();
  await auction.choose(number);
  byId("auction-card", HTMLElement).scrollIntoView({ block: "start" });
}

function showList(auctions: readonly Listed[]): void {
  const items = auctions.toReversed().map(({ auction: number, kind, title, stage }) => {
    const button = make(
      "button",
      { type: "button" },
      make("span", {}, `${number} · ${title}`),
      make("span", { className: `pill ${stage === "open" ? "good" : ""}` }, STAGE_TEXTS[stage] ?? stage),
    );
    button.title = KIND_TEXTS[kind] ?? kind;
    if (number === auction.chosen) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => run(auction.choose(number).then(refreshList)));
    return make("li", {}, button);
  });
  const list = byId("list", HTMLElement);
  // Written anew only when something changed: else the focus would be lost.
  const before = list.innerHTML;
  const next = make("ul", {}, ...items);
  if (next.innerHTML !== before) list.replaceChildren(...items);
  byId("no-auctions", HTMLElement).hidden = auctions.length > 0;
}

async function refreshList(): Promise<void> {
  showList(await listAuctions());
}

/** Until the replica answers again what is shown stays, and the reason is said. */
async function refresh(): Promise<void> {
  try {
    await refreshList();
    await auction.refresh();
    setText(byId("replica", HTMLElement), "");
  } catch (error) {
    setText(byId("replica", HTMLElement), reasonOf(error));
  }
}

byId("key-file", HTMLInputElement).addEventListener("change", (event) => {
  const input = event.currentTarget as HTMLInputElement;
  const file = input.files?.[0];
  if (file !== undefined) run(openKey(file).finally(() => (input.value = "")));
});
byId("forget", HTMLButtonElement).addEventListener("click", () => {
  commander = undefined;
  showKey();
});
byId("create-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  begin().catch((error: unknown) => showProblem(refusalText(reasonOf(error))));
});
followKind();
showKey();
repeat(REFRESH_MS, refresh);
