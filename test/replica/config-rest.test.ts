/** `rest` in a party's config.json. */
import { describe, expect, it } from "vitest";
import { partyConfigSchema, resolveRest } from "../../src/replica/config.js";

const CONFIG = { format: "abcast-party/1", party: 0, listen: { host: "127.0.0.1", port: 7400 }, limits: {} };
const HASH = "ab".repeat(32);

function parse(rest: object | undefined) {
  return partyConfigSchema.safeParse({ ...CONFIG, ...(rest && { rest }) });
}

describe("the settings of the REST API", () => {
  it("may be left out, whole or in part", () => {
    expect(parse(undefined).success).toBe(true);
    const given = parse({ apiKeys: [{ name: "ann", sha256: HASH }], burst: 7 });
    expect(resolveRest(given.data?.rest)).toEqual({
      allowedOrigins: [],
      apiKeys: [{ name: "ann", sha256: new Uint8Array(32).fill(0xab) }],
      requestsPerSecond: 20,
      burst: 7,
      maxDocumentBytes: 16 * 1024 * 1024,
    });
  });

  it.each(["https://example.org", "http://localhost:8080", "http://[::1]:80", "*"])("have the origin %s", (origin) => {
    expect(parse({ allowedOrigins: [origin] }).success).toBe(true);
  });

  it.each<[string, object]>([
    ["an origin with a path", { allowedOrigins: ["https://example.org/"] }],
    ["an origin in upper case", { allowedOrigins: ["https://Example.org"] }],
    ["an origin without a scheme", { allowedOrigins: ["example.org"] }],
    ["an origin with a wildcard", { allowedOrigins: ["https://*.example.org"] }],
    ["the origin of a file", { allowedOrigins: ["null"] }],
    ["65 origins", { allowedOrigins: Array.from({ length: 65 }, (_, at) => `https://a${at}.example`) }],
    ["a short hash", { apiKeys: [{ name: "ann", sha256: "ab" }] }],
    ["a key in place of its hash", { apiKeys: [{ name: "ann", key: "secret" }] }],
    ["two keys of one name", { apiKeys: [1, 2].map(() => ({ name: "ann", sha256: HASH })) }],
    ["a name that could be an address", { apiKeys: [{ name: "address:127.0.0.1", sha256: HASH }] }],
    ["no requests at all", { requestsPerSecond: 0 }],
    ["documents without a bound", { maxDocumentBytes: 2 ** 40 }],
    ["an unknown field", { allowedOrigin: [] }],
  ])("do not have %s", (_, rest) => {
    expect(parse(rest).success).toBe(false);
  });
});
