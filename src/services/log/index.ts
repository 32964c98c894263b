export { createLog, LOG } from "./log.js";
