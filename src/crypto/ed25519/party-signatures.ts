/**
 * The parties' ordinary signatures: Ed25519 over a domain and a statement. One key per party serves
 * several uses (messages, two kinds of certificate); the domain keeps them apart.
 */
import { concat, utf8 } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { createEd25519Signer, createEd25519Verifier } from "./ed25519.js";
import { KeyError } from "../errors.js";
import type { Domain } from "../hashing.js";
import type { VerificationMemo } from "../memo.js";

export interface PartySignatures {
  /** This party's signature, 64 bytes. */
  sign(domain: Domain, statement: Uint8Array): Uint8Array;
  /** Total, also for parties that do not exist. */
  verify(party: PartyId, domain: Domain, statement: Uint8Array, signature: Uint8Array): boolean;
}

export interface PartySignatureOptions {
  readonly publicKeys: readonly Uint8Array[];
  readonly self: PartyId;
  readonly seed: Uint8Array;
  readonly memo: VerificationMemo;
}

/** @throws KeyError when a key has a wrong size or `seed` does not belong to `publicKeys[self]`. */
export function createPartySignatures({ publicKeys, self, seed, memo }: PartySignatureOptions): PartySignatures {
  const signer = createEd25519Signer(seed);
  const own = publicKeys[self];
  if (own === undefined || Buffer.compare(own, signer.publicKey) !== 0) {
    throw new KeyError(`the signing key is not that of party ${self}`);
  }
  const verifiers = publicKeys.map(createEd25519Verifier);
  return {
    sign(domain, statement) {
      const signature = signer.sign(signedBytes(domain, statement));
      // It comes back in the certificates of others.
      memo.note(domain, self, statement, signature);
      return signature;
    },
    verify(party, domain, statement, signature) {
      const verifier = verifiers[party];
      if (verifier === undefined) return false;
      return memo.check(domain, party, statement, signature, () => verifier(signedBytes(domain, statement), signature));
    },
  };
}

/** No domain contains a zero byte, so the first one ends the domain. */
export function signedBytes(domain: Domain, statement: Uint8Array): Uint8Array {
  return concat(utf8(domain), Uint8Array.of(0), statement);
}
