/** Tokens and certificates against OpenSSL: what we make it verifies, and what it makes we judge rightly. */
import { execFileSync, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { toHex } from "../../../src/core/bytes.js";
import { combineRobustly } from "../../../src/crypto/index.js";
import {
  chainProblem,
  encodeGranted,
  encodeRejection,
  encodeToken,
  judgeRequest,
  MAX_CHAIN_LENGTH,
} from "../../../src/services/tsa/index.js";
import { oid } from "../../../src/core/der.js";
import { SCHEME, sharer } from "../../client/receipt-parties.js";
import { requireTool } from "../../support/tools.js";
import {
  apply,
  certificate,
  CERTIFICATE_PEM,
  createTestTsa,
  POLICY,
  REQUEST_PEM,
  token,
  TOKEN_KEY,
} from "./fixture.js";

describe.runIf(requireTool("openssl"))("with OpenSSL", () => {
  const directory = mkdtempSync(join(tmpdir(), "abcast-tsa-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: readonly string[]): string =>
    execFileSync("openssl", args, { cwd: directory, encoding: "utf8", stdio: "pipe" });
  /** What it says when it fails; empty when it does not. */
  const complaint = (...args: readonly string[]): string => {
    const { status, stderr } = spawnSync("openssl", args, { cwd: directory, encoding: "utf8" });
    return status === 0 ? "" : stderr;
  };
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(file(name), content);
  write("document", "a document");
  write("other", "another document");
  write("tsa.pem", CERTIFICATE_PEM);

  /** A response to the request in `q`, signed with the shares of these parties. */
  function respond(parties: readonly number[]): Uint8Array {
    const tsa = createTestTsa();
    const request = new Uint8Array(readFileSync(file("q")));
    apply(tsa, { sequence: 1 }, { kind: "request", request });
    const made = token(
      apply(tsa, { sequence: 2, roundTimeMs: 1_700_000_000_123 }, { kind: "stamp", sequence: 1, index: 0 }),
    );
    const shares = new Map(parties.map((party) => [party, sharer(party).share(made.attributes)]));
    const signature = combineRobustly(SCHEME, made.attributes, shares);
    if (signature.kind !== "combined") throw new Error("no signature");
    const response = encodeGranted(encodeToken(made, signature.value));
    write("r", response);
    return response;
  }

  it("a token verifies, says what it must, and is the same from whichever parties", () => {
    openssl("ts", "-query", "-data", "document", "-sha384", "-cert", "-out", "q");
    const responses = [respond([0, 1]), respond([2, 3]), respond([1, 3])].map(toHex);
    expect(new Set(responses).size).toBe(1);
    const text = openssl("ts", "-reply", "-in", "r", "-text");
    for (const line of [
      "Status: Granted.",
      `Policy OID: ${POLICY}`,
      "Hash Algorithm: sha384",
      "Serial number: 0x02",
      "Time stamp: Nov 14 22:13:20.123 2023 GMT",
      "Accuracy: 0x01 seconds, 0x01F4 millis",
      "Ordering: yes",
      "Nonce: 0x",
    ]) {
      expect(text).toContain(line);
    }
    expect(complaint("ts", "-verify", "-data", "document", "-in", "r", "-CAfile", "tsa.pem")).toBe("");
    expect(complaint("ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", "tsa.pem")).toBe("");
    expect(complaint("ts", "-verify", "-data", "other", "-in", "r", "-CAfile", "tsa.pem")).toContain("imprint");
  });

  it("a token without certificate verifies for who has it, and another signature does not", () => {
    openssl("ts", "-query", "-data", "document", "-sha256", "-no_nonce", "-out", "q");
    const response = respond([0, 2]);
    const verify = ["ts", "-verify", "-data", "document", "-in", "r", "-CAfile", "tsa.pem"];
    expect(complaint(...verify)).toContain("certificate");
    expect(complaint(...verify, "-untrusted", "tsa.pem")).toBe("");
    response[response.length - 1] = (response.at(-1) ?? 0) ^ 1;
    write("r", response);
    expect(complaint(...verify, "-untrusted", "tsa.pem")).not.toBe("");
  });

  it("a rejection says its failure and why", () => {
    const failures = {
      badAlg: "algorithm",
      badDataFormat: "format",
      timeNotAvailable: "time",
      systemFailure: "system",
    };
    for (const [failure, word] of Object.entries(failures)) {
      write("r", encodeRejection(failure as keyof typeof failures, "for a reason"));
      const text = openssl("ts", "-reply", "-in", "r", "-text");
      expect(text).toContain("Status: Rejected.");
      expect(text).toContain("for a reason");
      expect(text.split("Failure info:")[1]).toContain(word);
    }
  });

  it("our request for a certificate is signed by the key, and asks for time-stamping", () => {
    write("request.pem", REQUEST_PEM);
    expect(complaint("req", "-in", "request.pem", "-verify", "-noout")).toBe("");
    const text = openssl("req", "-in", "request.pem", "-noout", "-text");
    expect(text).toMatch(/Extended Key Usage: critical\s+Time Stamping/);
    expect(complaint("verify", "-CAfile", "tsa.pem", "-purpose", "timestampsign", "tsa.pem")).toBe("");
  });

  describe("and an authority", () => {
    const der = (name: string): Uint8Array => new Uint8Array(new X509Certificate(readFileSync(file(name))).raw);
    /** Has it sign our request, with these extensions. */
    const certified = (name: string, ...extensions: readonly string[]): Uint8Array => {
      write(`${name}.ext`, extensions.join("\n"));
      const ca = ["-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30", "-set_serial", "12345678901234567890"];
      openssl("x509", "-req", "-in", "request.pem", ...ca, "-extfile", `${name}.ext`, "-out", `${name}.pem`);
      return der(`${name}.pem`);
    };
    const PURPOSE = "extendedKeyUsage=critical,timeStamping";
    write("request.pem", REQUEST_PEM);
    const selfSigned = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"];
    openssl("req", ...selfSigned, "-subj", "/C=CH/O=Authority/CN=Root", "-keyout", "ca.key", "-out", "ca.pem");
    const problemOf = (...chain: readonly Uint8Array[]): string | undefined => chainProblem(chain, TOKEN_KEY);

    it("its certificate fits, with or without its own", () => {
      const own = certified("good", "keyUsage=critical,digitalSignature,nonRepudiation", PURPOSE);
      expect(problemOf(own)).toBeUndefined();
      expect(problemOf(own, der("ca.pem"))).toBeUndefined();
      expect(problemOf(own, certificate())).toContain("certificate 1");
      expect(problemOf(...Array.from({ length: MAX_CHAIN_LENGTH + 1 }, () => certificate()))).toContain("at most");
    });

    it.each([
      ["no purpose", ["keyUsage=digitalSignature"], "extendedKeyUsage"],
      ["a purpose that is not critical", ["extendedKeyUsage=timeStamping"], "extendedKeyUsage"],
      ["another purpose, too", ["extendedKeyUsage=critical,timeStamping,codeSigning"], "extendedKeyUsage"],
      ["another purpose", ["extendedKeyUsage=critical,codeSigning"], "extendedKeyUsage"],
      ["another use of the key", ["keyUsage=digitalSignature,keyEncipherment", PURPOSE], "keyUsage"],
      ["a certificate of version 1", [], "version 3"],
    ])("its certificate does not fit with %s", (name, extensions, problem) => {
      expect(problemOf(certified(name.replaceAll(" ", "-"), ...extensions))).toContain(problem);
    });

    it("a certificate of another key does not fit", () => {
      expect(problemOf(der("ca.pem"))).toContain("token key");
    });

    it("its certificate stands in tokens once it is installed, and these verify by the authority's", () => {
      const chain = [certified("installed", PURPOSE), der("ca.pem")];
      const tsa = createTestTsa({ chain });
      openssl("ts", "-query", "-data", "document", "-sha256", "-cert", "-out", "q");
      const request = new Uint8Array(readFileSync(file("q")));
      expect(judgeRequest(request, oid(POLICY)).ok).toBe(true);
      apply(tsa, { sequence: 1 }, { kind: "request", request });
      const now = { sequence: 2, roundTimeMs: Date.now() };
      const made = token(apply(tsa, now, { kind: "stamp", sequence: 1, index: 0 }));
      const shares = new Map([0, 3].map((party) => [party, sharer(party).share(made.attributes)]));
      const signature = combineRobustly(SCHEME, made.attributes, shares);
      if (signature.kind !== "combined") throw new Error("no signature");
      write("r", encodeGranted(encodeToken(made, signature.value)));
      expect(complaint("ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", "ca.pem")).toBe("");
      expect(complaint("ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", "tsa.pem")).not.toBe("");
    });
  });
});
