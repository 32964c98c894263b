/** The page's time stamps, without a browser: the authority takes the request, and only the reply to it passes. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oid } from "../../src/core/der.js";
import { encodeGranted, encodeRejection, encodeToken, judgeRequest } from "../../src/services/tsa/index.js";
import { genTimeMs, readTimeStamp, timeStampQuery } from "../../src/web/notary/time-stamp.js";
import { apply, createTestTsa, POLICY, token } from "../services/tsa/fixture.js";

fc.configureGlobal({ seed: 7 });

const DIGEST = new Uint8Array(createHash("sha256").update("a document").digest());
const OTHER = new Uint8Array(createHash("sha256").update("another document").digest());
/** With a leading zero byte, which DER leaves out, and the bit that makes it negative unless there is one. */
const NONCE = Uint8Array.of(0, 0xff, 3, 4);
const GEN_TIME_MS = 1_700_000_000_123;

/** What the authority answers, with bytes for a signature that the page cannot check. */
function replyTo(request: Uint8Array): Uint8Array {
  const tsa = createTestTsa();
  apply(tsa, { sequence: 1 }, { kind: "request", request });
  const made = token(apply(tsa, { sequence: 2, roundTimeMs: GEN_TIME_MS }, { kind: "stamp", sequence: 1, index: 0 }));
  return encodeGranted(encodeToken(made, new Uint8Array(256).fill(9)));
}

describe("a time stamp's request", () => {
  it("is one that the authority takes, for the certificate, too", () => {
    const judged = judgeRequest(timeStampQuery(DIGEST, NONCE), oid(POLICY));
    if (!judged.ok) throw new Error(judged.reason);
    expect(judged.request.certReq).toBe(true);
    expect(judged.request.nonce).toEqual(Uint8Array.of(2, 4, 0, 0xff, 3, 4));
    expect(Buffer.from(judged.request.imprint).toString("hex")).toContain(Buffer.from(DIGEST).toString("hex"));
  });
});

describe("a reply", () => {
  const reply = replyTo(timeStampQuery(DIGEST, NONCE));

  it("tells its time and number", () => {
    const read = readTimeStamp(reply, DIGEST, NONCE);
    if (!read.ok) throw new Error(read.error);
    expect(genTimeMs(read.value.genTime)).toBe(GEN_TIME_MS);
    expect(read.value.serial).toBe("02");
  });

  it("of another document, to another request, or of one without a nonce, does not pass", () => {
    expect(readTimeStamp(reply, OTHER, NONCE)).toMatchObject({ ok: false, error: "a time stamp of another document" });
    expect(readTimeStamp(reply, DIGEST, Uint8Array.of(1))).toMatchObject({
      ok: false,
      error: "a reply to another request",
    });
  });

  it("that refuses says so", () => {
    const refused = readTimeStamp(encodeRejection("systemFailure", "try again"), DIGEST, NONCE);
    expect(refused).toMatchObject({ ok: false, error: "the authority refuses the request" });
  });

  it("that is anything else is an error, never an exception", () => {
    const mutation = fc.record({ at: fc.nat(reply.length - 1), byte: fc.nat(255), length: fc.nat(reply.length) });
    fc.assert(
      fc.property(mutation, ({ at, byte, length }) => {
        const changed = reply.slice();
        changed[at] = byte;
        readTimeStamp(changed, DIGEST, NONCE);
        if (length < reply.length) expect(readTimeStamp(reply.subarray(0, length), DIGEST, NONCE).ok).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(readTimeStamp(bytes, DIGEST, NONCE).ok).toBe(false);
      }),
    );
  });
});

it.each([
  ["20231114221320Z", 1_700_000_000_000],
  ["20231114221320.123456Z", 1_700_000_000_123],
  ["20231114221320.5Z", 1_700_000_000_500],
  ["20231114221320", undefined],
  ["never", undefined],
])("%s is %s ms since 1970", (genTime, timeMs) => {
  expect(genTimeMs(genTime)).toBe(timeMs);
});
