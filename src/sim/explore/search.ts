/** Breadth-first search over the states of a model, each state once; so the first violation has a shortest schedule. */

export interface Step<State> {
  /** What was done, for people. */
  readonly label: () => string;
  /** Whether it needs nothing of a corrupted party. */
  readonly isHonest: boolean;
  /** The state that follows, or what is wrong with the step. */
  readonly to: State | { readonly problem: string };
}

export interface Model<State extends object> {
  readonly start: State;
  /** Two states with the same key behave the same ever after. */
  key(state: State): string;
  steps(state: State): readonly Step<State>[];
  /** What must never be, or undefined. */
  problem(state: State, steps: readonly Step<State>[]): string | undefined;
}

export interface Violation {
  readonly problem: string;
  /** The labels of the steps that lead to it, one of the shortest such schedules. */
  readonly schedule: readonly string[];
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** The length of the longest of the shortest schedules. */
  readonly depth: number;
  /** States after which nothing can happen. */
  readonly final: number;
  /** Whether every state within the bound was visited. */
  readonly isComplete: boolean;
  readonly violation: Violation | undefined;
}

/** How a state was first reached. */
interface Arrival {
  readonly parent: number;
  readonly label: () => string;
}

export interface SearchOptions<State> {
  /** Stop after so many states. */
  readonly maxStates?: number;
  /** Called for each state, once. */
  onState?(state: State): void;
}

export function search<State extends object>(model: Model<State>, options: SearchOptions<State> = {}): Exploration {
  const { maxStates = Number.POSITIVE_INFINITY } = options;
  const seen = new Set<string>([model.key(model.start)]);
  const arrivals: Arrival[] = [{ parent: -1, label: () => "" }];
  let transitions = 0;
  let depth = 0;
  let final = 0;
  let visited = 0;
  const result = (isComplete: boolean, violation?: Violation): Exploration => ({
    states: visited,
    transitions,
    depth,
    final,
    isComplete,
    violation,
  });

  /** By depth, so that only two layers are kept: of all others the key and the arrival suffice. */
  let layer: State[] = [model.start];
  let firstOfLayer = 0;
  for (; layer.length > 0; depth++) {
    const next: State[] = [];
    for (const [offset, state] of layer.entries()) {
      if (visited >= maxStates) return result(false);
      visited++;
      options.onState?.(state);
      const index = firstOfLayer + offset;
      const steps = model.steps(state);
      const problem = model.problem(state, steps);
      if (problem !== undefined) return result(false, { problem, schedule: schedule(arrivals, index) });
      if (steps.length === 0) final++;
      for (const step of steps) {
        const { to } = step;
        transitions++;
        if ("problem" in to)
          return result(false, { problem: to.problem, schedule: [...schedule(arrivals, index), step.label()] });
        const key = model.key(to);
        if (seen.has(key)) continue;
        seen.add(key);
        arrivals.push({ parent: index, label: step.label });
        next.push(to);
      }
    }
    firstOfLayer += layer.length;
    if (next.length === 0) break;
    layer = next;
  }
  return result(true);
}

function schedule(arrivals: readonly Arrival[], last: number): readonly string[] {
  const labels: string[] = [];
  for (let index = last; index > 0;) {
    const arrival = arrivals[index];
    if (arrival === undefined) break;
    labels.push(arrival.label());
    index = arrival.parent;
  }
  return labels.toReversed();
}
