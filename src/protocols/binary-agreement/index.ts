export * from "./binary-agreement.js";
export {
  ABSTAIN,
  type BinaryAgreementMessage,
  type Bit,
  messageCodec as binaryAgreementMessageCodec,
} from "./messages.js";
