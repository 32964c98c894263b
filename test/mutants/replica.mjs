/** The replica with one rule gone, each. */
const ROOM = "src/replica";
const REPLICA = `${ROOM}/replica.ts`;
const EXECUTION = `${ROOM}/execution.ts`;
const REPLAY = `${ROOM}/replay.ts`;
const KEEPER = `${ROOM}/checkpoint-keeper.ts`;
const SPEECH = `${ROOM}/speech.ts`;
const FOUNDATION = `${ROOM}/foundation.ts`;
const TRANSFER = `${ROOM}/transfer.ts`;
const DESK = `${ROOM}/desk/desk.ts`;
const WAITING = `${ROOM}/desk/waiting.ts`;
const BROADCAST = "src/protocols/consistent-broadcast/consistent-broadcast.ts";

const CRASH = "test/replica/replica-crash.test.ts";
const CHECKPOINTS = "test/replica/replica-checkpoints.test.ts";
const FETCHED = "test/replica/replica-transfer.test.ts";
const REJOIN = "test/replica/replica-rejoin.test.ts";
const UPGRADE = "test/replica/replica-upgrade.test.ts";
const CLOCKS = "test/replica/clock-report.test.ts";
const SERVING = "test/replica/desk.test.ts";
const IDLE = "test/replica/idle-inputs.test.ts";
const DIVERGING = "test/replica/replica-diverging.test.ts";

const mutant = (name, file, test, search, replacement = "") => ({
  name: `replica: ${name}`,
  file,
  search,
  replacement,
  stages: [[test]],
});

export const REPLICA_MUTANTS = [
  mutant(
    "who is flooded lets nothing else have its turn",
    REPLICA,
    "test/replica/replica.test.ts",
    "if (!this.#pending.isEmpty) await othersTurn();",
  ),
  mutant(
    "long requests wait as one",
    REPLICA,
    "test/replica/replica.test.ts",
    "this.#pending.clientWeight",
    "this.#pending.clientCount",
  ),
  mutant("requests of any length", DESK, SERVING, "if (payload.length > maxPayloadBytes)", "if (false)"),
  mutant(
    "long requests are waited for as one",
    DESK,
    SERVING,
    "const weight = weightOf(payload.length);",
    "const weight = 1;",
  ),
  mutant(
    "long requests are checked as one",
    DESK,
    SERVING,
    "const owed = weightOf(payload.length);",
    "const owed = 1;",
  ),
  mutant(
    "who waited before waits for all at no weight",
    WAITING,
    SERVING,
    "waiter.weight - (this.#known(waiter)?.weight ?? 0)",
    "this.has(waiter) ? 0 : waiter.weight",
  ),
  mutant("idle inputs without a bound", `${ROOM}/taker.ts`, IDLE, "length <= MAX_IDLE_INPUTS && "),
  mutant("idle bytes without a bound", `${ROOM}/taker.ts`, IDLE, "this.#sizeBytes <= MAX_IDLE_BYTES && "),
  mutant("what others wait for idle", `${ROOM}/taker.ts`, IDLE, " && !hasAny(this.consequences)"),
  mutant("idle for ever", `${ROOM}/replica.ts`, IDLE, "if (this.#feed.hasIdle) this.#enqueue(TURN);"),
  mutant("clocks judged by one reading", `${ROOM}/clock-report.ts`, CLOCKS, "readings === CLOCK_READINGS && "),
  mutant(
    "clocks judged by their farthest reading",
    "src/protocols/atomic-broadcast/clock-watch.ts",
    CLOCKS,
    "Math.abs(offset) < Math.abs(best)",
    "Math.abs(offset) > Math.abs(best)",
  ),
  mutant(
    "a clock reported again and again",
    `${ROOM}/clock-report.ts`,
    CLOCKS,
    "far.filter(({ party }) => !this.#far.has(party))",
    "far",
  ),
  mutant(
    "batches taken unasked",
    `${ROOM}/intake.ts`,
    "test/replica/replica-hostile.test.ts",
    "else if (outlet.answered(from, item)) yield",
    "else yield",
  ),
  mutant(
    "batches taken again and again",
    `${ROOM}/batch-requests.ts`,
    "test/replica/batch-requests.test.ts",
    "?.asked.delete(from) === true",
    "?.asked.has(from) === true",
  ),
  mutant(
    "heights of lanes not compared",
    REPLAY,
    "test/replica/replica-certified.test.ts",
    "if (height <= acknowledged) return;",
    "return;",
  ),
  mutant(
    "rounds that are not delivered not served",
    `${ROOM}/mesh.ts`,
    "test/replica/replica-certified.test.ts",
    "options.agreedRound()",
    "options.round()",
  ),
  mutant(
    "forgotten in a replay what was asked before the last delivery",
    `${ROOM}/replica.ts`,
    "test/replica/replica-certified.test.ts",
    "      this.#noteDurable();\n      // Where",
    "      if (machine.tip.round > this.#durable.round) asked.clear();\n      this.#noteDurable();\n      // Where",
  ),
  mutant(
    "slots of lanes taken for slots of rounds",
    `${ROOM}/storage.ts`,
    "test/adapters/storage/storage.test.ts",
    "laneOfSlot(slot) === undefined ? Number(/\\/([0-9]+)/.exec(slot)?.[1] ?? 0) : 0",
    "Number(/\\/([0-9]+)/.exec(slot)?.[1] ?? 0)",
  ),
  mutant(
    "batches never forgotten",
    KEEPER,
    "test/replica/replica-certified.test.ts",
    "batches: this.#batchesBefore(round)",
    "batches: []",
  ),
  mutant(
    "bulk first in a commit",
    `${ROOM}/input-queue.ts`,
    "test/replica/input-queue.test.ts",
    "[this.#lines.small, this.#lines.bulk]) {",
    "[this.#lines.bulk, this.#lines.small]) {",
  ),
  mutant(
    "another state replayed",
    EXECUTION,
    DIVERGING,
    "if (isDue && equalBytes(input.digest, next.digest)) return;",
    "if (isDue) return;",
  ),
  mutant(
    "ledger not compared",
    REPLAY,
    CRASH,
    "if (number <= appliedInput) for (const entry of consequences.rows.ledger) checkEntry(storage, entry);",
  ),
  mutant("times in the ledger not compared", `${ROOM}/storage.ts`, CRASH, "a.timeMs === b.timeMs && "),
  mutant(
    "signatures not counted",
    REPLAY,
    CRASH,
    "if (storage.signedCount(checkedFrom) !== signedCount) {",
    "if (false) {",
  ),
  mutant(
    "longer ledger taken",
    REPLAY,
    CRASH,
    "if (!isBehindItself && storage.ledgerEntry(sequence + 1) !== undefined)",
    "if (false)",
  ),
  mutant(
    "signatures of a fetched state unwritten",
    REPLICA,
    FETCHED,
    "first.rows.signed.push(...unwrittenRows(storage, consequences.rows).signed);",
    ";",
  ),
  mutant(
    "signatures of a fetched state counted",
    REPLAY,
    FETCHED,
    "else signedCount -= unwritten.signed.filter(({ slot }) => roundOfSlot(slot) > checkedFrom).length;",
  ),
  mutant(
    "checkpoints kept while replaying",
    KEEPER,
    CHECKPOINTS,
    "if (!this.#hasBegun || this.#closed) return;",
    "if (this.#closed) return;",
  ),
  mutant("never rebased", KEEPER, CHECKPOINTS, "this.#baseRound = next.round;", "this.#baseRound = next.round - 1;"),
  mutant("nothing pruned", KEEPER, CHECKPOINTS, "if (oldest === undefined) return; const round", "return; const round"),
  mutant(
    "waiting payloads lost with the state",
    REPLICA,
    FETCHED,
    "const own = { waiting: state.waiting(),",
    "const own = { waiting: [],",
  ),
  mutant(
    "peers not asked to repeat",
    REPLICA,
    FETCHED,
    "for (const peer of this.#mesh.peers) this.#mesh.courier.askRepeat(peer);",
  ),
  mutant(
    "certificate of a known state taken unseen",
    TRANSFER,
    "test/replica/transfer.test.ts",
    "certificate: known ?? certificate.slice()",
    "certificate: certificate.slice()",
  ),
  mutant(
    "speaks before it rejoined",
    SPEECH,
    REJOIN,
    "if (rejoined === undefined || !equalBytes(rejoined.nonce, this.#nonce)) return NEVER;",
    "if (rejoined === undefined) return 0;",
  ),
  mutant(
    "an earlier rejoin counts",
    SPEECH,
    REJOIN,
    "if (rejoined === undefined || !equalBytes(rejoined.nonce, this.#nonce)) return NEVER;",
    "if (rejoined === undefined) return NEVER;",
  ),
  mutant(
    "speaks in the round of its rejoin",
    SPEECH,
    REJOIN,
    "Math.max(rejoined.round + 1, this.#after)",
    "Math.max(rejoined.round, this.#after)",
  ),
  mutant(
    "runs begin anew with a store",
    SPEECH,
    REJOIN,
    "const born = this.#nonce === undefined ? 0 : nowMs;",
    "const born = 0;",
  ),
  mutant("answers to the forgotten accused", BROADCAST, REJOIN, "if (this.#scope.isMuted) return;"),
  mutant(
    "speaks where another engine spoke",
    FOUNDATION,
    UPGRADE,
    "const round = storage.lastSignedRound() + 1;",
    "const round = 0;",
  ),
  mutant(
    "tables behind another engine's log",
    FOUNDATION,
    UPGRADE,
    "if (!isWhole) await this.#speech.silenceUntilRejoin(lastInput, nowMs());",
  ),
];
