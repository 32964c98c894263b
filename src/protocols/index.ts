/** The protocols of `abcast`: sans-I/O state machines over party-set predicates. */
export * from "./atomic-broadcast/index.js";
export * from "./binary-agreement/index.js";
export * from "./causal-broadcast/index.js";
export * from "./checkpoint/index.js";
export * from "./consistent-broadcast/index.js";
export * from "./evidence.js";
export * from "./multivalued-agreement/index.js";
export * from "./reliable-broadcast/index.js";
