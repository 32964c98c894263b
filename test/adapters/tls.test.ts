import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import {
  connect as connectTls,
  type ConnectionOptions,
  createServer as createTlsServer,
  type TLSSocket,
} from "node:tls";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  dialTls,
  listenTls,
  type DialOptions,
  type ListenOptions,
  type TlsIdentity,
} from "../../src/adapters/tls/index.js";
import type { Connection, ConnectionHandlers, Listener } from "../../src/replica/links.js";
import { provedPin } from "../../src/adapters/tls/identity.js";
import { reservePorts } from "../../src/cli/ports.js";
import { createTlsIdentity, renewTlsCertificate } from "../../src/crypto/ed25519/tls-identity.js";
import { ellipticPair, issue, withLastBitFlipped, withUnknownKey } from "../support/certificates.js";
import { eventually } from "../support/eventually.js";

const HOST = "127.0.0.1";
const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_FRAME_BYTES = 4 * MIB;

let server: TlsIdentity;
let party: TlsIdentity;
let client: TlsIdentity;
/** Nobody's keys: one with a name of its own, one that copies a known party's name, one with a known party's signature. */
let stranger: TlsIdentity;
let namesake: TlsIdentity;
let protege: TlsIdentity;
/** A party with a key on P-256, and who shows its certificate without having its key. */
let elliptic: TlsIdentity;
let pretender: TlsIdentity;
/** Other certificates of the party's key. */
let renewed: TlsIdentity;
let expired: TlsIdentity;
let future: TlsIdentity;
let renamed: TlsIdentity;
let missigned: TlsIdentity;
let issued: TlsIdentity;

beforeAll(async () => {
  server = await createTlsIdentity("party-0");
  party = await createTlsIdentity("party-1");
  client = await createTlsIdentity("client-0");
  stranger = await createTlsIdentity("stranger");
  namesake = await createTlsIdentity("party-1");
  protege = { ...stranger, certificatePem: await issue({ subject: stranger, issuer: party }) };
  [elliptic, pretender] = await ellipticPair();
  const year = (from: number) => ({ notBefore: new Date(`${from}-01-01`), notAfter: new Date(`${from + 1}-01-01`) });
  renewed = { ...party, certificatePem: await renewTlsCertificate(party) };
  expired = { ...party, certificatePem: await renewTlsCertificate({ ...party, validity: year(2001) }) };
  future = { ...party, certificatePem: await renewTlsCertificate({ ...party, validity: year(2901) }) };
  renamed = { ...party, certificatePem: await issue({ subject: party, issuer: party, name: "CN=party-0" }) };
  missigned = { ...party, certificatePem: withLastBitFlipped(party.certificatePem) };
  issued = { ...party, certificatePem: await issue({ subject: party, issuer: stranger }) };
});

/** What a test opened, closed after it in reverse order. */
const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

/** One end of a connection, with all that happened to it. */
class End implements ConnectionHandlers {
  readonly frames: Uint8Array[] = [];
  readonly closeReasons: string[] = [];
  writable = 0;
  constructor(
    readonly connection: Connection,
    readonly keep = true,
  ) {}
  onFrame(frame: Uint8Array): void {
    if (this.keep) this.frames.push(frame);
  }
  onWritable(): void {
    this.writable++;
  }
  onClose(reason: string): void {
    this.closeReasons.push(reason);
  }
}

/** Collects the ends of the connections that an acceptor gets. */
function ends(): { all: End[]; accept: (connection: Connection) => End; last(): End } {
  const all: End[] = [];
  return {
    all,
    accept(connection) {
      const end = new End(connection);
      all.push(end);
      return end;
    },
    last() {
      const end = all.at(-1);
      if (end === undefined) throw new Error("no connection");
      return end;
    },
  };
}

async function listen(options: Partial<ListenOptions> = {}) {
  const accepted = ends();
  const refused: string[] = [];
  const listener = await listenTls({
    host: HOST,
    port: 0,
    identity: server,
    parties: [{ party: 1, certificatePem: party.certificatePem }],
    clients: [{ client: 0, certificatePem: client.certificatePem }],
    maxFrameBytes: () => MAX_FRAME_BYTES,
    accept: accepted.accept,
    onRefused: (reason) => refused.push(reason),
    ...options,
  });
  opened.push(() => listener.close());
  return { listener, accepted, refused };
}

function dial(port: number, options: Partial<DialOptions> = {}) {
  const dialed = ends();
  const failures: string[] = [];
  const dialer = dialTls({
    host: HOST,
    port,
    identity: party,
    party: 0,
    certificatePem: server.certificatePem,
    maxFrameBytes: MAX_FRAME_BYTES,
    accept: dialed.accept,
    onFailure: (reason) => failures.push(reason),
    ...options,
  });
  opened.push(() => dialer.close());
  return { dialer, dialed, failures };
}

/** A connected pair: the dialing end and the accepting one. */
async function pair(listenOptions: Partial<ListenOptions> = {}, dialOptions: Partial<DialOptions> = {}) {
  const listening = await listen(listenOptions);
  const dialing = dial(listening.listener.port, dialOptions);
  await eventually(() => expect([listening.accepted.all.length, dialing.dialed.all.length]).toEqual([1, 1]));
  return { ...listening, ...dialing, near: dialing.dialed.last(), far: listening.accepted.last() };
}

/** A TLS socket of the test's own; errors are what these tests provoke. */
function rawTls(port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = connectTls({ host: HOST, port, rejectUnauthorized: false, ...credentials(party), ...options });
  socket.on("error", () => undefined);
  opened.push(() => socket.destroy());
  return socket;
}

function rawTcp(port: number): Socket {
  const socket = connectTcp({ host: HOST, port });
  socket.on("error", () => undefined);
  opened.push(() => socket.destroy());
  return socket;
}

function credentials(identity: TlsIdentity): { cert: string; key: string } {
  return { cert: identity.certificatePem, key: identity.privateKeyPem };
}

/** Resolves when `socket` is closed, however that came about. */
async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

/** A frame of `sizeBytes` that starts with its number. */
function numbered(index: number, sizeBytes: number): Uint8Array {
  const frame = new Uint8Array(sizeBytes).fill(index & 255);
  new DataView(frame.buffer).setUint32(0, index);
  return frame;
}

describe("frames over TLS", () => {
  it("round-trip in order, from one byte to the bound, both ways", async () => {
    const { near, far } = await pair();
    const sizes = [1, 2, 3, 100, 16_383, 16_384, 16_385, 65_536, 1_000_003, MAX_FRAME_BYTES, 1];
    const sent = sizes.map((sizeBytes, index) => new Uint8Array(sizeBytes).fill(index + 1));
    for (const frame of sent) {
      near.connection.send(frame);
      far.connection.send(frame);
    }
    for (const end of [near, far]) {
      await eventually(() => expect(end.frames.length).toBe(sent.length));
      sent.forEach((frame, index) => expect(Buffer.compare(frame, end.frames[index] ?? new Uint8Array())).toBe(0));
    }
  });

  it("may be sent while the connection is being accepted, and before an orderly close", async () => {
    const { listener, accepted } = await listen();
    const { dialer } = dial(listener.port, {
      accept: (connection) => {
        connection.send(Uint8Array.of(1));
        connection.send(new Uint8Array(MIB));
        connection.close();
        return new End(connection);
      },
    });
    await eventually(() => expect(accepted.all[0]?.closeReasons.length).toBe(1));
    dialer.close();
    expect(accepted.all[0]?.frames.map((frame) => frame.length)).toEqual([1, MIB]);
  });

  it("are never empty", async () => {
    const { near } = await pair();
    expect(() => near.connection.send(new Uint8Array())).toThrow(RangeError);
    expect(near.closeReasons).toEqual([]);
  });

  it("do not arrive before an acceptor that paused resumes", async () => {
    const held: End[] = [];
    const { listener } = await listen({
      accept: (connection) => {
        connection.pause();
        const end = new End(connection);
        held.push(end);
        return end;
      },
    });
    const { dialed } = dial(listener.port);
    await eventually(() => expect([held.length, dialed.all.length]).toEqual([1, 1]));
    const other = dial(listener.port);
    await eventually(() => expect([held.length, other.dialed.all.length]).toEqual([2, 1]));
    for (const end of [dialed.last(), other.dialed.last()]) end.connection.send(Uint8Array.of(1));
    held[1]?.connection.resume();
    await eventually(() => expect(held[1]?.frames.length).toBe(1));
    expect(held[0]?.frames.length).toBe(0);
    held[0]?.connection.resume();
    await eventually(() => expect(held[0]?.frames.length).toBe(1));
  });

  it("name the peer that the certificate proves", async () => {
    const { listener, accepted, near } = await pair();
    dial(listener.port, { identity: client });
    await eventually(() => expect(accepted.all.length).toBe(2));
    expect(near.connection.peer).toEqual({ kind: "party", party: 0 });
    expect(accepted.all.map((end) => end.connection.peer)).toEqual([
      { kind: "party", party: 1 },
      { kind: "client", client: 0 },
    ]);
  });

  it("arrive completely when the sender closes after them; each side hears of the close once", async () => {
    const { near, far, dialer } = await pair();
    const count = 200;
    for (let i = 0; i < count; i++) near.connection.send(numbered(i, 10_000));
    near.connection.close();
    near.connection.close();
    near.connection.send(Uint8Array.of(1));
    dialer.close();
    await eventually(() => expect([near.closeReasons.length, far.closeReasons.length]).toEqual([1, 1]));
    expect(far.frames.length).toBe(count);
    expect(near.closeReasons).toEqual(["closed here"]);
    expect(far.closeReasons).toEqual(["closed by the peer"]);
  });

  it.each([
    ["longer than the peer's bound", [0, 0, 4, 1], "frame of 1025 bytes above the bound of 1024"],
    ["of length zero", [0, 0, 0, 0], "frame of length zero"],
  ])("that are %s close the connection", async (_, header, reason) => {
    const { listener, accepted } = await listen({ maxFrameBytes: () => 1024 });
    const socket = rawTls(listener.port);
    socket.write(Uint8Array.from([0, 0, 0, 1, 42, ...header, 1, 2, 3]));
    await closed(socket);
    await eventually(() => expect(accepted.last().closeReasons).toEqual([reason]));
    expect(accepted.last().frames).toEqual([Uint8Array.of(42)]);
  });

  it("are bounded for each peer by its own limit", async () => {
    const { listener, accepted } = await listen({ maxFrameBytes: (peer) => (peer.kind === "client" ? 10 : 100) });
    dial(listener.port);
    await eventually(() => expect(accepted.all.length).toBe(1));
    const { dialed } = dial(listener.port, { identity: client });
    await eventually(() => expect([accepted.all.length, dialed.all.length]).toEqual([2, 1]));
    dialed.last().connection.send(new Uint8Array(50));
    await eventually(() => expect(accepted.all[1]?.closeReasons).toEqual(["frame of 50 bytes above the bound of 10"]));
    expect(accepted.all[0]?.closeReasons).toEqual([]);
  });
});

describe("refused", () => {
  const outsiders: [string, () => ConnectionOptions, RegExp][] = [
    ["no certificate", () => ({ cert: undefined, key: undefined }), /no certificate/],
    ["an unknown key", () => credentials(stranger), /unknown key/],
    ["an unknown key under a known name", () => credentials(namesake), /unknown key/],
    ["a certificate that the key of a known party signed, for another key", () => credentials(protege), /unknown key/],
    ["TLS 1.2", () => ({ maxVersion: "TLSv1.2", minVersion: "TLSv1.2" }), /unsupported protocol|version/i],
  ];
  it.each(outsiders)("%s", async (_, options, reason) => {
    const { listener, accepted, refused } = await listen();
    await closed(rawTls(listener.port, options()));
    await eventually(() => expect(refused.length).toBe(1));
    expect(refused[0]).toMatch(reason);
    expect(accepted.all).toEqual([]);
    dial(listener.port);
    await eventually(() => expect(accepted.all.length).toBe(1));
    expect(refused.length).toBe(1);
  });

  it("a known certificate without its key", async () => {
    const { listener, accepted, refused } = await listen({
      parties: [{ party: 1, certificatePem: elliptic.certificatePem }],
    });
    await closed(rawTls(listener.port, credentials(pretender)));
    await eventually(() => expect(refused.length).toBe(1));
    expect(refused[0]).toMatch(/bad signature/);
    expect(accepted.all).toEqual([]);
    dial(listener.port, { identity: elliptic });
    await eventually(() => expect(accepted.all.length).toBe(1));
  });

  it.each([
    ["plain text", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["garbage", Buffer.alloc(100_000, 0xa5)],
    ["a broken TLS record", Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 3])],
  ])("%s", async (_, bytes) => {
    const { listener, accepted, refused } = await listen({ limits: { handshakeTimeoutMs: 200 } });
    const socket = rawTcp(listener.port);
    socket.write(bytes);
    await closed(socket);
    await eventually(() => expect(refused.length).toBe(1));
    expect(accepted.all).toEqual([]);
  });

  it("a connection that its peer resets in the handshake", async () => {
    const { listener, refused } = await listen();
    const socket = rawTcp(listener.port);
    await once(socket, "connect");
    socket.resetAndDestroy();
    await eventually(() => expect(refused.length).toBe(1));
  });

  it("no cipher of TLS 1.3 is, and AES-128 comes first", async () => {
    const { listener } = await listen();
    const others = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
    for (const offered of [[...others, "TLS_AES_128_GCM_SHA256"], ...others.map((one) => [one])]) {
      const socket = rawTls(listener.port, { ciphers: offered.join(":") });
      await once(socket, "secureConnect");
      expect(socket.getCipher().name).toBe(offered.at(-1));
      socket.destroy();
    }
  });

  it("resumption: each connection proves its key anew", async () => {
    const { listener, accepted } = await listen();
    const first = rawTls(listener.port);
    const sessions: Buffer[] = [];
    first.on("session", (session: Buffer) => sessions.push(session));
    first.resume();
    await eventually(() => expect([sessions.length > 0, accepted.all.length]).toEqual([true, 1]));
    const second = rawTls(listener.port, { session: sessions[0] });
    await once(second, "secureConnect");
    expect(second.isSessionReused()).toBe(false);
  });

  it("what the acceptor does not want, without a word to it", async () => {
    const { listener, refused } = await listen({ accept: () => undefined });
    await closed(rawTls(listener.port));
    await eventually(() => expect(refused).toEqual(["not accepted"]));
  });

  it("a listener for two peers with the same key", async () => {
    const parties = [party, renewed].map(({ certificatePem }, index) => ({ party: index + 1, certificatePem }));
    await expect(listen({ parties })).rejects.toThrow("two peers share the key");
  });
});

const NO_REPLICA = "something that does not speak TLS 1.3 as a replica does listens there";

describe("a dialer", () => {
  it.each([
    ["a stranger", () => stranger],
    ["another party of the group", () => party],
  ])("does not talk to %s at the party's address", async (_, impostor) => {
    const { listener } = await listen({ identity: impostor() });
    const { dialed, failures } = dial(listener.port);
    await eventually(() => expect(failures.length).toBeGreaterThan(1));
    expect(dialed.all).toEqual([]);
  });

  it("does not talk to who has the party's certificate and not its key", async () => {
    const { listener } = await listen({ identity: pretender });
    const { dialed, failures } = dial(listener.port, { certificatePem: elliptic.certificatePem });
    await eventually(() => expect(failures.length).toBeGreaterThan(1));
    expect(failures[0]).toMatch(/bad signature/);
    expect(dialed.all).toEqual([]);
  });

  it("does not talk to a stranger with the party's name", async () => {
    const { listener } = await listen({ identity: namesake });
    const { dialed, failures } = dial(listener.port, { certificatePem: party.certificatePem });
    await eventually(() => expect(failures.length).toBeGreaterThan(1));
    expect(dialed.all).toEqual([]);
  });

  it("does not talk TLS 1.2", async () => {
    const old = createTlsServer({ ...credentials(server), maxVersion: "TLSv1.2", minVersion: "TLSv1.2" });
    old.on("tlsClientError", (_, socket) => socket.on("error", () => undefined));
    old.listen(0, HOST);
    await once(old, "listening");
    opened.push(() => old.close());
    const { dialed, failures } = dial((old.address() as { port: number }).port);
    await eventually(() => expect(failures.length).toBeGreaterThan(0));
    expect(dialed.all).toEqual([]);
    expect(failures[0]).toBe(NO_REPLICA);
  });

  it.each([
    ["HTTP", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
    ["SSH", "SSH-2.0-OpenSSH_9.6\r\n"],
  ])("says so in one line when %s is spoken at the party's address", async (_, greeting) => {
    const other = createTcpServer((socket) => socket.on("error", () => undefined).end(greeting));
    other.listen(0, HOST);
    await once(other, "listening");
    opened.push(() => other.close());
    const { failures } = dial((other.address() as { port: number }).port);
    await eventually(() => expect(failures.length).toBeGreaterThan(0));
    expect(failures[0]).toBe(NO_REPLICA);
  });

  it("gives up an attempt that gets no answer, and tries again", async () => {
    const sockets: Socket[] = [];
    const mute = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined);
    });
    mute.listen(0, HOST);
    await once(mute, "listening");
    opened.push(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    const { failures } = dial((mute.address() as { port: number }).port, { limits: { connectTimeoutMs: 50 } });
    await eventually(() => expect(failures.length).toBeGreaterThan(1));
    expect(failures[0]).toBe("no connection within 50 ms");
    expect(sockets.length).toBeGreaterThan(1);
  });

  it("connects to a server that comes up later, and again after each restart", async () => {
    const port = await reservePorts(1);
    const { dialed, failures } = dial(port);
    await eventually(() => expect(failures.length).toBeGreaterThan(2));
    expect(failures[0]).toMatch(/ECONNREFUSED/);
    for (let restart = 1; restart <= 3; restart++) {
      const { listener, accepted } = await listen({ port });
      await eventually(() => expect([dialed.all.length, accepted.all.length]).toEqual([restart, 1]));
      dialed.last().connection.send(Uint8Array.of(restart));
      await eventually(() => expect(accepted.last().frames).toEqual([Uint8Array.of(restart)]));
      await listener.close();
      await eventually(() => expect(dialed.last().closeReasons.length).toBe(1));
    }
    expect(dialed.all.map((end) => end.closeReasons.length)).toEqual([1, 1, 1]);
  });

  it("connects again when its connection is reset", async () => {
    const { far, dialed } = await pair();
    (far.connection as unknown as { abort(reason: string): void }).abort("test");
    await eventually(() => expect(dialed.all.length).toBe(2));
    expect(far.closeReasons).toEqual(["test"]);
  });

  it("does not come back after close, also when closed from within a handler", async () => {
    const { listener, accepted } = await listen();
    const { dialer, dialed } = dial(listener.port);
    await eventually(() => expect(dialed.all.length).toBe(1));
    dialed.last().onClose = () => dialer.close();
    await eventually(() => expect(accepted.all.length).toBe(1));
    accepted.last().connection.close();
    await eventually(() => expect(accepted.last().closeReasons.length).toBe(1));
    expect(dialed.all.length).toBe(1);
  });
});

describe("a party is known by its key, whatever else its certificate says:", () => {
  it.each([
    ["renewed", () => renewed],
    ["expired", () => expired],
    ["not valid yet", () => future],
    ["with another party's name", () => renamed],
    ["with a signature that does not verify", () => missigned],
    ["signed by a stranger", () => issued],
  ])("%s", async (_, other) => {
    const identity = other();
    expect(identity.certificatePem).not.toBe(party.certificatePem);
    // Both ends pin party 1's first certificate: it is once who dials, once who listens.
    const { accepted, near } = await pair({}, { identity });
    expect(accepted.last().connection.peer).toEqual({ kind: "party", party: 1 });
    const asServer = await pair({ identity }, { party: 1, certificatePem: party.certificatePem, identity: client });
    asServer.far.connection.send(Uint8Array.of(7));
    await eventually(() => expect(asServer.near.frames).toEqual([Uint8Array.of(7)]));
    expect(near.closeReasons).toEqual([]);
  });

  it("the one pinned may be renewed as well", async () => {
    await pair({ parties: [{ party: 1, certificatePem: expired.certificatePem }] });
  });

  it("in a connection from the next one on, when it is renewed while connections are open", async () => {
    const parties = [{ party: 2, certificatePem: client.certificatePem }];
    const { listener } = await listen({ identity: party, parties, clients: [] });
    const shown = async (): Promise<string | undefined> => {
      const socket = rawTls(listener.port, credentials(client)).resume();
      await once(socket, "secureConnect");
      return socket.getPeerX509Certificate()?.toString();
    };
    expect(await shown()).toBe(new X509Certificate(party.certificatePem).toString());
    const open = dial(listener.port, { identity: client, certificatePem: party.certificatePem });
    await eventually(() => expect(open.dialed.all.length).toBe(1));
    listener.present(renewed);
    expect(await shown()).toBe(new X509Certificate(renewed.certificatePem).toString());
    expect(open.dialed.last().closeReasons).toEqual([]);
    // Still nobody but whose key is pinned.
    const outsider = rawTls(listener.port, credentials(stranger));
    await closed(outsider);
    expect(() => listener.present({ ...renewed, privateKeyPem: stranger.privateKeyPem })).toThrow();
    expect(await shown()).toBe(new X509Certificate(renewed.certificatePem).toString());
  });

  it("a key that nobody can write down is nobody's", () => {
    const certificate = new X509Certificate(withUnknownKey(party.certificatePem));
    expect(() => certificate.publicKey).toThrow();
    expect(provedPin({ getPeerX509Certificate: () => certificate })).toBeUndefined();
  });
});

describe("bounds", () => {
  it("drop a connection that never finishes the handshake", async () => {
    const { listener, refused } = await listen({ limits: { handshakeTimeoutMs: 50 } });
    await closed(rawTcp(listener.port));
    await eventually(() => expect(refused.length).toBe(1));
    expect(refused[0]).toMatch(/timeout/i);
  });

  it("cost no memory for frames that are announced and never sent", async () => {
    const { listener, accepted } = await listen({ limits: { maxConnectionsPerPeer: 50 } });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 50; i++) rawTls(listener.port).write(Uint8Array.of(0, 0x40, 0, 0, 1));
    await eventually(() => expect(accepted.all.length).toBe(50));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MIB);
  });

  it("hold under a flood, and an honest peer still gets in", async () => {
    const { listener, accepted, refused } = await listen({ limits: { maxHandshakes: 16, handshakeTimeoutMs: 60_000 } });
    const flood = Array.from({ length: 200 }, () => rawTcp(listener.port));
    await eventually(() => expect(refused.length).toBe(200 - 16));
    dial(listener.port);
    await eventually(() => expect(accepted.all.length).toBe(1));
    await eventually(() => expect(flood.filter((socket) => !socket.destroyed).length).toBeLessThanOrEqual(16));
    expect(new Set(refused)).toEqual(new Set(["too many connections in the handshake"]));
  });

  it("replace a peer's oldest connection by its newest", async () => {
    const { listener, accepted } = await listen({ limits: { maxConnectionsPerPeer: 2 } });
    for (let i = 1; i <= 3; i++) {
      rawTls(listener.port).resume();
      await eventually(() => expect(accepted.all.length).toBe(i));
    }
    await eventually(() => expect(accepted.all[0]?.closeReasons).toEqual(["replaced by a newer connection"]));
    expect(accepted.all.slice(1).map((end) => end.closeReasons)).toEqual([[], []]);
  });

  it("count all clients together, give places back, and never touch a party's", async () => {
    const { listener, accepted, refused } = await listen({ limits: { maxClientConnections: 1 } });
    const first = rawTls(listener.port, credentials(client));
    await eventually(() => expect(accepted.all.length).toBe(1));
    await closed(rawTls(listener.port, credentials(client)));
    await eventually(() => expect(refused).toEqual(["too many client connections"]));
    rawTls(listener.port).resume();
    await eventually(() => expect(accepted.all.length).toBe(2));
    first.destroy();
    await eventually(() => expect(accepted.all[0]?.closeReasons.length).toBe(1));
    rawTls(listener.port, credentials(client)).resume();
    await eventually(() => expect(accepted.all.length).toBe(3));
  });
});

describe("back-pressure", () => {
  it("stops the sender while the receiver is paused, and everything arrives in order after", async () => {
    const { near, far } = await pair({}, { limits: { sendBufferBytes: 256 * KIB } });
    far.connection.pause();
    let sent = 0;
    const fill = (): void => {
      while (near.connection.send(numbered(sent++, 64 * KIB)));
    };
    // The first refusals only fill the kernel's buffers; in the end the send buffer stays full.
    let writable = -1;
    while (writable !== near.writable) {
      writable = near.writable;
      fill();
      await vi.waitFor(() => expect(near.writable).toBeGreaterThan(writable), { timeout: 1000 }).catch(() => undefined);
    }
    const stuckAt = sent;
    expect(stuckAt * 64 * KIB).toBeLessThan(64 * MIB);
    expect(far.frames.length).toBeLessThan(stuckAt);
    far.connection.resume();
    await eventually(() => expect(near.writable).toBeGreaterThan(writable));
    while (sent < stuckAt + 500) near.connection.send(numbered(sent++, 4 + (sent % 1000)));
    await eventually(() => expect(far.frames.length).toBe(sent));
    far.frames.forEach((frame, index) => expect(Buffer.from(frame).readUInt32BE()).toBe(index));
  });

  it("tells of room exactly once for each time it was refused", async () => {
    const { near, far } = await pair({}, { limits: { sendBufferBytes: 1 } });
    for (let round = 1; round <= 20; round++) {
      expect(near.connection.send(new Uint8Array(round))).toBe(false);
      await eventually(() => expect(near.writable).toBe(round));
    }
    await eventually(() => expect(far.frames.length).toBe(20));
  });

  it("ends a connection whose sender does not heed it", async () => {
    const { near, far } = await pair({}, { limits: { sendBufferBytes: 64 * KIB } });
    far.connection.pause();
    for (let i = 0; i < 1000; i++) near.connection.send(new Uint8Array(64 * KIB));
    await eventually(() => expect(near.closeReasons.length).toBe(1));
    expect(near.closeReasons[0]).toMatch(/overrun/);
  });

  it("does not let a peer that says goodbye and takes nothing keep the socket", async () => {
    const { listener, accepted } = await listen({ limits: { lingerMs: 50 } });
    const socket = rawTls(listener.port);
    await eventually(() => expect(accepted.all.length).toBe(1));
    while (accepted.last().connection.send(new Uint8Array(MIB)));
    socket.pause();
    socket.end();
    await eventually(() => expect(accepted.last().closeReasons).toEqual(["closed by the peer"]));
  });

  it("does not let a paused peer hold up a close", async () => {
    const { near, far, dialer } = await pair({}, { limits: { lingerMs: 50 } });
    far.connection.pause();
    while (near.connection.send(new Uint8Array(MIB)));
    dialer.close();
    await eventually(() => expect(near.closeReasons).toEqual(["closed here"]));
    far.connection.resume();
    await eventually(() => expect(far.closeReasons.length).toBe(1));
  });
});

describe("a listener", () => {
  it("names host and port when it cannot listen", async () => {
    const { listener } = await listen();
    await expect(listen({ port: listener.port })).rejects.toThrow(
      `cannot listen on ${HOST}:${listener.port}: EADDRINUSE`,
    );
  });

  it("may be closed by its own acceptor", async () => {
    const closing: Promise<void>[] = [];
    const held: End[] = [];
    const { listener } = await listen({
      accept: (connection) => {
        closing.push(listener.close());
        const end = new End(connection);
        held.push(end);
        return end;
      },
    });
    const { dialer } = dial(listener.port);
    await eventually(() => expect(closing.length).toBe(1));
    await Promise.all(closing);
    expect(held.map((end) => end.closeReasons)).toEqual([["listener closed"]]);
    dialer.close();
  });

  it("closes its connections and gives the port back", async () => {
    const { listener, near, far } = await pair();
    rawTcp(listener.port);
    await Promise.all([listener.close(), listener.close()]);
    expect(far.closeReasons).toEqual(["listener closed"]);
    await eventually(() => expect(near.closeReasons).toEqual(["closed by the peer"]));
    const again: Listener = (await listen({ port: listener.port })).listener;
    expect(again.port).toBe(listener.port);
  });
});

describe("a process", () => {
  it("exits by itself once its listener and dialers are closed, whatever was under way", async () => {
    const active = (kind: RegExp): number => process.getActiveResourcesInfo().filter((name) => kind.test(name)).length;
    const before = { sockets: active(/TCP|TLS/), timers: active(/Timeout|Immediate/) };
    const { listener, near } = await pair();
    const nobody = await listen();
    await nobody.listener.close();
    const waiting = dial(nobody.listener.port);
    await eventually(() => expect(waiting.failures.length).toBeGreaterThan(1));
    const connecting = dial(listener.port);
    near.connection.send(new Uint8Array(MIB));
    for (const close of opened.splice(0).toReversed()) await close();
    connecting.dialer.close();
    while (active(/TCP|TLS/) > before.sockets) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(active(/Timeout|Immediate/)).toBeLessThanOrEqual(before.timers);
  });
});
