/** Counts what parties ask of cryptography: a suite around a suite. */
import type { Certifier, Coin, Decryption, Suite } from "../../core/suite.js";

/** Calls, not work: a real suite may remember a verdict, or combine before it checks. */
export interface Operations {
  /** Signatures and shares of certificates made. */
  signatures: number;
  /** Signatures and shares of certificates verified. */
  signatureChecks: number;
  certificateChecks: number;
  /** Shares of coins and of plaintexts made, and verified. */
  shares: number;
  shareChecks: number;
}

export function noOperations(): Operations {
  return { signatures: 0, signatureChecks: 0, certificateChecks: 0, shares: 0, shareChecks: 0 };
}

/** `suite`, which adds to `count` whatever is asked of it. */
export function countingSuite(suite: Suite, count: Operations): Suite {
  const counted = <Answer>(what: keyof Operations, answer: Answer): Answer => {
    count[what]++;
    return answer;
  };
  const certifier = (inner: Certifier): Certifier => ({
    ...inner,
    share: (statement) => counted("signatures", inner.share(statement)),
    verifyShare: (party, statement, share) => counted("signatureChecks", inner.verifyShare(party, statement, share)),
    verify: (statement, certificate) => counted("certificateChecks", inner.verify(statement, certificate)),
  });
  const coin = (inner: Coin): Coin => ({
    ...inner,
    share: (name) => counted("shares", inner.share(name)),
    verifyShare: (party, name, share) => counted("shareChecks", inner.verifyShare(party, name, share)),
  });
  const decryption = (inner: Decryption): Decryption => ({
    ...inner,
    share: (label, ciphertext) => counted("shares", inner.share(label, ciphertext)),
    verifyShare: (party, label, ciphertext, share) =>
      counted("shareChecks", inner.verifyShare(party, label, ciphertext, share)),
  });
  return {
    hash: (bytes) => suite.hash(bytes),
    sign: (statement) => counted("signatures", suite.sign(statement)),
    verify: (party, statement, signature) => counted("signatureChecks", suite.verify(party, statement, signature)),
    quorumCertifier: certifier(suite.quorumCertifier),
    broadcastCertifier: certifier(suite.broadcastCertifier),
    quorumCoin: coin(suite.quorumCoin),
    honestCoin: coin(suite.honestCoin),
    decryption: decryption(suite.decryption),
  };
}
