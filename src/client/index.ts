/** The client library. */
export {
  Client,
  ClientClosedError,
  type ClientOptions,
  ClusterUnreachableError,
  type Notarized,
  type PartyState,
  RefusedError,
} from "./client.js";
