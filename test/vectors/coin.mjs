/** coin.json */
import { utf8 } from "../../dist/core/bytes.js";
import { sha512, u32Bytes } from "../../dist/crypto/hashing.js";
import { createCoinScheme, createCoinSharer } from "../../dist/crypto/ristretto/coin.js";
import { EMPTY, refused, same } from "./bytes.mjs";
import { QUALIFIED, UNQUALIFIED } from "./formulas.mjs";
import {
  combination,
  dealKeys,
  explainedShare,
  refusedKeys,
  ristretto,
  shareOfOtherSecrets,
  shown,
  shownKeys,
  spoiledShares,
} from "./ristretto-key.mjs";

const DOMAIN = "abcast/1 coin share proof";

export async function coinVectors() {
  const keys = await dealKeys("coin", ["2 of 4", "3 of 4", "weighted", "nested", "4x4"]);
  const caseOf = (name, key, label, bits, coin) => makeCase({ name, key, label, bits, coin }, keys.get(key));
  return {
    description: "Common coins: shares with proofs, and the values that they come to.",
    source: [
      "Cachin, Kursawe and Shoup, Random oracles in Constantinople, PODC 2000, section 4.3",
      "Chaum and Pedersen, Wallet databases with observers, CRYPTO '92 (the proof)",
      "RFC 9496 (ristretto255)",
    ],
    format: "abcast-vectors/1 coin",
    keys: shownKeys(keys),
    refusedKeys: refusedKeys(keys),
    cases: [
      caseOf("one bit", "2 of 4", "honest", 1, utf8("round 1")),
      caseOf("nine bits, a coin without name", "3 of 4", "quorum", 9, EMPTY),
      caseOf("256 bits, a party with two leaves", "weighted", "", 256, utf8("round 7")),
      caseOf(
        "a formula of several gates",
        "nested",
        "quorum",
        256,
        Uint8Array.from({ length: 200 }, (_, i) => i),
      ),
      caseOf("16 parties in rows and columns", "4x4", "honest", 256, utf8("round 1")),
    ],
  };
}

function makeCase(input, key) {
  const { label, bits, coin } = input;
  const { sharing, publicKey, secretOf } = key;
  const { secrets } = shown(key);
  const scheme = createCoinScheme({ ristretto, label, publicKey, bits });
  const sharerOf = (party, ofLabel) =>
    createCoinSharer({ ristretto, label: ofLabel, publicKey, bits, party, secret: secretOf(party) });
  const base = ristretto.elementFromHash(sha512("abcast/1 coin base", utf8(label), coin));
  const claimOf = (party) => (elements) => ({
    context: [utf8(label), u32Bytes(party), coin],
    keys: sharing.leavesOf(party).map((leaf) => publicKey.verificationKeys[leaf]),
    base,
    elements,
  });

  const all = [...new Set(QUALIFIED[input.key].flat())].sort((a, b) => a - b);
  const shares = new Map(
    all.map((party) => {
      const share = sharerOf(party, label).share(coin);
      const own = sharing.leavesOf(party).map((leaf) => secrets[leaf]);
      const elements = own.map((secret) => ristretto.power(base, secret));
      return [party, explainedShare(DOMAIN, claimOf(party)(elements), own, party, share)];
    }),
  );
  const combinations = QUALIFIED[input.key].map((parties) =>
    combination(sharing, parties, (party, piece) => shares.get(party).elements[piece]),
  );
  const values = QUALIFIED[input.key].map((parties) =>
    scheme.combine(coin, new Map(parties.map((party) => [party, shares.get(party).share]))),
  );
  for (const value of values) same(value, values[0]);

  const bad = (why, party, share, change = {}) => {
    const ofLabel = createCoinScheme({ ristretto, label: change.label ?? label, publicKey, bits });
    return refused(why, { ...change, party, share }, ofLabel.checkShare(party, change.coin ?? coin, share));
  };
  const { share } = shares.get(0);
  const others = sharing.leavesOf(0).map((leaf) => secrets[leaf]);
  return {
    ...input,
    base,
    shares: [...shares.values()],
    combinations: combinations.map(({ shown }) => shown),
    element: combinations[0].element,
    value: values[0],
    unqualified: UNQUALIFIED[input.key],
    refusedShares: [
      ...spoiledShares(share, sharing.leavesOf(0).length, true).map(([why, bytes]) => bad(why, 0, bytes)),
      bad("another party's share", 1, share),
      bad("a party that holds no part of the key", 20, share),
      bad("a share of another coin", 0, share, { coin: utf8("round 2") }),
      bad("a share of a coin with another label", 0, share, { label: "other" }),
      ...movedBoundary(label, coin).map((change) => bad("the boundary of label and name is moved", 0, share, change)),
      bad("the proof is for other secrets than the key's", 0, shareOfOtherSecrets(DOMAIN, claimOf(0), base, others)),
    ],
  };
}

/** Label and name of which the concatenation is the same; none for a coin without name. */
function movedBoundary(label, coin) {
  return coin.length === 0 ? [] : [{ label: label + String.fromCharCode(coin[0]), coin: coin.subarray(1) }];
}
