/**
 * The web pages that a replica serves, as src/web/build.mjs built them:
 *
 *     GET /                  the notary's page
 *     GET /NAME              another page
 *     GET /assets/FILE       scripts, styles and the icon
 *
 * They are read once, when the replica starts. A page may ask the replica that served it, and nobody else; no other site may frame it.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HttpAnswer, HttpRoutes } from "../adapters/http/index.js";

const DIRECTORY = fileURLToPath(new URL("../web/pages", import.meta.url));

/** Nothing inline, nothing from elsewhere, and no script that was made of text. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const TYPES: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".svg", "image/svg+xml; charset=utf-8"],
]);

/** No pages where there are none in `directory`, which is said; a replica does its work all the same. */
export async function loadPages(onLog: (message: string) => void, directory = DIRECTORY): Promise<HttpRoutes> {
  const routes = new Map<string, (ifNoneMatch: string | undefined) => HttpAnswer>();
  try {
    for (const name of await readdir(directory)) {
      const type = TYPES.get(extname(name));
      if (type !== undefined) routes.set(pathOf(name), pageRoute(type, await readFile(join(directory, name))));
    }
  } catch (error) {
    onLog(`no web pages are served: ${String(error)}`);
  }
  return routes;
}

function pathOf(name: string): string {
  if (name === "index.html") return "/";
  return name.endsWith(".html") ? `/${name.slice(0, -".html".length)}` : `/assets/${name}`;
}

function pageRoute(contentType: string, body: Uint8Array): (ifNoneMatch: string | undefined) => HttpAnswer {
  const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  const headers = {
    ETag: etag,
    // To be asked for again each time, so that page and replica are of one version.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
  };
  // Of a 304 the body is left out by Node.
  return (ifNoneMatch) => ({ status: isNamed(etag, ifNoneMatch) ? 304 : 200, contentType, body, headers });
}

/** RFC 9110, section 13.1.2. */
function isNamed(etag: string, ifNoneMatch = ""): boolean {
  return ifNoneMatch.split(",").some((name) => ["*", etag, `W/${etag}`].includes(name.trim()));
}
