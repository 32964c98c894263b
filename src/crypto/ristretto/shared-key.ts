/** Keys over ristretto255 that are shared along a formula: how the coin and the encryption open and check them. */
import { equalBytes } from "../../core/bytes.js";
import { checkFormula } from "../../core/formula.js";
import type { PartyId, PartySet } from "../../core/party-set.js";
import { CombineError, KeyError } from "../errors.js";
import type { SharedPublicKey } from "../keys.js";
import { piecesOf } from "../scheme.js";
import { type KeyGroup } from "../sharing/deal-key.js";
import { consistencyWeights } from "../sharing/consistency.js";
import { type Sharing, createSharing } from "../sharing/sharing.js";
import { GROUP_ORDER, type Ristretto, SCALAR_BYTES, scalarToBytes } from "./group.js";

/** For `dealKey`. */
export function ristrettoKeys(ristretto: Ristretto): KeyGroup {
  return { order: GROUP_ORDER, scalarBytes: scalarToBytes, basePower: (scalar) => ristretto.basePower(scalar) };
}

/** What is wrong with a shared key over ristretto255, or undefined. Total. */
export function checkSharedKey(
  ristretto: Ristretto,
  { access, publicKey, verificationKeys }: SharedPublicKey,
): string | undefined {
  const problem = checkFormula(access);
  if (problem !== undefined) return problem;
  const sharing = createSharing(access);
  if (verificationKeys.length !== sharing.leaves.length)
    return `${verificationKeys.length} verification keys for ${sharing.leaves.length} leaves`;
  if (!ristretto.isElement(publicKey)) return "the public key is not an element of the group";
  const bad = verificationKeys.findIndex((key) => !ristretto.isElement(key));
  if (bad >= 0) return `verification key ${bad} is not an element of the group`;
  const powers = consistencyWeights(access, GROUP_ORDER).map((weight, leaf) =>
    ristretto.power(verificationKeys[leaf] ?? new Uint8Array(), scalarToBytes(weight)),
  );
  const sum = powers.reduce((product, power) => ristretto.multiply(product, power));
  return equalBytes(sum, publicKey) ? undefined : "the verification keys do not belong to the public key";
}

/**
 * A party's secret cut into scalars, one for each of its leaves; copies, for their owner to wipe.
 * @throws KeyError when it does not fit the verification keys.
 */
export function openSecret(
  ristretto: Ristretto,
  sharing: Sharing,
  { verificationKeys }: SharedPublicKey,
  party: PartyId,
  secret: Uint8Array,
): Uint8Array[] {
  const scalars = piecesOf(sharing, party, secret, SCALAR_BYTES)?.map((scalar) => Uint8Array.from(scalar));
  const keys = sharing.leavesOf(party).map((leaf) => verificationKeys[leaf]);
  const fits = scalars?.every((scalar, i) => {
    const key = keys[i];
    return key !== undefined && ristretto.isScalar(scalar) && equalBytes(ristretto.basePower(scalar), key);
  });
  if (scalars === undefined || fits !== true) throw new KeyError(`the secret key is not that of party ${party}`);
  return scalars;
}

/**
 * base^x = Π element_j^{c_j} from the elements base^{x_j} of leaves that suffice. Coefficients are public and never 0.
 * @throws CombineError when the parties do not suffice, or one's element is missing or outside the group.
 */
export function interpolate(
  ristretto: Ristretto,
  sharing: Sharing,
  parties: PartySet,
  elementOf: (leaf: number, party: PartyId, piece: number) => Uint8Array | undefined,
): Uint8Array {
  const terms = sharing.terms(parties, GROUP_ORDER);
  if (terms === undefined) throw new CombineError(`the parties ${parties.toString()} do not suffice`);
  const powers = terms.map(({ leaf, party, piece, coefficient }) => {
    const element = elementOf(leaf, party, piece);
    if (element === undefined || !ristretto.isElement(element))
      throw new CombineError(`unverified share of party ${party}`);
    return coefficient === 1n ? element : ristretto.power(element, scalarToBytes(coefficient));
  });
  return powers.reduce((product, power) => ristretto.multiply(product, power));
}
