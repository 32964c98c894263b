/** `abcast tsa`: the certificates of the time-stamping authority. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { Command } from "commander";
import { loadParty, readText } from "../../replica/config-files.js";
import { chainProblem, decodeTsaReply, encodeTsaOperation, TSA_SERVICE } from "../../services/tsa/index.js";
import { connectClient } from "../cluster-client.js";
import { InputError } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";
import { clientOfParty } from "../own-client.js";
import { passphrase } from "../passphrase.js";
import { tokenKeySpki } from "../receipt-key.js";

/** Certificates may come with what they say as text. */
const MAX_PEM_BYTES = 64 * 1024;

interface Options {
  readonly party: string;
  readonly timeout: number;
  readonly json?: boolean;
}

export function registerTsa(program: Command): void {
  const tsa = program
    .command("tsa")
    .summary("give the time-stamping authority another certificate")
    .description("The time-stamping authority that every replica serves at /tsa of its HTTP port.");
  tsa
    .command("install")
    .description(
      "Votes, for the party in DIR, that tokens carry the certificates in FILE, PEM: the authority's own, of the key that abcast init made a request for, then each one's issuer's. " +
        "They are in force once so many parties have voted for the same that one of them is honest: t+1.",
    )
    .argument("<FILE>", "certificates, PEM")
    .requiredOption("--party <DIR>", "the party's directory")
    .option("--timeout <SECONDS>", "how long to wait for the cluster", wholeNumber(1, 3600), 30)
    .addOption(jsonOption())
    .addHelpText("after", example("abcast tsa install certificate.pem --party cluster/party-0"))
    .action(install);
}

async function install(file: string, { party: directory, timeout, json }: Options): Promise<void> {
  const party = await loadParty(directory, passphrase);
  const chain = await readChain(file);
  const problem = chainProblem(chain, tokenKeySpki(party.public)) ?? signatureProblem(chain);
  if (problem !== undefined) throw new InputError({ file }, problem);
  const config = clientOfParty(party);
  if (config === undefined) {
    throw new InputError(
      { file: join(directory, "public.json") },
      "the party is no client of its cluster: it cannot vote",
    );
  }
  const client = connectClient(config);
  try {
    const operation = encodeTsaOperation({ kind: "install", chain });
    const { reply, sequence } = await client.call(TSA_SERVICE, operation, { timeoutMs: timeout * 1000 });
    const decoded = decodeTsaReply(reply);
    const said = decoded.ok ? decoded.value : undefined;
    if (said?.kind !== "installed" && said?.kind !== "vote") throw new Error("the vote was ordered, and is none");
    const inForce = said.kind === "installed";
    createOutput({ json }).result(
      { sequence, inForce, votes: said.kind === "vote" ? said.votes : null },
      said.kind === "vote"
        ? `voted, as one of ${said.votes} so far; the certificates are not in force before more parties have`
        : "voted; the certificates are in force",
    );
  } finally {
    client.close();
  }
}

/** @throws InputError when there is no certificate, or something that is none */
async function readChain(file: string): Promise<Uint8Array[]> {
  const { text } = await readText(file, MAX_PEM_BYTES);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new Uint8Array(new X509Certificate(block).raw));
  } catch {
    throw new InputError({ file }, "has what looks like a certificate and is none");
  }
}

/** The replicas do not check it: for them a party's word is enough. */
function signatureProblem(chain: readonly Uint8Array[]): string | undefined {
  const certificates = chain.map((der) => new X509Certificate(der));
  const wrong = certificates.findIndex((certificate, index) => {
    const issuer = certificates[index + 1];
    return issuer !== undefined && !certificate.verify(issuer.publicKey);
  });
  return wrong < 0 ? undefined : `certificate ${wrong} is not signed by the one after it`;
}
