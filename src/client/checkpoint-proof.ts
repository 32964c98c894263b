/**
 * Checks an answer that proves itself: a quorum certified a summary of the state after a round, the summary names the state's
 * chunks by the root of a tree, a path leads from the root to one chunk, and the chunk has the answer.
 */
import { summaryDigest, decodeSummary, verifyChunk } from "../replica/checkpoint-summary.js";
import type { CertificateVerifier } from "../crypto/index.js";
import type { ProofFrame } from "../wire/client-frames.js";

export interface Proved {
  /** As the service encodes it. */
  readonly answer: Uint8Array;
  /** Payloads that the state has. */
  readonly sequence: number;
  readonly round: number;
  /** When the round was, by the replicas' clocks; undefined when rounds have no time. */
  readonly timeMs: number | undefined;
}

export interface ProofChecker {
  hash(bytes: Uint8Array): Uint8Array;
  /** What the checkpoint's certificate of a round is on. */
  statement(round: number, digest: Uint8Array): Uint8Array;
  readonly verifyCertificate: CertificateVerifier;
  /** The answer in a chunk of a snapshot; undefined when it is not there. Total. */
  answerFrom(chunk: Uint8Array, service: string, query: Uint8Array): Uint8Array | undefined;
}

/** Total. */
export function checkProof(
  checker: ProofChecker,
  { summary: bytes, certificate, index, chunk, path }: Omit<ProofFrame, "kind" | "id">,
  service: string,
  query: Uint8Array,
): { readonly ok: true; readonly value: Proved } | { readonly ok: false; readonly error: string } {
  const hash = (some: Uint8Array): Uint8Array => checker.hash(some);
  const summary = decodeSummary(bytes);
  if (!summary.ok) return { ok: false, error: `its summary is malformed: ${summary.error}` };
  const { round, sequence, timeMs } = summary.value;
  const statement = checker.statement(round, summaryDigest(bytes, hash));
  if (!checker.verifyCertificate(statement, certificate)) {
    return { ok: false, error: "no quorum of this cluster certified its summary" };
  }
  if (!verifyChunk(summary.value, index, chunk, path, hash)) {
    return { ok: false, error: "its chunk is not in the certified state" };
  }
  const answer = checker.answerFrom(chunk, service, query);
  if (answer === undefined) return { ok: false, error: "its chunk does not answer the query" };
  return { ok: true, value: { answer, sequence, round, timeMs: timeMs === 0 ? undefined : timeMs } };
}
