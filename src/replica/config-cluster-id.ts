/**
 * The cluster's name: a digest of all that its members must agree on. Whoever knows the name, from a receipt or a running
 * replica, can tell a public file whose keys, settings or clients were exchanged.
 *
 * Names and addresses are left out: a party may move.
 */
import { X509Certificate } from "node:crypto";
import { bytes, encode, fixedBytes, list, struct, text, u32, union } from "../core/codec.js";
import { MAX_FORMULA_LEAVES, formulaCodec } from "../core/formula.js";
import { MAX_PARTIES } from "../core/party-set.js";
import { sha256 } from "../crypto/hashing.js";
import type { CertificatePublicKeys } from "../crypto/keys.js";
import { type ClusterPublic, MAX_CLIENTS } from "./config.js";
import { adversaryCodec } from "./config-adversary.js";

const MAX_TLS_CERTIFICATE_BYTES = 16 * 1024;
const MAX_NUMBER_BYTES = 1024;

const key = fixedBytes(32);
const certificate = bytes(MAX_TLS_CERTIFICATE_BYTES);
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

/** How agreement is run, when it is not as it was before there was a choice: the name of an older cluster stays what it is. */
const variantCodec = struct({ delivery: text(16), parallel: u32 });

const nameCodec = struct({
  salt: fixedBytes(32),
  n: u32,
  adversary: adversaryCodec,
  channel: struct({ c: union({ count: struct({ count: u32 }), quorum: struct({}) }), order: text(16) }),
  tlsCertificates: list(certificate, MAX_PARTIES),
  clients: list(struct({ publicKey: key, certificate }), MAX_CLIENTS),
  signing: list(key, MAX_PARTIES),
  cosigning: list(key, MAX_PARTIES),
  coins: struct({ scheme: text(16), quorum: sharedKey, honest: sharedKey }),
  certificates,
  encryption: sharedKey,
  receipt: rsaKey,
  token: rsaKey,
});

/** Keys for relaying, when there are any: for the same reason. */
const relayingCodec = struct({ relaying: list(key, MAX_PARTIES) });

/** 32 bytes. */
export function clusterId(cluster: Omit<ClusterPublic, "cluster">): Uint8Array {
  const { salt, n, adversary, channel, parties, clients, keys } = cluster;
  // As DER: the same certificate has many forms in PEM.
  const der = (pem: string): Uint8Array => new X509Certificate(pem).raw;
  const content = {
    salt,
    n,
    adversary,
    channel: { c: vectorSizeOf(channel.c), order: channel.order },
    tlsCertificates: parties.map((party) => der(party.certificate)),
    clients: clients.map((client) => ({ publicKey: client.publicKey, certificate: der(client.certificate) })),
    ...keys,
    certificates: certificatesOf(keys.certificates),
  };
  const { delivery, parallel } = channel;
  const isPlain = delivery === "full" && parallel === 1;
  const variant = isPlain ? [] : [encode(variantCodec, { delivery, parallel })];
  const { relaying } = keys;
  const relays = relaying.length === 0 ? [] : [encode(relayingCodec, { relaying })];
  return sha256("abcast/1 cluster", encode(nameCodec, content), ...variant, ...relays);
}

function vectorSizeOf(c: ClusterPublic["channel"]["c"]) {
  return c === "quorum" ? ({ kind: "quorum" } as const) : ({ kind: "count", count: c } as const);
}

function certificatesOf(keys: CertificatePublicKeys) {
  return { scheme: keys.scheme, keys: keys.scheme === "bls" ? [keys.quorum, keys.broadcast] : [] };
}
