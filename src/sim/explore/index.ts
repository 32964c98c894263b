/** Exhaustive exploration of small schedules (docs/exploration.md). */
export { decisions, repertoire } from "./abba-byzantine.js";
export { BYZANTINE, type Said, bytesOf, nameOf, predicate, proofOf, saidBy } from "./abba-messages.js";
export * from "./abba.js";
export { LaneModel, type LaneOptions, laneCases } from "./lane.js";
export * from "./mvba.js";
export { Party, TAG } from "./party.js";
export * from "./search.js";
export { ClosedSourcesError } from "./snapshot.js";
export { exploredSuite } from "./suite.js";
