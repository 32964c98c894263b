/** The browser for tests of the page. */
import { existsSync } from "node:fs";

/** Where Debian and its kin have it; ABCAST_CHROMIUM says another place. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * The path of Chromium; undefined when there is none, and then it says how to get it. Where CI is set nothing may be
 * skipped, so there that is an error.
 */
export function findChromium(): string | undefined {
  const named = process.env.ABCAST_CHROMIUM;
  const found = (named === undefined || named === "" ? PLACES : [named]).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const hint = "no Chromium; apt-get install chromium, or set ABCAST_CHROMIUM to the path of one";
  if (process.env.CI !== undefined && process.env.CI !== "") throw new Error(hint);
  process.stdout.write(`skipped: ${hint}\n`);
  return undefined;
}
