/** All schemes together over general adversary structures: what the dealer makes for them works, just for the right parties. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { structureGroup } from "../../src/core/group.js";
import { type PartyId, PartySet } from "../../src/core/party-set.js";
import { PRESETS } from "../../src/core/presets.js";
import { expand } from "../../src/core/structure.js";
import {
  type Scheme,
  type Sharer,
  combineRobustly,
  createBlsScheme,
  createBlsSharer,
  createCoinScheme,
  createCoinSharer,
  createRsaScheme,
  createRsaSharer,
  createSuite,
  createTdh2Scheme,
  createTdh2Sharer,
  loadRistretto,
} from "../../src/crypto/index.js";
import { dealKeys } from "./dealt.js";
import { at, sharesOf } from "./fixtures.js";

const ristretto = await loadRistretto();
const general = PRESETS.filter(({ name }) => ["4x4", "weighted", "paley-19"].includes(name));

describe.each(general)("$name", ({ n, byzantine, crash }) => {
  const group = structureGroup({ n, byzantine, crash });
  const keys = dealKeys(group, { certificates: "bls" });
  const message = utf8("message");
  /** The largest sets that may be corrupted, and the sets of all others. */
  const corruptible = expand(byzantine, n).sets.slice(0, 16);
  /** Each way to leave out one of the corruptible sets. */
  const quorums = corruptible.map((set) => PartySet.upTo(n).difference(set));

  async function judge<S, V>(
    scheme: Scheme<S, V>,
    subject: S,
    sharerOf: (party: PartyId) => Sharer<S>,
    sets: { readonly enough: readonly PartySet[]; readonly notEnough: readonly PartySet[] },
  ): Promise<V> {
    const shares = sharesOf([...group.parties], (party) => sharerOf(party).share(subject));
    const from = (set: PartySet) => new Map([...shares].filter(([party]) => set.has(party)));
    for (const set of sets.notEnough) expect(combineRobustly(scheme, subject, from(set)).kind).toBe("insufficient");
    const values = sets.enough.map((set) => {
      const combination = combineRobustly(scheme, subject, from(set));
      if (combination.kind === "insufficient") throw new Error(`${set.toString()} does not suffice`);
      return combination.value;
    });
    for (const value of values) expect(value).toEqual(at(values, 0));
    return at(values, 0);
  }

  const smallest = (): PartySet => {
    // Greedy: no member can be spared.
    let set = PartySet.upTo(n);
    for (const party of group.parties) {
      const without = set.difference(PartySet.of([party]));
      if (group.hasHonest(without)) set = without;
    }
    return set;
  };
  const honest = { enough: [smallest(), ...quorums], notEnough: corruptible };

  test("receipts", async () => {
    const { publicKeys, secretKeys } = await keys;
    const scheme = createRsaScheme(publicKeys.receipt);
    const sharer = (party: PartyId) => createRsaSharer(publicKeys.receipt, party, at(secretKeys, party).receipt);
    const signature = await judge(scheme, message, sharer, { ...honest, enough: honest.enough.slice(0, 3) });
    expect(scheme.checkValue(message, signature).kind).toBe("valid");
  });

  test("encryption", async () => {
    const { publicKeys, secretKeys } = await keys;
    const options = { ristretto, publicKey: publicKeys.encryption };
    const scheme = createTdh2Scheme(options);
    const subject = { label: utf8("label"), ciphertext: scheme.encrypt({ label: utf8("label"), plaintext: message }) };
    const sharer = (party: PartyId) =>
      createTdh2Sharer({ ...options, party, secret: at(secretKeys, party).encryption });
    expect(await judge(scheme, subject, sharer, { ...honest, enough: honest.enough.slice(0, 3) })).toEqual({
      kind: "plaintext",
      plaintext: message,
    });
  });

  test("coins and certificates for quorums", async () => {
    const { publicKeys, secretKeys } = await keys;
    const sets = { enough: quorums.slice(0, 3), notEnough: [...corruptible, smallest()] };
    const coin = { ristretto, label: "quorum", publicKey: publicKeys.coins.quorum };
    const coinSharer = (party: PartyId) =>
      createCoinSharer({ ...coin, party, secret: at(secretKeys, party).coins.quorum });
    await judge(createCoinScheme(coin), message, coinSharer, sets);

    const { certificates } = publicKeys;
    if (certificates.scheme !== "bls") throw new Error("no BLS keys");
    const bls = { label: "quorum certificate", publicKey: certificates.quorum };
    const blsSharer = (party: PartyId) => {
      const secret = at(secretKeys, party).certificates;
      return createBlsSharer({ ...bls, party, secret: secret.scheme === "bls" ? secret.quorum : new Uint8Array() });
    };
    await judge(createBlsScheme(bls), message, blsSharer, sets);
  });

  test("a suite for the protocols", async () => {
    const { publicKeys, secretKeys } = await keys;
    const suites = await Promise.all(
      group.parties.map((self) => createSuite({ group, self, publicKeys, secretKeys: at(secretKeys, self) })),
    );
    const quorum = at(quorums, 0);
    const shares = sharesOf([...quorum], (party) => at(suites, party).quorumCertifier.share(message));
    const certificate = at(suites, 0).quorumCertifier.combine(message, shares);
    for (const suite of suites) expect(suite.quorumCertifier.verify(message, certificate)).toBe(true);
  });
});
