/** The bidding service, awards and what replicas owe services, with one rule gone, each. */
const ROOM = "src/services/bidding";
const AUCTION = `${ROOM}/auction.ts`;
const BIDDING = `${ROOM}/bidding.ts`;
const BOOK = `${ROOM}/order-book.ts`;
const OUTCOME = `${ROOM}/outcome.ts`;
const HOUSE = `${ROOM}/house.ts`;
const REGISTRY = `${ROOM}/registry.ts`;
const SIGNING = `${ROOM}/signing.ts`;
const NAMES = `${ROOM}/key-name.ts`;
const KEY_REST = "src/cli/rest/bidding-key-routes.ts";
const ACTOR = "src/client/bidding-actor.ts";
const AWARD = "src/verify/award.ts";
const REST = "src/cli/rest/bidding-routes.ts";
const IDENTITY = "src/web/auctions/identity.ts";
const SENDERS = "src/web/auctions/senders.ts";
const NUMBERS = "src/replica/machine/duty-numbers.ts";
const READER = "src/replica/machine/payload-reader.ts";
const ADMISSION = "src/replica/machine/admission.ts";
const BEARER = "src/replica/duty-bearer.ts";

const mutantOf =
  (...tests) =>
  (name, file, search, replacement = "") => ({ name: `bidding: ${name}`, file, search, replacement, stages: [tests] });

const rule = mutantOf("test/services/bidding/rules.test.ts");
const model = mutantOf("test/services/bidding/auctions.test.ts", "test/services/bidding/order-book.test.ts");
const key = mutantOf("test/services/bidding/registry.test.ts");
const keyRest = mutantOf("test/cli/rest/bidding-key-routes.test.ts");
const actor = mutantOf("test/client/bidding-actor.test.ts");
const award = mutantOf("test/verify/award.test.ts");
const rest = mutantOf("test/cli/rest/bidding-routes.test.ts");
const identity = mutantOf("test/web/auctions/identity.test.ts");
const senders = mutantOf("test/web/auctions/senders.test.ts");
const machine = mutantOf("test/replica/machine/rules.test.ts");
const bearer = mutantOf("test/replica/duty-bearer.test.ts");

export const BIDDING_MUTANTS = [
  rule("shares before the close", AUCTION, `phase !== "opening" || faulty.includes(party)`, "faulty.includes(party)"),
  rule("labels unchecked", AUCTION, `return isFor ? undefined : ("wrong-label" as const);`, "return undefined;"),
  rule(
    "shares unchecked",
    AUCTION,
    "if (!this.#sealing.decryption.verifyShare(",
    "if (false && !this.#sealing.decryption.verifyShare(",
  ),
  rule("who lied is asked again", AUCTION, "|| faulty.includes(party)"),
  rule("one party's share twice", AUCTION, "|| shares.some((share) => share.party === party)"),
  rule(
    "opened by one party",
    AUCTION,
    "const suffice = this.#sealing.hasHonest(PartySet.of(shares.map(({ party }) => party)));",
    "const suffice = true;",
  ),
  rule(
    "counters used again",
    BIDDING,
    `if (operation.counter <= listing.lastCounter(context.client)) return refused("old-counter");`,
  ),
  rule("counters forgotten", BIDDING, "listing.use(context.client, operation.counter);"),
  rule("anybody closes", BIDDING, `if (toHex(listing.owner) !== toHex(context.client)) return refused("not-owner");`),
  rule("owners close early", BIDDING, `if (listing.closesAtMs !== undefined) return refused("closes-by-time");`),
  rule("owners bid", BIDDING, `if (body.kind === "auction" && toHex(owner) === key) return false;`),
  rule("strangers bid", BIDDING, "bidders.length === 0 || bidders.some((bidder) => toHex(bidder) === key)", "true"),
  rule(
    "late bids in the round that closes",
    BIDDING,
    "apply(context, bytes) { house.advance(context); // A copy",
    "apply(context, bytes) { // A copy",
  ),
  rule(
    "ticks close nothing",
    BIDDING,
    "apply(context, bytes) { house.advance(context); const duty",
    "apply(context, bytes) { const duty",
  ),
  rule(
    "withdrawn after the close",
    AUCTION,
    `if (phase !== "open") return "not-open"; if (!this.#terms.mayWithdraw)`,
    "if (!this.#terms.mayWithdraw)",
  ),
  rule("bids after the close", AUCTION, `if (phase !== "open") return "not-open"; if (isSealed`, "if (isSealed"),
  rule("bids that keep the buffer", BIDDING, "decodeBiddingOperation(bytes.slice())", "decodeBiddingOperation(bytes)"),
  rule("auctions without end", HOUSE, "if (!this.#makeRoom(own, MAX_AUCTIONS_PER_OWNER)) return undefined;"),
  rule("bids of one without end", AUCTION, "|| own.length >= MAX_BIDS_PER_BIDDER"),
  rule(
    "auctions without time",
    BIDDING,
    `if (terms.closesAtMs !== undefined && roundTimeMs === undefined) return refused("no-time");`,
  ),
  model("last of equals wins", OUTCOME, "a.score === b.score ? 0 :", "a.score === b.score ? -1 :"),
  model("first price for second", OUTCOME, `if (terms.kind !== "sealed-second")`, "if (true)"),
  model(
    "second price below the reserve",
    OUTCOME,
    "Math.max(terms.reserve, second?.offer.amount ?? 0)",
    "second?.offer.amount ?? 0",
  ),
  model(
    "inexact scores",
    OUTCOME,
    "-BigInt(terms.priceWeight) * BigInt(amount)",
    "BigInt(-terms.priceWeight * amount)",
  ),
  model(
    "younger orders first",
    BOOK,
    "isBetter(side, resting.price, price));",
    "!isBetter(side, price, resting.price));",
  ),
  model(
    "partly filled orders lose their place",
    BOOK,
    "others.unshift({ ...partly, quantity: left })",
    "others.push({ ...partly, quantity: left })",
  ),
  model("market orders rest", BOOK, "price !== undefined && left > 0 &&", "left > 0 &&"),
  model(
    "others' orders cancelled",
    BOOK,
    "one.order === order && equalBytes(one.client, client)",
    "one.order === order",
  ),
  model("withdrawn bids win", AUCTION, "bids.some(isClosed)) return;", "false) return;"),
  key("keys of small order", BIDDING, `if (!signatures.isKey(key)) return refused("bad-key");`),
  key(
    "keys that their sponsor has not",
    BIDDING,
    "if (!signatures.verify(key, registrationStatement({ cluster, name, key }), proof))",
    "if (false)",
  ),
  key(
    "registered for any cluster",
    SIGNING,
    "struct({ cluster: fixedBytes(32), name: keyNameCodec, key: keyCodec })",
    "struct({ name: keyNameCodec, key: keyCodec })",
  ),
  key(
    "registered under any name",
    SIGNING,
    "struct({ cluster: fixedBytes(32), name: keyNameCodec, key: keyCodec })",
    "struct({ cluster: fixedBytes(32), key: keyCodec })",
  ),
  key("one signature for all purposes", SIGNING, "abcast/2 bidding command\\n", "abcast/2 bidding key\\n"),
  key("keys registered again", REGISTRY, `if (this.#keys.has(toHex(key))) return "known-key";`),
  key("names taken again", REGISTRY, `if (this.#names.has(comparableName(name))) return "name-taken";`),
  key("names that differ in case only", NAMES, "return name.toLowerCase();", "return name;"),
  key("names of any characters", NAMES, "&& NAME.test(name)"),
  key("keys without end", REGISTRY, `if (this.#keys.size >= MAX_KEYS) return "full";`),
  key(
    "keys of one sponsor without end",
    REGISTRY,
    `(this.#brought.get(toHex(sponsor)) ?? 0) >= MAX_KEYS_PER_SPONSOR ? "full" : undefined`,
    "undefined",
  ),
  key(
    "auctions of one sponsor without end",
    HOUSE,
    "if (!this.#makeRoom(brought, MAX_AUCTIONS_PER_SPONSOR)) return undefined;",
  ),
  key("counters of clients only", `${ROOM}/listing.ts`, "MAX_COMMANDERS = 8192", "MAX_COMMANDERS = 4096"),
  key(
    "keys that keep the buffer",
    REGISTRY,
    "{ key: key.slice(), name, sponsor: sponsor.slice(), sequence, last }",
    "{ key, name, sponsor, sequence, last }",
  ),
  key(
    "commands unsigned",
    BIDDING,
    "if (!signatures.verify(key, commandStatement({ cluster, key, number, command }), signature))",
    "if (false)",
  ),
  key(
    "commands for any cluster",
    SIGNING,
    "struct({ cluster: fixedBytes(32), key: keyCodec, number: u32, command: commandCodec })",
    "struct({ key: keyCodec, number: u32, command: commandCodec })",
  ),
  key("any command under a signature", SIGNING, "number: u32, command: commandCodec });", "number: u32 });"),
  key(
    "any number under a signature",
    SIGNING,
    "key: keyCodec, number: u32, command: commandCodec });",
    "key: keyCodec, command: commandCodec });",
  ),
  key("commands carried twice", BIDDING, `if (number <= registered.last) return refused("old-number");`),
  key("numbers forgotten", BIDDING, "registry.use(registered, number);"),
  key(
    "numbers forgotten in a snapshot",
    REGISTRY,
    "sponsor: sponsor.slice(), sequence, last });",
    "sponsor: sponsor.slice(), sequence, last: 0 });",
  ),
  key(
    "couriers act",
    BIDDING,
    "act(house, sealing, { ...context, client: registered.key }, command)",
    "act(house, sealing, context, command)",
  ),
  key(
    "keys registered twice in a snapshot",
    HOUSE,
    "if (this.registry.refusalOf(key) !== undefined) throw new Error(`a key cannot be registered as ${key.name}`);",
  ),
  key("keys anywhere in a snapshot", HOUSE, `if (!isFirst) throw new Error("registered keys come before auctions");`),
  keyRest(
    "a replica speaks for itself",
    KEY_REST,
    `operation.ok && operation.value.kind === "signed" ? operation.value : undefined`,
    "operation.ok ? operation.value : undefined",
  ),
  keyRest(
    "a replica orders what nobody signed",
    KEY_REST,
    "if (!signatures.verify(key, commandStatement({ cluster, key, number, command }), signature))",
    "if (false)",
  ),
  keyRest("a replica orders old numbers", KEY_REST, `if (number < least) throw refused("old-number");`),
  keyRest(
    "a replica orders for unknown keys",
    KEY_REST,
    "const { least } = await keyOf(ask, key);",
    "const least = 0;",
  ),
  actor("numbers signed again", ACTOR, "Math.max(registered.least, used + 1)", "registered.least"),
  actor("numbers of others", ACTOR, "Math.max(registered.least, used + 1)", "used + 1"),
  award("signature unchecked", AWARD, "!(await key.verify(file.statement, file.signature))", "false"),
  award("any cluster", AWARD, "if (!equalBytes(award.cluster, cluster))", "if (false)"),
  award("any terms", AWARD, "if (!equalBytes(await sha256(file.terms), award.terms))", "if (false)"),
  award("any bids", AWARD, "if (!equalBytes(await sha256(file.bids), award.bids))", "if (false)"),
  award("any order", AWARD, "number !== place + 1 || !isNext ||"),
  award("bids after the close listed", AWARD, "|| sequence > closedSequence"),
  award("any outcome", AWARD, "outcome?.bid !== won?.bid || outcome?.price !== won?.price", "false"),
  award("any winner", AWARD, "winner !== undefined && equalBytes(winner, won.winner)", "winner !== undefined"),
  rest("REST orders what is no command", REST, "|| !isBidding(payload)"),
  rest("REST orders for any service", REST, `&& action.service === "bidding"`),
  rest(
    "refusals over REST are successes",
    REST,
    `if (decoded.value.kind === "refused") throw refused(decoded.value.reason);`,
  ),
  identity(
    "another client's key on the page",
    IDENTITY,
    `who.kind === "client" && clients[who.client] !== toHex(publicKey)`,
    "false",
  ),
  identity(
    "bids under the identity element",
    IDENTITY,
    "publicKey.some((byte) => byte !== 0) ? createEncryption",
    "true ? createEncryption",
  ),
  senders(
    "a key's commands sent again by the page",
    SENDERS,
    "{ operation }, [429])",
    "{ operation }, [0, 429, 503, 504])",
  ),
  senders("the page signs numbers again", SENDERS, `Math.max(numberIn(registered, "least") ?? 1, this.#used + 1)`, "1"),
  machine("duties executed again", NUMBERS, "if (number !== this.next(party))", "if (false)"),
  machine(
    "duties in any order",
    ADMISSION,
    "return this.#duties.next(identity.party) === identity.number;",
    "return true;",
  ),
  machine(
    "duties unsigned",
    READER,
    "if (!this.#options.verifyParty(party, dutyStatement(duty), signature)) return undefined;",
  ),
  machine("duties unasked", READER, "?.duties?.validate(operation) !== true", "?.duties === undefined"),
  bearer("duties without end", BEARER, "|| machine.nextDuty(self) === this.#said?.number"),
  bearer("duties without pause", BEARER, "return this.#ticks < this.#resumeAt;", "return false;"),
  bearer("pauses that never grow", BEARER, "Math.min(2 * this.#pauseTicks, MAX_PAUSE_TICKS)", "this.#pauseTicks"),
];
