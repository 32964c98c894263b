/** The keys that a party makes itself and shares with nobody. */
import { randomBytes } from "node:crypto";
import { randomX25519SecretKey, x25519PublicKey } from "./ceremony/x25519.js";
import { SEED_BYTES, createEd25519Signer } from "./ed25519/ed25519.js";
import type { OwnSecretKeys } from "./keys.js";

export interface OwnPublicKeys {
  readonly signing: Uint8Array;
  readonly cosigning: Uint8Array;
  readonly relaying: Uint8Array;
}

export function createOwnKeys(): OwnSecretKeys {
  return {
    signing: new Uint8Array(randomBytes(SEED_BYTES)),
    cosigning: new Uint8Array(randomBytes(SEED_BYTES)),
    relaying: randomX25519SecretKey(),
  };
}

export function ownPublicKeys({ signing, cosigning, relaying }: OwnSecretKeys): OwnPublicKeys {
  return {
    signing: createEd25519Signer(signing).publicKey,
    cosigning: createEd25519Signer(cosigning).publicKey,
    relaying: x25519PublicKey(relaying),
  };
}
