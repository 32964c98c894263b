/** The client library. */
export {
  type AuctionSummary,
  type Bidding,
  type BookDepth,
  type NewOrder,
  openBidding,
  type RegisteredKey,
} from "./bidding.js";
export {
  type BiddingActor,
  type BiddingKey,
  clientActor,
  keyActor,
  type Registration,
  registrationOf,
  signedOperation,
} from "./bidding-actor.js";
export { type BiddingPosition, BiddingRefusedError, NoAuctionError } from "./bidding-calls.js";
export { type ArchivedReceipt } from "./archived-receipt.js";
export { Client } from "./client.js";
export { type Counter, type CounterTotal, openCounter } from "./counter.js";
export {
  BusyError,
  CallAbortedError,
  ClientClosedError,
  ClusterUnreachableError,
  NotExecutedError,
  OutcomeForgottenError,
  RefusedError,
  ReplyLostError,
  SessionEvictedError,
} from "./errors.js";
export { type CallHandle, handleFromJSON, handleToJSON } from "./handle.js";
export {
  type Kv,
  type KvDeletion,
  type KvExpected,
  KvFullError,
  type KvPresent,
  type KvRead,
  type KvWrite,
  openKv,
} from "./kv.js";
export { MAX_NOTARIZED_TOGETHER, type Notarized, type NotarizedTogether, type NotarizeOptions } from "./notarize.js";
export { type Fanout } from "./ordering.js";
export { type Answered } from "./queries.js";
export { type Signed } from "./share-collector.js";
export type {
  Acknowledgements,
  Called,
  CalledAll,
  Caller,
  CallOptions,
  CallOutcome,
  ClientOptions,
  ClientQueryOptions,
  Consistency,
} from "./types.js";
export { type PartyState } from "../wire/client-frames.js";
