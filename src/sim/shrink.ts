/**
 * A shorter schedule that breaks the same property: leaves out parts, greater ones first, as long as that works ("delta
 * debugging": Zeller and Hildebrandt, IEEE Transactions on Software Engineering 28, 2002).
 */
import type { Action } from "./action.js";
import { type Failure, type Recording, type SimulationOptions, play } from "./simulation.js";

export interface ShrinkOptions {
  /** Replays that may be tried, and actions in all of them. */
  readonly maxReplays: number;
  readonly maxActions?: number;
  /** Told after each replay. */
  readonly onReplay?: (replays: number, actions: number) => void;
}

/**
 * `recording` must have failed. What is returned fails in the same property when it is replayed, and without any one of its actions
 * it does not, or no sooner, unless replays ran out.
 */
export function shrink(
  options: SimulationOptions,
  recording: Recording & { readonly failure: Failure },
  { maxReplays, maxActions = Infinity, onReplay }: ShrinkOptions,
): Recording {
  const { property } = recording.failure;
  // That something never happens shows at the end only.
  const hasEnd = play(options, recording.actions, { hasEnd: false }).failure?.property !== property;
  let best: Recording = recording;
  let replays = 0;
  let played = 0;
  const mayGoOn = (): boolean => replays < maxReplays && played < maxActions;
  const attempt = (actions: readonly Action[]): void => {
    replays++;
    played += actions.length;
    const outcome = play(options, actions, { hasEnd });
    if (outcome.failure?.property === property && outcome.actions.length < best.actions.length) best = outcome;
    onReplay?.(replays, best.actions.length);
  };
  // Whatever happened last is often all that matters: at first everything may go. Single actions are tried until none can go.
  for (let size = best.actions.length; size >= 1 && mayGoOn();) {
    const before = best.actions.length;
    for (let end = before; end > 0 && mayGoOn();) {
      const start = Math.max(0, end - size);
      attempt([...best.actions.slice(0, start), ...best.actions.slice(end)]);
      end = Math.min(start, best.actions.length);
    }
    if (size > 1 || best.actions.length === before) size = Math.floor(size / 2);
  }
  return best;
}
