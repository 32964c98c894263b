/** The page: a form makes a session, buttons act on it, views show it. Nothing here knows the protocols. */
import type { Action } from "../../sim/action.js";
import { parseTrace } from "../../sim/trace-file.js";
import { DiagramView } from "./diagram-view.js";
import { byId, make, setText } from "../common/dom.js";
import { LinksView } from "./links-view.js";
import { PartiesView } from "./parties-view.js";
import { Player } from "./player.js";
import { Session } from "./session.js";
import { fillSettings, readSettings } from "./settings.js";
import { VerdictView } from "./verdict-view.js";

/** Far above the trace of any run that a page can show. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Steps a second: more than there is time for. */
const AS_FAST_AS_IT_GOES = 1_000_000;

const error = byId("error", HTMLElement);
const play = byId("play", HTMLButtonElement);
const step = byId("step", HTMLButtonElement);
const end = byId("end", HTMLButtonElement);
const speed = byId("speed", HTMLSelectElement);
const file = byId("file", HTMLInputElement);
const payload = byId("payload", HTMLInputElement);
const handButton = byId("hand", HTMLFormElement).querySelector("button");

fillSettings();
let session = new Session(readSettings());
const views = [new DiagramView(), new PartiesView(act), new LinksView(show)];
const verdict = new VerdictView();
let stopsForMending = true;
const player = new Player({ step: stepOn, show });

function show(): void {
  for (const view of views) view.show(session);
  verdict.show(session, player.isPlaying);
  const isOver = session.run.phase === "over";
  setText(play, player.isPlaying ? "Pause" : "Play");
  for (const button of [play, step, end]) button.disabled = isOver;
  if (handButton !== null) handButton.disabled = !session.isOpen;
}

function begin(next: () => Session): void {
  player.pause();
  try {
    session = next();
    fail("");
  } catch (problem) {
    fail(problem instanceof Error ? problem.message : String(problem));
  }
  show();
}

/** An empty message takes the last one away. */
function fail(message: string): void {
  error.hidden = message === "";
  setText(error, message);
}

/** Mending what the onlooker broke is for the onlooker to ask for. */
function stepOn(): boolean {
  return session.step() && !(stopsForMending && session.run.waitsForMending);
}

function act(action: Action): void {
  const applied = session.run.act(action);
  fail(applied ? "" : "That does not apply now.");
  show();
}

function goOn(stepsPerSecond: number, stops: boolean): void {
  stopsForMending = stops;
  player.stepsPerSecond = stepsPerSecond;
  player.play();
  show();
}

async function load(chosen: File): Promise<void> {
  const problem = (text: string): void => fail(`${chosen.name} is no trace file: ${text}`);
  player.pause();
  if (chosen.size > MAX_FILE_BYTES) problem(`it has ${chosen.size} bytes`);
  else {
    const trace = parseTrace(await chosen.text());
    if (trace.ok) return begin(() => Session.ofTrace(trace.value));
    problem(trace.error);
  }
  show();
}

function loadFirst(files: FileList | null | undefined): void {
  const chosen = files?.[0];
  if (chosen === undefined) return;
  load(chosen).catch((problem: unknown) => fail(`${chosen.name} cannot be read: ${String(problem)}`));
}

function save(): void {
  const url = URL.createObjectURL(new Blob([session.toTrace()], { type: "application/json" }));
  make("a", { href: url, download: `abcast-trace-${session.options.seed}.json` }).click();
  URL.revokeObjectURL(url);
}

play.addEventListener("click", () => {
  if (!player.isPlaying) return goOn(Number(speed.value), true);
  player.pause();
  show();
});
step.addEventListener("click", () => {
  player.pause();
  session.step();
  show();
});
end.addEventListener("click", () => goOn(AS_FAST_AS_IT_GOES, false));
speed.addEventListener("change", () => (player.stepsPerSecond = Number(speed.value)));
byId("save", HTMLButtonElement).addEventListener("click", save);
byId("settings", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  begin(() => new Session(readSettings()));
});
byId("hand", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const party = Number(byId("receiver", HTMLSelectElement).value);
  const taken = session.hand(party, payload.value);
  fail(taken ? "" : `Party ${party} takes no payloads now.`);
  if (taken) payload.value = "";
  show();
});
file.addEventListener("change", () => {
  loadFirst(file.files);
  // The same file may be chosen again.
  file.value = "";
});
for (const kind of ["dragover", "dragleave", "drop"] as const) {
  document.body.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", kind === "dragover");
    if (kind === "drop") loadFirst(event.dataTransfer?.files);
  });
}
show();
