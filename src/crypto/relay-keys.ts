/**
 * What goes over third parties: signed by its origin's Ed25519 key under a domain of its own, and sealed to its receiver's X25519 key
 * with libsodium's sealed boxes (`crypto_box_seal`: an ephemeral X25519 key, XSalsa20-Poly1305), which unlike HPKE on Web Cryptography
 * are synchronous. A sealed box does not say who sealed it: the header inside and the signature outside do.
 */
import sodium from "libsodium-wrappers-sumo";
import { equalBytes } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import type { RelayKeys } from "../core/relay-keys.js";
import { x25519PublicKey } from "./ceremony/x25519.js";
import { createEd25519Signer, createEd25519Verifier } from "./ed25519/ed25519.js";
import { signedBytes } from "./ed25519/party-signatures.js";
import { KeyError } from "./errors.js";
import type { Domain } from "./hashing.js";
import type { PublicKeys, SecretKeys } from "./keys.js";

const DOMAIN: Domain = "abcast/1 relay";

export interface RelayKeyOptions {
  readonly self: PartyId;
  readonly publicKeys: Pick<PublicKeys, "signing" | "relaying">;
  readonly secretKeys: Pick<SecretKeys, "signing" | "relaying">;
}

/**
 * Undefined when the group has no keys for it.
 * @throws KeyError when the secret keys are not those of `self`.
 */
export async function createRelayKeys({
  self,
  publicKeys,
  secretKeys,
}: RelayKeyOptions): Promise<RelayKeys | undefined> {
  const { relaying } = secretKeys;
  const publicKey = publicKeys.relaying[self];
  if (publicKeys.relaying.length === 0) return undefined;
  if (relaying === undefined || publicKey === undefined || !equalBytes(x25519PublicKey(relaying), publicKey))
    throw new KeyError(`the relaying key is not that of party ${self}`);
  await sodium.ready;
  const signer = createEd25519Signer(secretKeys.signing);
  const verifiers = publicKeys.signing.map(createEd25519Verifier);
  return {
    sign: (statement) => signer.sign(signedBytes(DOMAIN, statement)),
    verify: (party, statement, signature) => verifiers[party]?.(signedBytes(DOMAIN, statement), signature) ?? false,
    seal(to, plaintext) {
      const receiver = publicKeys.relaying[to];
      if (receiver === undefined) throw new KeyError(`no relaying key of party ${to}`);
      return sodium.crypto_box_seal(plaintext, receiver);
    },
    open(sealed) {
      if (sealed.length < sodium.crypto_box_SEALBYTES) return undefined;
      try {
        return sodium.crypto_box_seal_open(sealed, publicKey, relaying);
      } catch {
        // libsodium says no more than that it does not open.
        return undefined;
      }
    },
  };
}
