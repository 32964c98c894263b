/** The pages as answers: paths, types, validators, and the policy under which a browser runs them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { listenHttp } from "../../src/adapters/http/index.js";
import { loadPages } from "../../src/cli/pages.js";
import { temporaryDirectory } from "./run-cli.js";

async function served(): Promise<{ readonly ask: (path: string, init?: RequestInit) => Promise<Response> }> {
  const directory = join(temporaryDirectory(), "pages");
  mkdirSync(directory);
  for (const name of ["index.html", "auctions.html", "index.js", "index.css", "icon.svg", "notes.txt"])
    writeFileSync(join(directory, name), `the content of ${name}`);
  const log: string[] = [];
  const routes = await loadPages((message) => log.push(message), directory);
  expect(log).toEqual([]);
  const listener = await listenHttp({
    host: "127.0.0.1",
    port: 0,
    routes,
    onError: (error) => log.push(String(error)),
  });
  return {
    ask: (path, init) => fetch(`http://127.0.0.1:${listener.port}${path}`, { ...init, redirect: "manual" }),
  };
}

it("serves pages by their names and what belongs to them below /assets/, and no other file", async () => {
  const { ask } = await served();
  for (const [path, name, type] of [
    ["/", "index.html", "text/html; charset=utf-8"],
    ["/auctions", "auctions.html", "text/html; charset=utf-8"],
    ["/assets/index.js", "index.js", "text/javascript; charset=utf-8"],
    ["/assets/index.css", "index.css", "text/css; charset=utf-8"],
    ["/assets/icon.svg", "icon.svg", "image/svg+xml; charset=utf-8"],
  ] as const) {
    const answer = await ask(path);
    expect([answer.status, await answer.text()]).toEqual([200, `the content of ${name}`]);
    expect(answer.headers.get("content-type")).toBe(type);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  }
  for (const path of ["/assets/notes.txt", "/notes", "/index.html", "/assets/", "/assets/..%2findex.html"])
    expect((await ask(path)).status, path).toBe(404);
});

it("lets nothing run that is inline or from elsewhere, and nobody frame the page", async () => {
  const { ask } = await served();
  const policy = (await ask("/")).headers.get("content-security-policy") ?? "";
  const directives = new Map(policy.split("; ").map((directive) => [directive.split(" ")[0], directive] as const));
  expect(directives.get("default-src")).toBe("default-src 'none'");
  expect(directives.get("script-src")).toBe("script-src 'self'");
  expect(directives.get("connect-src")).toBe("connect-src 'self'");
  expect(directives.get("frame-ancestors")).toBe("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
});

it("says that nothing has changed to whoever has it already", async () => {
  const { ask } = await served();
  const etag = (await ask("/")).headers.get("etag") ?? "";
  expect(etag).toMatch(/^"[\w-]{43}"$/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const answer = await ask("/", { headers: { "If-None-Match": known } });
    expect([answer.status, await answer.text()], known).toEqual([304, ""]);
  }
  const other = await ask("/", { headers: { "If-None-Match": '"other"' } });
  expect([other.status, other.headers.get("etag")]).toEqual([200, etag]);
  expect((await ask("/assets/index.js")).headers.get("etag")).not.toBe(etag);
});

it("is no reason not to start where there are no pages", async () => {
  const log: string[] = [];
  const routes = await loadPages((message) => log.push(message), join(temporaryDirectory(), "none"));
  expect(routes.size).toBe(0);
  expect(log).toEqual([expect.stringContaining("no web pages are served")]);
});
