/** Whose commands this tab signs: a client's file, or a registered key's, from the user's disk. It is read here, sent nowhere and kept nowhere. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { fromBase64 } from "../../core/base64.js";
import { fromHex, toHex } from "../../core/bytes.js";
import type { Decoded } from "../../core/codec.js";
import { parseJson } from "../../core/json.js";
import { type Encryption, createEncryption } from "../../crypto/ristretto/tdh2-encrypt.js";
import { type VerificationKey, readVerificationKey } from "../../verify/index.js";
import { fieldOf, listIn, stringIn } from "../common/api.js";
import { BROWSER_TOOLS } from "./tools.js";

/** Each has a public.json in it. */
export const MAX_CLIENT_FILE_BYTES = 9 * 1024 * 1024;

export interface Identity {
  /** The client's number; or the name of a registered key, which is no client's. */
  readonly who: { readonly kind: "client"; readonly client: number } | { readonly kind: "key"; readonly name: string };
  readonly cluster: Uint8Array;
  readonly publicKey: Uint8Array;
  /** The public keys of all clients, in hexadecimal, by number. */
  readonly clients: readonly string[];
  /** For bids, under the group's key. */
  readonly encryption: Encryption;
  /** For awards. */
  readonly verification: VerificationKey;
  readonly sign: (statement: Uint8Array) => Uint8Array;
}

/** Total; the error says what is wrong, and what to do. */
export function readIdentity(text: string): Decoded<Identity> {
  if (text.length > MAX_CLIENT_FILE_BYTES) return { ok: false, error: "too long for a client’s file" };
  const json = parseJson(text);
  if (!json.ok)
    return { ok: false, error: "it is not JSON; a file under a passphrase works with the command line only" };
  const { value } = json;
  const format = stringIn(value, "format");
  if (format !== "abcast-client/2" && format !== "abcast-bidder/1")
    return { ok: false, error: "it is no client-I.json of a cluster, and no key of abcast auction key" };
  const shared = fieldOf(value, "public");
  const verification = readVerificationKey(JSON.stringify(shared ?? null));
  if (!verification.ok) return { ok: false, error: `public: ${verification.error}` };
  const seed = bytesIn(value, "signing");
  const who = whoIn(value, format);
  const clients = listIn(shared, "clients").map((entry) => stringIn(entry, "publicKey") ?? "");
  const cluster = fromHex(verification.value.cluster);
  const encryptionKey = bytesIn(fieldOf(fieldOf(shared, "keys"), "encryption"), "publicKey");
  if (seed === undefined || cluster === undefined || encryptionKey === undefined || who === undefined)
    return { ok: false, error: "a field is missing: client or name, signing, or public.keys.encryption" };
  const publicKey = ed25519.getPublicKey(seed);
  if (who.kind === "client" && clients[who.client] !== toHex(publicKey))
    return { ok: false, error: "its signing key is not that of this client in public" };
  const encryption = encryptionUnder(encryptionKey);
  if (encryption === undefined) return { ok: false, error: "public.keys.encryption is no element of the group" };
  const sign = (statement: Uint8Array): Uint8Array => ed25519.sign(statement, seed);
  return {
    ok: true,
    value: { who, cluster, publicKey, clients, encryption, verification: verification.value, sign },
  };
}

function whoIn(file: unknown, format: string): Identity["who"] | undefined {
  const [client, name] = [fieldOf(file, "client"), stringIn(file, "name")];
  if (format === "abcast-client/2") return typeof client === "number" ? { kind: "client", client } : undefined;
  return name === undefined ? undefined : { kind: "key", name };
}

/** Of 32 bytes. */
function bytesIn(value: unknown, name: string): Uint8Array | undefined {
  const bytes = fromBase64(stringIn(value, name) ?? "");
  return bytes?.length === 32 ? bytes : undefined;
}

function encryptionUnder(publicKey: Uint8Array): Encryption | undefined {
  try {
    // Throws when it is no element, and on the identity.
    BROWSER_TOOLS.ristretto.power(publicKey, Uint8Array.of(2, ...new Uint8Array(31)));
  } catch {
    return undefined;
  }
  return publicKey.some((byte) => byte !== 0) ? createEncryption(BROWSER_TOOLS, publicKey) : undefined;
}

export function whoText({ who }: Identity): string {
  return who.kind === "client" ? `client ${who.client}` : `“${who.name}”, which is no client,`;
}

/** A client as people call it. */
export function nameOf(clients: readonly string[], key: string, own: string | undefined): string {
  if (key === own) return "you";
  const index = clients.indexOf(key);
  return index < 0 ? `${key.slice(0, 12)}…` : `client ${index}`;
}
