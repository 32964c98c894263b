/** Agreement as a library with one check gone, each. */
const AGREEMENT = "src/agreement/agreement.ts";
const PARTY = "src/agreement/party.ts";
const RUN = "src/agreement/run.ts";
const EARLY = "src/agreement/early-messages.ts";
const HEARER = "src/agreement/hearer.ts";
const SPEAKER = "src/agreement/speaker.ts";
const MEMORY = "src/agreement/memory-links.ts";

const mutant = (name, file, search, replacement = "") => ({
  name: `agreement: ${name}`,
  file,
  search,
  replacement,
  stages: [["test/agreement"]],
});

export const AGREEMENT_MUTANTS = [
  mutant("the caller's own buffer is proposed", AGREEMENT, "return new Uint8Array(given);", "return given;"),
  mutant(
    "a copy that shares a Node buffer's memory",
    AGREEMENT,
    "return new Uint8Array(given);",
    "return given.slice();",
  ),
  mutant("anything is a proposal", AGREEMENT, "if (!(given instanceof Uint8Array))", "if (false)"),
  mutant("anything is a bit", AGREEMENT, "if (given !== 0 && given !== 1)", "if (false)"),
  mutant("the decision is a part of messages", AGREEMENT, "value: new Uint8Array(value),", "value,"),
  mutant("own proposal unchecked", AGREEMENT, "if (!holds) throw new ProposalError"),
  mutant("any true value holds", AGREEMENT, 'if (typeof holds !== "boolean")', "if (false)"),
  mutant("own proposal judged again", AGREEMENT, "equalBytes(value, own) ||"),
  mutant("another party's suite", PARTY, "checkSuite(this.#options);"),
  mutant("tag used twice", PARTY, "if (this.#used.has(tag)) throw new TagError(`${tag} was used before`);"),
  mutant("tag too long for what is below", PARTY, "if (tag.length > MAX_INSTANCE_TAG_BYTES)", "if (false)"),
  mutant("links of two parties", MEMORY, "if (this.#isOpened) throw", "if (false) throw"),
  mutant("accuses after the predicate has thrown", RUN, " && !this.#hasThrown"),
  mutant("says more after it has left", RUN, "if (this.#isOver) return;\n    if (effect.kind", "if (effect.kind"),
  mutant("early messages unbounded", EARLY, "if (sizeBytes > this.#maxBytes) {", "if (false) {"),
  mutant("dropped messages not asked for again", EARLY, "kept.hasDropped = true;"),
  mutant("another cluster is heard", HEARER, "if (!equalBytes(cluster, this.#options.cluster))", "if (false)"),
  mutant("what was never said counts as heard", SPEAKER, "if (frame.after > this.#said.last)", "if (false)"),
];
