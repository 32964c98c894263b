/** A client of the REST API of a replica, for Node.js and browsers. The package exports it in `abcast/client`. */
export { followEntries, type FollowOptions } from "./events.js";
export { type DigestOrBytes, findReceipt, notarize, type RestNotarizeOptions, verify } from "./notary.js";
export type { PublicConfig } from "./public-config.js";
export { RestError, type RestOptions, type RestSource } from "./request.js";
export type {
  ClusterStatus,
  ConsistencyProof,
  Entries,
  Entry,
  InclusionProof,
  NewEntry,
  ReceiptJson,
} from "./schemas.js";
export { formatReceipt, parseReceipt, type Receipt, type Verdict } from "../verify/index.js";
