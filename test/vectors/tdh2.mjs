/** tdh2.json */
import { concat, utf8 } from "../../dist/core/bytes.js";
import { sha256, sha512, u32Bytes } from "../../dist/crypto/hashing.js";
import { createEqualLogsProofs } from "../../dist/crypto/ristretto/dleq.js";
import { scalarToBytes } from "../../dist/crypto/ristretto/group.js";
import { sealBody } from "../../dist/crypto/ristretto/tdh2-body.js";
import { createTdh2Scheme, createTdh2Sharer } from "../../dist/crypto/ristretto/tdh2.js";
import { EMPTY, flipped, refused, replaced, same } from "./bytes.mjs";
import { QUALIFIED, UNQUALIFIED } from "./formulas.mjs";
import {
  IDENTITY,
  NO_ELEMENT,
  combination,
  dealKeys,
  explainedShare,
  numberOf,
  refusedKeys,
  ristretto,
  shareOfOtherSecrets,
  shown,
  shownKeys,
  spoiledShares,
  unreduced,
} from "./ristretto-key.mjs";
import { seeded } from "./seeded.mjs";

const DOMAIN = "abcast/1 tdh2 share proof";
/** The order of the field, below which encoded elements are. */
const FIELD = 2n ** 255n - 19n;
const SECOND_GENERATOR = ristretto.elementFromHash(sha512("abcast/1 tdh2 second generator"));

export async function tdh2Vectors() {
  const keys = await dealKeys("tdh2", ["2 of 4", "3 of 4", "weighted", "nested", "4x4"]);
  const inputs = [
    { name: "empty label, empty plaintext", key: "2 of 4", label: EMPTY, plaintext: EMPTY },
    { name: "label without plaintext", key: "3 of 4", label: utf8("auction 7"), plaintext: EMPTY },
    { name: "a party with two leaves", key: "weighted", label: utf8("auction 7"), plaintext: utf8("I offer 5.") },
    {
      name: "several blocks, a formula of several gates",
      key: "nested",
      label: EMPTY,
      plaintext: Uint8Array.from({ length: 100 }, (_, i) => 255 - i),
    },
    { name: "16 parties in rows and columns", key: "4x4", label: utf8("auction 7"), plaintext: utf8("I offer 5.") },
    {
      name: "an undecryptable body behind a valid proof",
      key: "2 of 4",
      label: utf8("auction 7"),
      body: utf8("not sealed under the right key"),
    },
  ];
  const cases = [];
  for (const input of inputs) cases.push(await makeCase(input, keys));
  return {
    description: "Threshold encryption TDH2: ciphertexts, decryption shares with proofs, and what is refused.",
    source: [
      "Shoup and Gennaro, Securing threshold cryptosystems against chosen ciphertext attack, Journal of Cryptology 15(2), 2002",
      "RFC 9496 (ristretto255)",
      "RFC 8439, section 2.8 (ChaCha20-Poly1305)",
    ],
    format: "abcast-vectors/1 tdh2",
    secondGenerator: SECOND_GENERATOR,
    keys: shownKeys(keys),
    refusedKeys: refusedKeys(keys),
    cases,
  };
}

/** A ciphertext with all that leads to it; of any body, and with any bytes for u, if these are given. */
function makeCiphertext(h, label, { r, s }, { plaintext, body: given, u = ristretto.basePower(r) }) {
  const uBar = ristretto.power(SECOND_GENERATOR, r);
  const sharedElement = ristretto.power(h, r);
  const bodyKey = sha256("abcast/1 tdh2 body key", h, u, sharedElement);
  const body = given ?? sealBody(bodyKey, plaintext);
  const bodyDigest = sha256("abcast/1 tdh2 body", body);
  const [w, wBar] = [ristretto.basePower(s), ristretto.power(SECOND_GENERATOR, s)];
  const e = ristretto.scalarFromHash(sha512("abcast/1 tdh2 ciphertext", h, label, bodyDigest, u, uBar, w, wBar));
  const f = ristretto.addScalars(s, ristretto.multiplyScalars(r, e));
  const header = concat(u, uBar, e, f);
  const ciphertext = concat(header, body);
  const digest = sha256("abcast/1 tdh2 subject", h, label, header, bodyDigest);
  return { u, uBar, sharedElement, bodyKey, body, bodyDigest, w, wBar, e, f, ciphertext, digest };
}

/** The randomness r, s of the encryption: from the scheme itself where the case is honest. */
async function randomnessOf(scheme, { name, label, plaintext = EMPTY }) {
  const { result, drawn } = await seeded(`tdh2 ${name}`, () => scheme.encrypt({ label, plaintext }));
  const [r, s] = drawn.map((wide) => ristretto.scalarFromHash(wide));
  return { r, s, ciphertext: result };
}

async function makeCase(input, keys) {
  const key = keys.get(input.key);
  const { sharing, publicKey, secretOf } = key;
  const { secrets } = shown(key);
  const { label, plaintext } = input;
  const scheme = createTdh2Scheme({ ristretto, publicKey });
  const { r, s, ciphertext: encrypted } = await randomnessOf(scheme, input);
  const made = makeCiphertext(publicKey.publicKey, label, { r, s }, input);
  const { u, ciphertext, digest } = made;
  if (plaintext !== undefined) same(ciphertext, encrypted);
  const own = sharing.leavesOf(0).map((leaf) => secrets[leaf]);
  const claimOf = (party, subject) => (elements) => ({
    context: [u32Bytes(party), subject],
    keys: sharing.leavesOf(party).map((leaf) => publicKey.verificationKeys[leaf]),
    base: u,
    elements,
  });

  const all = [...new Set(QUALIFIED[input.key].flat())].sort((a, b) => a - b);
  const shares = new Map(
    all.map((party) => {
      const sharer = createTdh2Sharer({ ristretto, publicKey, party, secret: secretOf(party) });
      const own = sharing.leavesOf(party).map((leaf) => secrets[leaf]);
      const elements = own.map((secret) => ristretto.power(u, secret));
      const share = sharer.share({ label, ciphertext });
      return [party, explainedShare(DOMAIN, claimOf(party, digest)(elements), own, party, share)];
    }),
  );
  const combinations = QUALIFIED[input.key].map((parties) => {
    const found = combination(sharing, parties, (party, piece) => shares.get(party).elements[piece]);
    same(found.element, made.sharedElement);
    const value = scheme.combine({ label, ciphertext }, new Map(parties.map((id) => [id, shares.get(id).share])));
    same(value, plaintext === undefined ? { kind: "undecryptable" } : { kind: "plaintext", plaintext });
    return found.shown;
  });

  return {
    ...input,
    r,
    s,
    ...made,
    shares: [...shares.values()],
    combinations,
    decryption: plaintext === undefined ? "undecryptable" : "plaintext",
    unqualified: UNQUALIFIED[input.key],
    refusedCiphertexts: refusedCiphertexts(input, made, { r, s }, keys),
    refusedShares: refusedShares(input, scheme, made, shares.get(0).share, sharing, {
      otherSecrets: () => shareOfOtherSecrets(DOMAIN, claimOf(0, digest), u, own),
      shareOfRefused: () => {
        const refused = flipped(ciphertext, 8 * 96);
        const header = refused.subarray(0, 128);
        const subject = sha256("abcast/1 tdh2 subject", publicKey.publicKey, label, header, made.bodyDigest);
        const elements = own.map((secret) => ristretto.power(u, secret));
        const proof = createEqualLogsProofs(ristretto, DOMAIN).prove(claimOf(0, subject)(elements), own);
        return [concat(...elements, proof), { ciphertext: refused }];
      },
    }),
  };
}

/** The others have only the most telling ones. */
function hasAllRefusals({ key }) {
  return key === "2 of 4";
}

function refusedCiphertexts(input, { u, uBar, e, f, ciphertext }, { r, s }, keys) {
  const bad = (why, bytes, change = {}) => {
    const { publicKey } = keys.get(change.key ?? input.key);
    const verdict = createTdh2Scheme({ ristretto, publicKey }).checkCiphertext(change.label ?? input.label, bytes);
    return refused(why, { ...change, ciphertext: bytes }, verdict);
  };
  const otherKey = input.key === "3 of 4" ? "2 of 4" : "3 of 4";
  /** ū from another exponent than u, and the challenge right. */
  const torn = () => {
    const otherU = ristretto.basePower(s);
    const { publicKey } = keys.get(input.key).publicKey;
    const body = ciphertext.subarray(128);
    const bodyDigest = sha256("abcast/1 tdh2 body", body);
    const [w, wBar] = [ristretto.basePower(r), ristretto.power(SECOND_GENERATOR, r)];
    const values = [publicKey, input.label, bodyDigest, otherU, uBar, w, wBar];
    const challenge = ristretto.scalarFromHash(sha512("abcast/1 tdh2 ciphertext", ...values));
    const response = ristretto.addScalars(r, ristretto.multiplyScalars(s, challenge));
    return concat(otherU, uBar, challenge, response, body);
  };
  /** Made by somebody who knows r and s, so that their proofs hold. */
  const disguised = () => {
    const { publicKey } = keys.get(input.key).publicKey;
    const made = (change) =>
      makeCiphertext(publicKey, input.label, { r, s }, { plaintext: EMPTY, ...change }).ciphertext;
    return [
      bad("there is no room for a tag, and the proof holds", made({ body: new Uint8Array(15) })),
      bad("u is encoded as its negative, and the proof holds", made({ u: scalarToBytes(FIELD - numberOf(u)) })),
      bad("u is encoded without reduction, and the proof holds", made({ u: scalarToBytes(FIELD + numberOf(u)) })),
      bad("r is 0, and the proof holds", ofNothing(publicKey, input.label, s)),
    ];
  };
  return [
    ...[0, 1, 2, 3].map((i) =>
      bad(`one bit of ${["u", "u-bar", "e", "f"][i]} is inverted`, flipped(ciphertext, 256 * i + 13)),
    ),
    bad("one bit of the body is inverted", flipped(ciphertext, 8 * 128)),
    bad("one bit of the tag is inverted", flipped(ciphertext, 8 * ciphertext.length - 1)),
    bad("u is the identity", replaced(ciphertext, 0, IDENTITY)),
    bad("u-bar is the identity", replaced(ciphertext, 32, IDENTITY)),
    bad("u is no element", replaced(ciphertext, 0, NO_ELEMENT)),
    bad("u-bar is no element", replaced(ciphertext, 32, NO_ELEMENT)),
    bad("e is not reduced", replaced(ciphertext, 64, unreduced(e))),
    bad("f is not reduced", replaced(ciphertext, 96, unreduced(f))),
    bad("e is 0", replaced(ciphertext, 64, IDENTITY)),
    bad("f is 0", replaced(ciphertext, 96, IDENTITY)),
    ...(hasAllRefusals(input) ? disguised() : []),
    bad("u and u-bar are exchanged", replaced(replaced(ciphertext, 0, uBar), 32, u)),
    bad("u and u-bar have different logarithms", torn()),
    bad("a byte is missing", ciphertext.subarray(0, -1)),
    bad("there is a byte too many", concat(ciphertext, Uint8Array.of(0))),
    bad("another label", ciphertext, { label: utf8("auction 8") }),
    bad("a longer label", ciphertext, { label: concat(input.label, Uint8Array.of(0)) }),
    bad("another key", ciphertext, { key: otherKey }),
  ];
}

/** A ciphertext of which u and u-bar are the identity: everybody can read it. */
function ofNothing(h, label, s) {
  const body = sealBody(sha256("abcast/1 tdh2 body key", h, IDENTITY, IDENTITY), EMPTY);
  const [w, wBar] = [ristretto.basePower(s), ristretto.power(SECOND_GENERATOR, s)];
  const values = [h, label, sha256("abcast/1 tdh2 body", body), IDENTITY, IDENTITY, w, wBar];
  const e = ristretto.scalarFromHash(sha512("abcast/1 tdh2 ciphertext", ...values));
  return concat(IDENTITY, IDENTITY, e, s, body);
}

function refusedShares(input, scheme, { ciphertext }, share, sharing, { otherSecrets, shareOfRefused }) {
  const bad = (why, party, bytes, change = {}) => {
    const subject = { label: change.label ?? input.label, ciphertext: change.ciphertext ?? ciphertext };
    return refused(why, { ...change, party, share: bytes }, scheme.checkShare(party, subject, bytes));
  };
  return [
    ...spoiledShares(share, sharing.leavesOf(0).length, hasAllRefusals(input)).map(([why, bytes]) =>
      bad(why, 0, bytes),
    ),
    bad("another party's share", 1, share),
    bad("a party that holds no part of the key", 20, share),
    bad("the ciphertext is bad", 0, share, { ciphertext: flipped(ciphertext, 8 * 128) }),
    bad("a right share of a ciphertext that is refused", 0, ...shareOfRefused()),
    bad("another label", 0, share, { label: utf8("auction 8") }),
    bad("the proof is for other secrets than the key's", 0, otherSecrets()),
  ];
}
