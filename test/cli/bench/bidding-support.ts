/** A bidding service that checks sealed bids with the real cryptography, and opens none. */
import { loadKeySignatures } from "../../../src/cli/key-signatures.js";
import { sha256 } from "../../../src/cli/sha256.js";
import { thresholdFormula } from "../../../src/core/formula.js";
import { createTdh2Scheme, loadRistretto } from "../../../src/crypto/index.js";
import type { SharedPublicKey } from "../../../src/crypto/keys.js";
import { ristrettoKeys } from "../../../src/crypto/ristretto/shared-key.js";
import { dealKey } from "../../../src/crypto/sharing/deal-key.js";
import { createBidding } from "../../../src/services/bidding/index.js";
import type { Service } from "../../../src/services/service.js";

export interface SealedService {
  readonly encryptionKey: SharedPublicKey;
  readonly bidding: Service;
}

export async function sealedService(cluster: Uint8Array): Promise<SealedService> {
  const ristretto = await loadRistretto();
  const { publicKey: encryptionKey } = dealKey(ristrettoKeys(ristretto), thresholdFormula(2, 4));
  const scheme = createTdh2Scheme({ ristretto, publicKey: encryptionKey });
  const bidding = createBidding({
    cluster,
    hash: sha256,
    decryption: {
      checkCiphertext: (label, ciphertext) => scheme.checkCiphertext(label, ciphertext).kind === "valid",
      verifyShare: () => false,
      combine: () => undefined,
    },
    signatures: await loadKeySignatures(),
    hasHonest: () => false,
  });
  return { encryptionKey, bidding };
}
