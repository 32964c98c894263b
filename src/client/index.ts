/** The client library. */
export { Client, type ClientOptions, ClusterUnreachableError, type Notarized, type PartyState, RefusedError } from "./client.js";
