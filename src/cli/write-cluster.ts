/** Writes the files of a new cluster into an empty directory and reads them back. */
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { createStore } from "../adapters/lmdb-store.js";
import {
  type ClientConfig,
  clientConfigSchema,
  formatFile,
  partyConfigSchema,
  partyKeysSchema,
  publicSchema,
} from "../replica/config.js";
import { loadClient, loadParty } from "../replica/config-files.js";
import type { NewCluster } from "./new-cluster.js";
import { receiptKeyPem } from "./receipt-key.js";

const PUBLIC = 0o644;
const SECRET = 0o600;

export async function writeCluster(directory: string, cluster: NewCluster): Promise<void> {
  const publicText = formatFile(publicSchema, cluster.public);
  await write(join(directory, "public.json"), publicText, PUBLIC);
  await write(join(directory, "receipt-key.pem"), receiptKeyPem(cluster.public), PUBLIC);
  // One after the other: after a failure nothing still writes into what the caller then removes.
  for (const party of cluster.parties) await writeParty(directory, party, publicText);
  for (const client of cluster.clients) await writeClient(directory, client);
}

async function writeParty(
  directory: string,
  { config, keys }: NewCluster["parties"][number],
  publicText: string,
): Promise<void> {
  const partyDirectory = join(directory, `party-${config.party}`);
  await mkdir(partyDirectory, { mode: 0o700 });
  await write(join(partyDirectory, "config.json"), formatFile(partyConfigSchema, config), PUBLIC);
  await write(join(partyDirectory, "public.json"), publicText, PUBLIC);
  await write(join(partyDirectory, "keys.json"), formatFile(partyKeysSchema, keys), SECRET);
  // The one place where a party's store comes into being: a replica never starts on an empty one by itself.
  await createStore(join(partyDirectory, "store"));
  await loadParty(partyDirectory);
}

async function writeClient(directory: string, client: ClientConfig): Promise<void> {
  const file = join(directory, `client-${client.client}.json`);
  await write(file, formatFile(clientConfigSchema, client), SECRET);
  await loadClient(file);
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
