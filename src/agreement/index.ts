/**
 * Agreement as a library, also as `abcast/protocols`: the protocols, and a party that runs them on its caller's values. Runs in Node
 * and in a browser; links over TLS are in `abcast/protocols/tls`.
 */
export { type Group, GroupError, structureGroup, thresholdGroup } from "../core/group.js";
export type { Envelope } from "../core/envelope.js";
export type { Fault } from "../core/fault.js";
export { type PartyId, PartySet } from "../core/party-set.js";
export { type Protocol, type Scope, InvariantError } from "../core/protocol.js";
export type { Suite } from "../core/suite.js";
export { type Tag, isTag } from "../core/tag.js";
export * from "../protocols/index.js";
export type { Accusation } from "./accusations.js";
export { type AbbaOptions, type Agreement, type MvbaOptions, abba, mvba, once } from "./agreement.js";
export { ClosedError, LinksError, ProposalError, SuiteError, TagError } from "./errors.js";
export type { LinkFault, LinkHandlers, Links } from "./links.js";
export { memoryLinks } from "./memory-links.js";
export { type InstanceOptions, type Party, type PartyOptions, createParty } from "./party.js";
