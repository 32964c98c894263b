/** Decision messages outside their instance: to verify one, and to have one carry another ρ. */
import { decode, encode } from "../../core/codec.js";
import type { Scope } from "../../core/protocol.js";
import { type Decision, MAIN_VOTE, messageCodec, voteBody } from "./messages.js";

/**
 * The decision of the binary agreement `below` the scope's instance that `message` proves, or undefined. Total on arbitrary
 * bytes. R(value, proof) is for the caller to check.
 */
export function verifyBinaryDecision(
  scope: Pick<Scope<never, never>, "suite" | "statement">,
  message: Uint8Array,
  below: string,
): Decision | undefined {
  const decoded = decode(messageCodec, message);
  if (!decoded.ok || decoded.value.kind !== "decision") return undefined;
  const { round, value, certificate, proof } = decoded.value;
  const statement = scope.statement(MAIN_VOTE, voteBody(round, value), below);
  if (!scope.suite.quorumCertifier.verify(statement, certificate)) return undefined;
  return { round, value, certificate, proof };
}

export function encodeBinaryDecision(decision: Decision): Uint8Array {
  return encode(messageCodec, { kind: "decision", ...decision });
}
