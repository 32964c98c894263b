/**
 * The cluster's name: a digest of all that its members must agree on. Whoever knows the name, from a receipt or a running
 * replica, can tell a public file whose keys, settings or clients were exchanged.
 *
 * Names and addresses are left out: a party may move.
 */
import { X509Certificate } from "node:crypto";
import { bytes, encode, fixedBytes, list, struct, text, u32 } from "../core/codec.js";
import { MAX_FORMULA_LEAVES, formulaCodec } from "../core/formula.js";
import { MAX_PARTIES } from "../core/party-set.js";
import { sha256 } from "../crypto/hashing.js";
import type { CertificatePublicKeys } from "../crypto/keys.js";
import { type ClusterPublic, MAX_CLIENTS } from "./config.js";

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

const nameCodec = struct({
  salt: fixedBytes(32),
  n: u32,
  t: u32,
  channel: struct({ c: u32, order: text(16) }),
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

/** 32 bytes. */
export function clusterId({ salt, n, t, channel, parties, clients, keys }: Omit<ClusterPublic, "cluster">): Uint8Array {
  // As DER: the same certificate has many forms in PEM.
  const der = (pem: string): Uint8Array => new X509Certificate(pem).raw;
  const content = {
    salt,
    n,
    t,
    channel,
    tlsCertificates: parties.map((party) => der(party.certificate)),
    clients: clients.map((client) => ({ publicKey: client.publicKey, certificate: der(client.certificate) })),
    ...keys,
    certificates: certificatesOf(keys.certificates),
  };
  return sha256("abcast/1 cluster", encode(nameCodec, content));
}

function certificatesOf(keys: CertificatePublicKeys) {
  return { scheme: keys.scheme, keys: keys.scheme === "bls" ? [keys.quorum, keys.broadcast] : [] };
}
