/**
 * The Diffie–Hellman coin of Cachin, Kursawe and Shoup, "Random Oracles in Constantinople", PODC 2000,
 * section 4.3, over ristretto255. It is unpredictable under the CDH assumption, with random oracles.
 *
 * A name is hashed to g~ in the group; party i's share is g~_i = g~^{x_i} with a Chaum–Pedersen proof that log_g g_i =
 * log_g~ g~_i; `threshold` shares give g~_0 = g~^{x_0} by interpolation in the exponent, and the coin is its hash.
 *
 * Share on the wire: g~_i ‖ challenge c ‖ response z, 32 bytes each.
 *
 * Deviation: the proof's nonce is not random but a pseudorandom function of the secret and the name, so
 * that a replayed log gives the same bytes (and a bad random generator cannot betray the key).
 */
import { concat, equalBytes, utf8 } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { type Coin, MAX_COIN_SHARE_BYTES } from "../../core/suite.js";
import { CombineError, KeyError } from "../errors.js";
import { hmacSha512, sha256, sha512, u32Bytes } from "../hashing.js";
import type { CoinPublicKey } from "../keys.js";
import { ELEMENT_BYTES, GROUP_ORDER, type Ristretto, SCALAR_BYTES, scalarToBytes } from "./group.js";
import { lagrangeAtZero } from "../sharing/shamir.js";

export const COIN_SHARE_BYTES = ELEMENT_BYTES + 2 * SCALAR_BYTES;
if (COIN_SHARE_BYTES > MAX_COIN_SHARE_BYTES) throw new Error("coin shares exceed the wire's bound");

export interface CoinOptions {
  readonly ristretto: Ristretto;
  /** Which coin this is; enters every hash, so that two coins with the same names stay independent. */
  readonly label: string;
  readonly publicKey: CoinPublicKey;
  readonly self: PartyId;
  /** x_self, 32 bytes little-endian. */
  readonly secret: Uint8Array;
}

/** @throws KeyError when the public key is malformed or `secret` is not that of party `self`. */
export function createCoin({ ristretto, label, publicKey, self, secret }: CoinOptions): Coin {
  const problem = checkCoinPublicKey(ristretto, publicKey);
  if (problem !== undefined) throw new KeyError(`${label} coin: ${problem}`);
  const ownKey = publicKey.verificationKeys[self];
  if (ownKey === undefined || !ristretto.isScalar(secret) || !equalBytes(ristretto.basePower(secret), ownKey)) {
    throw new KeyError(`${label} coin: the secret key is not that of party ${self}`);
  }
  const tag = utf8(label);
  const { threshold, verificationKeys } = publicKey;

  /** H: names to the group. */
  const baseOf = (name: Uint8Array): Uint8Array => ristretto.elementFromHash(sha512("abcast/1 coin base", tag, name));

  /** H': the proof's challenge. Besides the paper's values it binds the coin, the party and the name. */
  const challengeOf = (claim: Claim, h: Uint8Array, hBase: Uint8Array): Uint8Array => {
    const { party, name, key, base, element } = claim;
    const hash = sha512("abcast/1 coin share proof", tag, u32Bytes(party), name, key, base, element, h, hBase);
    return ristretto.scalarFromHash(hash);
  };

  return {
    share(name) {
      const base = baseOf(name);
      const element = ristretto.power(base, secret);
      // Everything that enters the challenge fixes the nonce: one nonce never answers two challenges.
      const seed = hmacSha512(secret, "abcast/1 coin share nonce", tag, u32Bytes(self), ownKey, name);
      const nonce = ristretto.scalarFromHash(seed);
      const claim = { party: self, name, key: ownKey, base, element };
      const challenge = challengeOf(claim, ristretto.basePower(nonce), ristretto.power(base, nonce));
      const response = ristretto.addScalars(nonce, ristretto.multiplyScalars(challenge, secret));
      return concat(element, challenge, response);
    },

    verifyShare(party, name, share) {
      const key = verificationKeys[party];
      if (key === undefined || share.length !== COIN_SHARE_BYTES) return false;
      const element = elementOf(share);
      const challenge = share.subarray(ELEMENT_BYTES, ELEMENT_BYTES + SCALAR_BYTES);
      const response = share.subarray(ELEMENT_BYTES + SCALAR_BYTES);
      // An honest scalar is 0 with probability 2^-252; excluding it keeps libsodium from throwing.
      if (!ristretto.isElement(element) || !ristretto.isScalar(challenge) || !ristretto.isScalar(response))
        return false;
      const base = baseOf(name);
      const h = ristretto.divide(ristretto.basePower(response), ristretto.power(key, challenge));
      const hBase = ristretto.divide(ristretto.power(base, response), ristretto.power(element, challenge));
      return equalBytes(challenge, challengeOf({ party, name, key, base, element }, h, hBase));
    },

    /** @throws CombineError on fewer than `threshold` shares and on shares that were not verified. */
    combine(name, shares) {
      const parties = [...shares.keys()].sort((a, b) => a - b).slice(0, threshold);
      if (parties.length < threshold) throw new CombineError(`${parties.length} of ${threshold} shares of a coin`);
      const elements = parties.map((party) => elementOf(shares.get(party) ?? new Uint8Array()));
      if (
        parties.some((party) => verificationKeys[party] === undefined) ||
        !elements.every((element) => ristretto.isElement(element))
      ) {
        throw new CombineError("unverified share of a coin");
      }
      return sha256("abcast/1 coin value", tag, name, interpolate(ristretto, parties, elements));
    },
  };
}

interface Claim {
  readonly party: PartyId;
  readonly name: Uint8Array;
  /** g_i. */
  readonly key: Uint8Array;
  /** g~. */
  readonly base: Uint8Array;
  /** g~_i. */
  readonly element: Uint8Array;
}

function elementOf(share: Uint8Array): Uint8Array {
  return share.subarray(0, ELEMENT_BYTES);
}

/** g~_0 = Π g~_i^{λ_i}. The coefficients are public and, for different parties, never 0. */
function interpolate(ristretto: Ristretto, parties: readonly PartyId[], elements: readonly Uint8Array[]): Uint8Array {
  const coefficients = lagrangeAtZero(parties, GROUP_ORDER).map(scalarToBytes);
  const powers = elements.map((element, i) => ristretto.power(element, coefficients[i] ?? new Uint8Array()));
  return powers.reduce((product, power) => ristretto.multiply(product, power));
}

/** What is wrong with a coin's public key, or undefined. Total. */
export function checkCoinPublicKey(ristretto: Ristretto, publicKey: CoinPublicKey): string | undefined {
  const { threshold, verificationKeys } = publicKey;
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > verificationKeys.length) {
    return `threshold ${threshold} of ${verificationKeys.length} parties`;
  }
  const bad = verificationKeys.findIndex((key) => !ristretto.isElement(key));
  return bad < 0 ? undefined : `verification key ${bad} is not an element of the group`;
}
