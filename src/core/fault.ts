/**
 * What a party can be accused of. An accusation is a local finding by an honest party about a message
 * that no honest party would have sent; checkers and tests hold that no honest party is ever accused.
 */
export type Fault =
  /** Bytes that are no message of the protocol, or out of its bounds. */
  | "malformed-message"
  /** A message of an instance that cannot exist. */
  | "unknown-instance"
  /** A message that only another party may send in this instance. */
  | "wrong-sender"
  /** A signature, signature share or coin share that does not verify. */
  | "invalid-share"
  /** A certificate or closing message that does not verify. */
  | "invalid-certificate"
  /** Two different messages where the protocol allows one. */
  | "equivocation"
  /** Two different votes where the protocol allows one. */
  | "double-vote"
  /** A vote that its justification does not support. */
  | "invalid-justification"
  /** A proposal that violates the external predicate. */
  | "invalid-proposal"
  /** A commit that does not name a quorum. */
  | "invalid-commit"
  /** An N-vote for a party that the voter's commit names. */
  | "vote-contradicts-commit"
  /** A queue message with an invalid, repeated or already delivered payload, or none at all. */
  | "invalid-queue-entry"
  /** A batch with a payload that nobody may order, or bytes that are not the batch that was asked for. */
  | "invalid-batch"
  /** A verified share towards another checkpoint than ours: its maker's state differs, and should not. */
  | "divergent-checkpoint";
