/** A cluster's receipt key made of fixed primes, and its parties' shares: 2 of 4. */
import { createHash } from "node:crypto";
import { createRsaScheme, createRsaSharer, type RsaSharer } from "../../src/crypto/rsa/threshold.js";
import { at, PROTOCOL_1 } from "../crypto/fixtures.js";

export const { publicKey: RECEIPT_KEY } = PROTOCOL_1;
export const SCHEME = createRsaScheme(RECEIPT_KEY);
const SHARERS = [0, 1, 2, 3].map((party) => createRsaSharer(RECEIPT_KEY, party, PROTOCOL_1.secretOf(party)));

export function sharer(party: number): RsaSharer {
  return at(SHARERS, party);
}

/** As the wire has it: what follows the share in a proven share. */
export function proofOf(party: number, statement: Uint8Array): Uint8Array {
  return sharer(party).prove(statement).subarray(sharer(party).shareBytes);
}

export function isSigned(statement: Uint8Array, signature: Uint8Array): boolean {
  return SCHEME.checkValue(statement, signature).kind === "valid";
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
