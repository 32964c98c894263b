/** Evidence as a file: JSON with `format` `abcast-evidence/1` (docs/files.md), for anybody who has the cluster's public.json. */
import { z } from "zod";
import { toHex } from "../core/bytes.js";
import { MAX_BODY_BYTES } from "../core/envelope.js";
import { ENDORSEMENTS, type Evidence } from "../core/evidence.js";
import { MAX_PARTIES } from "../core/party-set.js";
import { MAX_SIGNATURE_BYTES } from "../core/suite.js";
import { isTag } from "../core/tag.js";
import { faultOf } from "../protocols/index.js";
import { formatFile } from "./config.js";
import { base64Field, hexField, wholeField } from "./config-fields.js";

/** Two bodies, in base64, and little besides. */
export const MAX_EVIDENCE_FILE_BYTES = 24 * 1024 * 1024;

const signedBody = z.strictObject({
  body: base64Field(0, MAX_BODY_BYTES),
  signature: base64Field(1, MAX_SIGNATURE_BYTES),
});

export const evidenceSchema = z.strictObject({
  format: z.literal("abcast-evidence/1"),
  cluster: hexField(32),
  party: wholeField(0, MAX_PARTIES - 1),
  fault: z.enum(["equivocation", "double-vote"], 'must be "equivocation" or "double-vote"'),
  tag: z.string().refine(isTag, "must be the tag of an instance"),
  purpose: z.string().max(32, "must be at most 32 characters"),
  scheme: z.enum(ENDORSEMENTS, `must be one of ${ENDORSEMENTS.map((name) => `"${name}"`).join(", ")}`),
  statements: z.tuple([signedBody, signedBody]),
});

export type EvidenceFile = z.output<typeof evidenceSchema>;

/** The file's text. */
export function formatEvidence(cluster: Uint8Array, evidence: Evidence): string {
  const { party, as, tag, purpose, first, second } = evidence;
  return formatFile(evidenceSchema, {
    format: "abcast-evidence/1",
    cluster,
    party,
    fault: faultOf(evidence),
    tag,
    purpose,
    scheme: as,
    statements: [first, second],
  });
}

export function evidenceOf({ party, tag, purpose, scheme, statements }: EvidenceFile): Evidence {
  const [first, second] = statements;
  return { party, as: scheme, tag, purpose, first, second };
}

/** What the file says besides, and must not misstate: undefined, or what is wrong. */
export function misstatement(file: EvidenceFile, cluster: Uint8Array): string | undefined {
  if (toHex(file.cluster) !== toHex(cluster)) return `it is about cluster ${toHex(file.cluster)}`;
  const fault = faultOf(file);
  return fault === file.fault ? undefined : `such statements prove ${fault ?? "nothing"}, not ${file.fault}`;
}
