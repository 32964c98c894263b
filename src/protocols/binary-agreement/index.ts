export * from "./binary-agreement.js";
export { encodeBinaryDecision, verifyBinaryDecision } from "./decision.js";
export {
  ABSTAIN,
  type BinaryAgreementMessage,
  type Bit,
  type Decision,
  messageCodec as binaryAgreementMessageCodec,
} from "./messages.js";
