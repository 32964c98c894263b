/** All keys of a group as a cluster has them, of given primes. */
import type { Group } from "../../src/core/group.js";
import {
  type DealOptions,
  type PublicKeys,
  type SecretKeys,
  createOwnKeys,
  deal,
  ownPublicKeys,
} from "../../src/crypto/index.js";
import { OTHER_PRIMES_1024, PRIMES_1024, at } from "./fixtures.js";

export const PRIMES = { receipt: PRIMES_1024, token: OTHER_PRIMES_1024 };

export interface Keys {
  readonly publicKeys: PublicKeys;
  readonly secretKeys: readonly SecretKeys[];
}

export async function dealKeys(
  group: Group,
  options: Pick<DealOptions, "certificates" | "coins" | "spare"> = {},
): Promise<Keys> {
  const dealing = await deal({ group, rsaBits: 2048, primes: PRIMES, ...options });
  const own = group.parties.map(() => createOwnKeys());
  const publics = own.map(ownPublicKeys);
  return {
    publicKeys: {
      ...dealing.publicKeys,
      signing: publics.map(({ signing }) => signing),
      cosigning: publics.map(({ cosigning }) => cosigning),
      relaying: publics.map(({ relaying }) => relaying),
    },
    secretKeys: dealing.secretKeys.map((shared, party) => Object.assign({}, shared, at(own, party))),
  };
}
