/** What all served pages have around their content (shell.html): where problems are said, and which replica this is. */
import { byId, setText } from "./dom.js";

/** Says it where everybody sees and hears it; an empty message takes the last one away. */
export function showProblem(message: string): void {
  const problem = byId("problem", HTMLElement);
  problem.hidden = message === "";
  setText(problem, message);
}

/** For what nobody waits for: a failure is shown. */
export function run(work: Promise<void>): void {
  work.catch((error: unknown) => showProblem(reasonOf(error)));
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** In the head of the page. */
export function showReplica(text: string): void {
  setText(byId("replica", HTMLElement), text);
}

/** Calls `work` at once and again so long after each time, while the page is seen. It shows its own failures. */
export function repeat(everyMs: number, work: () => Promise<void>): void {
  const again = async (): Promise<void> => {
    if (document.visibilityState === "visible") await work();
    setTimeout(() => run(again()), everyMs);
  };
  run(again());
}
