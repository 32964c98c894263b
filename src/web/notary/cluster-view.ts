/** The group as its replicas describe themselves: who is there, how far, who is behind, whose clock is off, who accuses whom. */
import { fieldOf, getJson, listIn, numberIn, stringIn } from "../common/api.js";
import { byId, make, setText } from "../common/dom.js";
import { countText, shortHex } from "../common/format.js";
import { showReplica } from "../common/shell.js";
import { type Finding, findingsIn } from "./findings.js";

const TONES: Readonly<Record<string, string>> = {
  active: "good",
  "catching-up": "warn",
  learner: "warn",
  starting: "warn",
  unreachable: "bad",
  stopped: "bad",
};

export class ClusterView {
  readonly #parties = byId("parties", HTMLUListElement);
  readonly #summary = byId("cluster-summary", HTMLElement);
  #shown = "";

  /** Never rejects: a replica that does not answer is said to be so. */
  async refresh(): Promise<void> {
    try {
      this.#show(await getJson("/v1/status"));
    } catch {
      setText(this.#summary, "This replica does not answer; what is shown is what it said last.");
      showReplica("this replica does not answer");
    }
  }

  #show(status: unknown): void {
    const parties = listIn(status, "parties");
    const highest = Math.max(0, ...parties.map((party) => numberIn(party, "round") ?? 0));
    const active = parties.filter((party) => stringIn(party, "state") === "active").length;
    setText(
      this.#summary,
      `${active} of ${countText(parties.length, "replica")} active · round ${highest.toLocaleString()}`,
    );
    const self = numberIn(status, "party");
    const own = parties.find((party) => numberIn(party, "party") === self);
    showReplica(self === undefined ? "" : `replica ${self} · ${stringIn(own, "state") ?? "unknown"}`);
    const seen = JSON.stringify(parties);
    // Only what is new: else selections are lost, and screen readers begin again.
    if (seen === this.#shown) return;
    this.#shown = seen;
    const context = { self, highest, findings: findingsIn(parties) };
    this.#parties.replaceChildren(...parties.map((party) => partyItem(party, context)));
  }
}

interface Context {
  readonly self: number | undefined;
  /** The highest round of any replica. */
  readonly highest: number;
  readonly findings: ReadonlyMap<number, readonly Finding[]>;
}

function partyItem(party: unknown, { self, highest, findings }: Context): HTMLLIElement {
  const number = numberIn(party, "party") ?? -1;
  const state = stringIn(party, "state") ?? "unknown";
  const pill = make("span", { className: `pill ${TONES[state] ?? ""}` }, state);
  const isOwn = number === self;
  const head = make("div", { className: "row between" }, make("h3", {}, `Replica ${number}`), pill);
  const round = numberIn(party, "round");
  const facts = make("dl", { className: "facts" }, ...factsOf(party, round, highest));
  const item = make("li", { className: `card party${isOwn ? " self" : ""}` }, head);
  if (round !== undefined) item.append(meter(round, highest));
  item.append(
    round === undefined ? make("p", { className: "faint small" }, stringIn(party, "reason") ?? "no answer") : facts,
  );
  for (const { text, isAccusation } of findings.get(number) ?? []) {
    item.append(make("p", { className: `note${isAccusation ? "" : " warn"}` }, text));
  }
  return item;
}

/** How far this replica is on the way to the furthest one; said in words beside it. */
function meter(round: number, highest: number): HTMLElement {
  const bar = make("span");
  bar.style.width = `${highest === 0 ? 100 : (100 * round) / highest}%`;
  const element = make("div", { className: "meter" }, bar);
  element.setAttribute("aria-hidden", "true");
  return element;
}

function factsOf(party: unknown, round: number | undefined, highest: number): Node[] {
  const behind = highest - (round ?? 0);
  const facts: (readonly [string, string])[] = [
    ["Round", round?.toLocaleString() ?? "–"],
    ["Ordered", numberIn(party, "sequence")?.toLocaleString() ?? "–"],
    ["Log digest", shortHex(stringIn(party, "logDigest") ?? "–", 12)],
  ];
  if (behind > 0) facts.push(["Behind by", countText(behind, "round")]);
  const catchUp = fieldOf(party, "catchUp");
  const [received, chunks] = [numberIn(catchUp, "chunksReceived"), numberIn(catchUp, "chunks")];
  if (received !== undefined && chunks !== undefined && chunks > 0)
    facts.push(["Fetches", `${received} of ${chunks} chunks`]);
  return facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
}
