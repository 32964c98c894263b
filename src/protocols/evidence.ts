/**
 * When two signed statements convict their party: the same slot, other bodies.
 *
 * An honest party signs at most one body for each slot of an instance. The engine sees to that by its table of what was signed, also
 * across restarts (docs/protocols.md section 4). The slots here are those by which the protocols sign; so whatever an honest party
 * signs, no two statements of it pass `verifyEvidence`. Batches of lanes are not among them: a party that has lost its store, and is back,
 * may sign another batch of a height, which is harmless (docs/protocols.md, "Deviations from the design", 4).
 */
import { equalBytes } from "../core/bytes.js";
import { statement } from "../core/engine.js";
import type { Endorsement, Evidence } from "../core/evidence.js";
import type { Fault } from "../core/fault.js";
import type { PartyId } from "../core/party-set.js";
import type { Suite } from "../core/suite.js";
import { isTag } from "../core/tag.js";
import { QUEUE } from "./atomic-broadcast/messages.js";
import { CHECKPOINT } from "./checkpoint/index.js";
import { ABSTAIN, MAIN_VOTE, PRE_VOTE, votedRound } from "./binary-agreement/messages.js";
import { WITNESS } from "./consistent-broadcast/closing.js";

interface Rule {
  readonly as: Endorsement;
  /** What whoever breaks it is guilty of. */
  readonly fault: Fault;
  /** For what of the instance the body was signed; undefined for bytes that no honest party signs. */
  slot(body: Uint8Array): string | undefined;
}

const once = (slot: string) => (): string => slot;
const oncePerRound = (slot: string, max: 1 | typeof ABSTAIN) => (body: Uint8Array) => {
  const round = votedRound(body, max);
  return round === undefined ? undefined : `${slot}/${round}`;
};

/** By purpose. */
const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  [QUEUE, { as: "signature", fault: "equivocation", slot: once(QUEUE) }],
  [PRE_VOTE, { as: "quorum", fault: "double-vote", slot: oncePerRound(PRE_VOTE, 1) }],
  [MAIN_VOTE, { as: "quorum", fault: "double-vote", slot: oncePerRound(MAIN_VOTE, ABSTAIN) }],
  [CHECKPOINT, { as: "quorum", fault: "equivocation", slot: once(CHECKPOINT) }],
  [WITNESS, { as: "broadcast", fault: "double-vote", slot: once(WITNESS) }],
]);

/** For what of its instance a body was signed, as the engine's table has it; undefined when no honest party signs it. */
export function signedSlot(as: Endorsement, purpose: string, body: Uint8Array): string | undefined {
  const rule = RULES.get(purpose);
  return rule?.as === as ? rule.slot(body) : undefined;
}

/** What the party of the evidence is guilty of, if it verifies. */
export function faultOf({ purpose }: Pick<Evidence, "purpose">): Fault | undefined {
  return RULES.get(purpose)?.fault;
}

/**
 * What names the contradiction: party, instance and slot. Undefined when the statements do not contradict each other;
 * says nothing about the signatures.
 */
export function contradictionOf({ party, as, tag, purpose, first, second }: Evidence): string | undefined {
  const slot = signedSlot(as, purpose, first.body);
  if (slot === undefined || slot !== signedSlot(as, purpose, second.body)) return undefined;
  return equalBytes(first.body, second.body) ? undefined : `${party} ${tag}#${slot}`;
}

export interface EvidenceCheck {
  readonly cluster: Uint8Array;
  /**
   * Whether `party` signed `statement`. MUST be false for parties that do not exist, and for shares that others than their
   * party can make (`Certifier.sharesAreSignatures`).
   */
  verify(as: Endorsement, party: PartyId, statement: Uint8Array, signature: Uint8Array): boolean;
}

/** As the keys of `suite` have it. */
export function evidenceCheckOf(
  cluster: Uint8Array,
  suite: Pick<Suite, "verify" | "quorumCertifier" | "broadcastCertifier">,
): EvidenceCheck {
  return {
    cluster,
    verify(as, party, signed, signature) {
      if (as === "signature") return suite.verify(party, signed, signature);
      const certifier = as === "quorum" ? suite.quorumCertifier : suite.broadcastCertifier;
      return certifier.sharesAreSignatures && certifier.verifyShare(party, signed, signature);
    },
  };
}

export type EvidenceVerdict = { readonly valid: true } | { readonly valid: false; readonly reason: string };

/** Whether `evidence` proves to anybody that its party broke the protocol. Total. */
export function verifyEvidence(evidence: Evidence, check: EvidenceCheck): EvidenceVerdict {
  const { party, as, tag, purpose, first, second } = evidence;
  if (!isTag(tag)) return invalid("the tag names no instance");
  if (contradictionOf(evidence) === undefined)
    return invalid(`an honest party may sign both: these are not two bodies for one "${purpose}" of an instance`);
  for (const [name, { body, signature }] of [["first", first] as const, ["second", second] as const]) {
    if (!check.verify(as, party, statement(check.cluster, tag, purpose, body), signature))
      return invalid(`the ${name} statement is not signed by party ${party}, or not so that its share is a proof`);
  }
  return { valid: true };
}

function invalid(reason: string): EvidenceVerdict {
  return { valid: false, reason };
}
