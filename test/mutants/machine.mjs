/** The replicated state machine with one rule gone, each. */
const ROOM = "src/replica/machine";
const SESSIONS = `${ROOM}/sessions.ts`;
const MACHINE = `${ROOM}/machine.ts`;
const ADMISSION = `${ROOM}/admission.ts`;
const READER = `${ROOM}/payload-reader.ts`;
const PAYLOAD = "src/wire/payload.ts";
const REJOINS = `${ROOM}/rejoins.ts`;
const CHUNKS = `${ROOM}/chunks.ts`;
const SUMMARY = "src/replica/checkpoint-summary.ts";
const MERKLE = "src/core/merkle.ts";

const mutant = (name, file, search, replacement = "") => ({
  name: `machine: ${name}`,
  file,
  search,
  replacement,
  stages: [
    ["test/replica/machine/snapshot.test.ts", "test/replica/checkpoint-summary.test.ts"],
    ["test/replica/machine/rules.test.ts", "test/replica/machine/schedules.test.ts"],
  ],
});

const signature = (name, search, replacement) => ({
  name: `machine: a signature ${name}`,
  file: PAYLOAD,
  search,
  replacement,
  stages: [["test/replica/machine/request-signature.test.ts"]],
});

export const MACHINE_MUTANTS = [
  mutant("numbers executed again", SESSIONS, `if (kind !== "open") throw`, "if (false) throw"),
  mutant("closed numbers open", SESSIONS, "if (number <= state.acknowledged) return", "if (false) return"),
  mutant("acknowledgements go back", SESSIONS, "if (acknowledged <= session.acknowledged) return;"),
  mutant("outcomes never forgotten", SESSIONS, "session.outcomes.delete(number);"),
  mutant("what is open is forgotten", SESSIONS, "if (number > acknowledged) continue;"),
  mutant(
    "forgotten replies count",
    SESSIONS,
    "dropReply(client, kept, keeping); session.outcomes.delete(number);",
    "session.outcomes.delete(number);",
  ),
  mutant(
    "evicted replies count",
    SESSIONS,
    "for (const kept of session.outcomes.values()) dropReply(client, kept, keeping);",
  ),
  mutant(
    "window as wide as one likes",
    SESSIONS,
    "acknowledged < number && number <= acknowledged + SESSION_WINDOW",
    "acknowledged < number",
  ),
  mutant(
    "window of one more",
    SESSIONS,
    "number <= acknowledged + SESSION_WINDOW",
    "number <= acknowledged + SESSION_WINDOW + 1",
  ),
  mutant("numbers that acknowledge themselves", SESSIONS, "acknowledged < number &&", "acknowledged <= number &&"),
  mutant("sessions without bound", SESSIONS, "if (client.keys.length >= MAX_SESSIONS) evictLeast(client, keeping);"),
  mutant(
    "evicted sessions again",
    SESSIONS,
    "keys.length >= MAX_SESSIONS && least !== undefined && session < least",
    "false",
  ),
  mutant("the latest is evicted", SESSIONS, "client.keys.shift()", "client.keys.pop()"),
  mutant(
    "sessions as they come",
    SESSIONS,
    "client.keys.splice(later < 0 ? client.keys.length : later, 0, key);",
    "client.keys.push(key);",
  ),
  mutant("replies without bound", SESSIONS, "this.#trim(client); }", "}"),
  mutant(
    "replies restored in another order",
    SESSIONS,
    "replies.sort((a, b) => this.#keeping.order(a.outcome) - this.#keeping.order(b.outcome));",
  ),
  mutant("clients in the order of arrival", SESSIONS, ".sort(([a], [b]) => (a < b ? -1 : 1))"),
  mutant("outcomes in the order of arrival", SESSIONS, ".sort((a, b) => a.number - b.number)"),
  mutant(
    "restored above the budget",
    SESSIONS,
    `if (client.replyBytes > MAX_CLIENT_REPLY_BYTES) refuse("their replies are above the budget");`,
  ),
  mutant("restored without outcomes", SESSIONS, "if (outcomes.length === 0) refuse", "if (false) refuse"),
  mutant(
    "restored outside of the window",
    SESSIONS,
    "if (!isWithinWindow(number, acknowledged)) refuse",
    "if (false) refuse",
  ),
  mutant("restored with a client twice", SESSIONS, "if (record.client <= previous) throw", "if (false) throw"),
  mutant("cluster unchecked", READER, "|| !equalBytes(decoded.value.cluster, this.#options.cluster)"),
  mutant("strangers", READER, "|| !this.#options.isClient(request.client)"),
  mutant(
    "signature unchecked",
    READER,
    "if (!this.#options.verifyClient(request.client, statement, signature)) return undefined;",
  ),
  signature("on half of the digest", "hash(signedPart)", "hash(signedPart).subarray(0, 16)"),
  signature(
    "not on its last field's end",
    "payload.length - SIGNATURE_BYTES)",
    "payload.length - SIGNATURE_BYTES - 1)",
  ),
  signature("for all purposes", '"abcast/3 request\\n"', '"abcast/2 request\\n"'),
  mutant(
    "party's signature unchecked",
    READER,
    "if (!this.#options.verifyParty(party, rejoinStatement(rejoin), signature)) return undefined;",
  ),
  mutant("service's refusal ignored", READER, "if (answer !== true) return false;"),
  mutant("window unchecked at the door", READER, "!isWithinWindow(number, acknowledged) ||"),
  mutant("payloads remembered without bound", READER, "if (this.#young.size >= MAX_KNOWN_PAYLOADS / 2)", "if (false)"),
  mutant("nothing remembered", READER, "if (known !== undefined) this.#remember(key, known);"),
  mutant("earlier rejoins again", REJOINS, "nonce > last.nonce", "nonce !== last.nonce"),
  mutant("same rejoin again", REJOINS, "nonce > last.nonce", "nonce >= last.nonce"),
  mutant("rejoins unchecked at delivery", REJOINS, "if (!this.isOpen(party, nonce)) throw", "if (false) throw"),
  mutant("delivered as something else", ADMISSION, "known === undefined || known.id !== id", "known === undefined"),
  mutant("executed unread", MACHINE, "if (known === undefined || !decoded.ok) throw", "if (!decoded.ok) throw"),
  mutant("executed before it is looked up", MACHINE, `if (kind !== "open") throw`, "if (false) throw"),
  mutant("rounds again", MACHINE, "if (round <= this.#tip.round) throw", "if (false) throw"),
  mutant("time back", MACHINE, "if (time !== undefined && time < (this.#tip.timeMs ?? 0)) throw", "if (false) throw"),
  mutant("time forgotten", MACHINE, "const time = timeMs ?? this.#tip.timeMs;", "const time = timeMs;"),
  mutant("half a round used", MACHINE, "this.#isBroken = true; const applied", "const applied"),
  mutant(
    "half a restore used",
    MACHINE,
    "this.#isBroken = true; for (const [name, own] of services)",
    "for (const [name, own] of services)",
  ),
  mutant("long replies", MACHINE, "if (reply.length > MAX_REPLY_BYTES)", "if (false)"),
  mutant("long chunks", MACHINE, "if (tooLong === undefined) return chunks;", "return chunks;"),
  mutant("replies that are views", MACHINE, "reply.length === 0 ? reply : reply.slice()", "reply"),
  mutant("clients that are views", MACHINE, "const owner = client.slice();", "const owner = client;"),
  mutant("nonces that are views", MACHINE, "nonce: session.nonce.slice()", "nonce: session.nonce"),
  mutant("log digest that is a view", MACHINE, "logDigest: logDigest.slice()", "logDigest"),
  mutant("services without order", MACHINE, ".sort((a, b) => (a.name < b.name ? -1 : 1))"),
  mutant("outcomes beyond the tip", MACHINE, "sequence > tip.sequence ||"),
  mutant("rounds beyond the tip", MACHINE, "round > tip.round || sequences", "sequences"),
  mutant("two outcomes of one payload", MACHINE, "|| sequences.has(sequence)"),
  mutant("chunks cut in any way", CHUNKS, "if (!isSame(clientChunks(clients), chunks)) throw", "if (false) throw"),
  mutant("chunks left over", CHUNKS, "if (next < chunks.length) throw", "if (false) throw"),
  mutant("another service's chunk", CHUNKS, "|| chunk.name !== name"),
  mutant(
    "asked in the wrong direction",
    CHUNKS,
    "decoded.value.name < serviceName",
    "decoded.value.name > serviceName",
  ),
  mutant("no such place", SUMMARY, "|| index >= summary.chunkCount"),
  mutant("hashes of any length", SUMMARY, "if (path.some((sibling) => sibling.length !== 32)) return false;"),
  mutant("another root", SUMMARY, "root !== undefined && equalBytes(root, summary.root)", "root !== undefined"),
  mutant("no chunks", SUMMARY, "count > 0 ?", "true ?"),
  mutant(
    "the last node twice",
    MERKLE,
    "right === undefined ? left : innerHash(hash, left, right)",
    "innerHash(hash, left, right ?? left)",
  ),
];
