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
import {
  DISSEMINATIONS,
  type DisseminationMode,
  MAX_ENTRY_PAYLOADS,
  type VectorSize,
} from "../protocols/atomic-broadcast/messages.js";
import { MAX_PARALLEL } from "../protocols/multivalued-agreement/messages.js";
import { type Adversary, adversaryField } from "./config-adversary.js";
import {
  base64Field,
  certificateField,
  formulaField,
  hexField,
  hostField,
  nameField,
  oidField,
  portField,
  privateKeyField,
  serviceNameField,
  wholeField,
} from "./config-fields.js";

/** More clients than this need another way to enrol than one file. */
export const MAX_CLIENTS = 4096;

export const MAX_SERVICES = 32;
/** Rounds. A replica that starts again replays up to two intervals. */
export const MAX_CHECKPOINT_INTERVAL = 65_536;

export const MAX_ROUND_INTERVAL_MS = 10_000;

const MAX_ORIGINS = 64;
const MAX_API_KEYS = 1_024;
/** Of a document that is sent to a replica, whatever config.json says. */
const MAX_DOCUMENT_BYTES = 1024 * 1024 * 1024;

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
  /** PEM; the party is known by the key in it (config-tls-key.ts). */
  readonly certificate: string;
  /** The client that the party's replica is where it has something ordered for others; undefined: it is none. */
  readonly client?: number | undefined;
}

export interface ClientEntry {
  /** The entry's index. */
  readonly client: number;
  /** Raw Ed25519 key, 32 bytes; signs requests and names the client in receipts. */
  readonly publicKey: Uint8Array;
  /** PEM. */
  readonly certificate: string;
}

/** What time-stamp tokens say (RFC 3161). */
export interface TimeStamping {
  /** The policy that they are issued under: an object identifier. */
  readonly policy: string;
  /** How far from UTC an honest party's clock may be, as the operators promise. */
  readonly accuracyMs: number;
  /** The token key's certificate, PEM, until the parties install another one. */
  readonly certificate: string;
}

/** public.json */
export interface ClusterPublic {
  readonly format: "abcast-public/4";
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
  /** For the service `tsa`. */
  readonly timeStamping?: TimeStamping | undefined;
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
  /** Whether payloads travel in queue entries and proposals, or in certified batches of which agreement orders the heights only. */
  readonly dissemination: DisseminationMode;
  /** Names of the services that the cluster runs, ascending. */
  readonly services: readonly string[];
  /** Rounds from one checkpoint to the next. */
  readonly checkpointInterval: number;
}

/** What each party decides for itself. */
export interface ChannelLimits {
  /** Payloads in the signed portion of the queue, or in a batch. Default 256; 4096 where batches are certified. */
  readonly maxEntryPayloads: number;
  /** Bytes in the signed portion of the queue, or in a batch. Default 65536, which is possible with every c; 1 MiB where batches are certified. */
  readonly maxEntryBytes: number;
  /** Payloads that wait in the queue before submitters are pushed back. Default 16384. */
  readonly maxQueuePayloads: number;
  /** Whether delivered payloads are kept for ever, or only as long as peers may need them. Default "all". */
  readonly ledger: "all" | "recent";
  /** Milliseconds from the beginning of a round to that of the next while much waits to be ordered. Default 50. */
  readonly roundIntervalMs: number;
}

export interface ChannelSettings extends ChannelRules, ChannelLimits {}

/** The REST API of a party's replica. */
export interface RestSettings {
  /** Origins, such as `https://example.org`, whose pages may use it; `*` for all. None unless given. */
  readonly allowedOrigins: readonly string[];
  /** Without any everybody may use it. `sha256`: of a key, 32 bytes. */
  readonly apiKeys: readonly { readonly name: string; readonly sha256: Uint8Array }[];
  /** Of each API key, or address. Default 20. */
  readonly requestsPerSecond: number;
  /** What it may ask for at once after a pause. Default 100. */
  readonly burst: number;
  /** Of a document that is sent to be notarised. Default 16 MiB. */
  readonly maxDocumentBytes: number;
}

/** party-I/config.json */
export interface PartyConfig {
  readonly format: "abcast-party/1";
  readonly party: number;
  /** The address to bind to; may differ from the one that others connect to. */
  readonly listen: { readonly host: string; readonly port: number };
  /** The address of the HTTP interface. Default 127.0.0.1: this machine only. */
  readonly httpHost?: string | undefined;
  /** Who may use the REST API of the HTTP interface, and how much. */
  readonly rest?: { readonly [K in keyof RestSettings]?: RestSettings[K] | undefined } | undefined;
  /** Those left out have their defaults; `resolveLimits` fills them in. */
  readonly limits: { readonly [K in keyof ChannelLimits]?: ChannelLimits[K] | undefined };
}

/** party-I/keys.json */
export interface PartyKeys extends SecretKeys {
  readonly format: "abcast-party-keys/2";
  readonly party: number;
  /** PEM, PKCS #8; belongs to the party's certificate. */
  readonly tlsPrivateKey: string;
  /** Of the client that the party's replica is. */
  readonly client?: ClientKeys | undefined;
}

/** What one client alone knows. */
export interface ClientKeys {
  /** Ed25519 seed, 32 bytes. */
  readonly signing: Uint8Array;
  /** PEM, PKCS #8; belongs to the client's certificate. */
  readonly tlsPrivateKey: string;
}

/** client-I.json */
export interface ClientConfig extends ClientKeys {
  readonly format: "abcast-client/2";
  readonly client: number;
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
  format: z.literal("abcast-public/4"),
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
    delivery: z.enum(["full", "on-request"], 'must be "full" or "on-request"'),
    parallel: wholeField(1, MAX_PARALLEL),
    // A file that does without is older than batches.
    dissemination: z.enum(DISSEMINATIONS, 'must be "inline" or "certified"').default("inline"),
    services: z
      .array(serviceNameField)
      .min(1, "at least one service is needed")
      .max(MAX_SERVICES, `at most ${MAX_SERVICES} services`),
    checkpointInterval: wholeField(1, MAX_CHECKPOINT_INTERVAL),
  }),
  parties: perParty(
    z.strictObject({
      party: partyField,
      name: nameField,
      host: hostField,
      port: portField,
      httpPort: portField,
      certificate: certificateField,
      client: wholeField(0, MAX_CLIENTS - 1).optional(),
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
  timeStamping: z
    .strictObject({ policy: oidField, accuracyMs: wholeField(1, 86_400_000), certificate: certificateField })
    .optional(),
});

/** As a browser says it: no path, no slash at the end. */
export const originField = z
  .string()
  .max(256)
  .regex(
    /^(?:\*|https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?)$/,
    'must be an origin, such as https://example.org, in lower case and without a path, or "*"',
  );

const restField = z.strictObject({
  allowedOrigins: z.array(originField).max(MAX_ORIGINS, `at most ${MAX_ORIGINS} origins`).optional(),
  apiKeys: z
    .array(z.strictObject({ name: nameField, sha256: hexField(32) }))
    .max(MAX_API_KEYS, `at most ${MAX_API_KEYS} keys`)
    .refine((keys) => new Set(keys.map(({ name }) => name)).size === keys.length, "names must be distinct")
    .optional(),
  requestsPerSecond: wholeField(1, 1_000_000).optional(),
  burst: wholeField(1, 1_000_000).optional(),
  maxDocumentBytes: wholeField(0, MAX_DOCUMENT_BYTES).optional(),
});

export const partyConfigSchema = z.strictObject({
  format: z.literal("abcast-party/1"),
  party: partyField,
  listen: z.strictObject({ host: hostField, port: portField }),
  httpHost: hostField.optional(),
  rest: restField.optional(),
  limits: z.strictObject({
    maxEntryPayloads: wholeField(1, MAX_ENTRY_PAYLOADS).optional(),
    // The upper bound depends on c: config-checks.ts.
    maxEntryBytes: wholeField(1024, 0xffff_ffff).optional(),
    maxQueuePayloads: wholeField(1, 1 << 24).optional(),
    ledger: z.enum(["all", "recent"], 'must be "all" or "recent"').optional(),
    roundIntervalMs: wholeField(0, MAX_ROUND_INTERVAL_MS).optional(),
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

/** The fields of `ClientKeys`. */
export const clientKeysFields = { signing: key32, tlsPrivateKey: privateKeyField };

export const partyKeysSchema = z.strictObject({
  format: z.literal("abcast-party-keys/2"),
  party: partyField,
  signing: key32,
  cosigning: key32,
  relaying: key32.optional(),
  ...sharedSecretFields,
  tlsPrivateKey: privateKeyField,
  client: z.strictObject(clientKeysFields).optional(),
});

export const clientConfigSchema = z.strictObject({
  format: z.literal("abcast-client/2"),
  client: wholeField(0, MAX_CLIENTS - 1),
  ...clientKeysFields,
  public: publicSchema,
});

/** An entry of the file that `abcast init --parties` takes. */
export const partiesFileSchema = z
  .array(z.strictObject({ name: nameField, host: hostField, port: portField, httpPort: portField }))
  .min(1, "at least one party is needed")
  .max(MAX_PARTIES, `at most ${MAX_PARTIES} parties`);

const DEFAULT_LIMITS: ChannelLimits = {
  maxEntryPayloads: 256,
  maxEntryBytes: 65536,
  maxQueuePayloads: 16384,
  ledger: "all",
  roundIntervalMs: 150,
};
/** Of batches, of which no other message is made. */
const DEFAULT_BATCH_LIMITS: ChannelLimits = {
  ...DEFAULT_LIMITS,
  maxEntryPayloads: MAX_ENTRY_PAYLOADS,
  maxEntryBytes: 1024 * 1024,
};

/** The limits with the defaults filled in. */
export function resolveLimits(
  limits: PartyConfig["limits"],
  { dissemination }: Pick<ChannelRules, "dissemination">,
): ChannelLimits {
  const defaults = dissemination === "certified" ? DEFAULT_BATCH_LIMITS : DEFAULT_LIMITS;
  return {
    maxEntryPayloads: limits.maxEntryPayloads ?? defaults.maxEntryPayloads,
    maxEntryBytes: limits.maxEntryBytes ?? defaults.maxEntryBytes,
    maxQueuePayloads: limits.maxQueuePayloads ?? defaults.maxQueuePayloads,
    ledger: limits.ledger ?? defaults.ledger,
    roundIntervalMs: limits.roundIntervalMs ?? defaults.roundIntervalMs,
  };
}

const DEFAULT_REST: RestSettings = {
  allowedOrigins: [],
  apiKeys: [],
  requestsPerSecond: 20,
  burst: 100,
  maxDocumentBytes: 16 * 1024 * 1024,
};

/** The settings with the defaults filled in. */
export function resolveRest(rest: PartyConfig["rest"] = {}): RestSettings {
  return {
    allowedOrigins: rest.allowedOrigins ?? DEFAULT_REST.allowedOrigins,
    apiKeys: rest.apiKeys ?? DEFAULT_REST.apiKeys,
    requestsPerSecond: rest.requestsPerSecond ?? DEFAULT_REST.requestsPerSecond,
    burst: rest.burst ?? DEFAULT_REST.burst,
    maxDocumentBytes: rest.maxDocumentBytes ?? DEFAULT_REST.maxDocumentBytes,
  };
}

/** The text of the file that `schema` describes. Throws ZodError when `value` breaks it: the caller's mistake. */
export function formatFile(schema: z.ZodType, value: object): string {
  return `${JSON.stringify(z.encode(schema, value), undefined, 2)}\n`;
}
