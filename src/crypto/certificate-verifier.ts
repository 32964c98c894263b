/** What a client needs of the cluster's cryptography: it has the public keys only. */
import type { Group } from "../core/group.js";
import { createBlsScheme } from "./bls/threshold.js";
import { createEd25519Verifier } from "./ed25519/ed25519.js";
import { createMultisigCertifier } from "./ed25519/multisig.js";
import { signedBytes } from "./ed25519/party-signatures.js";
import type { PublicKeys } from "./keys.js";

/** Whether a quorum endorsed `statement`. Total. */
export type CertificateVerifier = (statement: Uint8Array, certificate: Uint8Array) => boolean;

/** Verifies what `Suite.quorumCertifier` makes. @throws KeyError when a key is malformed */
export function createCertificateVerifier(
  { certificates, signing }: Pick<PublicKeys, "certificates" | "signing">,
  group: Group,
): CertificateVerifier {
  if (certificates.scheme === "bls") {
    const scheme = createBlsScheme({ label: "certificate quorum certificate", publicKey: certificates.quorum });
    return (statement, certificate) => scheme.checkValue(statement, certificate).kind === "valid";
  }
  const verifiers = signing.map((key) => createEd25519Verifier(key));
  const certifier = createMultisigCertifier({
    n: group.n,
    domain: "abcast/1 quorum certificate",
    signatures: {
      sign: () => {
        throw new Error("who has no key signs nothing");
      },
      verify: (party, domain, statement, signature) =>
        verifiers[party]?.(signedBytes(domain, statement), signature) === true,
    },
    suffices: (signers) => group.isQuorum(signers),
  });
  return (statement, certificate) => certifier.verify(statement, certificate);
}
