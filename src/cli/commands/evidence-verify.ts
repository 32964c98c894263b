/** `abcast evidence verify`: does this file prove that a party broke the protocol? Works offline. */
import type { Command } from "commander";
import { toHex } from "../../core/bytes.js";
import { createEndorsementVerifier } from "../../crypto/endorsements.js";
import { type EvidenceVerdict, verifyEvidence } from "../../protocols/index.js";
import type { ClusterPublic } from "../../replica/config.js";
import { loadPublic, readFileAs } from "../../replica/config-files.js";
import {
  type EvidenceFile,
  MAX_EVIDENCE_FILE_BYTES,
  evidenceOf,
  evidenceSchema,
  misstatement,
} from "../../replica/evidence-file.js";
import { EXIT } from "../errors.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";

interface Options {
  readonly public: string;
  readonly json?: boolean;
}

export function registerEvidenceVerify(evidence: Command): void {
  evidence
    .command("verify")
    .summary("check evidence, offline")
    .description(
      "Checks that FILE proves that a party of the cluster signed two statements of which an honest party signs one at most. Needs no running cluster. Exit code 1 when it does not.",
    )
    .argument("<FILE>", "the evidence")
    .requiredOption("--public <FILE>", "the cluster's public.json, from a source that you trust")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast evidence verify evidence/party-2-0.json --public cluster/public.json"))
    .action(verify);
}

async function verify(path: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const cluster = await loadPublic(options.public);
  const file = await readFileAs(path, evidenceSchema, "open", undefined, MAX_EVIDENCE_FILE_BYTES);
  const verdict = check(file, cluster);
  const { party, fault, tag, purpose } = file;
  output.result(
    { ...verdict, party, fault, tag, purpose, cluster: toHex(file.cluster) },
    verdict.valid ? guilt(file, cluster) : `invalid: ${verdict.reason}`,
  );
  if (!verdict.valid) process.exitCode = EXIT.invalid;
}

function check(file: EvidenceFile, { cluster, keys }: ClusterPublic): EvidenceVerdict {
  const reason = misstatement(file, cluster);
  if (reason !== undefined) return { valid: false, reason };
  return verifyEvidence(evidenceOf(file), { cluster, verify: createEndorsementVerifier(keys) });
}

/** The statements by their beginning: a queue entry may be long. */
const SHOWN_BYTES = 32;

function guilt({ party, fault, tag, purpose, statements }: EvidenceFile, { cluster, parties }: ClusterPublic): string {
  const name = parties[party]?.name ?? "";
  return [
    `valid: party ${party} (${name}) of cluster ${toHex(cluster)} is guilty of ${fault}: it signed two statements for one "${purpose}" in ${tag}`,
    ...statements.map(({ body }) => {
      const shown = toHex(body.subarray(0, SHOWN_BYTES));
      return `  ${body.length} bytes  ${shown}${body.length > SHOWN_BYTES ? "…" : ""}`;
    }),
  ].join("\n");
}
