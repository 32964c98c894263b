/** State transfer, and what a peer that is behind is served, with one check gone, each. */
const SERVING = "src/relay/serving.ts";
const OUTBOX = "src/relay/outbox.ts";
const COURIER = "src/relay/courier.ts";
const TRANSFER = "src/replica/transfer.ts";
const SOURCE = "src/replica/transfer-source.ts";
const RECORD = "src/replica/transfer-record.ts";
const SUMMARY = "src/replica/checkpoint-summary.ts";
const ARCHIVE = "src/replica/checkpoint-archive.ts";

const serving = (name, file, search, replacement = "") => ({
  name: `transfer: ${name}`,
  file,
  search,
  replacement,
  stages: [["test/relay/serving.test.ts"], ["test/replica/checkpoint-archive.test.ts"]],
});
const mutant = (name, file, search, replacement = "") => ({
  ...serving(name, file, search, replacement),
  stages: [["test/replica/transfer.test.ts"], ["test/replica/checkpoint-archive.test.ts"]],
});

export const TRANSFER_MUTANTS = [
  serving("position that came late", SERVING, "|| round < (this.#positions.get(channel) ?? 0)"),
  serving("position that cannot be", SERVING, "round >= own ||"),
  serving("no offer", SERVING, "this.#offer(channel, from, round);"),
  serving(
    "proofs beyond a gap",
    SERVING,
    "this.#outboxes.prompt.serve(channel, from, from);",
    "this.#outboxes.prompt.serve(channel, 80, own);",
  ),
  serving("offer behind the peer", SERVING, "|| offer.round < from"),
  serving(
    "offer again and again",
    SERVING,
    "if (last !== undefined && last.round >= offer.round && last.peerRound >= peerRound) return;",
  ),
  serving("no offer to who moved", SERVING, "&& last.peerRound >= peerRound"),
  serving("no later offer", SERVING, "last.round >= offer.round && "),
  serving("offer forgotten by who started anew", SERVING, "this.#offered.clear();"),
  serving("round of an earlier run", SERVING, "this.#positions.clear();"),
  serving("pruned proof sent", SERVING, 'if (said.kind !== "proof") return true;', "return true;"),
  serving(
    "pruned while relayed",
    COURIER,
    "peer.serving.isCurrent(entry) ? peer.serving.frame(entry, line) : undefined",
    "peer.serving.frame(entry, line)",
  ),
  serving(
    "no word of a later state",
    SERVING,
    "this.#offer(channel, round + 1, this.#offered.get(channel)?.peerRound ?? 0);",
  ),
  serving(
    "chunks of any channel",
    SERVING,
    'if (this.#options.round(channel) === undefined) return "unknown-channel"; this.#outboxes.prompt.answer({ kind: "chunk",',
    'this.#outboxes.prompt.answer({ kind: "chunk",',
  ),
  serving(
    "state of any channel",
    COURIER,
    '"channel" in item && this.#options.round(item.channel) === undefined',
    "false",
  ),
  serving("answers without bound", OUTBOX, ".length >= MAX_SERVED_CHUNKS) return;", ".length < 0) return;"),
  serving("unacknowledged answers without bound", OUTBOX, "|| this.#answered.size >= MAX_UNACKNOWLEDGED_CHUNKS"),
  serving("answered twice", OUTBOX, "this.#answered.has(nameOf(answer)) || "),
  serving("asked twice", OUTBOX, "if (!this.#asked.has(nameOf(request)))"),
  serving("withdrawn asks stay", OUTBOX, "said.kind !== request.kind || nameOf(said) !== name", "true"),
  serving("chunks count for nothing", OUTBOX, 'if (said.kind === "chunk") return MAX_STATE_CHUNK_BYTES;'),
  serving("uncertified state offered", ARCHIVE, "if (certificate === undefined) return undefined;"),
  serving("oldest state offered", ARCHIVE, ".at(-1)?.offer", ".at(0)?.offer"),

  mutant(
    "certificate unchecked",
    TRANSFER,
    "known === undefined && !this.#isCertified(round, summary, certificate)",
    "false",
  ),
  mutant("certificate checked for each peer", TRANSFER, "known === undefined && "),
  mutant("state that is behind", TRANSFER, "round <= this.#options.round() || "),
  mutant("offer of a liar", TRANSFER, "if (source.isLiar) return;"),
  mutant("liar asked again", TRANSFER, "source.isLiar = true; source.offer = undefined;", "source.isLiar = true;"),
  mutant(
    "liar keeps what it was asked for",
    TRANSFER,
    "source.offer = undefined; this.#release(source);",
    "source.offer = undefined;",
  ),
  mutant(
    "malformed summary ignored",
    TRANSFER,
    'if (!decoded.ok) return this.#blame(source, "invalid-checkpoint");',
    "if (!decoded.ok) return;",
  ),
  mutant("chunk unchecked", TRANSFER, "!verifyChunk(record.summary, index, bytes, path, hash)", "false"),
  mutant("chunk of any state", TRANSFER, "|| record.summary.round !== round"),
  mutant("bad chunk without a fault", TRANSFER, 'return this.#blame(source, "invalid-chunk");', "return;"),
  mutant("path unchecked", SUMMARY, "return root !== undefined && equalBytes(root, summary.root);", "return true;"),
  mutant("chunks without bound", TRANSFER, "if (record.pendingCount >= MAX_CHUNKS_UNDER_WAY) return;"),
  mutant("asks without bound", TRANSFER, "&& this.#asked.size + record.pendingCount < MAX_CHUNKS_UNDER_WAY"),
  mutant("window without bound", SOURCE, "this.#asked.size < this.#window && "),
  mutant("asks a tick without bound", SOURCE, "&& this.#asksLeft > 0"),
  mutant("stored chunks asked for", TRANSFER, "if (!record.has(index)) return index;", "return index;"),
  mutant("no patience runs out", SOURCE, "this.#now - since >= this.#patience", "false"),
  mutant(
    "silent ones asked at the same pace",
    SOURCE,
    "Math.min(2 * this.#patience, MAX_PATIENCE_TICKS)",
    "this.#patience",
  ),
  mutant("nothing taken back", TRANSFER, "this.#options.withdraw(other.peer, round, index);"),
  mutant("pruned source asked", SOURCE, "&& this.goneUpTo < round"),
  mutant("restart of a peer unnoticed", TRANSFER, "this.#release(this.#sourceOf(peer));"),
  mutant(
    "moving target",
    TRANSFER,
    "if (this.#record === undefined || this.#isGone(this.#record)) this.#begin(source.offer);",
    "this.#begin(source.offer);",
  ),
  mutant("no later checkpoint at once", TRANSFER, " || this.#isGone(this.#record)"),
  mutant("nobody asked at once", TRANSFER, "if (!wasGone && this.#isGone(record)) this.#askOffers();"),
  mutant("asked again by each", TRANSFER, "!wasGone && this.#isGone(record)", "this.#isGone(record)"),
  mutant("no other checkpoint", TRANSFER, "isOver && this.#beginOther(record.summary.round)", "false"),
  mutant(
    "other checkpoint at once",
    TRANSFER,
    "sources.length === 0 ? PATIENCE_TICKS : this.#switchTicks",
    "PATIENCE_TICKS",
  ),
  mutant("same patience for each checkpoint", TRANSFER, "this.#switchTicks *= 2;", "{}"),
  mutant("nobody asked for an offer", TRANSFER, "if (!isLiar) this.#options.askOffer(peer);", "{}"),
  mutant("goes on though it is not needed", TRANSFER, "this.#abandon(record);", "this.#goOn(record);"),
  mutant(
    "later offers forgotten with a state that has come",
    TRANSFER,
    "    this.#beginOther(record.summary.round);\n",
  ),
  mutant("reported twice", TRANSFER, "|| this.#isReported ||", "||"),
  mutant(
    "complete before it is durable",
    RECORD,
    "this.#durableCount === this.summary.chunkCount",
    "this.count === this.summary.chunkCount",
  ),
  mutant("hashes before chunks", RECORD, "await this.#storage.putChunks(saved.map(([, chunk]) => chunk));"),
  mutant("failure of the disk swallowed", TRANSFER, "this.#options.onFatal(error);"),
  mutant(
    "goes on after a failure",
    TRANSFER,
    "if (record === undefined || this.#hasFailed) return;",
    "if (record === undefined) return;",
  ),
  mutant("hashes of another checkpoint", RECORD, "if (earlier !== undefined) await earlier.#removeParts();"),
  mutant("record stays", TRANSFER, "this.#write(() => record.remove());"),
  mutant("damaged part", RECORD, "if (hashes.length !== this.#partBytes(part))", "if (false)"),
  mutant("parts forgotten at a restart", RECORD, "record.#loadPart(part);", "{}"),
];
