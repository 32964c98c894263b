/** Reliable and causal broadcast with one check gone, each. */
const RELIABLE = "src/protocols/reliable-broadcast/reliable-broadcast.ts";
const CODED = "src/protocols/reliable-broadcast/coded.ts";
const MERKLE = "src/core/merkle.ts";
const FRAGMENTS = "src/protocols/reliable-broadcast/fragment-count.ts";
const CAUSAL = "src/protocols/causal-broadcast/causal-broadcast.ts";
const OPENING = "src/protocols/causal-broadcast/opening.ts";
const PAYLOAD = "src/protocols/causal-broadcast/payload.ts";

/** The tests of the protocol, then its schedules. */
const mutantOf = (protocol, prefix, tests) => {
  const path = (name) => `test/protocols/${protocol}${name}.test.ts`;
  const stages = [tests.map(path), [path("-schedules")]];
  return (name, file, search, replacement = "") => ({ name: `${prefix}: ${name}`, file, search, replacement, stages });
};
const reliable = mutantOf("reliable-broadcast", "rbc", ["", "-code"]);
const causal = mutantOf("causal-broadcast", "causal", [""]);

export const BROADCAST_MUTANTS = [
  reliable(
    "anybody may send",
    RELIABLE,
    'if (from !== this.#options.sender) return this.#scope.accuse(from, "wrong-sender");',
  ),
  reliable(
    "a party's second word counts",
    RELIABLE,
    'if (first !== key) this.#scope.accuse(from, kind === "send" ? "equivocation" : "double-vote");\n      return undefined;',
  ),
  reliable(
    "echoes what is not valid",
    RELIABLE,
    "if (this.#hasEnough(candidate) && this.#recover(candidate) === undefined) return;",
  ),
  reliable(
    "ready on fewer echoes",
    RELIABLE,
    "group.isBroadcastQuorum(candidate.echoes)",
    "group.hasHonest(candidate.echoes)",
  ),
  reliable("ready without a valid message", RELIABLE, " && this.#recover(candidate) !== undefined"),
  reliable("ready on anybody's ready", RELIABLE, "group.hasHonest(readies) ||", "readies.size > 0 ||"),
  reliable("ready on echoes only", RELIABLE, "group.hasHonest(readies) || "),
  reliable("ready for two roots", RELIABLE, "!this.#readied && (", "("),
  reliable("delivers on fewer readies", RELIABLE, "!group.isQuorum(readies) ||", "!group.hasHonest(readies) ||"),
  reliable("delivers twice", RELIABLE, "if (this.#delivered) return;"),
  reliable(
    "predicate unchecked",
    RELIABLE,
    '"invalid-proposal" : this.#options.fault(message);',
    '"invalid-proposal" : undefined;',
  ),
  reliable("fragments that are no codeword", CODED, " && equalBytes(split(message).root, root)"),
  reliable("fragments of any length", CODED, "bytes.length <= fragmentBytes(maxBytes) ?", "true ?"),
  reliable("path of any length", MERKLE, "path.length === depthOf(index, count) ?", "true ?"),
  reliable("leaves and inner nodes alike", MERKLE, "const INNER = Uint8Array.of(1);", "const INNER = LEAF;"),
  reliable(
    "a fragment more than there may be",
    FRAGMENTS,
    "commonByTerms(broadcastQuorum, quorum))",
    "commonByTerms(broadcastQuorum, quorum)) + 1",
  ),

  causal(
    "shares before the payload is ordered",
    CAUSAL,
    "this.#ordering.input(payload);",
    "const one = this.#admit(payload);\n    if (one !== undefined) this.#say(openPath(this.#decided + 1), saying(sharesCodec, ownShares(this.#scope.suite.decryption, [one]), this.#scope.group.parties));\n    this.#ordering.input(payload);",
  ),
  causal("ciphertext unchecked", PAYLOAD, "options.decryption.checkCiphertext(label, ciphertext) ?", "true ?"),
  causal("application not asked", PAYLOAD, " || !options.isValid(decoded.value)"),
  causal(
    "the same label for all clients",
    CAUSAL,
    "this.#scope.statement(SEALED, client),",
    "this.#scope.statement(SEALED, new Uint8Array(0)),",
  ),
  causal("shares unchecked", OPENING, "if (!this.#areValid(from, batch, shares)) {", "if (false) {"),
  causal("decrypts on anybody's share", OPENING, "scope.group.hasHonest(set)", "set.size > 0"),
  causal("number of shares unchecked", OPENING, " || shares.length !== batch.items.length"),
  causal("bad shares looked at again and again", OPENING, "this.#refused.add(from);"),
  causal(
    "opens with batches missing",
    OPENING,
    "if (batch.plaintexts === undefined) return;",
    "if (batch.plaintexts === undefined) continue;",
  ),
  causal(
    "rounds delivered as they open",
    CAUSAL,
    "const round = this.#opened + 1;\n      const ordered",
    "const round = [...this.#ordered].find(([, { plaintexts }]) => plaintexts !== undefined)?.[0] ?? 0;\n      const ordered",
  ),
  causal("early shares unbounded", CAUSAL, "peer.earlyBytes + sizeBytesOf(body) <= this.#maxEarlyBytes", "true"),
  causal("early shares lost", CAUSAL, "this.#scope.redeliver(party, openPath(round), body);"),
  causal("dropped shares not asked for", CAUSAL, "this.#scope.askRepeat(party);"),
  causal("room of early shares stays taken", CAUSAL, "peer.earlyBytes -= sizeBytesOf(body);"),
  causal(
    "asks for no shares of old rounds",
    CAUSAL,
    "this.#say(askPath(first), saying(requestCodec, [{ end }], others));",
  ),
  causal("answers the same request again", CAUSAL, "if (first < peer.wants.end) return;"),
  causal("requests of any length", CAUSAL, "end <= first || end > first + ROUNDS_PER_REQUEST", "end <= first"),
  causal("shares of old rounds stay in the links", CAUSAL, "if (round > 1) this.#scope.retire(openPath(round - 1));"),
];
