/** What the fields of one file, and the files of one party or client, must agree on. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { equalBytes, toHex } from "../core/bytes.js";
import { type Group, GroupError } from "../core/group.js";
import { x25519PublicKey } from "../crypto/ceremony/x25519.js";
import { createEd25519Signer } from "../crypto/ed25519/ed25519.js";
import { checkPublicKeys } from "../crypto/key-checks.js";
import { rsaPublicKeyPem } from "../crypto/rsa/key.js";
import { loadRistretto } from "../crypto/ristretto/group.js";
import { checkSharedSecrets } from "../crypto/secret-checks.js";
import {
  MAX_LANES,
  MAX_VECTOR_SIZE,
  type VectorSize,
  greatestEntryBytes,
  greatestVector,
} from "../protocols/atomic-broadcast/messages.js";
import { type Adversary, thresholdsOf } from "./config-adversary.js";
import { clusterId } from "./config-cluster-id.js";
import { groupOf } from "./config-group.js";
import { tlsKeyDigest } from "./config-tls-key.js";
import type {
  ChannelRules,
  ClientConfig,
  ClientEntry,
  ClientKeys,
  ClusterPublic,
  PartyConfig,
  PartyKeys,
} from "./config.js";

export interface Issue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const FOREIGN_KEY = "does not belong to the public key in public.json: one of the two is of another party or cluster";
const FOREIGN_CERTIFICATE =
  "does not belong to the certificate in public.json: one of the two is of another party or cluster";

/** Lists what is wrong with a public file whose fields are each well-formed. */
export async function checkPublic(cluster: ClusterPublic): Promise<Issue[]> {
  const { n, parties, clients, keys } = cluster;
  let group: Group;
  try {
    group = groupOf(cluster);
  } catch (error) {
    if (!(error instanceof GroupError)) throw error;
    return [{ path: ["adversary"], message: error.message }];
  }
  const issues: Issue[] = [...checkRules(cluster), ...checkServices(cluster.channel.services)];
  if (parties.length !== n)
    issues.push({ path: ["parties"], message: `has ${parties.length} entries where n=${n} are needed` });
  issues.push(...checkEndpoints(parties));
  for (const { path, message } of await checkPublicKeys(group, keys)) issues.push({ path: ["keys", ...path], message });

  parties.forEach(({ party }, index) => {
    if (party !== index)
      issues.push({
        path: ["parties", index, "party"],
        message: `is ${party} where ${index} is due: parties are numbered 0..n-1 in order`,
      });
  });
  clients.forEach(({ client }, index) => {
    if (client !== index)
      issues.push({
        path: ["clients", index, "client"],
        message: `is ${client} where ${index} is due: clients are numbered from 0 in order`,
      });
  });
  issues.push(
    ...unique(
      "clients",
      "publicKey",
      clients.map(({ publicKey }) => toHex(publicKey)),
    ),
  );
  const ristretto = await loadRistretto();
  clients.forEach(({ publicKey }, index) => {
    // Under a key of small order one signature fits many requests.
    if (!ristretto.isEd25519Key(publicKey))
      issues.push({ path: ["clients", index, "publicKey"], message: "is no Ed25519 public key" });
  });
  issues.push(...checkClientKeys(cluster), ...checkCertificates(cluster));
  issues.push(...checkPartyClients(cluster), ...checkTimeStamping(cluster));
  if (issues.length === 0 && !equalBytes(clusterId(cluster), cluster.cluster)) {
    issues.push({
      path: ["cluster"],
      message:
        "does not name these keys and settings: the file was changed after abcast init made it; get the original again",
    });
  }
  return issues;
}

function checkCertificates(cluster: ClusterPublic): Issue[] {
  const { parties, clients } = cluster;
  const certificates = [...parties, ...clients].map(({ certificate }) => new X509Certificate(certificate));
  const tlsKeys = certificates.map((certificate) => toHex(tlsKeyDigest(certificate)));
  const subjects = certificates.map(({ subject }) => subject);
  const owners = keyOwners(cluster);
  return certificates.flatMap(({ publicKey }, index) => {
    const path =
      index < parties.length ? ["parties", index, "certificate"] : ["clients", index - parties.length, "certificate"];
    // A key that two peers share would let one speak as the other.
    if (isRepeated(tlsKeys, index)) return [{ path, message: "has the key of another entry's certificate" }];
    // We look up none by its subject. Other tools do, OpenSSL for one, and would find the other one.
    if (isRepeated(subjects, index)) return [{ path, message: "has the subject of another entry's certificate" }];
    const key = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
    const owner = owners.get(toHex(key));
    return owner === undefined ? [] : [{ path, message: `has the key of ${owner}: each use needs its own` }];
  });
}

/** Whether an earlier entry is the same. */
function isRepeated(texts: readonly string[], index: number): boolean {
  return texts.indexOf(texts[index] ?? "") !== index;
}

/** The keys that sign, by whose they are: no certificate may have one of them. */
function keyOwners({ clients, keys: { signing, cosigning } }: ClusterPublic): Map<string, string> {
  const owners = new Map<string, string>();
  signing.forEach((key, party) => owners.set(toHex(key), `keys.signing[${party}]`));
  cosigning.forEach((key, party) => owners.set(toHex(key), `keys.cosigning[${party}]`));
  clients.forEach(({ publicKey }, client) => owners.set(toHex(publicKey), `clients[${client}].publicKey`));
  return owners;
}

/** A client that signs with a party's key, or a party with a client's, would speak for two. */
function checkClientKeys({ clients, keys: { signing, cosigning } }: ClusterPublic): Issue[] {
  const parties = new Set([...signing, ...cosigning].map(toHex));
  return clients.flatMap(({ publicKey }, index) =>
    parties.has(toHex(publicKey)) ? [{ path: ["clients", index, "publicKey"], message: "is a party's key" }] : [],
  );
}

/** A client that two parties were would let one speak as the other. */
function checkPartyClients({ parties, clients }: ClusterPublic): Issue[] {
  return parties.flatMap(({ client }, index) => {
    if (client === undefined) return [];
    const path = ["parties", index, "client"];
    if (client >= clients.length) return [{ path, message: `is ${client}, there are ${clients.length} clients` }];
    const first = parties.findIndex((other) => other.client === client);
    return first === index ? [] : [{ path, message: `is ${client}, as in entry ${first}` }];
  });
}

function checkTimeStamping({ timeStamping, keys }: ClusterPublic): Issue[] {
  if (timeStamping === undefined) return [];
  const { publicKey } = new X509Certificate(timeStamping.certificate);
  if (publicKey.export({ format: "pem", type: "spki" }) === rsaPublicKeyPem(keys.token)) return [];
  return [{ path: ["timeStamping", "certificate"], message: "is not of the key in keys.token" }];
}

/** What is wrong with the settings that all parties share; for `abcast init` too. */
export function checkRules({ n, adversary, channel }: Pick<ClusterPublic, "n" | "adversary" | "channel">): Issue[] {
  return [...checkVectorSize(n, adversary, channel.c), ...checkLanes(n, channel.dissemination)];
}

/** Of certified batches each party has a lane. */
function checkLanes(n: number, dissemination: ChannelRules["dissemination"]): Issue[] {
  if (dissemination === "inline" || n <= MAX_LANES) return [];
  const message = `is ${dissemination}, which is for at most ${MAX_LANES} parties: n is ${n}; inline is for more`;
  return [{ path: ["channel", "dissemination"], message }];
}

function checkVectorSize(n: number, adversary: Adversary, c: ChannelRules["c"]): Issue[] {
  const thresholds = thresholdsOf(adversary);
  if (thresholds === undefined) return checkQuorumRule(n, c);
  const t = thresholds.byzantine + thresholds.crash;
  const greatest = Math.min(n - t, MAX_VECTOR_SIZE);
  if (greatest < t + 1) {
    const message = `is ${t}: c must be at least t+1 = ${t + 1}, and ${MAX_VECTOR_SIZE} is the greatest c`;
    return [{ path: ["adversary"], message }];
  }
  if (c === "quorum") return checkQuorumSize(n);
  if (c >= t + 1 && c <= greatest) return [];
  const bound = greatest < n - t ? `, and at most ${MAX_VECTOR_SIZE}` : "";
  const range = `t+1..n-t = ${t + 1}..${n - t}${bound}`;
  return [{ path: ["channel", "c"], message: `is ${c}, must be within ${range}${crashNote(thresholds.crash)}` }];
}

/** One list for one set. */
function checkServices(services: readonly string[]): Issue[] {
  return services.flatMap((name, index) => {
    const previous = services[index - 1];
    if (previous === undefined || previous < name) return [];
    return [
      { path: ["channel", "services", index], message: `is ${name} after ${previous}: each once, in ascending order` },
    ];
  });
}

function crashNote(crash: number): string {
  return crash === 0 ? "" : `, where t counts the ${crash} that may crash, too`;
}

/** Of a quorum's entries there may be all n. */
function checkQuorumSize(n: number): Issue[] {
  if (n <= MAX_VECTOR_SIZE) return [];
  const message = `is quorum, which is for at most ${MAX_VECTOR_SIZE} parties, whose entries make one message: n is ${n}`;
  return [{ path: ["channel", "c"], message }];
}

/** A number of parties says little in a structure where some weigh more than others. */
function checkQuorumRule(n: number, c: VectorSize): Issue[] {
  if (n > MAX_VECTOR_SIZE) {
    const message = `is for ${n} parties: unless all is thresholds, ${MAX_VECTOR_SIZE} are the most, whose entries make one message`;
    return [{ path: ["adversary"], message }];
  }
  return c === "quorum"
    ? []
    : [{ path: ["channel", "c"], message: `is ${c}, must be "quorum" unless all is thresholds` }];
}

/** Also for the file that `abcast init --parties` takes. `prefix` is the path of the list. */
export function checkEndpoints(
  parties: readonly {
    readonly name: string;
    readonly host: string;
    readonly port: number;
    readonly httpPort: number;
  }[],
  prefix: readonly string[] = ["parties"],
): Issue[] {
  const issues: Issue[] = [];
  const names = new Map<string, number>();
  const owners = new Map<string, string>();
  parties.forEach(({ name, host, port, httpPort }, index) => {
    const namesake = names.get(name);
    if (namesake !== undefined)
      issues.push({ path: [...prefix, index, "name"], message: `"${name}" is also the name of entry ${namesake}` });
    else names.set(name, index);
    for (const [field, number] of [
      ["port", port],
      ["httpPort", httpPort],
    ] as const) {
      const address = `${host}:${number}`;
      const owner = owners.get(address);
      if (owner !== undefined) issues.push({ path: [...prefix, index, field], message: `${address} is also ${owner}` });
      else owners.set(address, `the ${field} of entry ${index}`);
    }
  });
  return issues;
}

function unique(list: string, field: string, values: readonly string[]): Issue[] {
  const first = new Map<string, number>();
  return values.flatMap((value, index) => {
    const before = first.get(value);
    if (before !== undefined) return [{ path: [list, index, field], message: `is the same as in entry ${before}` }];
    first.set(value, index);
    return [];
  });
}

/** Of the payloads in a batch, without what else a batch has. */
const MAX_CERTIFIED_BYTES = 1024 * 1024;

/** What is wrong with config.json in the cluster that `cluster` describes. */
export function checkParty({ party, limits }: PartyConfig, { n, channel }: ClusterPublic): Issue[] {
  if (party >= n) return [{ path: ["party"], message: `is ${party}, the cluster has parties 0..${n - 1}` }];
  const { maxEntryBytes = 0 } = limits;
  const { greatest, reason } = greatestEntry(n, channel);
  if (maxEntryBytes <= greatest) return [];
  return [{ path: ["limits", "maxEntryBytes"], message: `is ${maxEntryBytes}, at most ${greatest} ${reason}` }];
}

function greatestEntry(n: number, { c, dissemination }: ChannelRules): { greatest: number; reason: string } {
  if (dissemination === "certified") return { greatest: MAX_CERTIFIED_BYTES, reason: "make a batch" };
  const entries = greatestVector(c, n);
  const reason = `with c=${c}: the entries of ${entries} parties make one message`;
  return { greatest: greatestEntryBytes(entries), reason };
}

/** What is wrong with keys.json of party `party`: keys of another party or of another cluster. */
export async function checkPartyKeys(keys: PartyKeys, party: number, cluster: ClusterPublic): Promise<Issue[]> {
  if (keys.party !== party) return [{ path: ["party"], message: `is ${keys.party}, config.json says ${party}` }];
  const signing = cluster.keys.signing[party];
  const cosigning = cluster.keys.cosigning[party];
  const entry = cluster.parties[party];
  if (signing === undefined || cosigning === undefined || entry === undefined)
    return [{ path: ["party"], message: `is ${party}, no party of the cluster` }];
  return [
    ...checkSeed("signing", keys.signing, signing),
    ...checkSeed("cosigning", keys.cosigning, cosigning),
    ...checkRelaying(keys.relaying, cluster.keys.relaying[party]),
    ...checkTlsKey(keys.tlsPrivateKey, entry.certificate),
    ...checkOwnClient(keys.client, entry.client, cluster),
    ...(await checkSharedSecrets(party, cluster.keys, keys)).map((path) => ({ path, message: FOREIGN_KEY })),
  ];
}

/** Of the client that the party is. */
function checkOwnClient(own: ClientKeys | undefined, client: number | undefined, { clients }: ClusterPublic): Issue[] {
  const entry = client === undefined ? undefined : clients[client];
  if (own === undefined) return entry === undefined ? [] : [{ path: ["client"], message: "is missing" }];
  if (entry === undefined)
    return [{ path: ["client"], message: "is there, but in public.json the party is no client" }];
  return checkClientSecrets(own, entry).map(({ path, message }) => ({ path: ["client", ...path], message }));
}

function checkClientSecrets({ signing, tlsPrivateKey }: ClientKeys, { publicKey, certificate }: ClientEntry): Issue[] {
  return [...checkSeed("signing", signing, publicKey), ...checkTlsKey(tlsPrivateKey, certificate)];
}

/** What is wrong with a client's file. */
export async function checkClient(config: ClientConfig): Promise<Issue[]> {
  const { client, public: cluster } = config;
  const issues = (await checkPublic(cluster)).map(({ path, message }) => ({ path: ["public", ...path], message }));
  if (issues.length > 0) return issues;
  const { clients } = cluster;
  const entry = clients[client];
  if (entry === undefined)
    return [{ path: ["client"], message: `is ${client}, the cluster has ${clients.length} clients` }];
  return checkClientSecrets(config, entry);
}

function checkSeed(field: string, seed: Uint8Array, publicKey: Uint8Array): Issue[] {
  if (equalBytes(createEd25519Signer(seed).publicKey, publicKey)) return [];
  return [{ path: [field], message: FOREIGN_KEY }];
}

function checkRelaying(secretKey: Uint8Array | undefined, publicKey: Uint8Array | undefined): Issue[] {
  if (secretKey === undefined && publicKey === undefined) return [];
  if (secretKey === undefined) return [{ path: ["relaying"], message: "is missing" }];
  if (publicKey !== undefined && equalBytes(x25519PublicKey(secretKey), publicKey)) return [];
  return [{ path: ["relaying"], message: FOREIGN_KEY }];
}

function checkTlsKey(privateKey: string, certificate: string): Issue[] {
  if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) return [];
  return [{ path: ["tlsPrivateKey"], message: FOREIGN_CERTIFICATE }];
}
