/** The time-stamping authority with one check gone, each. */
const ROOM = "src/services/tsa";
const TSA = `${ROOM}/tsa.ts`;
const REQUEST = `${ROOM}/request.ts`;
const CERTIFICATE = `${ROOM}/certificate.ts`;
const PENDING = `${ROOM}/pending.ts`;
const VOTES = `${ROOM}/votes.ts`;
const DER = "src/core/der.ts";
const SERVICE = "src/services/service.ts";
const API = "src/cli/tsa-api.ts";

const STATE = "test/services/tsa/tsa.test.ts";
const TIME = "test/services/tsa/time.test.ts";
const REQUESTS = "test/services/tsa/request.test.ts";
const OPENSSL = "test/services/tsa/openssl.test.ts";
const READER = "test/core/der.test.ts";
const HTTP = "test/cli/tsa-api.test.ts";
const DESK = "test/replica/desk.test.ts";

const mutant = (name, file, test, search, replacement = "") => ({
  name: `tsa: ${name}`,
  file,
  search,
  replacement,
  stages: [[test]],
});

export const TSA_MUTANTS = [
  mutant("two tokens of one number", TSA, STATE, `if (index > 0) return { kind: "not-alone" };`),
  mutant("dated by the request's round", TSA, TIME, `if (waiting.round >= round) return { kind: "too-early" };`),
  mutant("one time twice", TSA, STATE, "(lastMicros ?? -1) + 1", "lastMicros ?? 0"),
  mutant("one token twice", TSA, STATE, "pending.remove(waiting);"),
  mutant("a time that no number has", TSA, STATE, "Number.isSafeInteger(micros) ? micros : undefined", "micros"),
  mutant("no time at first", TSA, STATE, `if (roundTimeMs === undefined) return { kind: "no-time" };`),
  mutant("certificates always", TSA, STATE, "asked.certReq ? signer.chain : []", "signer.chain"),
  mutant(
    "a client votes",
    TSA,
    STATE,
    `if (party === undefined) return { kind: "not-a-party" };`,
    'if (party === undefined) return { kind: "installed" };',
  ),
  mutant("votes are not spent", TSA, STATE, "votes.clear();"),
  mutant("what is ordered is not judged", TSA, STATE, "return judgeRequest(value.request, policy).ok;", "return true;"),
  mutant(
    "any certificate is ordered",
    TSA,
    STATE,
    `value.kind === "stamp" || chainProblem(value.chain, tokenKey) === undefined`,
    "true",
  ),
  mutant("a snapshot with a request twice", TSA, STATE, "byPlace(waiting, last) <= 0 ||"),
  mutant(
    "another's request",
    PENDING,
    STATE,
    "this.#ofClients.get(toHex(client))?.get(nameOf(place))",
    "[...this.#ofClients.values()].find((own) => own.has(nameOf(place)))?.get(nameOf(place))",
  ),
  mutant("requests without bound", PENDING, STATE, "if (this.#count >= MAX_PENDING_REQUESTS) this.#dropOne();"),
  mutant("who has least loses", PENDING, STATE, "other.size - one.size", "one.size - other.size"),
  mutant("one vote is enough", VOTES, STATE, "this.#group.hasHonest(PartySet.of(same))", "same.length > 0"),
  mutant("all votes are the same", VOTES, STATE, "equalBytes(other, digest)", "other.length === digest.length"),
  mutant(
    "any version",
    REQUEST,
    REQUESTS,
    `if (version !== 1) return refused("badRequest", "the request is not of version 1");`,
  ),
  mutant("any algorithm's parameters", REQUEST, REQUESTS, "|| !imprinted.isPlain"),
  mutant("a digest of any length", REQUEST, REQUESTS, "imprinted.digest.length !== digestBytes", "false"),
  mutant("any policy", REQUEST, REQUESTS, "asked !== undefined && !equalBytes(asked, policy)", "false"),
  mutant(
    "extensions",
    REQUEST,
    REQUESTS,
    `if (hasExtensions) return refused("unacceptedExtension", "no extension is known");`,
  ),
  mutant("a nonce of any length", REQUEST, REQUESTS, "inner.integer(MAX_NONCE_BYTES)", "inner.integer(1000)"),
  mutant(
    "another key's certificate",
    CERTIFICATE,
    OPENSSL,
    `if (!equalBytes(own, publicKey)) return "the certificate is not of the cluster's token key";`,
  ),
  mutant("a purpose that is not critical", CERTIFICATE, OPENSSL, "|| !purposes.isCritical"),
  mutant(
    "any purpose",
    CERTIFICATE,
    OPENSSL,
    "purposes !== undefined && equalBytes(purposes.value, sequence(TIME_STAMPING))",
    "purposes !== undefined",
  ),
  mutant("any use of the key", CERTIFICATE, OPENSSL, "((read.value[1] ?? 0xff) & 0x3f) === 0", "true"),
  mutant(
    "another's issuer",
    CERTIFICATE,
    OPENSSL,
    "before !== undefined && !equalBytes(before.issuer, certificate.value.subject)",
    "false",
  ),
  mutant(
    "more after the end",
    DER,
    READER,
    "if (!this.isAtEnd) this.fail(",
    "if (this.#offset > this.#bytes.length) this.fail(",
  ),
  mutant(
    "lengths that are not minimal",
    DER,
    READER,
    "if (length < 0x80 || lengthOctets(length).length !== count + 1) this.fail",
    "if (length < 0) this.fail",
  ),
  mutant(
    "beyond the end",
    DER,
    READER,
    "if (length > this.#bytes.length - this.#offset) this.fail",
    "if (length < 0) this.fail",
  ),
  mutant("padded integers", DER, READER, 'if (isPadded) this.fail("an integer with padding");'),
  mutant("a set in any order", DER, READER, "elements.toSorted(compareBytes)", "elements"),
  mutant(
    "the token key signs anything",
    SERVICE,
    DESK,
    `return { key: "receipt", bytes: general() };`,
    `return { key: service?.statementKey ?? "receipt", bytes: general() };`,
  ),
  mutant(
    "any type of content",
    API,
    HTTP,
    "if (!isQuery(request)) return refusal(415, `a request has the Content-Type ${QUERY_TYPE}`);",
  ),
  mutant("ordered unseen", API, HTTP, "if (!judged.ok) return rejection(judged.failure, judged.reason);"),
];
