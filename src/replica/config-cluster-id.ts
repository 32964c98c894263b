/**
 * The cluster's name: a digest of all that its members must agree on. Whoever knows the name, from a receipt or a running
 * replica, can tell a public file whose keys, settings or clients were exchanged.
 *
 * Names and addresses are left out: a party may move. So are certificates, but for their keys: a party may make a new one.
 */
import { X509Certificate } from "node:crypto";
import { bytes, encode, fixedBytes, list, struct, text, u32, union } from "../core/codec.js";
import { MAX_FORMULA_LEAVES, formulaCodec } from "../core/formula.js";
import { MAX_PARTIES } from "../core/party-set.js";
import { sha256 } from "../crypto/hashing.js";
import type { CertificatePublicKeys } from "../crypto/keys.js";
import { type ClusterPublic, MAX_CLIENTS, MAX_SERVICES } from "./config.js";
import { adversaryCodec } from "./config-adversary.js";
import { tlsKeyDigest } from "./config-tls-key.js";

const MAX_NUMBER_BYTES = 1024;
const MAX_POLICY_CHARACTERS = 256;
const MAX_CERTIFICATE_BYTES = 16 * 1024;

const key = fixedBytes(32);
const number = bytes(MAX_NUMBER_BYTES);
const element = bytes(48);
const sharedKey = struct({
  access: formulaCodec,
  publicKey: element,
  verificationKeys: list(element, MAX_FORMULA_LEAVES),
});
const rsaKey = struct({
  modulus: number,
  exponent: u32,
  access: formulaCodec,
  verificationBase: number,
  verificationKeys: list(number, MAX_FORMULA_LEAVES),
  nonResidue: number,
});
const certificates = struct({ scheme: text(16), keys: list(sharedKey, 2) });

const nameCodec = struct({
  salt: fixedBytes(32),
  n: u32,
  adversary: adversaryCodec,
  channel: struct({
    c: union({ count: struct({ count: u32 }), quorum: struct({}) }),
    order: text(16),
    delivery: text(16),
    parallel: u32,
    services: list(text(32), MAX_SERVICES),
    checkpointInterval: u32,
  }),
  tlsKeys: list(key, MAX_PARTIES),
  clients: list(struct({ publicKey: key, tlsKey: key }), MAX_CLIENTS),
  signing: list(key, MAX_PARTIES),
  cosigning: list(key, MAX_PARTIES),
  coins: struct({ scheme: text(16), quorum: sharedKey, honest: sharedKey }),
  certificates,
  encryption: sharedKey,
  receipt: rsaKey,
  token: rsaKey,
});

/** Keys for relaying, when there are any. */
const relayingCodec = struct({ relaying: list(key, MAX_PARTIES) });

/** Of payloads that are not in queue entries. */
const disseminationCodec = struct({ dissemination: text(16) });

/** The parties' clients and what time-stamp tokens say, when there is any of it. */
const servingCodec = struct({
  clients: list(struct({ party: u32, client: u32 }), MAX_PARTIES),
  timeStamping: list(
    struct({ policy: text(MAX_POLICY_CHARACTERS), accuracyMs: u32, certificate: bytes(MAX_CERTIFICATE_BYTES) }),
    1,
  ),
});

/** 32 bytes. */
export function clusterId(cluster: Omit<ClusterPublic, "cluster">): Uint8Array {
  const { salt, n, adversary, channel, parties, clients, keys } = cluster;
  const tlsKey = (pem: string): Uint8Array => tlsKeyDigest(new X509Certificate(pem));
  const content = {
    salt,
    n,
    adversary,
    channel: { ...channel, c: vectorSizeOf(channel.c) },
    tlsKeys: parties.map((party) => tlsKey(party.certificate)),
    clients: clients.map((client) => ({ publicKey: client.publicKey, tlsKey: tlsKey(client.certificate) })),
    ...keys,
    certificates: certificatesOf(keys.certificates),
  };
  const { relaying } = keys;
  const relays = relaying.length === 0 ? [] : [encode(relayingCodec, { relaying })];
  const { dissemination } = channel;
  const batches = dissemination === "inline" ? [] : [encode(disseminationCodec, { dissemination })];
  return sha256("abcast/1 cluster", encode(nameCodec, content), ...relays, ...batches, ...servingOf(cluster));
}

function servingOf({ parties, timeStamping }: Omit<ClusterPublic, "cluster">): Uint8Array[] {
  const clients = parties.flatMap(({ party, client }) => (client === undefined ? [] : [{ party, client }]));
  if (clients.length === 0 && timeStamping === undefined) return [];
  // As DER: the same certificate has many forms in PEM. It stands in tokens, so all must have the same.
  const rules = timeStamping && { ...timeStamping, certificate: new X509Certificate(timeStamping.certificate).raw };
  return [encode(servingCodec, { clients, timeStamping: rules === undefined ? [] : [rules] })];
}

function vectorSizeOf(c: ClusterPublic["channel"]["c"]) {
  return c === "quorum" ? ({ kind: "quorum" } as const) : ({ kind: "count", count: c } as const);
}

function certificatesOf(keys: CertificatePublicKeys) {
  return { scheme: keys.scheme, keys: keys.scheme === "bls" ? [keys.quorum, keys.broadcast] : [] };
}
