/**
 * Whether a history of concurrent operations on keys is linearisable: whether each operation can have happened at one moment
 * between its start and its end, so that all results are those of a single copy. Wing and Gong's search (JPDC 1993) with Lowe's
 * memory of configurations (CCPE 2017): which operations have happened and what the key then holds. Keys are independent, so each
 * is a search of its own (Herlihy and Wing: linearisability is local).
 *
 * An operation without an end has an unknown outcome: it may happen at any moment after its start, or never.
 *
 * The search is exponential in the worst case. It is bounded, and giving up is an error, never a verdict.
 */

/** The search was given up: nothing is known. */
export class SearchLimitError extends Error {
  name = "SearchLimitError";
}

const DEFAULT_MAX_CONFIGURATIONS = 2_000_000;
const ABSENT = { value: null, version: undefined };

/**
 * One entry for each key whose history is not linearisable; none when all is well.
 * @throws SearchLimitError
 */
export function findViolations(history, { maxConfigurations = DEFAULT_MAX_CONFIGURATIONS } = {}) {
  const byKey = new Map();
  for (const operation of history) {
    const operations = byKey.get(operation.key);
    if (operations === undefined) byKey.set(operation.key, [operation]);
    else operations.push(operation);
  }
  const violations = [];
  for (const [key, operations] of byKey) {
    const problem = searchKey(key, operations, maxConfigurations);
    if (problem !== undefined) violations.push(problem);
  }
  return violations;
}

/**
 * Depth first. `definite` are the operations that have ended, by their start; `unknown` the others, of which those that only read
 * do not matter.
 */
function searchKey(key, operations, maxConfigurations) {
  const byStart = operations.toSorted((a, b) => a.startNs - b.startNs);
  const definite = byStart.filter(({ endNs }) => endNs !== null);
  const unknown = byStart.filter(({ endNs, op }) => endNs === null && op !== "get");
  const seen = new Set();
  let deepest = { happened: 0, state: ABSENT, candidates: [] };
  const stack = [{ first: 0, beyond: [], guesses: [], state: ABSENT, isGuessed: false }];
  while (stack.length > 0) {
    const at = withReads(stack.pop(), definite);
    if (at.first === definite.length) return undefined;
    const name = `${at.isGuessed};${at.first};${at.beyond.join()};${at.guesses.join()};${at.state.version ?? ""};${JSON.stringify(at.state.value)}`;
    if (seen.has(name)) continue;
    seen.add(name);
    if (seen.size > maxConfigurations)
      throw new SearchLimitError(
        `key ${key}: gave up after ${maxConfigurations} configurations; nothing is known of it`,
      );
    const candidates = nextOf(at, definite);
    const happened = at.first + at.beyond.length;
    if (happened >= deepest.happened)
      deepest = { happened, state: at.state, candidates: candidates.map((i) => definite[i]) };
    // What is pushed last is tried first: guesses only when nothing else helps, and what ended first before the others.
    const deadline = Math.min(...candidates.map((index) => definite[index].endNs));
    const open = unknown.map((_, guess) => guess).filter((guess) => unknown[guess].startNs <= deadline);
    for (const guess of usefulGuesses(
      at,
      open,
      unknown,
      candidates.map((index) => definite[index]),
    ))
      stack.push({
        ...at,
        guesses: insert(at.guesses, guess),
        state: stepUnknown(at.state, unknown[guess]),
        isGuessed: true,
      });
    for (const index of candidates.toSorted((a, b) => definite[b].endNs - definite[a].endNs)) {
      if (at.isGuessed && !observes(definite[index])) continue;
      const state = step(at.state, definite[index]);
      if (state !== undefined) stack.push(after(at, index, state));
    }
  }
  const { happened, state, candidates } = deepest;
  return { key, operations: operations.length, explained: happened, state: state.value, unexplained: candidates };
}

/**
 * What has an unknown outcome need only be thought to happen right before something that shows it. Of deletes, which are all
 * alike, the first will do.
 */
function usefulGuesses({ state, guesses, isGuessed }, open, unknown, candidates) {
  const left = open.filter((guess) => !guesses.includes(guess));
  const firstDelete = left.find((guess) => unknown[guess].op === "delete");
  return left.filter((guess) => {
    const { op } = unknown[guess];
    if ((op === "delete" && guess !== firstDelete) || (isGuessed && op !== "cas")) return false;
    const next = stepUnknown(state, unknown[guess]);
    if (next === undefined) return false;
    const isNext = (other) => other !== guess && unknown[other].op === "cas" && unknown[other].expected === next.value;
    return candidates.some((other) => observes(other) && step(next, other) !== undefined) || left.some(isNext);
  });
}

/** Whether its result depends on what it finds. */
function observes({ op, result }) {
  return op === "get" || op === "cas" || (op === "delete" && result.existed !== undefined);
}

/** The operations that may be the next one: they have not happened, and none that has not happened ended before they started. */
function nextOf({ first, beyond }, definite) {
  const found = [];
  let deadline = Infinity;
  for (let index = first; index < definite.length && definite[index].startNs <= deadline; index++) {
    if (beyond.includes(index)) continue;
    found.push(index);
    deadline = Math.min(deadline, definite[index].endNs);
  }
  return found.filter((index) => definite[index].startNs <= deadline);
}

/**
 * An operation that may be next and would change nothing has happened: whatever order explains the history with it later, explains
 * it with it now.
 */
function withReads(configuration, definite) {
  let at = configuration;
  for (;;) {
    const index = nextOf(at, definite).find((candidate) => step(at.state, definite[candidate]) === at.state);
    if (index === undefined) return at;
    at = after(at, index, at.state);
  }
}

/** `first` is the first that has not happened, `beyond` those after it that have. */
function after({ first, beyond, guesses }, index, state) {
  if (index !== first) return { first, beyond: insert(beyond, index), guesses, state, isGuessed: false };
  const rest = [...beyond];
  let next = first + 1;
  while (rest[0] === next) {
    rest.shift();
    next++;
  }
  return { first: next, beyond: rest, guesses, state, isGuessed: false };
}

function insert(sorted, number) {
  const place = sorted.findIndex((other) => other > number);
  return place === -1 ? [...sorted, number] : sorted.toSpliced(place, 0, number);
}

/** The state after the operation with its result; undefined when a single copy in `state` would not have given it. */
function step(state, { op, value, expected, result }) {
  switch (op) {
    case "get":
      return result.value === state.value ? known(state, result.version) : undefined;
    case "put":
      return written(state, value, result.version);
    case "delete":
      if (result.existed !== undefined && result.existed !== (state.value !== null)) return undefined;
      return state.value === null ? state : ABSENT;
    case "cas":
      if (result.ok !== (state.value === expected)) return undefined;
      if (result.ok) return written(state, value, result.version);
      return result.value === undefined || result.value === state.value ? state : undefined;
    default:
      throw new Error(`no operation ${op}`);
  }
}

function stepUnknown(state, { op, value, expected }) {
  if (op === "cas" && state.value !== expected) return undefined;
  const next = { value: op === "delete" ? null : value, version: undefined };
  return next.value === state.value && state.version === undefined ? undefined : next;
}

/** Where results have versions, they say that it is the same write, and grow. */
function known(state, version) {
  if (version === undefined || version === state.version) return state;
  return state.version === undefined ? { value: state.value, version } : undefined;
}

function written(state, value, version) {
  if (version !== undefined && state.version !== undefined && version <= state.version) return undefined;
  return { value, version };
}

const OPERATIONS = ["get", "put", "delete", "cas"];

/**
 * The history that JSON lines contain (docs/chaos.md).
 * @throws Error that names the line when one is no operation
 */
export function parseHistory(text) {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    let operation;
    try {
      operation = JSON.parse(line);
    } catch {
      throw new Error(`line ${index + 1}: no JSON`);
    }
    const problem = problemOf(operation);
    if (problem !== undefined) throw new Error(`line ${index + 1}: ${problem}`);
    return [operation];
  });
}

const isValue = (value) => value === null || typeof value === "string";

function problemOf(operation) {
  if (typeof operation !== "object" || operation === null) return "no object";
  const { op, key, value, expected, result, startNs, endNs } = operation;
  if (!OPERATIONS.includes(op)) return `op is none of ${OPERATIONS.join(", ")}`;
  if (typeof key !== "string") return "key is no string";
  if ((op === "put" || op === "cas") && !isValue(value)) return "value is neither a string nor null";
  if (op === "cas" && !isValue(expected)) return "expected is neither a string nor null";
  if (!Number.isSafeInteger(startNs)) return "startNs is no integer";
  if (endNs === null) return undefined;
  if (!Number.isSafeInteger(endNs) || endNs < startNs) return "endNs is neither null nor an integer from startNs on";
  if (typeof result !== "object" || result === null) return "result is no object, though the operation has ended";
  if (op === "get" && !isValue(result.value)) return "result.value is neither a string nor null";
  if (op === "cas" && typeof result.ok !== "boolean") return "result.ok is no boolean";
  return undefined;
}
