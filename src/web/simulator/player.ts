/** Lets a run go on by itself, so many steps a second, and has it shown now and then. */

/** Longer pieces of work would make the page slow to answer. */
const WORK_MS = 12;
const SHOW_MS = 40;
/** For who prefers no motion. */
const SHOW_SELDOM_MS = 500;

export interface PlayerOptions {
  /** One step. False when there is no other one, or a good reason to stop. */
  readonly step: () => boolean;
  readonly show: () => void;
}

export class Player {
  readonly #options: PlayerOptions;
  readonly #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #frame: number | undefined;
  #last = 0;
  #shown = 0;
  /** Steps that are due, and a part of one. */
  #due = 0;
  stepsPerSecond = 50;

  constructor(options: PlayerOptions) {
    this.#options = options;
  }

  get isPlaying(): boolean {
    return this.#frame !== undefined;
  }

  play(): void {
    if (this.isPlaying) return;
    this.#last = performance.now();
    // The first step at once.
    this.#due = 1;
    this.#schedule();
  }

  pause(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
  }

  #schedule(): void {
    this.#frame = requestAnimationFrame((now) => this.#tick(now));
  }

  #tick(now: number): void {
    this.#due += (Math.max(0, now - this.#last) / 1000) * this.stepsPerSecond;
    this.#last = now;
    const goesOn = this.#work();
    if (goesOn) this.#schedule();
    else this.pause();
    const pauseMs = this.#calm.matches ? SHOW_SELDOM_MS : SHOW_MS;
    if (goesOn && now - this.#shown < pauseMs) return;
    this.#shown = now;
    this.#options.show();
  }

  #work(): boolean {
    const until = performance.now() + WORK_MS;
    while (this.#due >= 1) {
      this.#due--;
      if (!this.#options.step()) return false;
      if (performance.now() < until) continue;
      // What could not be done in time is not due any more.
      this.#due = 0;
    }
    return true;
  }
}
