/**
 * Certificates that are one BLS signature: 96 bytes whatever the group's size, over any access formula. Unlike a list of
 * signatures it does not say who signed.
 */
import { MAX_LEAVES_PER_PARTY } from "../../core/formula.js";
import type { PartyId } from "../../core/party-set.js";
import { type Certifier, MAX_CERTIFICATE_BYTES, MAX_SIGNATURE_BYTES } from "../../core/suite.js";
import { SIGNATURE_BYTES } from "./curve.js";
import { type BlsOptions, createBlsScheme, createBlsSharer } from "./threshold.js";

if (SIGNATURE_BYTES > MAX_CERTIFICATE_BYTES) throw new Error("certificates exceed the wire's bound");
if (MAX_LEAVES_PER_PARTY * SIGNATURE_BYTES > MAX_SIGNATURE_BYTES)
  throw new Error("shares of certificates exceed the wire's bound");

export interface BlsCertifierOptions extends BlsOptions {
  readonly self: PartyId;
  /** x_j of the party's leaves, 32 bytes big-endian each. */
  readonly secret: Uint8Array;
}

/** @throws KeyError when the public key is malformed or `secret` is not that of `self`. */
export function createBlsCertifier(options: BlsCertifierOptions): Certifier {
  const labelled = { ...options, label: `certificate ${options.label}`, party: options.self };
  const scheme = createBlsScheme(labelled);
  const sharer = createBlsSharer(labelled);
  return {
    share: (statement) => sharer.share(statement),
    verifyShare: (party, statement, bytes) => scheme.checkShare(party, statement, bytes).kind === "valid",
    // By interpolation in the exponent, a qualified set's shares give everybody else's.
    sharesAreSignatures: false,
    /** @throws CombineError unless the shares are of a qualified set and well-formed. */
    combine: (statement, shares) => scheme.combine(statement, shares),
    verify: (statement, certificate) => scheme.checkValue(statement, certificate).kind === "valid",
  };
}
