/** Atomic broadcast with one rule gone, each, of those for boundaries, checkpoints, learners, round time and admission. */
const ENGINE = "src/core/engine.ts";
const ABC = "src/protocols/atomic-broadcast/atomic-broadcast.ts";
const INLINE = "src/protocols/atomic-broadcast/inline.ts";
const OPTIONS = "src/protocols/atomic-broadcast/options.ts";
const ROUND = "src/protocols/atomic-broadcast/round.ts";
const QUEUE = "src/protocols/atomic-broadcast/queue.ts";
const ADMISSION = "src/protocols/atomic-broadcast/admission.ts";
const BOUNDARY = "src/protocols/atomic-broadcast/boundary.ts";
const CHECKPOINTS = "src/protocols/atomic-broadcast/checkpoints.ts";
const TIME = "src/protocols/atomic-broadcast/round-time.ts";
const CHECKPOINT = "src/protocols/checkpoint/checkpoint.ts";

const mutant = (subject, name, file, search, replacement = "") => ({
  name: `${subject}: ${name}`,
  file,
  search,
  replacement,
  stages: [[`test/protocols/${subject}.test.ts`]],
});

export const CHECKPOINT_MUTANTS = [
  mutant("boundary", "without the clock", ABC, "this.#clockMs = start.clockMs;", "this.#clockMs = 0;"),
  mutant("boundary", "without the settings", ABC, "this.#settings = start.settings;", "this.#settings = options;"),
  mutant("boundary", "without what waits", INLINE, "const { waiting } = start;", "const waiting = [];"),
  mutant("boundary", "without peers", ABC, "new Peers(start.peers)", "new Peers([])"),
  mutant("boundary", "without the time", ABC, "this.#timeMs = start.timeMs;"),
  mutant(
    "boundary",
    "without the last checkpoint",
    ABC,
    "const { checkpoint: last, shares: kept } = start;",
    "const { shares: kept } = start, last = 0;",
  ),
  mutant(
    "boundary",
    "without kept shares",
    ABC,
    "const { checkpoint: last, shares: kept } = start;",
    "const { checkpoint: last } = start, kept = [];",
  ),
  mutant(
    "boundary",
    "after the next round has begun",
    ABC,
    "if (this.#checkpoints.isDue(next.round)) this.#scope.boundary(next.round, this.#boundary());",
    "if (this.#checkpoints.isDue(next.round)) { this.#nextRound(); this.#scope.boundary(next.round, this.#boundary()); }",
  ),
  mutant("boundary", "outputs wait their turn", ENGINE, "tag === channel ? onOutput(value) :"),
  mutant(
    "boundary",
    "any admission",
    OPTIONS,
    "if (snapshot !== undefined && !equalBytes(made.snapshot(), snapshot))",
    "if (false)",
  ),
  mutant(
    "boundary",
    "early messages of a new round not taken up",
    ABC,
    "for (const party of this.#peers.parties) this.#resume(party);",
  ),
  mutant(
    "boundary",
    "a party twice",
    BOUNDARY,
    "new Set(items.map((item) => item.party)).size < items.length",
    "false",
  ),
  mutant("checkpoint", "of less than a quorum", CHECKPOINT, "scope.group.isQuorum(set)", "scope.group.hasHonest(set)"),
  mutant(
    "checkpoint",
    "share unchecked",
    CHECKPOINT,
    "if (!quorumCertifier.verifyShare(from, statementOf, share))",
    "if (false)",
  ),
  mutant(
    "checkpoint",
    "any digest",
    CHECKPOINT,
    "if (!equalBytes(digest, this.#digest)) return this.#onDivergent(from, digest);",
  ),
  mutant(
    "checkpoint",
    "own divergence unnoticed",
    CHECKPOINT,
    "if (this.#scope.group.hasHonest(parties))",
    "if (false)",
  ),
  mutant("checkpoint", "one liar stops a party", CHECKPOINT, "if (this.#scope.group.hasHonest(parties))", "if (true)"),
  mutant("checkpoint", "liar not accused", CHECKPOINT, 'this.#scope.accuse(from, "divergent-checkpoint");'),
  mutant(
    "checkpoint",
    "two digests unnoticed",
    CHECKPOINT,
    "if (!equalBytes(told.digest, digest)) this.#onSecond(from, told, { digest, share });",
  ),
  mutant(
    "checkpoint",
    "early shares lost",
    CHECKPOINTS,
    "if (share.round === round) this.#scope.redeliver(share.party, `${PATH}/${round}`, share.body);",
  ),
  mutant(
    "checkpoint",
    "older share takes the latest's place",
    CHECKPOINTS,
    "else if (round > (this.#kept.get(from)?.round ?? 0))",
    "else",
  ),
  mutant(
    "checkpoint",
    "early shares of any size",
    CHECKPOINTS,
    "if (body.length > MAX_CHECKPOINT_MESSAGE_BYTES)",
    "if (false)",
  ),
  mutant(
    "checkpoint",
    "of any round",
    CHECKPOINTS,
    "if (!Number.isSafeInteger(round) || !this.isDue(round)) return false;",
    "if (!Number.isSafeInteger(round)) return false;",
  ),
  mutant("checkpoint", "of an undecided round", ABC, "if (round > this.#delivered)", "if (false)"),
  mutant("checkpoint", "not retired", CHECKPOINTS, "if (this.#last > 0) this.#scope.retire(`${PATH}/${this.#last}`);"),
  mutant("checkpoint", "begun twice", CHECKPOINTS, "if (round <= this.#last) return;"),
  mutant("checkpoint", "learner gives shares", ABC, "round + 1 < this.#settings.speakFrom", "false"),
  mutant(
    "checkpoint",
    "the last round's share withheld",
    ABC,
    "round + 1 < this.#settings.speakFrom",
    "round < this.#settings.speakFrom",
  ),
  mutant("learner", "speaks", ENGINE, "if (isMuted) return;"),
  mutant("learner", "signs", ENGINE, "isMuted ? new Uint8Array(0) :"),
  mutant(
    "learner",
    "descendants speak",
    ENGINE,
    "isMuted: isMuted || options?.isMuted === true",
    "isMuted: options?.isMuted === true",
  ),
  mutant(
    "learner",
    "never unmuted",
    ABC,
    "if (this.#isDecided || this.#isMuted === this.#round < settings.speakFrom) return;",
    "return;",
  ),
  mutant(
    "learner",
    "asks nobody to repeat",
    ABC,
    "for (const party of this.#scope.group.parties) if (party !== this.#scope.self) this.#scope.askRepeat(party);",
  ),
  mutant(
    "learner",
    "any settings begin the round again",
    ABC,
    "if (this.#isDecided || this.#isMuted === this.#round < settings.speakFrom) return;",
  ),
  mutant("learner", "amnesia unnoticed", ROUND, "this.#recognise(body);"),
  mutant(
    "learner",
    "stops at an own entry of before",
    ROUND,
    "if (party === this.#scope.self && !this.#options.isMuted)",
    "if (party === this.#scope.self)",
  ),
  mutant(
    "round-time",
    "the first honest-looking reading",
    TIME,
    "if (group.hasHonest(parties)) return clock;",
    "return clock;",
  ),
  mutant("round-time", "in the order of parties", TIME, "vector.toSorted((a, b) => a.clock - b.clock)", "vector"),
  mutant("round-time", "goes back", ABC, "Math.max(this.#timeMs ?? 0, ownMs)", "ownMs"),
  mutant(
    "round-time",
    "in vectors that are too small",
    TIME,
    'vectorSize === "quorum" || group.hasHonest(PartySet.upTo(Math.ceil(vectorSize / 2)))',
    "true",
  ),
  mutant("round-time", "clock not told", ABC, "this.#clockMs = nowMs;"),
  mutant("admission", "closed payloads wait on", INLINE, "this.#queue.dropClosed();"),
  mutant(
    "admission",
    "two of one identity wait",
    QUEUE,
    "if (id !== undefined && !this.#waiting.has(id)) this.#add(id, { payload, broughtBy });",
    "if (id !== undefined) this.#add(id, { payload, broughtBy });",
  ),
  mutant("admission", "one identity twice in an entry", INLINE, "|| ids.has(id)"),
  mutant("admission", "both of one identity delivered", ABC, "if (!this.#admission.isOpen(id)) return false;"),
  mutant(
    "admission",
    "delivered twice in a snapshot",
    ADMISSION,
    'if (this.#delivered.size < digests.value.length) throw new AdmissionError("a payload was delivered twice");',
  ),
  mutant(
    "admission",
    "remembers without bound",
    ADMISSION,
    "if (this.#valid.size >= MAX_REMEMBERED_PAYLOADS) this.#valid.clear();",
  ),
  mutant("admission", "judges each time", ADMISSION, "this.#valid.add(id);"),
];
