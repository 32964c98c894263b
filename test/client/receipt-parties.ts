/** A cluster's receipt key made of fixed primes, and its parties' shares. κ = 2 of n = 4. */
import { createHash } from "node:crypto";
import { createRsaSigner, createRsaVerifier, type RsaSigner } from "../../src/crypto/index.js";
import { at, PROTOCOL_1 } from "../crypto/fixtures.js";

export const { publicKey: RECEIPT_KEY } = PROTOCOL_1;
export const VERIFIER = createRsaVerifier(RECEIPT_KEY);
const SIGNERS = PROTOCOL_1.secrets.map((secret, party) => createRsaSigner(RECEIPT_KEY, party, secret));

export function signer(party: number): RsaSigner {
  return at(SIGNERS, party);
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
