/**
 * The transferable proof that a candidate was accepted, step (v) of docs/protocols.md: the decision for 1 on it, in a batch also those for 0 on
 * the earlier candidates, and the coin's shares that show which these are.
 */
import { encode } from "../../core/codec.js";
import type { Envelope } from "../../core/envelope.js";
import { encodeBinaryDecision, verifyBinaryDecision } from "../binary-agreement/index.js";
import type { Candidates } from "./candidates.js";
import {
  type Accepted,
  type AgreementScope,
  type Decided,
  type MultivaluedAgreementMessage,
  agreementPath,
  multivaluedAgreementMessageCodec,
} from "./messages.js";
import type { Pass } from "./pass.js";

/** The proof as one decision message of binary agreement, which is all of it where candidates are tried one by one. */
export function plainProof(scope: AgreementScope, { pass, candidate, decision }: Accepted): Envelope {
  return { tag: `${scope.tag}/${agreementPath(pass, candidate)}`, body: encodeBinaryDecision(decision) };
}

/** The proof as a message of its own, with `closing` as ρ of the decision for 1. */
export function decidedMessage(
  { pass, candidate, decision, rejected, shares }: Accepted,
  closing: Uint8Array,
): Extract<MultivaluedAgreementMessage, { kind: "decided" }> {
  const accepted = encodeBinaryDecision({ ...decision, proof: closing });
  return { kind: "decided", pass, candidate, shares, rejected, accepted };
}

export function decidedEnvelope(scope: AgreementScope, accepted: Accepted, closing: Uint8Array): Envelope {
  return { tag: scope.tag, body: encode(multivaluedAgreementMessageCodec, decidedMessage(accepted, closing)) };
}

/** What `decided` proves in `pass`, or undefined. If it does, the candidate's proposal is held here from now on. */
export function verifyDecided(
  scope: AgreementScope,
  pass: Pass,
  candidates: Candidates,
  { candidate, shares, rejected, accepted }: Decided,
): Accepted | undefined {
  const earlier = candidate < scope.group.n ? pass.earlierInBatch(candidate, shares) : undefined;
  if (earlier?.length !== rejected.length) return undefined;
  const areRejected = rejected.every((message, index) => {
    const path = agreementPath(pass.number, earlier[index] ?? candidate);
    const decision = verifyBinaryDecision(scope, message, path);
    return decision?.value === 0 && decision.proof.length === 0;
  });
  const decision = verifyBinaryDecision(scope, accepted, agreementPath(pass.number, candidate));
  if (!areRejected || decision?.value !== 1 || !candidates.accept(candidate, decision.proof)) return undefined;
  return { pass: pass.number, candidate, tries: pass.triedUpTo(candidate), decision, rejected, shares };
}
