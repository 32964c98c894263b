/** The dealer's part for keys in groups of known prime order. */
import { concat } from "../../core/bytes.js";
import type { Formula } from "../../core/formula.js";
import type { Dealt, SharedPublicKey } from "../keys.js";
import { randomBelow } from "../numbers/random.js";
import { createSharing } from "./sharing.js";

export interface KeyGroup {
  readonly order: bigint;
  /** A scalar in the form that secret keys have in this group. */
  scalarBytes(scalar: bigint): Uint8Array;
  /** g^scalar, for a scalar other than 0. */
  basePower(scalar: Uint8Array): Uint8Array;
}

/** Shares a random key along `access`. @throws RangeError when that is no formula. */
export function dealKey(group: KeyGroup, access: Formula): Dealt<SharedPublicKey> {
  const sharing = createSharing(access);
  for (;;) {
    const secret = randomBelow(group.order);
    const shares = sharing.deal(secret, group.order);
    // Zero is no key: its public part would be the identity. Practically never happens.
    if (secret === 0n || shares.includes(0n)) continue;
    const scalars = shares.map((share) => group.scalarBytes(share));
    return {
      publicKey: {
        access,
        publicKey: group.basePower(group.scalarBytes(secret)),
        verificationKeys: scalars.map((scalar) => group.basePower(scalar)),
      },
      secretOf: (party) => concat(...sharing.leavesOf(party).map((leaf) => scalars[leaf] ?? new Uint8Array())),
    };
  }
}
