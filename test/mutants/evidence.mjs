/** Evidence of misbehaviour with one check gone, each. */
const RULES = "src/protocols/evidence.ts";
const ENGINE = "src/core/engine.ts";
const ABBA = "src/protocols/binary-agreement/binary-agreement.ts";
const ROUND = "src/protocols/atomic-broadcast/round.ts";
const KEYS = "src/crypto/endorsements.ts";
const STORE = "src/replica/evidence-store.ts";
const FILE = "src/replica/evidence-file.ts";
const CHECKERS = "src/sim/checkers.ts";

const PROTOCOL = [
  ["test/protocols/evidence.test.ts"],
  ["test/protocols/binary-agreement.test.ts", "-t", "evidence of double votes"],
  ["test/protocols/atomic-broadcast.test.ts", "-t", "signed"],
];
const mutant = (name, stages, file, search, replacement = "") => ({
  name: `evidence: ${name}`,
  file,
  search,
  replacement,
  stages,
});
const inProtocol = (name, ...rest) => mutant(name, PROTOCOL, ...rest);
const inEngine = (name, ...rest) => mutant(name, [["test/core/engine.test.ts"]], ENGINE, ...rest);
const inStore = (name, ...rest) => mutant(name, [["test/replica/evidence-store.test.ts"]], STORE, ...rest);
const inKeys = (name, file, ...rest) =>
  mutant(name, [["test/crypto/endorsements.test.ts", "test/crypto/bls/certifier.test.ts"]], file, ...rest);
const inFile = (name, ...rest) => mutant(name, [["test/replica/evidence-file.test.ts"]], FILE, ...rest);
const inChecker = (name, ...rest) => mutant(name, [["test/sim/checkers.test.ts"]], CHECKERS, ...rest);

export const EVIDENCE_MUTANTS = [
  inProtocol("of different rounds", RULES, "`${slot}/${round}`", "slot"),
  inProtocol("slots not compared", RULES, "|| slot !== signedSlot(as, purpose, second.body)"),
  inProtocol("the same statement twice", RULES, "equalBytes(first.body, second.body) ? undefined :"),
  inProtocol("any scheme", RULES, "rule?.as === as ?", "rule !== undefined ?"),
  inProtocol("a tag that is none", RULES, "if (!isTag(tag)) return invalid", "if (false) return invalid"),
  inProtocol("first signature unchecked", RULES, '["first", first] as const,'),
  inProtocol("second signature unchecked", RULES, ', ["second", second] as const'),
  inProtocol("shares of a threshold signature", RULES, "certifier.sharesAreSignatures &&"),
  inProtocol(
    "pre-votes that are abstentions",
    "src/protocols/binary-agreement/messages.ts",
    "vote.ok && vote.value.value <= max",
    "vote.ok",
  ),
  inProtocol("votes not verified", ABBA, "if (areSigned) this.#scope.evidence", "this.#scope.evidence"),
  inProtocol(
    "of votes that others quote overlooked",
    ABBA,
    "this.#keep(party, PRE_VOTE, this.#round, round.receivedPreVotes, quoted);",
    ";",
  ),
  inProtocol(
    "framed by a quoted share",
    ABBA,
    "if (this.#scope.suite.quorumCertifier.sharesAreSignatures) this.#keep",
    "this.#keep",
  ),
  inProtocol(
    "second entry not verified",
    ROUND,
    "if (!this.#scope.suite.verify(party, this.#scope.statement(QUEUE, body), signature)) return;\n    this.#scope.evidence",
    "this.#scope.evidence",
  ),
  inProtocol(
    "of entries not given",
    ROUND,
    'this.#scope.evidence(party, QUEUE, { as: "signature", purpose: QUEUE, first, second: { body, signature } });',
  ),
  inEngine("of shares that others can make", "certifiers[evidence.as]?.sharesAreSignatures === false ||"),
  inEngine("given again and again", "|| this.#proved.has(slot)) return;", ") return;"),
  inEngine("of a closed instance remembered", "this.#proved.delete(slot);", ";"),
  inKeys(
    "threshold shares taken as signatures",
    KEYS,
    'if (as !== "signature" && certificates.scheme !== "multisig") return false;',
  ),
  inKeys("one domain for all uses", KEYS, "ENDORSEMENT_DOMAINS[as]", "ENDORSEMENT_DOMAINS.signature"),
  inKeys(
    "BLS shares called signatures",
    "src/crypto/bls/certifier.ts",
    "sharesAreSignatures: false",
    "sharesAreSignatures: true",
  ),
  inStore("kept without end", "index >= MAX_EVIDENCE_RECORDS ||"),
  inStore("of any size", "|| (index > 0 && sizeBytes + bytes.length > MAX_EVIDENCE_BYTES)"),
  inStore("too large to be the first", "index > 0 && sizeBytes", "sizeBytes"),
  inStore("of one contradiction kept twice", "|| kept.contradictions.has(contradiction)"),
  inStore(
    "of no contradiction kept",
    "const contradiction = contradictionOf(evidence);",
    'const contradiction = contradictionOf(evidence) ?? "";',
  ),
  inStore(
    "written all at once",
    "this.#writing.then(() => this.#storage.setMeta(nameOf(party, index), bytes))",
    "this.#storage.setMeta(nameOf(party, index), bytes)",
  ),
  inStore("filed under another party", "if (evidence.value.party !== party)", "if (false)"),
  inFile("of another cluster", "if (toHex(file.cluster) !== toHex(cluster))", "if (false)"),
  inFile("of another fault", "fault === file.fault ?", "true ?"),
  inChecker("honest parties may be proved guilty", "verdict.valid && this.#options.isHonest(party)", "false"),
  inChecker("need not convince", "!verdict.valid && this.#options.isHonest(by)", "false"),
];
