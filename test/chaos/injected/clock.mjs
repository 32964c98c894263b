/**
 * Loaded into a replica's process before anything else (`node --import`): its clock is off by what a file says, in
 * milliseconds. SIGUSR2 reads the file again, so that the clock jumps while the replica runs. Monotonic time stays as it is.
 */
import { readFileSync } from "node:fs";

const file = process.env.CHAOS_CLOCK;
if (file !== undefined) {
  const TrueDate = Date;
  let offsetMs = 0;
  const read = () => {
    offsetMs = Number(readFileSync(file, "utf8"));
    if (!Number.isFinite(offsetMs)) throw new Error(`${file}: no number`);
  };
  read();
  process.on("SIGUSR2", read);
  globalThis.Date = class Date extends TrueDate {
    constructor(...fields) {
      if (fields.length === 0) super(TrueDate.now() + offsetMs);
      else super(...fields);
    }
    static now() {
      return TrueDate.now() + offsetMs;
    }
  };
}
