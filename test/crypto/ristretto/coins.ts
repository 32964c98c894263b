/** Coins to test with. */
import type { Formula } from "../../../src/core/formula.js";
import type { PartyId } from "../../../src/core/party-set.js";
import type { SharedPublicKey } from "../../../src/crypto/keys.js";
import { createCoinScheme, createCoinSharer } from "../../../src/crypto/ristretto/coin.js";
import { GROUP_ORDER, loadRistretto, scalarToBytes } from "../../../src/crypto/ristretto/group.js";
import { ristrettoKeys } from "../../../src/crypto/ristretto/shared-key.js";
import type { Scheme, Sharer } from "../../../src/crypto/scheme.js";
import { dealKey } from "../../../src/crypto/sharing/deal-key.js";
import { createSharing } from "../../../src/crypto/sharing/sharing.js";
import { concat } from "../../../src/core/bytes.js";
import { at } from "../fixtures.js";

export const ristretto = await loadRistretto();

export interface DealtCoin {
  readonly publicKey: SharedPublicKey;
  readonly scheme: Scheme<Uint8Array, Uint8Array>;
  secretOf(party: PartyId): Uint8Array;
  sharerOf(party: PartyId): Sharer<Uint8Array>;
}

export interface CoinDealing {
  readonly label?: string;
  readonly bits?: number;
  /** The secret; random when it does not matter. */
  readonly secret?: bigint;
}

export function dealCoin(access: Formula, { label = "test", bits, secret }: CoinDealing = {}): DealtCoin {
  const dealt = secret === undefined ? dealKey(ristrettoKeys(ristretto), access) : deal(access, secret);
  const { publicKey } = dealt;
  const options = { ristretto, label, publicKey, ...(bits === undefined ? {} : { bits }) };
  return {
    publicKey,
    scheme: createCoinScheme(options),
    secretOf: (party) => dealt.secretOf(party),
    sharerOf: (party) => createCoinSharer({ ...options, party, secret: dealt.secretOf(party) }),
  };
}

function deal(access: Formula, secret: bigint): Pick<DealtCoin, "publicKey" | "secretOf"> {
  const sharing = createSharing(access);
  const scalars = sharing.deal(secret, GROUP_ORDER).map(scalarToBytes);
  return {
    publicKey: {
      access,
      publicKey: ristretto.basePower(scalarToBytes(secret)),
      verificationKeys: scalars.map((x) => ristretto.basePower(x)),
    },
    secretOf: (party) => concat(...sharing.leavesOf(party).map((leaf) => at(scalars, leaf))),
  };
}
