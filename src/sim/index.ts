/** The deterministic simulator: production engine, simulated network, adversaries, checkers. */
export * from "./adaptive-coin.js";
export * from "./byzantine.js";
export * from "./checkers.js";
export * from "./diagram.js";
export * from "./diagram-svg.js";
export * from "./diagram-text.js";
export * from "./link-failures.js";
export * from "./mock-suite.js";
export * from "./random.js";
export * from "./run.js";
export { type Action, formatAction, parseAction } from "./action.js";
export type { Observer, SimEvent } from "./event.js";
export * from "./scenario.js";
export * from "./shrink.js";
export * from "./simulation.js";
export * from "./trace-file.js";
