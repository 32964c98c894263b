/** The deterministic simulator: production engine, simulated network, adversaries, checkers. */
export * from "./byzantine.js";
export * from "./checkers.js";
export * from "./mock-suite.js";
export * from "./random.js";
export { type RunReport, type SimulationOptions, simulate } from "./simulation.js";
