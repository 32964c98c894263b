import { X509Certificate, createPrivateKey } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TLSSocket, connect, createServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { KeyError, type TlsIdentity, createTlsIdentity, renewTlsCertificate } from "../../../src/crypto/index.js";
import { ellipticPair } from "../../support/certificates.js";

const [server, client, stranger] = await Promise.all(["replica-0", "replica-1", "replica-1"].map(createTlsIdentity));
if (server === undefined || client === undefined || stranger === undefined) throw new Error("no identities");

describe("the certificate", () => {
  const certificate = new X509Certificate(server.certificatePem);

  test("is self-signed, with an Ed25519 key that belongs to it", () => {
    expect(certificate.publicKey.asymmetricKeyType).toBe("ed25519");
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(server.privateKeyPem))).toBe(true);
    expect(certificate.subject).toBe("CN=replica-0");
    expect(certificate.issuer).toBe(certificate.subject);
    expect(certificate.ca).toBe(false);
  });

  test("is valid at any time", () => {
    expect(new Date(certificate.validFrom).toISOString()).toBe("2000-01-01T00:00:00.000Z");
    expect(new Date(certificate.validTo).toISOString()).toBe("9999-12-31T23:59:59.000Z");
  });

  test("names the host", () => {
    expect(certificate.subjectAltName).toBe("DNS:replica-0");
    expect(certificate.checkHost("replica-0")).toBe("replica-0");
  });

  test("has node's fingerprint", () => {
    expect(server.fingerprint256).toBe(certificate.fingerprint256);
  });

  test("has a random, positive serial number", () => {
    const serials = [server, client, stranger].map(
      ({ certificatePem }) => new X509Certificate(certificatePem).serialNumber,
    );
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});

describe("a renewed certificate", () => {
  const before = new X509Certificate(server.certificatePem);
  const spki = (certificate: X509Certificate): string =>
    certificate.publicKey.export({ format: "der", type: "spki" }).toString("hex");
  const renew = async (renewal: Partial<Parameters<typeof renewTlsCertificate>[0]> = {}): Promise<X509Certificate> =>
    new X509Certificate(await renewTlsCertificate({ ...server, ...renewal }));

  test("has the key, the subject, the names and the dates of before, and another number", async () => {
    const after = await renew();
    expect(spki(after)).toBe(spki(before));
    expect(after.verify(after.publicKey)).toBe(true);
    for (const field of ["subject", "issuer", "subjectAltName", "validFrom", "validTo", "keyUsage", "ca"] as const)
      expect(after[field]).toEqual(before[field]);
    expect(after.serialNumber).not.toBe(before.serialNumber);
  });

  test("has the dates and the names that are asked for", async () => {
    const validity = { notBefore: new Date("2026-01-02T03:04:05Z"), notAfter: new Date("2056-01-02T03:04:05Z") };
    const after = await renew({ validity, names: ["a.example", "b.example"] });
    expect(spki(after)).toBe(spki(before));
    expect([after.validFrom, after.validTo].map((date) => new Date(date))).toEqual([
      validity.notBefore,
      validity.notAfter,
    ]);
    expect(after.subjectAltName).toBe("DNS:a.example, DNS:b.example");
    expect(after.subject).toBe(before.subject);
  });

  test("is refused for names that are none, and for another's key or another kind of key", async () => {
    await expect(renew({ names: ["a.example", "*"] })).rejects.toThrow(RangeError);
    await expect(renew({ privateKeyPem: stranger.privateKeyPem })).rejects.toThrow(KeyError);
    const [elliptic] = await ellipticPair();
    await expect(renew(elliptic)).rejects.toThrow("not an Ed25519 key");
  });
});

describe("node:tls 1.3 with both sides pinned", () => {
  test("accepts it for server and client", async () => {
    const { authorized, protocol, peer } = await handshake(client, client);
    expect(authorized).toBe(true);
    expect(protocol).toBe("TLSv1.3");
    expect(peer).toBe(client.fingerprint256);
  });

  test("rejects another certificate of the same name", async () => {
    await expect(handshake(stranger, client)).rejects.toThrow();
  });
});

interface Handshake {
  readonly authorized: boolean;
  readonly protocol: string | null;
  readonly peer: string;
}

/** What the server sees when `dialler` connects and `trusted` is whom it trusts. */
async function handshake(dialler: TlsIdentity, trusted: TlsIdentity): Promise<Handshake> {
  const listener = createServer({
    cert: server?.certificatePem,
    key: server?.privateKeyPem,
    ca: [trusted.certificatePem],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const socket = connect({
    host: "127.0.0.1",
    port: (listener.address() as AddressInfo).port,
    cert: dialler.certificatePem,
    key: dialler.privateKeyPem,
    ca: [server?.certificatePem ?? ""],
    servername: "replica-0",
    minVersion: "TLSv1.3",
  });
  socket.on("error", () => undefined);
  try {
    return await new Promise<Handshake>((resolve, reject) => {
      listener.on("tlsClientError", reject);
      listener.on("secureConnection", (accepted: TLSSocket) => {
        resolve({
          authorized: accepted.authorized,
          protocol: accepted.getProtocol(),
          peer: accepted.getPeerCertificate().fingerprint256,
        });
        accepted.on("error", () => undefined).destroy();
      });
    });
  } finally {
    socket.destroy();
    listener.close();
  }
}

test.each(["", "a b", "x,O=y", "-a", "a..b", "ü", "a".repeat(65), "*"])("refuses the name %j", async (name) => {
  await expect(createTlsIdentity(name)).rejects.toThrow(RangeError);
});
