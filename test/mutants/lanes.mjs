/** Dissemination in certified batches with one check gone, each. */
const DIRECTORY = "src/protocols/atomic-broadcast/certified";
const CERTIFIED = `${DIRECTORY}/certified.ts`;
const LANE = `${DIRECTORY}/lane.ts`;
const OWN = `${DIRECTORY}/own-lane.ts`;
const ORDERING = `${DIRECTORY}/ordering.ts`;
const MESSAGES = `${DIRECTORY}/messages.ts`;
const SNAPSHOT = `${DIRECTORY}/snapshot.ts`;
const BACKLOG = `${DIRECTORY}/backlog.ts`;
const ABC = "src/protocols/atomic-broadcast/atomic-broadcast.ts";

const mutant = (name, file, search, replacement = "") => ({
  name: `lanes: ${name}`,
  file,
  search,
  replacement,
  stages: [["test/sim/certified.test.ts"], ["test/protocols/certified.test.ts"]],
});

export const LANE_MUTANTS = [
  mutant("a second batch of a height unnoticed", CERTIFIED, "if (!equalBytes(known.bytes, bytes))", "if (false)"),
  mutant("two shares for a height", LANE, "if (stored.batch.height <= this.#signed) continue;"),
  mutant(
    "a share although the parent is another",
    LANE,
    'if (!isCut && !isSame(next.parent, this.#end)) return "equivocation";',
  ),
  mutant(
    "payloads not judged",
    CERTIFIED,
    "if (!batch.payloads.every((payload) => this.#admission.identify(payload) !== undefined))",
    "if (false)",
  ),
  mutant("no window", CERTIFIED, "if (!lane.hasRoom(batch, this.#latest())) return;"),
  mutant(
    "a long payload counts as one",
    CERTIFIED,
    "maxPayloads - this.#backlog.weight",
    "maxPayloads - this.#backlog.length",
  ),
  mutant("what is delivered weighs on", BACKLOG, "this.#weight -= weightOf(length);"),
  mutant("own window ignored", CERTIFIED, "|| this.#own.length >= this.#window"),
  mutant(
    "what was dropped is forgotten",
    CERTIFIED,
    "if (lane.takeDropped() && party !== this.#scope.self) this.#scope.askRepeat(party);",
  ),
  mutant("anybody speaks in a lane", CERTIFIED, "from !== speaker ||"),
  mutant("shares for others", CERTIFIED, "|| hearer !== this.#scope.self"),
  mutant("shares unchecked", CERTIFIED, "if (this.#own.isShare(from, height, share))", "if (true)"),
  mutant(
    "certificates unchecked",
    CERTIFIED,
    "return this.#scope.suite.broadcastCertifier.verify(statement, tip.certificate);",
    "return statement.length > 0;",
  ),
  mutant(
    "heights without a certificate",
    CERTIFIED,
    "return heights.every((height, party) => height <= (covered[party] ?? 0))",
    "return covered.length > 0",
  ),
  mutant(
    "heights below the cut",
    CERTIFIED,
    "heights.every((height, party) => height >= this.#lane(party).cut.height)",
    "true",
  ),
  mutant("entries with nothing new", CERTIFIED, "return areRight && isNew ?", "return areRight ?"),
  mutant(
    "heights of some lanes",
    CERTIFIED,
    "const isOfAll = heights.length === this.#lanes.length;",
    "const isOfAll = true;",
  ),
  mutant(
    "a lane twice, or of nobody",
    CERTIFIED,
    'if (tip.lane <= previous || tip.lane >= this.#lanes.length) return "invalid-queue-entry";',
  ),
  mutant(
    "certificates that the cut covers",
    CERTIFIED,
    'if (tip.height <= this.#lane(tip.lane).cut.height) return "invalid-queue-entry";',
  ),
  mutant("others' tips not adopted", CERTIFIED, "for (const tip of tips) this.#lane(tip.lane).adopt(tip);"),
  mutant("no pace", CERTIFIED, "if (this.#isPaced && this.#frame.round() > this.#proceedTo) return undefined;"),
  mutant("never seals alone", CERTIFIED, "return !this.#own.isWaiting ||", "return"),
  mutant("seals each payload at once", CERTIFIED, "return !this.#own.isWaiting ||", "return true ||"),
  mutant("parts of batches wait for rounds", CERTIFIED, "|| (maySealPart && fills(part))", ""),
  mutant("parts of batches while others lack their certificates", CERTIFIED, "this.#own.isCertified && ", ""),
  mutant("parts of batches in all of the window", CERTIFIED, " && this.#own.length < this.#window / 2", ""),
  mutant("the smallest parts of batches", CERTIFIED, "Math.max(leastPart(this.#lanes.length), ", "Math.max(0, "),
  mutant(
    "parts of batches however much a round orders",
    CERTIFIED,
    "(PART_OF_ROUND * this.#own.orderedBytes) / maxEntryBytes",
    "0",
  ),
  mutant(
    "what a round orders of a lane never forgotten",
    OWN,
    "let orderedBytes = 0;",
    "let orderedBytes = this.#orderedBytes;",
  ),
  mutant(
    "what a round orders of a lane not restored",
    OWN,
    "this.#orderedBytes = orderedBytes; for",
    "this.#orderedBytes = 0; for",
  ),
  mutant("batches not kept", CERTIFIED, "this.#scope.keepBatch({ lane: party, height, digest }, bytes);"),
  mutant("fetched batches not kept", ORDERING, "this.#scope.keepBatch(name, bytes);"),
  mutant("any bytes for a batch that was asked for", ORDERING, 'if (!isSame(batch, name)) return "false";'),
  mutant(
    "all of what is brought is hashed",
    ORDERING,
    "if (read?.payloads.every((payload) => this.#admission.identify(payload) !== undefined) !== true)",
    "if (read === undefined)",
  ),
  mutant(
    "claims unchecked",
    CERTIFIED,
    "if (this.#isCertified(claim)) this.#adopt(claim);",
    "if (claim.height > 0) this.#adopt(claim);",
  ),
  mutant("a claim takes the place of a greater one", LANE, ", this.#claim?.height ?? 0", ""),
  mutant("claims are no work", CERTIFIED, "(tip ?? claim) !== undefined", "tip !== undefined"),
  mutant("a bad claim stays", LANE, "this.#claim = undefined;\n    return claim;", "return claim;"),
  mutant("boundary without claims", SNAPSHOT, "claim: claim === undefined ? [] : [claim],", "claim: [],"),
  mutant(
    "a digest of payloads in any place",
    MESSAGES,
    "encode(nameCodec, { parent,",
    "encode(nameCodec, { parent: ORIGIN,",
  ),
  mutant(
    "a digest of how many payloads",
    MESSAGES,
    "payloads.map((payload) => admission.digest(payload))",
    "payloads.map(() => ORIGIN.digest)",
  ),
  mutant(
    "who brings something false is not accused",
    CERTIFIED,
    'if (this.#ordering.take(name, bytes) === "false")',
    "if (this.#ordering.take(name, bytes) === undefined)",
  ),
  mutant(
    "delivered before all batches are here",
    ORDERING,
    "|| first.spans.some((span) => span.next.height > span.floor)",
  ),
  mutant("chains in falling order", ORDERING, "chain.toReversed()", "chain"),
  mutant(
    "mute parties acknowledge",
    CERTIFIED,
    "if (this.#frame.isMuted()) return;\n    for (const batch",
    "for (const batch",
  ),
  mutant(
    "mute parties seal",
    CERTIFIED,
    "if (this.#frame.isMuted() || !this.#backlog.isWaiting",
    "if (!this.#backlog.isWaiting",
  ),
  mutant(
    "lanes go on where they may have been",
    CERTIFIED,
    "this.#restart(Math.max(this.#latest(), this.#ownLane.signed + 1));",
  ),
  mutant(
    "a lane goes on where another engine left it",
    CERTIFIED,
    "ownFrom(restored(scope, options, start.lanes), scope.self, options.laneBefore ?? 0)",
    "restored(scope, options, start.lanes)",
  ),
  mutant("a stale store unnoticed", CERTIFIED, "if (!isSame(tip, this.#ownLane.at(tip.height)))", "if (false)"),
  mutant("lanes not said again", CERTIFIED, "if (!frame.isMuted()) this.#sayAgain();"),
  mutant("a batch that follows itself", MESSAGES, "decoded.value.parent.height >= height", "false"),
  mutant(
    "boundary without shares",
    SNAPSHOT,
    "shares: [...shares].map(([party, share]) => ({ party, share })),",
    "shares: [],",
  ),
  mutant(
    "boundary without what waits for its parent",
    SNAPSHOT,
    "waiting: waiting.flatMap((of) => batchOf(party, of) ?? []),",
    "waiting: [],",
  ),
  mutant("missing batches at the start", SNAPSHOT, "if (missing.length > 0) return", "if (false) return"),
  mutant("closed payloads stay", BACKLOG, "if (this.#admission.isOpen(id)) continue;", "continue;"),
  mutant("payloads twice in the own lane", BACKLOG, "|| this.#sealed.has(id)"),
  mutant("certificate of too few", OWN, "this.#scope.group.isBroadcastQuorum(set)", "set.size > 1"),
  mutant("the next round begins over a checkpoint", ABC, "!this.#checkpoints.isDue(this.#round) &&"),
  mutant("a round that waits judges on", ABC, 'if (this.#options.delivery !== "on-request") this.#current.close();'),
];
