/** Writes the files of a cluster and reads them back. */
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { createStorage, withMeta } from "../adapters/storage/index.js";
import { utf8 } from "../core/bytes.js";
import { encryptWithPassphrase } from "../crypto/ceremony/passphrase.js";
import {
  type ClientConfig,
  type ClusterPublic,
  clientConfigSchema,
  formatFile,
  type PartyConfig,
  partyConfigSchema,
  type PartyKeys,
  partyKeysSchema,
  publicSchema,
} from "../replica/config.js";
import { protectedSchema } from "../replica/config-ceremony.js";
import { loadClient, loadParty, loadPublic } from "../replica/config-files.js";
import { OWNER, encodeOwner } from "../replica/store-owner.js";
import type { TsaCertificate } from "./tsa-certificate.js";
import { receiptKeyPem, tokenKeyPem } from "./receipt-key.js";
import { storeDirectory } from "./store-directory.js";

const PUBLIC = 0o644;
const SECRET = 0o600;

/** What everybody may see: public.json, and the RSA keys for other people's tools. */
export async function writePublic(directory: string, cluster: ClusterPublic): Promise<void> {
  await writePublicFile(join(directory, "public.json"), formatFile(publicSchema, cluster));
  await writePublicFile(join(directory, "receipt-key.pem"), receiptKeyPem(cluster));
  await writePublicFile(join(directory, "token-key.pem"), tokenKeyPem(cluster));
  await loadPublic(join(directory, "public.json"));
}

/** For who verifies tokens, and for who wants an authority's certificate. */
export async function writeTsa(directory: string, { certificatePem, requestPem }: TsaCertificate): Promise<void> {
  await writePublicFile(join(directory, "tsa-certificate.pem"), certificatePem);
  await writePublicFile(join(directory, "tsa-request.pem"), requestPem);
}

export interface PartyFiles {
  readonly config: PartyConfig;
  readonly public: ClusterPublic;
  readonly keys: PartyKeys;
}

/** A party's directory, from which its replica can start. */
export async function writeParty(directory: string, files: PartyFiles, passphrase?: string): Promise<void> {
  await writePublicFile(join(directory, "config.json"), formatFile(partyConfigSchema, files.config));
  await writePublicFile(join(directory, "public.json"), formatFile(publicSchema, files.public));
  await writeSecretFile(join(directory, "keys.json"), formatFile(partyKeysSchema, files.keys), passphrase);
  // The one place where a party's store comes into being: a replica never starts on an empty one by itself.
  const owner = encodeOwner({ cluster: files.public.cluster, party: files.config.party });
  await createStorage(storeDirectory(directory), withMeta(OWNER, owner));
  await loadParty(directory, () => Promise.resolve(passphrase));
}

export async function writeClient(directory: string, client: ClientConfig, passphrase?: string): Promise<void> {
  const file = join(directory, `client-${client.client}.json`);
  await writeSecretFile(file, formatFile(clientConfigSchema, client), passphrase);
  await loadClient(file, () => Promise.resolve(passphrase));
}

/** A directory that only its owner can look into. */
export async function makeSecretDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
}

export async function writePublicFile(path: string, text: string): Promise<void> {
  await write(path, text, PUBLIC);
}

export async function writeSecretFile(path: string, text: string, passphrase?: string): Promise<void> {
  await write(path, passphrase === undefined ? text : await protect(text, passphrase), SECRET);
}

/** The text of a file that holds `text` under a passphrase. */
export async function protect(text: string, passphrase: string): Promise<string> {
  const secret = await encryptWithPassphrase(utf8(text), passphrase);
  return formatFile(protectedSchema, { format: "abcast-protected/1", ...secret });
}

async function write(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    // Independent of the process's umask, also towards more: public.json is for everybody.
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
