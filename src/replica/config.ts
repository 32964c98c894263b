/**
 * What a cluster's files contain: as plain data in the program, as JSON on disk.
 *
 *     public.json          everybody: who the parties and clients are, all public keys, what all must do alike
 *     party-I/config.json  party I: where it listens, how much it takes on
 *     party-I/keys.json    party I alone (0600)
 *     client-I.json        client I alone (0600); contains the public file, so a client needs one file
 *
 * The schemas are strict: every field is checked for type, size and range, unknown fields are refused.
 * What several fields must agree on is in config-checks.ts.
 */
import { z } from "zod";
import type { PublicKeys, SecretKeys } from "../crypto/keys.js";
import { MAX_FORMULA_LEAVES, MAX_LEAVES_PER_PARTY } from "../core/formula.js";
import { MAX_PARTIES } from "../core/party-set.js";
import { MAX_ENTRY_PAYLOADS, type VectorSize } from "../protocols/atomic-broadcast/messages.js";
import { MAX_PARALLEL } from "../protocols/multivalued-agreement/messages.js";
import { type Adversary, adversaryField } from "./config-adversary.js";
import {
  base64Field,
  certificateField,
  formulaField,
  hexField,
  hostField,
  nameField,
  portField,
  privateKeyField,
  wholeField,
} from "./config-fields.js";

/** More clients than this need another way to enrol than one file. */
export const MAX_CLIENTS = 4096;

/** RSA from 2048 to 4096 bits. */
const MODULUS_BYTES = [256, 512] as const;

export interface PartyEntry {
  /** 0..n-1; the entry's index. */
  readonly party: number;
  readonly name: string;
  readonly host: string;
  /** Where the other parties and the clients connect (mutual TLS). */
  readonly port: number;
  /** Where the party answers whoever monitors it (HTTP); at `PartyConfig.httpHost`. */
  readonly httpPort: number;
  /** PEM; the one certificate that this party is known by. */
  readonly certificate: string;
}

export interface ClientEntry {
  /** The entry's index. */
  readonly client: number;
  /** Raw Ed25519 key, 32 bytes; signs requests and names the client in receipts. */
  readonly publicKey: Uint8Array;
  /** PEM. */
  readonly certificate: string;
}

/** public.json */
export interface ClusterPublic {
  readonly format: "abcast-public/2";
  /** Names the cluster in everything that is signed for or by it: `clusterId` of this file (config-cluster-id.ts). */
  readonly cluster: Uint8Array;
  /** 32 random bytes: gives a new log a name of its own, whatever else it shares with an older one. */
  readonly salt: Uint8Array;
  readonly n: number;
  /** Which of them may be corrupted, and which may crash. */
  readonly adversary: Adversary;
  readonly channel: ChannelRules;
  readonly parties: readonly PartyEntry[];
  readonly clients: readonly ClientEntry[];
  readonly keys: PublicKeys;
}

/** What all parties must do alike: it decides which proposals are valid. Part of what the cluster's name stands for. */
export interface ChannelRules {
  /** Queue messages gathered per round: with thresholds t+1..n-t, where t counts crashes, too; in any structure those of a quorum. */
  readonly c: VectorSize;
  /** How agreement orders its candidates. */
  readonly order: "fixed" | "random" | "adaptive";
  /** Whether agreement's votes carry proposals, or certificates only. */
  readonly delivery: "full" | "on-request";
  /** How many candidates agreement tries at once, 1..MAX_PARALLEL. */
  readonly parallel: number;
}

/** What each party decides for itself. */
export interface ChannelLimits {
  /** Payloads in the signed portion of the queue. Default 256. */
  readonly maxEntryPayloads: number;
  /** Bytes in the signed portion of the queue. Default 65536, which is possible with every c. */
  readonly maxEntryBytes: number;
  /** Payloads that wait in the queue before submitters are pushed back. Default 16384. */
  readonly maxQueuePayloads: number;
}

export interface ChannelSettings extends ChannelRules, ChannelLimits {}

/** party-I/config.json */
export interface PartyConfig {
  readonly format: "abcast-party/1";
  readonly party: number;
  /** The address to bind to; may differ from the one that others connect to. */
  readonly listen: { readonly host: string; readonly port: number };
  /** The address of the HTTP interface. Default 127.0.0.1: this machine only. */
  readonly httpHost?: string | undefined;
  /** Those left out have their defaults; `resolveLimits` fills them in. */
  readonly limits: { readonly [K in keyof ChannelLimits]?: ChannelLimits[K] | undefined };
}

/** party-I/keys.json */
export interface PartyKeys extends SecretKeys {
  readonly format: "abcast-party-keys/2";
  readonly party: number;
  /** PEM, PKCS #8; belongs to the party's certificate. */
  readonly tlsPrivateKey: string;
}

/** client-I.json */
export interface ClientConfig {
  readonly format: "abcast-client/2";
  readonly client: number;
  /** Ed25519 seed, 32 bytes. */
  readonly signing: Uint8Array;
  /** PEM, PKCS #8; belongs to the client's certificate. */
  readonly tlsPrivateKey: string;
  readonly public: ClusterPublic;
}

const partyField = wholeField(0, MAX_PARTIES - 1);
const key32 = base64Field(32);
const perParty = <T extends z.ZodType>(item: T) => z.array(item).max(MAX_PARTIES, `at most ${MAX_PARTIES}`);
const perLeaf = <T extends z.ZodType>(item: T) =>
  z.array(item).max(MAX_FORMULA_LEAVES, `at most ${MAX_FORMULA_LEAVES}`);
/** Elements of ristretto255 (32 bytes) or of G1 of BLS12-381 (48). */
const element = base64Field(32, 48);
const sharedKey = z.strictObject({ access: formulaField, publicKey: element, verificationKeys: perLeaf(element) });
const rsaNumber = base64Field(1, MODULUS_BYTES[1]);
const rsaKey = z.strictObject({
  modulus: base64Field(...MODULUS_BYTES),
  exponent: wholeField(3, 0xffff_ffff),
  access: formulaField,
  verificationBase: rsaNumber,
  verificationKeys: perLeaf(rsaNumber),
  nonResidue: base64Field(0, MODULUS_BYTES[1]),
});
const multisig = z.strictObject({ scheme: z.literal("multisig") });

const publicKeys = z.strictObject({
  signing: perParty(key32),
  cosigning: perParty(key32),
  // A file that does without is older than relaying.
  relaying: perParty(key32).default([]),
  coins: z.strictObject({ scheme: z.enum(["dh", "bls"]), quorum: sharedKey, honest: sharedKey }),
  certificates: z.discriminatedUnion("scheme", [
    multisig,
    z.strictObject({ scheme: z.literal("bls"), quorum: sharedKey, broadcast: sharedKey }),
  ]),
  encryption: sharedKey,
  receipt: rsaKey,
  token: rsaKey,
});

export const publicSchema = z.strictObject({
  format: z.literal("abcast-public/2"),
  cluster: hexField(32),
  salt: hexField(32),
  n: wholeField(1, MAX_PARTIES),
  adversary: adversaryField,
  channel: z.strictObject({
    c: z.union(
      [wholeField(1, MAX_PARTIES), z.literal("quorum")],
      `must be a whole number from 1 to ${MAX_PARTIES}, or "quorum"`,
    ),
    order: z.enum(["fixed", "random", "adaptive"], 'must be "fixed", "random" or "adaptive"'),
    // Files that do without these two are older than they are.
    delivery: z.enum(["full", "on-request"], 'must be "full" or "on-request"').default("full"),
    parallel: wholeField(1, MAX_PARALLEL).default(1),
  }),
  parties: perParty(
    z.strictObject({
      party: partyField,
      name: nameField,
      host: hostField,
      port: portField,
      httpPort: portField,
      certificate: certificateField,
    }),
  ),
  clients: z
    .array(
      z.strictObject({
        client: wholeField(0, MAX_CLIENTS - 1),
        publicKey: hexField(32),
        certificate: certificateField,
      }),
    )
    .max(MAX_CLIENTS, `at most ${MAX_CLIENTS} clients`),
  keys: publicKeys,
});

export const partyConfigSchema = z.strictObject({
  format: z.literal("abcast-party/1"),
  party: partyField,
  listen: z.strictObject({ host: hostField, port: portField }),
  httpHost: hostField.optional(),
  limits: z.strictObject({
    maxEntryPayloads: wholeField(1, MAX_ENTRY_PAYLOADS).optional(),
    // The upper bound depends on c: config-checks.ts.
    maxEntryBytes: wholeField(1024, 0xffff_ffff).optional(),
    maxQueuePayloads: wholeField(1, 1 << 24).optional(),
  }),
});

/** One for each leaf of the party; in most groups there is one. */
const scalars = base64Field(32, 32 * MAX_LEAVES_PER_PARTY);
/** Shares along a formula of several gates are longer than the modulus (crypto/rsa/exponent-sharing.ts). */
export const rsaSharesField = base64Field(MODULUS_BYTES[0], 2 * MODULUS_BYTES[1] * MAX_LEAVES_PER_PARTY);

/** The fields of `SharedSecretKeys`. */
export const sharedSecretFields = {
  coins: z.strictObject({ quorum: scalars, honest: scalars }),
  certificates: z.discriminatedUnion("scheme", [
    multisig,
    z.strictObject({ scheme: z.literal("bls"), quorum: scalars, broadcast: scalars }),
  ]),
  encryption: scalars,
  receipt: rsaSharesField,
  token: rsaSharesField,
};

export const partyKeysSchema = z.strictObject({
  format: z.literal("abcast-party-keys/2"),
  party: partyField,
  signing: key32,
  cosigning: key32,
  relaying: key32.optional(),
  ...sharedSecretFields,
  tlsPrivateKey: privateKeyField,
});

export const clientConfigSchema = z.strictObject({
  format: z.literal("abcast-client/2"),
  client: wholeField(0, MAX_CLIENTS - 1),
  signing: key32,
  tlsPrivateKey: privateKeyField,
  public: publicSchema,
});

/** An entry of the file that `abcast init --parties` takes. */
export const partiesFileSchema = z
  .array(z.strictObject({ name: nameField, host: hostField, port: portField, httpPort: portField }))
  .min(1, "at least one party is needed")
  .max(MAX_PARTIES, `at most ${MAX_PARTIES} parties`);

/** The limits with the defaults filled in. */
export function resolveLimits(limits: PartyConfig["limits"]): ChannelLimits {
  return {
    maxEntryPayloads: limits.maxEntryPayloads ?? 256,
    maxEntryBytes: limits.maxEntryBytes ?? 65536,
    maxQueuePayloads: limits.maxQueuePayloads ?? 16384,
  };
}

/** The text of the file that `schema` describes. Throws ZodError when `value` breaks it: the caller's mistake. */
export function formatFile(schema: z.ZodType, value: object): string {
  return `${JSON.stringify(z.encode(schema, value), undefined, 2)}\n`;
}
