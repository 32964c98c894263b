/**
 * The Diffie–Hellman coin of Cachin, Kursawe and Shoup, "Random Oracles in Constantinople", PODC 2000,
 * section 4.3, over ristretto255 and any access formula. It is unpredictable under the CDH assumption, with random oracles.
 *
 * A name is hashed to g~ in the group; the share of leaf j is g~^{x_j}, and a party proves that it took the x_j of its
 * verification keys; shares of a qualified set give g~^x by interpolation in the exponent, and the coin is its hash.
 *
 * Share on the wire: the elements g~^{x_j} of the party's leaves, 32 bytes each, then the proof (dleq.ts): 32·(2k+1) bytes for k leaves.
 *
 * Deviation: the proof's nonces are derived, not random (dleq.ts).
 */
import { concat, utf8 } from "../../core/bytes.js";
import { MAX_LEAVES_PER_PARTY } from "../../core/formula.js";
import type { PartyId } from "../../core/party-set.js";
import { type Coin, MAX_COIN_SHARE_BYTES } from "../../core/suite.js";
import { DEFAULT_COIN_BITS, checkCoinBits, coinValue } from "../coin-value.js";
import { KeyError } from "../errors.js";
import { sha512, u32Bytes } from "../hashing.js";
import type { SharedPublicKey } from "../keys.js";
import { type Scheme, type Sharer, VALID, invalid, partiesOf, piecesOf } from "../scheme.js";
import { createSharing } from "../sharing/sharing.js";
import { type EqualLogs, createEqualLogsProofs, proofSizeBytes } from "./dleq.js";
import { ELEMENT_BYTES, type Ristretto } from "./group.js";
import { checkSharedKey, interpolate, openSecret } from "./shared-key.js";

/** Bytes of the share of a party with `leaves` leaves. */
export function coinShareBytes(leaves: number): number {
  return leaves * ELEMENT_BYTES + proofSizeBytes(leaves);
}

if (coinShareBytes(MAX_LEAVES_PER_PARTY) > MAX_COIN_SHARE_BYTES) throw new Error("coin shares exceed the wire's bound");

export interface CoinOptions {
  readonly ristretto: Ristretto;
  /** Which coin this is; enters every hash, so that two coins with the same names stay independent. */
  readonly label: string;
  readonly publicKey: SharedPublicKey;
  /** Size of the coin. Default 256. */
  readonly bits?: number;
}

export interface CoinSharerOptions extends CoinOptions {
  readonly party: PartyId;
  /** x_j of the party's leaves, 32 bytes little-endian each. */
  readonly secret: Uint8Array;
}

/** @throws KeyError when the public key is malformed. */
export function createCoinScheme(options: CoinOptions): Scheme<Uint8Array, Uint8Array> {
  return schemeOf(open(options), options);
}

/** @throws KeyError when the public key is malformed or `secret` is not that of `party`. */
export function createCoinSharer(options: CoinSharerOptions): Sharer<Uint8Array> {
  return sharerOf(open(options), options);
}

export interface DhCoinOptions extends CoinOptions {
  readonly self: PartyId;
  readonly secret: Uint8Array;
}

/** Both sides in one, as the protocols use it. @throws KeyError when the public key is malformed or `secret` is not that of `self`. */
export function createDhCoin(options: DhCoinOptions): Coin {
  const opened = open(options);
  const scheme = schemeOf(opened, options);
  const sharer = sharerOf(opened, { ...options, party: options.self });
  return {
    suffices: (parties) => scheme.sharing.isQualified(parties),
    share: (name) => sharer.share(name),
    verifyShare: (party, name, share) => scheme.checkShare(party, name, share).kind === "valid",
    combine: (name, shares) => scheme.combine(name, shares),
  };
}

function schemeOf(opened: Opened, options: CoinOptions): Scheme<Uint8Array, Uint8Array> {
  const { ristretto, label, bits = DEFAULT_COIN_BITS } = options;
  checkCoinBits(bits);
  const { sharing, proofs, claim } = opened;
  /** Undefined when the share has not the size of this party's. */
  const elementsOf = (party: PartyId, share: Uint8Array): Uint8Array[] | undefined => {
    const count = sharing.leavesOf(party).length;
    return share.length === coinShareBytes(count)
      ? piecesOf(sharing, party, share.subarray(0, count * ELEMENT_BYTES), ELEMENT_BYTES)
      : undefined;
  };

  return {
    sharing,
    checkShare(party, name, share) {
      const count = sharing.leavesOf(party).length;
      if (count === 0) return invalid(`party ${party} holds no part of the ${label} coin`);
      const elements = elementsOf(party, share);
      if (elements === undefined) return invalid(`coin share of ${share.length} bytes`);
      if (!elements.every((element) => ristretto.isElement(element)))
        return invalid("the coin share is not an element of the group");
      const problem = proofs.check(claim(party, name, elements), share.subarray(count * ELEMENT_BYTES));
      return problem === undefined ? VALID : invalid(`coin share: ${problem}`);
    },

    combine(name, shares) {
      const parties = partiesOf(sharing, shares);
      const elements = new Map([...shares].map(([party, share]) => [party, elementsOf(party, share)]));
      const element = interpolate(ristretto, sharing, parties, (_leaf, party, piece) => elements.get(party)?.[piece]);
      return coinValue(bits, label, name, element);
    },
  };
}

function sharerOf({ sharing, proofs, claim, baseOf }: Opened, options: CoinSharerOptions): Sharer<Uint8Array> {
  const { ristretto, publicKey, party, secret } = options;
  const scalars = openSecret(ristretto, sharing, publicKey, party, secret);
  let destroyed = false;
  return {
    party,
    share(name) {
      if (destroyed) throw new TypeError("the secret was destroyed");
      const base = baseOf(name);
      const elements = scalars.map((scalar) => ristretto.power(base, scalar));
      return concat(...elements, proofs.prove(claim(party, name, elements), scalars));
    },
    destroy() {
      destroyed = true;
      for (const scalar of scalars) scalar.fill(0);
    },
  };
}

type Opened = ReturnType<typeof open>;

/** What both sides have in common. */
function open({ ristretto, label, publicKey }: CoinOptions) {
  const problem = checkSharedKey(ristretto, publicKey);
  if (problem !== undefined) throw new KeyError(`${label} coin: ${problem}`);
  const sharing = createSharing(publicKey.access);
  const tag = utf8(label);
  /** H: names to the group. */
  const baseOf = (name: Uint8Array): Uint8Array => ristretto.elementFromHash(sha512("abcast/1 coin base", tag, name));
  /** Besides the paper's values the proof binds the coin, the party and the name. */
  const claim = (party: PartyId, name: Uint8Array, elements: readonly Uint8Array[]): EqualLogs => ({
    context: [tag, u32Bytes(party), name],
    keys: sharing.leavesOf(party).map((leaf) => publicKey.verificationKeys[leaf] ?? new Uint8Array()),
    base: baseOf(name),
    elements,
  });
  return { sharing, proofs: createEqualLogsProofs(ristretto, "abcast/1 coin share proof"), claim, baseOf };
}
