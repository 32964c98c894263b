/**
 * Certificates made of individual signatures: the set of signers as a bitmap, then their 64-byte
 * signatures in ascending order of parties. Unlike a threshold signature it says who signed and works for
 * any adversary structure; its size grows with the set (4 of 7 parties: 258 bytes).
 */
import { type Codec, EncodeError, decode, encode } from "../../core/codec.js";
import { type PartyId, PartySet, partySetCodec } from "../../core/party-set.js";
import type { Certifier } from "../../core/suite.js";
import { SIGNATURE_BYTES } from "./ed25519.js";
import { CombineError } from "../errors.js";
import type { Domain } from "../hashing.js";
import type { PartySignatures } from "./party-signatures.js";

export interface MultisigOptions {
  readonly n: number;
  readonly domain: Domain;
  readonly signatures: PartySignatures;
  /** Whether these signers make a certificate, for instance `group.isQuorum`. */
  readonly suffices: (signers: PartySet) => boolean;
}

/** The certifier whose certificates are lists of signatures. `combine` uses exactly the shares given. */
export function createMultisigCertifier({ n, domain, signatures, suffices }: MultisigOptions): Certifier {
  const verifyShare: Certifier["verifyShare"] = (party, statement, share) =>
    signatures.verify(party, domain, statement, share);

  return {
    share: (statement) => signatures.sign(domain, statement),
    verifyShare,
    sharesAreSignatures: true,

    /** @throws CombineError when the signers do not suffice or a share has not 64 bytes. */
    combine(_statement, shares) {
      if ([...shares.keys()].some((party) => !isParty(party, n))) throw new CombineError("share of an unknown party");
      const signers = PartySet.of(shares.keys());
      if (!suffices(signers)) throw new CombineError(`${signers.toString()} do not make a certificate`);
      return encodeCertificate({ signers, signatures: shares });
    },

    verify(statement, bytes) {
      const decoded = decode(certificateCodec, bytes);
      if (!decoded.ok) return false;
      const { signers, signatures: shares } = decoded.value;
      // The cheap checks first: a hostile certificate should cost no signature verification.
      if ([...signers].some((party) => !isParty(party, n)) || !suffices(signers)) return false;
      return [...shares].every(([party, share]) => verifyShare(party, statement, share));
    },

    signers(bytes) {
      const decoded = decode(certificateCodec, bytes);
      return decoded.ok ? decoded.value.signers : undefined;
    },
  };
}

function isParty(party: PartyId, n: number): boolean {
  return Number.isInteger(party) && party >= 0 && party < n;
}

interface Certificate {
  readonly signers: PartySet;
  /** Exactly one for each signer. */
  readonly signatures: ReadonlyMap<PartyId, Uint8Array>;
}

/** The number of signatures follows from the bitmap, hence there is one encoding per certificate. */
const certificateCodec: Codec<Certificate> = {
  write(writer, { signers, signatures }) {
    partySetCodec.write(writer, signers);
    for (const party of signers) {
      const signature = signatures.get(party);
      if (signature?.length !== SIGNATURE_BYTES)
        throw new EncodeError(`no ${SIGNATURE_BYTES}-byte signature of ${party}`);
      writer.raw(signature);
    }
  },
  read(reader) {
    const signers = partySetCodec.read(reader);
    const signatures = new Map<PartyId, Uint8Array>();
    for (const party of signers) signatures.set(party, reader.raw(SIGNATURE_BYTES));
    return { signers, signatures };
  },
};

function encodeCertificate(certificate: Certificate): Uint8Array {
  try {
    return encode(certificateCodec, certificate);
  } catch (error) {
    if (error instanceof EncodeError) throw new CombineError(error.message);
    throw error;
  }
}
