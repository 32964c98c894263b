/** `abcast renew-certificate`: a new TLS certificate of the same key, for a party or a client. */
import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { toHex } from "../../core/bytes.js";
import { isDnsName, renewTlsCertificate } from "../../crypto/ed25519/tls-identity.js";
import { clientConfigSchema, formatFile, publicSchema } from "../../replica/config.js";
import { loadClient, loadParty } from "../../replica/config-files.js";
import { tlsKeyDigest } from "../../replica/config-tls-key.js";
import { checkPartyDirectory } from "../launch.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";
import { passphrase } from "../passphrase.js";
import { runningProcess } from "../pid-file.js";
import { replaceFile } from "../replace-file.js";
import { protect } from "../write-cluster.js";

interface Options {
  readonly days?: number;
  readonly names?: readonly string[];
  readonly json?: boolean;
}

const MAX_DAYS = 36_500;
const MAX_NAMES = 32;
const DAY_MS = 24 * 60 * 60 * 1000;

export function registerRenewCertificate(program: Command): void {
  program
    .command("renew-certificate")
    .summary("make a new TLS certificate of the same key")
    .description(
      "Puts a new certificate of the same key into the public.json of the party in PATH, its directory, or into PATH, a client-I.json. " +
        "Nobody else needs it: all know each other by the keys. Another key would be another member: that needs a new cluster.",
    )
    .argument("<PATH>", "the party's directory, or the client's file")
    .option("--days <DAYS>", "valid for so long from now; unless given from 2000 to 9999", wholeNumber(1, MAX_DAYS))
    .option("--names <NAMES>", "DNS names in it, separated by commas; unless given those of before", dnsNames)
    .addOption(jsonOption())
    .addHelpText("after", example("abcast renew-certificate cluster/party-0 --days 365"))
    .action(renewCertificate);
}

function dnsNames(text: string): readonly string[] {
  const names = text.split(",");
  const wrong = names.find((name) => !isDnsName(name));
  if (wrong !== undefined) throw new InvalidArgumentError(`${JSON.stringify(wrong)} is no DNS name.`);
  if (names.length > MAX_NAMES) throw new InvalidArgumentError(`At most ${MAX_NAMES} names.`);
  return names;
}

async function renewCertificate(path: string, options: Options): Promise<void> {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  const { owner, file, certificatePem, remedy } = await (isFile ? renewClient : renewParty)(path, options);
  const certificate = new X509Certificate(certificatePem);
  const dates = [certificate.validFrom, certificate.validTo].map((date) => new Date(date).toISOString());
  createOutput(options).result(
    {
      ...owner,
      file,
      subject: certificate.subject,
      names: certificate.subjectAltName ?? null,
      validFrom: dates[0],
      validTo: dates[1],
      fingerprint256: certificate.fingerprint256,
      key: toHex(tlsKeyDigest(certificate)),
    },
    `${file} has a new certificate of the same key, valid from ${dates.join(" to ")}; ${remedy}`,
  );
}

interface Renewed {
  readonly owner: { readonly party: number } | { readonly client: number };
  /** That was replaced. */
  readonly file: string;
  readonly certificatePem: string;
  /** What is left to do. */
  readonly remedy: string;
}

async function renewParty(directory: string, options: Options): Promise<Renewed> {
  checkPartyDirectory(directory);
  const { config, public: cluster, keys } = await loadParty(directory, passphrase);
  const { party } = config;
  const { entries, certificatePem } = await renewIn(cluster.parties, party, keys.tlsPrivateKey, options);
  const file = join(directory, "public.json");
  replaceFile(file, formatFile(publicSchema, { ...cluster, parties: entries }));
  const running = runningProcess(directory);
  const atOnce = running === undefined ? "" : `, or at once with: kill -HUP ${running.pid}`;
  return { owner: { party }, file, certificatePem, remedy: `the replica takes it at its next start${atOnce}` };
}

async function renewClient(file: string, options: Options): Promise<Renewed> {
  // Asked for only when the file is under one; the new file is under the same.
  let phrase: string | undefined;
  const config = await loadClient(file, async (path) => (phrase = await passphrase(path)));
  const { client, public: cluster, tlsPrivateKey } = config;
  const { entries, certificatePem } = await renewIn(cluster.clients, client, tlsPrivateKey, options);
  const text = formatFile(clientConfigSchema, { ...config, public: { ...cluster, clients: entries } });
  replaceFile(file, phrase === undefined ? text : await protect(text, phrase));
  return { owner: { client }, file, certificatePem, remedy: "programs take it when they read the file next" };
}

/** `entries` with a new certificate in the one at `index`, whose private key is given. */
async function renewIn<T extends { readonly certificate: string }>(
  entries: readonly T[],
  index: number,
  privateKeyPem: string,
  { days, names }: Options,
): Promise<{ readonly entries: readonly T[]; readonly certificatePem: string }> {
  const before = entries[index];
  if (before === undefined) throw new Error(`no entry ${index}`);
  const validity = days === undefined ? undefined : validFor(days);
  const certificatePem = await renewTlsCertificate({
    certificatePem: before.certificate,
    privateKeyPem,
    names,
    validity,
  });
  const renewed = { ...before, certificate: certificatePem };
  return { entries: entries.map((entry, place) => (place === index ? renewed : entry)), certificatePem };
}

/** From now on, in whole seconds: RFC 5280, section 4.1.2.5, has no fractions. */
function validFor(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  return { notBefore: new Date(nowMs), notAfter: new Date(nowMs + days * DAY_MS) };
}
