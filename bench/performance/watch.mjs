/** What a long benchmark tells whoever watches, and how it is interrupted. */
import { constants } from "node:os";

/** Shows the phases of a measurement: a live line at a terminal, else a line for each measurement. */
export function watch(name) {
  let told = false;
  return ({ name: phase, seconds, ofSeconds, payloadsPerSecond }) => {
    if (process.stderr.isTTY) {
      const rate = payloadsPerSecond === undefined ? "" : `, ${Math.round(payloadsPerSecond)} payloads/s`;
      const time = seconds === undefined ? "" : ` ${Math.floor(seconds)} of ${ofSeconds} s`;
      process.stderr.write(`\r\x1b[K${name}: ${phase}${time}${rate}`);
    } else if (!told) process.stderr.write(`${name} …\n`);
    told = true;
  };
}

/** Aborted by Ctrl-C; what is being measured then clears up, and the process ends as a shell expects. */
export function interruption() {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => {
      process.exitCode = 128 + constants.signals[signal];
      controller.abort(new Error(`interrupted by ${signal}`));
    });
  }
  return controller.signal;
}
