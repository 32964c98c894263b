/** Receipts and who asks for them, with one check gone, each. */
const VERIFY = "src/verify/verify-receipt.ts";
const ATTACHMENT = "src/services/notary/attachment.ts";
const NOTARIZE = "src/client/notarize.ts";
const FIND = "src/client/find-document.ts";

const PLAIN = "test/verify/receipt.test.ts";
const LOGGED = "test/verify/logged-receipt.test.ts";
const SERVICE = "test/services/notary-service.test.ts";
const CLIENT = "test/client/notarized.test.ts";

const mutant = (name, file, test, search, replacement = "") => ({
  name: `notary: ${name}`,
  file,
  search,
  replacement,
  stages: [[test]],
});

export const NOTARY_MUTANTS = [
  mutant("the time in a receipt unchecked", VERIFY, PLAIN, `["time", receipt.time ?? null, signed.time ?? null],`),
  mutant("the time of a head unchecked", VERIFY, LOGGED, `["time", receipt.time, head.timeMs ?? null],`),
  mutant("a leaf without its time", VERIFY, LOGGED, "timeMs: head.timeMs,", "timeMs: undefined,"),
  mutant("several times under one head", ATTACHMENT, SERVICE, " && other.value.timeMs === timeMs"),
  mutant("another cluster's statement taken", NOTARIZE, CLIENT, "said.cluster === toHex(cluster) &&"),
  mutant("another number's statement taken", NOTARIZE, CLIENT, "said.sequence === sequence &&"),
  mutant("another round's statement taken", NOTARIZE, CLIENT, "said.round === round &&"),
  mutant("another document's statement taken", NOTARIZE, CLIENT, "said.digest === toHex(digest) &&"),
  mutant("another client's statement taken", NOTARIZE, CLIENT, "said.client === toHex(publicKey)", "true"),
  mutant("a single statement unread", NOTARIZE, CLIENT, "if (!isAsAsked(caller", "if (false && !isAsAsked(caller"),
  mutant("statements under one head unread", NOTARIZE, CLIENT, "|| !isRight "),
  mutant(
    "one replica's word of a place taken",
    FIND,
    CLIENT,
    "group.hasHonest(PartySet.of(same.map(([party]) => party)))",
    "same.length > 0",
  ),
  mutant("two places taken for one", FIND, CLIENT, " && a.index === b.index"),
  mutant("a found receipt of another cluster", FIND, CLIENT, "found?.receipt.cluster === toHex(cluster) && "),
  mutant("a found receipt of another document", FIND, CLIENT, " && found.receipt.digest.value === toHex(digest)"),
];
