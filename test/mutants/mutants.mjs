/** Production code with one check gone, each; `search` occurs once in `file`. */
const CORE = "src/core";
const VCBC = "src/protocols/consistent-broadcast/consistent-broadcast.ts";
const CLOSING = "src/protocols/consistent-broadcast/closing.ts";
const ABBA = "src/protocols/binary-agreement/binary-agreement.ts";
const JUSTIFICATION = "src/protocols/binary-agreement/justification.ts";
const FETCHING = "src/protocols/consistent-broadcast/fetching.ts";
const MVBA = "src/protocols/multivalued-agreement/multivalued-agreement.ts";
const PASS = "src/protocols/multivalued-agreement/pass.ts";
const PASSES = "src/protocols/multivalued-agreement/passes.ts";
const COMMIT = "src/protocols/multivalued-agreement/commit.ts";
const CANDIDATES = "src/protocols/multivalued-agreement/candidates.ts";
const HOLDINGS = "src/protocols/multivalued-agreement/holdings.ts";
const PROOF = "src/protocols/multivalued-agreement/decision.ts";
const ORDER = "src/protocols/multivalued-agreement/order.ts";
const ABC = "src/protocols/atomic-broadcast/atomic-broadcast.ts";
const INLINE = "src/protocols/atomic-broadcast/inline.ts";
const ROUND = "src/protocols/atomic-broadcast/round.ts";
const QUEUE = "src/protocols/atomic-broadcast/queue.ts";
const PEERS = "src/protocols/atomic-broadcast/peers.ts";

const mutant = (name, file, search, replacement = "") => ({ name, file, search, replacement });

export const MUTANTS = [
  mutant("core: quorum one smaller", `${CORE}/group.ts`, "set.size >= quorum,", "set.size >= quorum - 1,"),
  mutant(
    "core: broadcast quorum of t+1",
    `${CORE}/group.ts`,
    "set.size >= broadcastQuorum,",
    "set.size >= byzantine + 1,",
  ),
  mutant(
    "core: tally takes a second item",
    `${CORE}/tally.ts`,
    "if (!this.parties.add(party)) return false;",
    "this.parties.add(party);",
  ),
  mutant("core: tally fires again", `${CORE}/tally.ts`, "if (this.#fired || !", "if (!"),
  mutant(
    "core: tag not bound in statements",
    `${CORE}/engine.ts`,
    'statement", cluster, tag, purpose',
    'statement", cluster, tag: "x", purpose',
  ),
  mutant(
    "core: purpose not bound in statements",
    `${CORE}/engine.ts`,
    "cluster, tag, purpose, body });",
    'cluster, tag, purpose: "x", body });',
  ),

  {
    ...mutant(
      "core: a closed parent hears a child",
      `${CORE}/engine.ts`,
      "if (this.#nodes.has(tag)) childOutput(value);",
      "childOutput(value);",
    ),
    stages: [["test/core/engine.test.ts"]],
  },

  mutant("vcbc: witness signs every message", VCBC, "if (this.#received !== undefined) {", "if (false) {"),
  mutant(
    "vcbc: predicate unchecked by signers",
    VCBC,
    "if (fault !== undefined) return this.#scope.accuse(from, fault);",
  ),
  mutant(
    "vcbc: shares unchecked",
    VCBC,
    'if (!suite.broadcastCertifier.verifyShare(from, statement, share)) return this.#scope.accuse(from, "invalid-share");',
  ),
  mutant(
    "vcbc: certificate unchecked",
    VCBC,
    "if (!this.#scope.suite.broadcastCertifier.verify(statement, certificate)) {",
    "if (false) {",
  ),
  mutant(
    "vcbc: digest not compared",
    VCBC,
    'if (!equalBytes(this.#received.digest, digest)) return this.#scope.accuse(this.#options.sender, "equivocation");',
  ),
  mutant("vcbc: anybody may send", VCBC, "} else if (from !== this.#options.sender) {", "} else if (false) {"),
  mutant(
    "vcbc: certificate before the message lost",
    VCBC,
    "if (this.#certified !== undefined) this.#complete(this.#certified.digest, this.#certified.certificate);",
  ),
  mutant(
    "vcbc: delivers twice",
    VCBC,
    "  #deliver({ message, digest }: Held, certificate: Uint8Array): void {\n    if (this.#delivered !== undefined) return;",
    "  #deliver({ message, digest }: Held, certificate: Uint8Array): void {",
  ),
  mutant(
    "vcbc: closing unchecked",
    CLOSING,
    "return scope.suite.broadcastCertifier.verify(scope.statement(WITNESS, digest, below), certificate);",
    "return true;",
  ),

  mutant(
    "abba: pre-vote not justified",
    JUSTIFICATION,
    'return this.#isPreVoteReason(round, vote, coin) ? "justified" : "invalid-justification";',
    'return "justified";',
  ),
  mutant(
    "abba: main-vote not justified",
    JUSTIFICATION,
    'return this.#isMainVoteReason(round, vote, coin) ? "justified" : "invalid-justification";',
    'return "justified";',
  ),
  mutant(
    "abba: vote shares unchecked",
    JUSTIFICATION,
    "return this.#scope.suite.quorumCertifier.verifyShare(party, statement, share);",
    "return true;",
  ),
  mutant(
    "abba: ρ justifies in later rounds",
    JUSTIFICATION,
    'return (reason.kind === "proof") === (round === 1);',
    "return true;",
  ),
  mutant(
    "abba: votes of later rounds kept with a ρ",
    ABBA,
    'if (message.kind !== "coin" && !givesPossibleReason(message)) return this.#scope.accuse(from, "invalid-justification");',
  ),
  mutant(
    "abba: coin value unchecked",
    JUSTIFICATION,
    "return value === coin && this.#isCertified",
    "return this.#isCertified",
  ),
  mutant("abba: abstention by one value", JUSTIFICATION, "zero.value === 0 &&"),
  mutant(
    "abba: quoted pre-vote not justified",
    JUSTIFICATION,
    'this.preVote(zeroBy, round, zero, coin) === "justified" &&',
  ),
  mutant("abba: quoted pre-vote for 0 of a party outside", JUSTIFICATION, "zeroBy < this.#scope.group.n &&"),
  mutant("abba: quoted pre-vote for 1 of a party outside", JUSTIFICATION, "oneBy < this.#scope.group.n &&"),
  mutant(
    "abba: decision certificate unchecked",
    JUSTIFICATION,
    "return this.#isCertified(MAIN_VOTE, round, value, certificate) && this.#predicate",
    "return this.#predicate",
  ),
  mutant(
    "abba: decision ρ unchecked",
    JUSTIFICATION,
    "value, certificate) && this.#predicate(value, proof);",
    "value, certificate);",
  ),
  mutant(
    "abba: freeze removed",
    ABBA,
    "    const coin = round.coin;",
    '    const coin = round.coin;\n    for (const { value, reason } of round.receivedMainVotes.values()) {\n      if (value !== ABSTAIN && reason.kind === "preVotes") next = { kind: "preVotes", value, certificate: reason.certificate };\n    }',
  ),
  mutant(
    "abba: coin share with the main-vote",
    ABBA,
    'this.#step = { at: "main-votes" };',
    'this.#step = { at: "main-votes" };\n    if (this.#round > 1) this.#scope.broadcast({ kind: "coin", round: this.#round, share: this.#scope.suite.quorumCoin.share(this.#scope.statement(COIN, coinBody(this.#round))) });',
  ),
  mutant("abba: coin of t+1 shares awaited", ABBA, "suite.quorumCoin.suffices(parties)", "group.hasHonest(parties)"),
  mutant("abba: coin shares unchecked", ABBA, "if (!quorumCoin.verifyShare(party, name, share)) {", "if (false) {"),
  mutant("abba: no bias", ABBA, "if (number === 1) round.coin = 1;", "if (number === 1) round.coin = 0;"),
  mutant(
    "abba: decides on one main-vote",
    ABBA,
    "votes.every((vote) => vote.value === named.value)",
    "votes.some((vote) => vote.value === named.value)",
  ),
  mutant(
    "abba: named value ignored, coin taken",
    ABBA,
    'if (next.kind === "preVotes") this.#preVote(next.value,',
    'if (next.kind === "preVotes") this.#preVote(coin,',
  ),
  mutant(
    "abba: votes far ahead unbounded",
    ABBA,
    " || message.round > this.#round + MAX_ROUNDS_AHEAD) return;",
    ") return;",
  ),
  mutant(
    "abba: votes before the input dropped",
    ABBA,
    "if (message.round < this.#round ||",
    'if (this.#step.at === "idle" || message.round < this.#round ||',
  ),
  mutant(
    "abba: double votes not accused",
    ABBA,
    "else if (first.value !== vote.value) this.#accuseDoubleVote(from, purpose, round, first, vote);",
  ),
  mutant(
    "abba: refused vote keeps its place",
    ABBA,
    "received.delete(party);\n    this.#scope.accuse(party, fault);",
    "this.#scope.accuse(party, fault);",
  ),
  mutant(
    "abba: decision not forwarded",
    ABBA,
    "this.#scope.broadcast(message);\n    this.#rounds.clear();",
    "this.#rounds.clear();",
  ),

  mutant(
    "vcbc: fetched value unchecked",
    FETCHING,
    "if (equalBytes(this.#scope.suite.hash(message), this.#wanted.digest)) return this.#wanted;",
    "return this.#wanted;",
  ),
  mutant("vcbc: values unasked for", FETCHING, "!this.#asked.has(from)", "false"),
  mutant("vcbc: asks everybody at once", FETCHING, "signers ?? this.#scope.group.parties", "this.#scope.group.parties"),
  mutant("vcbc: a wrong answer asks nobody else", FETCHING, "    this.#askAll(this.#scope.group.parties);\n"),
  mutant("vcbc: answers the same party again", FETCHING, " || !this.#answered.add(party)"),
  mutant("vcbc: serves another message", FETCHING, "!equalBytes(wanted, digest) || "),
  mutant(
    "vcbc: serves what the sender said",
    VCBC,
    "this.#delivered ?? this.#received",
    "this.#received ?? this.#delivered",
  ),
  mutant("vcbc: judges when it only serves", VCBC, "if (this.#onlyServes) return;"),

  mutant(
    "mvba: N-vote counted without commit",
    PASS,
    "if (commit === undefined) return false;",
    "if (commit === undefined) return true;",
  ),
  mutant("mvba: no vote for what is held before a quorum of proposals", PASS, "|| this.#maySupport(batch) ?", "?"),
  mutant(
    "mvba: votes before a quorum of proposals",
    PASS,
    " && batch.every((party) => candidates.closingOf(party) !== undefined)",
    "",
  ),
  mutant("mvba: votes on others before a quorum of proposals", PASS, "batch === this.#opening &&", "true &&"),
  mutant("mvba: goes on before a quorum of proposals", PASS, "else if (!this.#hasStarted) return;"),
  mutant(
    "mvba: opening votes in every pass",
    PASS,
    "options.number === 1 ? this.#batches[0] : undefined",
    "this.#batches[0]",
  ),
  mutant("mvba: N-vote against the commit counted", PASS, "if (!commit.has(party)) return true;", "return true;"),
  mutant("mvba: commit asked of the first of adaptive", PASS, '(order === "adaptive" && party === first)', "false"),
  mutant(
    "mvba: coin before a quorum of commits",
    COMMIT,
    "if (!this.#committed.complete || !this.#hasCommitted",
    "if (!this.#hasCommitted",
  ),
  mutant(
    "mvba: coin before the own commit",
    COMMIT,
    "!this.#committed.complete || !this.#hasCommitted ||",
    "!this.#committed.complete ||",
  ),
  mutant(
    "mvba: commits unchecked by signers",
    COMMIT,
    'return isValid ? undefined : "invalid-commit";',
    "return undefined;",
  ),
  mutant("mvba: commit of parties outside", COMMIT, "[...set].every((party) => party < group.n) && "),
  mutant(
    "mvba: order coin shares unchecked",
    COMMIT,
    "if (!honestCoin.verifyShare(party, name, share)) {",
    "if (false) {",
  ),
  mutant(
    "mvba: shown coin shares unchecked",
    COMMIT,
    "party < this.#scope.group.n && honestCoin.verifyShare(party, name, share)",
    "true",
  ),
  mutant("mvba: too few shown coin shares", COMMIT, " || !this.#scope.group.hasHonest(PartySet.of(byParty.keys()))"),
  mutant(
    "mvba: Y-vote without closing",
    PASS,
    'if (vote.kind === "yes" && !this.#options.candidates.accept(vote.candidate, vote.closing)) {',
    "if (false) {",
  ),
  mutant(
    "mvba: R(1, ρ) always true",
    PASS,
    "value === 1 ? this.#options.candidates.accept(party, proof)",
    "value === 1 ? true",
  ),
  mutant(
    "mvba: compact closings always taken",
    CANDIDATES,
    '(this.#options.delivery === "on-request" && this.#acceptCompact(party, closing))',
    "this.#acceptCompact(party, closing)",
  ),
  mutant(
    "mvba: compact closing of another candidate",
    CANDIDATES,
    "if (verifyCompactClosing(this.#scope, closing, `proposal/${party}`) === undefined) return false;",
    "if (closing.length < 32) return false;",
  ),
  mutant(
    "mvba: loop stops at a rejected candidate",
    PASS,
    "if (this.#batch()?.includes(party) === true) this.#advance();",
  ),
  mutant(
    "mvba: votes 0 in spite of a Y",
    PASS,
    "const proof = this.#options.candidates.closingOf(party);",
    "const proof = undefined as Uint8Array | undefined;",
  ),
  mutant(
    "mvba: who has the proposal waits for votes, and for ever",
    PASS,
    "if (proof !== undefined) ballot.agreement.input({ value: 1, proof });",
  ),
  mutant(
    "mvba: loop before a quorum of proposals",
    MVBA,
    "this.#hasInput && this.#candidates.areEnough &&",
    "this.#hasInput &&",
  ),
  mutant(
    "mvba: a later candidate of the batch wins",
    PASS,
    "earlier?.every((party) => this.#isRejected(party)) !== true",
    "earlier === undefined",
  ),
  mutant(
    "mvba: the next batch before this one is rejected",
    PASS,
    "this.#batch()?.every((party) => this.#isRejected(party)) === true",
    "this.#batch()?.some((party) => this.#isRejected(party)) === true",
  ),
  mutant(
    "mvba: proof without the earlier rejections",
    PROOF,
    "if (earlier?.length !== rejected.length) return undefined;",
    "if (earlier === undefined) return undefined;",
  ),
  mutant("mvba: rejections in a proof unchecked", PROOF, "!areRejected || "),
  mutant("mvba: rejections in a proof with a ρ", PROOF, " && decision.proof.length === 0"),
  mutant("mvba: proof of a rejection", PROOF, "decision?.value !== 1 || ", "decision === undefined || "),
  mutant(
    "mvba: closing in a proof unchecked",
    PROOF,
    "!candidates.accept(candidate, decision.proof)",
    "(candidates.accept(candidate, decision.proof), false)",
  ),
  mutant("mvba: learnt proof not forwarded", MVBA, "this.#decide(accepted, true);", "this.#decide(accepted, false);"),
  mutant("mvba: order by coin not shown to others", MVBA, "accepted.shares.length > 0", "false"),
  mutant(
    "mvba: decisions before the coin forgotten",
    PASS,
    "if (!this.#accept()) this.#advance();",
    "this.#advance();",
  ),
  mutant("mvba: any order", MVBA, "!CANDIDATE_ORDERS.includes(order)", "false"),
  mutant("mvba: any delivery", MVBA, "!DELIVERIES.includes(delivery)", "false"),
  mutant("mvba: adaptive tries its first again", ORDER, "drawn.filter((party) => party !== first)", "drawn"),
  mutant("mvba: one pass only", PASSES, "return isThreshold ? 1 :", "return true ? 1 :"),
  mutant("mvba: passes with thresholds", PASSES, "return isThreshold ? 1 :", "return false ? 1 :"),
  mutant("mvba: set counted before it is held", HOLDINGS, " || !parties.isSubsetOf(this.#options.candidates.held)"),
  mutant(
    "mvba: sets unchecked",
    HOLDINGS,
    'if (!isCommit(this.#scope.group, parties)) return this.#scope.accuse(from, "invalid-commit");',
  ),
  mutant(
    "mvba: closings between passes unsaid",
    HOLDINGS,
    'if (closing !== undefined) this.#scope.broadcast({ kind: "closing", candidate, closing });',
  ),
  mutant(
    "mvba: closings between passes unchecked",
    MVBA,
    "!this.#candidates.accept(candidate, closing)",
    "(this.#candidates.accept(candidate, closing), false)",
  ),
  mutant("mvba: next pass before the own one is over", HOLDINGS, "if (!this.#hasBegun) return;"),
  mutant(
    "mvba: quorum heard asks nobody",
    MVBA,
    "if (this.#heard.add(from, true)) this.#candidates.fetch(this.#accepted.candidate);",
  ),
  mutant("mvba: signs after the decision", MVBA, 'if (this.#delivery === "on-request") this.#candidates.serveOnly();'),
  mutant(
    "abc: round before not served",
    ABC,
    'if (this.#options.delivery !== "on-request") this.#current.close();',
    "this.#current.close();",
  ),
  mutant(
    "abc: entries judged after the decision",
    ROUND,
    "if (this.#hasDecided) return;\n    if (this.#gathered",
    "if (this.#gathered",
  ),
  mutant("abc: nothing held back", ROUND, "this.#holdsBack = options.holdsBack &&", "this.#holdsBack = false &&"),
  mutant("abc: the first candidate holds back", ROUND, " && scope.self !== first;", ";"),
  mutant("abc: held back where a coin draws the first", ROUND, 'options.agreement.order !== "random" && ', ""),
  mutant(
    "abc: what was held back is never said",
    ROUND,
    "if (this.#complete !== undefined) this.#propose(this.#complete);",
  ),
  mutant("abc: the host's word forgotten where a round begins anew", ABC, " && number !== this.#proposeIn", ""),
  mutant("abc: the host's word for another round", ABC, "if (round !== this.#round) return;\n    // Also", "// Also"),
  mutant("abc: rounds before served for ever", ABC, "this.#previous?.close();"),

  mutant("abc: delivered payload stays in the queue", QUEUE, "    this.#waiting.delete(id);\n"),
  mutant(
    "abc: delivered payload deliverable again",
    QUEUE,
    "id !== undefined && this.#admission.isOpen(id) ? id : undefined",
    "id",
  ),
  mutant("abc: payload twice in a round", ABC, "if (!this.#admission.isOpen(id)) return false;"),
  mutant("abc: peers' quota unlimited", QUEUE, "Math.max(this.#limits().maxPayloadsPerPeer,", "Math.max(Infinity,"),
  mutant("abc: no room for the payload that wakes", QUEUE, "this.#waiting.size === 0 ? 1 : 0", "0"),
  mutant(
    "abc: others' payloads not inserted",
    INLINE,
    "for (const payload of payloads) this.#queue.append(payload, from);",
  ),
  mutant(
    "abc: round not closed on decision",
    ABC,
    'if (this.#options.delivery !== "on-request") this.#current.close();',
  ),
  mutant("abc: retire dropped", ABC, "if (this.#round > 1) this.#scope.retire(String(this.#round - 1));"),
  mutant(
    "abc: retires the round just decided",
    ABC,
    "if (this.#round > 1) this.#scope.retire(String(this.#round - 1));",
    "this.#scope.retire(String(this.#round));",
  ),
  mutant(
    "abc: askRepeat dropped",
    ABC,
    "if (this.#peers.takeDropped(party, this.#round)) this.#scope.askRepeat(party);",
  ),
  mutant(
    "abc: askProofs dropped",
    ABC,
    "if (!this.#isDecided && highest > this.#round) this.#scope.askProofs(party, this.#round, highest);",
  ),
  mutant("abc: early messages unbounded", PEERS, " && peer.earlyBytes + message.body.length <= keeps.maxBytes"),
  mutant(
    "abc: early messages lost",
    ABC,
    "for (const { path, body } of this.#peers.takeEarly(party)) this.#scope.redeliver(party, path, body);",
  ),
  mutant("abc: bookkeeping of early messages free", PEERS, "body.length + path.length + 64", "body.length"),
  mutant("abc: c unchecked", ABC, "refuse(vectorSizeProblem(options.vectorSize, scope.group));"),
  mutant(
    "abc: entry signature unchecked",
    ROUND,
    'if (!this.#scope.suite.verify(party, this.#scope.statement(QUEUE, body), signature)) return "invalid-share";',
  ),
  mutant(
    "abc: entries of delivered or invalid payloads",
    INLINE,
    "this.#isWithinBounds(payloads) && this.#areOpen(payloads) ?",
    "this.#isWithinBounds(payloads) ?",
  ),
  mutant(
    "abc: entries out of bounds",
    INLINE,
    "this.#isWithinBounds(payloads) && this.#areOpen(payloads) ?",
    "this.#areOpen(payloads) ?",
  ),
  mutant(
    "abc: length of a vector unchecked",
    ROUND,
    'if (!this.#isVectorOf(entries.map(({ party }) => party))) return "invalid-proposal";',
  ),
  mutant("abc: known entry with another signature", ROUND, "equalBytes(first.signature, signature) && "),
  mutant("abc: one party twice in a vector", ROUND, "if (party <= previous ||", "if ("),
  mutant("abc: equivocation in entries unnoticed", ROUND, 'this.#scope.accuse(party, "equivocation");'),
];
