/** Checks signatures of keys that clients bring (services/bidding). */
import { createEd25519Verifier, loadRistretto } from "../crypto/index.js";
import type { KeySignatures } from "../services/bidding/index.js";

export async function loadKeySignatures(): Promise<KeySignatures> {
  const ristretto = await loadRistretto();
  return {
    isKey: (bytes) => ristretto.isEd25519Key(bytes),
    verify: (key, statement, signature) => createEd25519Verifier(key)(statement, signature),
  };
}
