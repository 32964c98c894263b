/** What parties sign among themselves, checked by somebody who is none of them and has the public keys only. */
import type { Endorsement } from "../core/evidence.js";
import type { PartyId } from "../core/party-set.js";
import { createEd25519Verifier } from "./ed25519/ed25519.js";
import { signedBytes } from "./ed25519/party-signatures.js";
import type { Domain } from "./hashing.js";
import type { ProtocolPublicKeys } from "./keys.js";

/** What keeps the uses of a party's signing key apart. */
export const ENDORSEMENT_DOMAINS: Readonly<Record<Endorsement, Domain>> = {
  signature: "abcast/1 statement",
  quorum: "abcast/1 quorum certificate",
  broadcast: "abcast/1 broadcast certificate",
};

/**
 * Whether a party itself signed a statement. Total; false for parties that do not exist, and for shares of a threshold
 * signature, which others can work out from those of a qualified set.
 * @throws KeyError when a signing key has a wrong size
 */
export function createEndorsementVerifier({
  signing,
  certificates,
}: Pick<ProtocolPublicKeys, "signing" | "certificates">) {
  const verifiers = signing.map(createEd25519Verifier);
  return (as: Endorsement, party: PartyId, statement: Uint8Array, signature: Uint8Array): boolean => {
    if (as !== "signature" && certificates.scheme !== "multisig") return false;
    return verifiers[party]?.(signedBytes(ENDORSEMENT_DOMAINS[as], statement), signature) ?? false;
  };
}
