/**
 * The files of who bids, or sells, without being a client:
 *
 *     bidder.json         its holder alone (0600): a key, and public.json inside
 *     registration.json   whichever client is to have the key registered
 */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { equalBytes } from "../core/bytes.js";
import { type BiddingKey, type Registration, registrationOf } from "../client/index.js";
import { createEd25519Signer } from "../crypto/index.js";
import { type ClusterPublic, publicSchema } from "../replica/config.js";
import { checkPublic } from "../replica/config-checks.js";
import { base64Field, hexField } from "../replica/config-fields.js";
import { type PassphraseSource, readFileAs, refuse } from "../replica/config-files.js";
import { InputError } from "../replica/input-error.js";
import { keyNameProblem } from "../services/bidding/index.js";

const SEED_BYTES = 32;
const MAX_REGISTRATION_FILE_BYTES = 4096;

export const keyNameField = z.string().superRefine((name, context) => {
  const message = keyNameProblem(name);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

export const bidderSchema = z.strictObject({
  format: z.literal("abcast-bidder/1"),
  name: keyNameField,
  signing: base64Field(SEED_BYTES),
  public: publicSchema,
});

export interface BidderFile {
  readonly format: "abcast-bidder/1";
  readonly name: string;
  /** Ed25519 seed, 32 bytes. */
  readonly signing: Uint8Array;
  readonly public: ClusterPublic;
}

export interface RegistrationFile extends Registration {
  readonly format: "abcast-registration/1";
  readonly cluster: Uint8Array;
}

export const registrationSchema = z.strictObject({
  format: z.literal("abcast-registration/1"),
  cluster: hexField(32),
  name: keyNameField,
  key: hexField(32),
  proof: base64Field(64),
});

export function createBidder(name: string, cluster: ClusterPublic): BidderFile {
  return { format: "abcast-bidder/1", name, signing: new Uint8Array(randomBytes(SEED_BYTES)), public: cluster };
}

export function registrationFile({ name, signing, public: { cluster } }: BidderFile): RegistrationFile {
  return { format: "abcast-registration/1", cluster, ...registrationOf(cluster, name, createEd25519Signer(signing)) };
}

/** The key in the file, for commands in `cluster`. @throws InputError when it is none, or another cluster's */
export async function loadBidder(
  path: string,
  cluster: ClusterPublic,
  passphrase?: PassphraseSource,
): Promise<BiddingKey> {
  const bidder = await readFileAs(path, bidderSchema, "secret", passphrase);
  refuse(path, await checkPublic(bidder.public));
  refuseOther(path, "public.cluster", bidder.public.cluster, cluster);
  return createEd25519Signer(bidder.signing);
}

/** @throws InputError when the file is no registration, or another cluster's */
export async function loadRegistration(path: string, cluster: ClusterPublic): Promise<Registration> {
  const registration = await readFileAs(path, registrationSchema, "open", undefined, MAX_REGISTRATION_FILE_BYTES);
  refuseOther(path, "cluster", registration.cluster, cluster);
  const { name, key, proof } = registration;
  return { name, key, proof };
}

function refuseOther(file: string, field: string, named: Uint8Array, { cluster }: ClusterPublic): void {
  if (!equalBytes(named, cluster))
    throw new InputError({ file, field }, "is another cluster's than that of --cluster; take a file of one cluster");
}
