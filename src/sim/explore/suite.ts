/**
 * The mock suite with two changes for exhaustive exploration. Certificates are unique, as a threshold signature is: one for each
 * statement, whoever signed, so that states which differ only in the signers are one state. And coins show what the explorer
 * chooses. Unforgeable by convention: the explorer makes a certificate for its corrupted party only when honest shares and
 * its own suffice.
 */
import { concat, equalBytes, utf8 } from "../../core/bytes.js";
import type { Group } from "../../core/group.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import type { Certifier, Coin, Suite } from "../../core/suite.js";
import { mockHash, mockSuite } from "../mock-suite.js";

/** The 32 bytes that the coin of this name shows. */
export type CoinChoice = (name: Uint8Array) => Uint8Array;

export type CertificateUse = "quorum" | "broadcast";

/** The certificate of a statement, 32 bytes. */
export function uniqueCertificate(use: CertificateUse, statement: Uint8Array): Uint8Array {
  return mockHash(concat(utf8(`certificate/${use}/`), statement));
}

/** What a corrupted party can make of its own share alone: no certificate of anything. */
export function forgedCertificate(statement: Uint8Array): Uint8Array {
  return mockHash(concat(utf8("forged/"), statement));
}

export function exploredSuite(group: Group, self: PartyId, coin: CoinChoice): Suite {
  const suite = mockSuite(group, self, 1);
  return {
    ...suite,
    quorumCertifier: unique("quorum", suite.quorumCertifier, (set) => group.isQuorum(set)),
    broadcastCertifier: unique("broadcast", suite.broadcastCertifier, (set) => group.isBroadcastQuorum(set)),
    quorumCoin: chosen(suite.quorumCoin, coin),
    honestCoin: chosen(suite.honestCoin, coin),
  };
}

function unique(use: CertificateUse, base: Certifier, suffices: (set: PartySet) => boolean): Certifier {
  return {
    sharesAreSignatures: base.sharesAreSignatures,
    share: (statement) => base.share(statement),
    verifyShare: (party, statement, share) => base.verifyShare(party, statement, share),
    combine: (statement, shares) => {
      const areValid = [...shares].every(([party, share]) => base.verifyShare(party, statement, share));
      const isEnough = areValid && suffices(PartySet.of(shares.keys()));
      return isEnough ? uniqueCertificate(use, statement) : forgedCertificate(statement);
    },
    verify: (statement, certificate) => equalBytes(certificate, uniqueCertificate(use, statement)),
  };
}

function chosen(base: Coin, coin: CoinChoice): Coin {
  return { ...base, combine: (name) => coin(name) };
}
