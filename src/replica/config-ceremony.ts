/**
 * The files of the key ceremony, in which each party makes its own keys and the dealer sees only their public halves:
 *
 *     identity.json     a party alone (0600): the keys that it made
 *     card.json         everybody: their public halves, signed with them
 *     party-I.sealed    everybody may see it, only party I can open it: its folder
 *     spare-I.sealed    everybody: the RSA shares of a party that may join later, encrypted to the group
 *
 * and of any secret file that carries a passphrase.
 */
import { z } from "zod";
import type { IdentityCard } from "../crypto/ceremony/identity-card.js";
import { MAX_CIPHERTEXT_BYTES, NONCE_BYTES, SALT_BYTES, TAG_BYTES } from "../crypto/ceremony/passphrase.js";
import { MAX_SEALED_BYTES } from "../crypto/ceremony/sealed-box.js";
import type { SharedSecretKeys } from "../crypto/keys.js";
import { MAX_PARTIES } from "../core/party-set.js";
import {
  type ClientKeys,
  clientKeysFields,
  type ClusterPublic,
  publicSchema,
  rsaSharesField,
  sharedSecretFields,
} from "./config.js";
import {
  base64Field,
  certificateField,
  hexField,
  hostField,
  nameField,
  portField,
  privateKeyField,
  wholeField,
} from "./config-fields.js";

/** identity.json */
export interface Identity {
  readonly format: "abcast-identity/2";
  readonly card: IdentityCard;
  /** Ed25519 seeds, 32 bytes. */
  readonly signing: Uint8Array;
  readonly cosigning: Uint8Array;
  /** X25519, 32 bytes. */
  readonly sealing: Uint8Array;
  readonly relaying: Uint8Array;
  /** PEM, PKCS #8. */
  readonly tlsPrivateKey: string;
}

/** card.json */
export interface CardFile extends IdentityCard {
  readonly format: "abcast-card/2";
}

/** party-I.sealed */
export interface SealedParty {
  readonly format: "abcast-sealed/1";
  readonly cluster: Uint8Array;
  readonly party: number;
  /** HPKE to the sealing key of the party's card. */
  readonly sealed: Uint8Array;
}

/** What is sealed in it. */
export interface PartyFolder {
  readonly format: "abcast-folder/1";
  readonly public: ClusterPublic;
  readonly keys: SharedSecretKeys;
  /** Of the client that the party's replica is. */
  readonly client?: ClientKeys | undefined;
}

/** spare-I.sealed */
export interface SealedSpare {
  readonly format: "abcast-spare/1";
  readonly cluster: Uint8Array;
  /** The number that its party will have, n or more. */
  readonly party: number;
  /** TDH2 under the group's encryption key. */
  readonly ciphertext: Uint8Array;
}

const key32 = base64Field(32);
const partyField = wholeField(0, MAX_PARTIES - 1);

const cardFields = {
  name: nameField,
  host: hostField,
  port: portField,
  httpPort: portField,
  signing: key32,
  cosigning: key32,
  sealing: key32,
  relaying: key32,
  certificatePem: certificateField,
  signature: base64Field(64),
  cosignature: base64Field(64),
  certificateSignature: base64Field(64),
} satisfies Record<keyof IdentityCard, z.ZodType>;

export const cardSchema = z.strictObject({ format: z.literal("abcast-card/2"), ...cardFields });

export const identitySchema = z.strictObject({
  format: z.literal("abcast-identity/2"),
  card: z.strictObject(cardFields),
  signing: key32,
  cosigning: key32,
  sealing: key32,
  relaying: key32,
  tlsPrivateKey: privateKeyField,
});

export const sealedPartySchema = z.strictObject({
  format: z.literal("abcast-sealed/1"),
  cluster: hexField(32),
  party: partyField,
  sealed: base64Field(1, MAX_SEALED_BYTES),
});

export const partyFolderSchema = z.strictObject({
  format: z.literal("abcast-folder/1"),
  public: publicSchema,
  keys: z.strictObject(sharedSecretFields),
  client: z.strictObject(clientKeysFields).optional(),
});

export const sealedSpareSchema = z.strictObject({
  format: z.literal("abcast-spare/1"),
  cluster: hexField(32),
  party: partyField,
  ciphertext: base64Field(1, MAX_SEALED_BYTES),
});

/** What is encrypted in it. */
export const spareSchema = z.strictObject({
  format: z.literal("abcast-spare-keys/1"),
  party: partyField,
  receipt: rsaSharesField,
  token: rsaSharesField,
});

/** Any secret file of ours under a passphrase. */
export const protectedSchema = z.strictObject({
  format: z.literal("abcast-protected/1"),
  kdf: z.literal("scrypt"),
  // What is too little or too much: crypto/ceremony/passphrase.ts.
  N: wholeField(1, 2 ** 31),
  r: wholeField(1, 2 ** 16),
  p: wholeField(1, 2 ** 16),
  salt: base64Field(SALT_BYTES),
  nonce: base64Field(NONCE_BYTES),
  ciphertext: base64Field(TAG_BYTES, MAX_CIPHERTEXT_BYTES),
});
