export type { Delivery } from "./candidates.js";
export {
  MAX_PARALLEL,
  type MultivaluedAgreementMessage,
  type MultivaluedDecision,
  multivaluedAgreementMessageCodec,
} from "./messages.js";
export * from "./multivalued-agreement.js";
export type { CandidateOrder } from "./order.js";
