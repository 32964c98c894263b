/**
 * A threshold coin as Cachin, Kursawe and Shoup define it ("Random Oracles in Constantinople", PODC 2000), made of a unique threshold
 * signature: the coin is the hash of the signature on its name. Unpredictable as the signature is unforgeable (threshold.ts), with a random oracle.
 *
 * Share on the wire: a signature share, 96 bytes for each of the party's leaves. A share needs no proof: the pairing checks it.
 */
import { MAX_LEAVES_PER_PARTY } from "../../core/formula.js";
import type { PartyId } from "../../core/party-set.js";
import { type Coin, MAX_COIN_SHARE_BYTES } from "../../core/suite.js";
import { DEFAULT_COIN_BITS, checkCoinBits, coinValue } from "../coin-value.js";
import type { Scheme, Sharer } from "../scheme.js";
import { SIGNATURE_BYTES } from "./curve.js";
import { type BlsOptions, type BlsSharerOptions, createBlsScheme, createBlsSharer } from "./threshold.js";

if (MAX_LEAVES_PER_PARTY * SIGNATURE_BYTES > MAX_COIN_SHARE_BYTES)
  throw new Error("coin shares exceed the wire's bound");

export interface BlsCoinSchemeOptions extends BlsOptions {
  /** Size of the coin. Default 256. */
  readonly bits?: number;
}

/**
 * `combine` takes checked shares. It could check the signature under the coin once more, but from checked shares that is right.
 * @throws KeyError when the public key is malformed. @throws RangeError when `bits` is no size of a coin.
 */
export function createBlsCoinScheme(options: BlsCoinSchemeOptions): Scheme<Uint8Array, Uint8Array> {
  const { label, bits = DEFAULT_COIN_BITS } = options;
  checkCoinBits(bits);
  const scheme = createBlsScheme(coinOptions(options));
  return {
    sharing: scheme.sharing,
    checkShare: (party, name, share) => scheme.checkShare(party, name, share),
    checkShares: (name, shares) => scheme.checkShares(name, shares),
    combine: (name, shares) => coinValue(bits, label, name, scheme.combine(name, shares)),
  };
}

/** @throws KeyError when `secret` is not that of `party`. */
export function createBlsCoinSharer(options: BlsSharerOptions): Sharer<Uint8Array> {
  return createBlsSharer(coinOptions(options));
}

/** Signatures of coins are not those of anything else that has the same label. */
function coinOptions<Options extends BlsOptions>(options: Options): Options {
  return { ...options, label: `coin ${options.label}` };
}

export interface BlsCoinOptions extends BlsCoinSchemeOptions {
  readonly self: PartyId;
  /** x_j of the party's leaves, 32 bytes big-endian each. */
  readonly secret: Uint8Array;
}

/** Both sides in one, as the protocols use it. @throws KeyError when the public key is malformed or `secret` is not that of `self`. */
export function createBlsCoin(options: BlsCoinOptions): Coin {
  const scheme = createBlsCoinScheme(options);
  const sharer = createBlsCoinSharer({ ...options, party: options.self });
  return {
    suffices: (parties) => scheme.sharing.isQualified(parties),
    share: (name) => sharer.share(name),
    verifyShare: (party, name, share) => scheme.checkShare(party, name, share).kind === "valid",
    combine: (name, shares) => scheme.combine(name, shares),
  };
}
