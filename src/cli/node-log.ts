/** The log of a replica's process, on stdout. */
import { pino, stdTimeFunctions } from "pino";

export interface NodeLogOptions {
  readonly party: number;
  /** One JSON object a line, `{"level", "time", "party", "message"}`, rather than text for people. */
  readonly json: boolean;
}

export function nodeLog({ party, json }: NodeLogOptions): (message: string) => void {
  if (!json) {
    return (message) => void process.stdout.write(`${new Date().toISOString()} party ${party}: ${message}\n`);
  }
  const options = {
    base: { party },
    messageKey: "message",
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  // Not a stream of the library's own: on this one the command does not mind when nobody reads.
  const logger = pino(options, process.stdout);
  return (message) => logger.info(message);
}
