/** Relaying over third parties with one check gone, each. */
const COURIER = "src/relay/courier.ts";
const HEARING = "src/relay/hearing.ts";
const OUTBOX = "src/relay/outbox.ts";
const SERVING = "src/relay/serving.ts";
const SEEN = "src/relay/seen.ts";
const QUEUE = "src/relay/relay-queue.ts";
const PACING = "src/relay/pacing.ts";

const mutant = (name, file, search, replacement = "") => ({
  name: `relay: ${name}`,
  file,
  search,
  replacement,
  stages: [["test/relay"], ["test/sim/link-failures.test.ts"], ["test/replica"]],
});

export const RELAY_MUTANTS = [
  mutant(
    "signature unchecked",
    COURIER,
    "if (!keys.verify(origin, this.#statement(relayed, relayed.sealed), relayed.signature))",
    "if (false)",
  ),
  mutant("own frames handed on", COURIER, "origin === self ||"),
  mutant("parties that do not exist", COURIER, "!this.#isParty(origin) || !this.#isParty(to)", "false"),
  mutant("handed on again and again", COURIER, "if (!seen.isNew(run, number)) return received(via);"),
  mutant(
    "seen before it is proved",
    COURIER,
    "if (!seen.isNew(run, number)) return",
    "if (!seen.isNew(run, number) || (seen.add(run, number), false)) return",
  ),
  mutant("proofs that were dropped not given again", OUTBOX, "!again && "),
  mutant("handed back", COURIER, "neighbour !== via && "),
  mutant(
    "header inside unchecked",
    COURIER,
    "text !== undefined && equalBytes(text.subarray(0, header.length), header)",
    "text !== undefined",
  ),
  mutant("earlier run heard", COURIER, "if (run < peer.run) return undefined;"),
  mutant("acknowledgement of another run", COURIER, "if (run !== this.#run) return undefined;"),
  mutant(
    "acknowledges what was never said",
    COURIER,
    "if (upTo > prompt.outbox.lastNumber || bulkUpTo",
    "if (bulkUpTo",
  ),
  mutant("acknowledges bulk that was never said", COURIER, " || bulkUpTo > bulk.outbox.lastNumber"),
  mutant("resumes after bulk that was never said", COURIER, " || upTo.bulk > bulk.outbox.lastNumber"),
  mutant("acknowledged before it is durable", COURIER, "upTo: prompt.durable,", "upTo: prompt.upTo,"),
  mutant("bulk acknowledged before it is durable", COURIER, "bulkUpTo: bulk.durable });", "bulkUpTo: bulk.upTo });"),
  mutant(
    "no offer in the place of a batch that is gone",
    SERVING,
    'if (entry.said.kind === "batch") this.#offer(entry.said.channel, 0, 0);',
  ),
  mutant("bulk without a window", COURIER, 'line === "bulk" && !hasRoom(outbox, entry, number)', "false"),
  mutant(
    "batches served without a bound",
    OUTBOX,
    "if (unsent.filter(({ said }) => said.kind === answer.kind).length >= MAX_SERVED_CHUNKS) return;",
  ),
  mutant(
    "batch of no channel served",
    SERVING,
    'if (this.#options.round(channel) === undefined) return "unknown-channel";\n    this.#outboxes.bulk',
    "this.#outboxes.bulk",
  ),
  mutant(
    "acknowledgement forgotten before it is durable",
    COURIER,
    "if (prompt.durable === prompt.upTo && bulk.durable === bulk.upTo) owed.clear();",
    "owed.clear();",
  ),
  mutant("heard twice", HEARING, "if (item.number <= this.#upTo) return [];"),
  mutant("heard out of order", HEARING, "if (item.after > this.#upTo) {", "if (false) {"),
  mutant("early items unbounded", HEARING, "if (isFull && this.#held.size > 0) return;"),
  mutant("window of seen frames forgotten", SEEN, "if (number + SEEN_WINDOW <= this.#greatest) return false;"),
  mutant("room of an origin unlimited", QUEUE, "line.sizeBytes + frame.length <= MAX_RELAY_LINE_BYTES", "true"),
  mutant("never relays", PACING, "this.#isRelaying = true;"),
  mutant("relays though acknowledged", PACING, "if (++this.#ticks < this.#waitTicks) return;", "this.#ticks++;"),
];
