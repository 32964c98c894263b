/** For what comes true by itself: how long it takes is the machine's affair, and a test's time is what ends waiting in vain. */
import { vi } from "vitest";

/** Of tests that wait for nothing else: less than `testTimeout`, so that a failure says what did not come true. */
const LONGEST_MS = 600_000;

/** Resolves when `check` does not throw. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: LONGEST_MS, interval: 100 });
}
