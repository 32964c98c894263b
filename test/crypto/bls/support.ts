/** The oracle is @noble/curves: another implementation, in another language. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { concat, fromHex } from "../../../src/core/bytes.js";
import type { Formula } from "../../../src/core/formula.js";
import type { PartyId } from "../../../src/core/party-set.js";
import { GROUP_ORDER, blsKeys } from "../../../src/crypto/bls/curve.js";
import { type BlsScheme, createBlsScheme, createBlsSharer } from "../../../src/crypto/bls/threshold.js";
import type { SharedPublicKey } from "../../../src/crypto/keys.js";
import { bigintToBytes } from "../../../src/crypto/numbers/bigints.js";
import type { Sharer } from "../../../src/crypto/scheme.js";
import { createSharing } from "../../../src/crypto/sharing/sharing.js";
import { at, sharesOf } from "../fixtures.js";

export const G1 = bls12_381.G1.Point;
export const G2 = bls12_381.G2.Point;
/** Keys in G1, signatures in G2. */
export const noble = bls12_381.longSignatures;
export const DST = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}

export const IDENTITY_G1 = hex(`c0${"00".repeat(47)}`);
export const IDENTITY_G2 = hex(`c0${"00".repeat(95)}`);

type PointG2 = typeof G2.BASE;

/** A point of the curve that is not in G2: r times it is a point of small order, other than the identity. */
function outsideG2(): PointG2 {
  const { Fp2 } = bls12_381.fields;
  for (let real = 1n; ; real++) {
    const x = Fp2.fromBigTuple([real, 0n]);
    const ySquared = Fp2.add(Fp2.mul(Fp2.sqr(x), x), Fp2.fromBigTuple([4n, 4n]));
    if (!Fp2.eql(Fp2.pow(ySquared, (Fp2.ORDER - 1n) / 2n), Fp2.ONE)) continue;
    const point = G2.fromAffine({ x, y: Fp2.sqrt(ySquared) });
    if (!point.isTorsionFree()) return point;
  }
}

/** Compressed, also where the oracle refuses to encode because the point is not in G2. */
export function compressed(point: PointG2): Uint8Array {
  const { x, y } = point.toAffine();
  const half = (bls12_381.fields.Fp.ORDER - 1n) / 2n;
  const isLarger = y.c1 > half || (y.c1 === 0n && y.c0 > half);
  const bytes = concat(bigintToBytes(x.c1, 48), bigintToBytes(x.c0, 48));
  bytes[0] = at(bytes, 0) | (isLarger ? 0xa0 : 0x80);
  return bytes;
}

/** `bytes` plus a point of small order. */
export function shiftedOutside(bytes: Uint8Array): Uint8Array {
  const point = outsideG2();
  const small = point.multiplyUnsafe(GROUP_ORDER - 1n).add(point);
  return compressed(G2.fromBytes(bytes).add(small));
}

export interface Cluster {
  readonly publicKey: SharedPublicKey;
  readonly scheme: BlsScheme;
  readonly secretOf: (party: PartyId) => Uint8Array;
  readonly sharerOf: (party: PartyId) => Sharer<Uint8Array>;
  readonly sharesFrom: (parties: readonly PartyId[], message: Uint8Array) => Map<PartyId, Uint8Array>;
}

/** A key with a known secret. */
export function cluster(access: Formula, secret = 12_345n, label = "test"): Cluster {
  const sharing = createSharing(access);
  const scalars = sharing.deal(secret, GROUP_ORDER).map((scalar) => blsKeys.scalarBytes(scalar));
  const publicKey: SharedPublicKey = {
    access,
    publicKey: blsKeys.basePower(blsKeys.scalarBytes(secret)),
    verificationKeys: scalars.map((scalar) => blsKeys.basePower(scalar)),
  };
  const secretOf = (party: PartyId): Uint8Array => concat(...sharing.leavesOf(party).map((leaf) => at(scalars, leaf)));
  const sharerOf = (party: PartyId): Sharer<Uint8Array> =>
    createBlsSharer({ label, publicKey, party, secret: secretOf(party) });
  return {
    publicKey,
    scheme: createBlsScheme({ label, publicKey }),
    secretOf,
    sharerOf,
    sharesFrom: (parties, message) => sharesOf(parties, (party) => sharerOf(party).share(message)),
  };
}
