/** The space–time diagram: the last events, or those to which the onlooker scrolled back. */
import { drawDiagram } from "../../sim/diagram-svg.js";
import { byId, setText } from "../common/dom.js";
import type { Session } from "./session.js";

/** Events in the picture. */
const WINDOW = 60;

export class DiagramView {
  readonly #picture = byId("diagram", HTMLElement);
  readonly #scroll = byId("scroll", HTMLInputElement);
  readonly #position = byId("position", HTMLOutputElement);
  #session: Session | undefined;

  constructor() {
    this.#scroll.addEventListener("input", () => this.#draw());
  }

  show(session: Session): void {
    // At the end of its way the slider follows the run; elsewhere it stays.
    const follows = this.#session !== session || this.#scroll.value === this.#scroll.max;
    this.#session = session;
    this.#scroll.max = String(Math.max(0, session.diagram.diagram.length - WINDOW));
    if (follows) this.#scroll.value = this.#scroll.max;
    this.#draw();
  }

  #draw(): void {
    if (this.#session === undefined) return;
    const { diagram } = this.#session.diagram;
    const from = this.#scroll.valueAsNumber;
    const to = Math.max(from + WINDOW, Math.min(diagram.length, WINDOW));
    const text = `${from} to ${Math.min(to, diagram.length)}, of ${diagram.length}`;
    setText(this.#position, text);
    const svg = drawDiagram(diagram, `Space–time diagram of the events ${text}`, { from, to });
    const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    this.#picture.replaceChildren(document.importNode(drawn, true));
  }
}
