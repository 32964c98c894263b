/** Transparency logs as files. */
export { LogFiles, LogFilesError } from "./log-files.js";
