/** Strangers, and one client gone bad, at a replica's ports. Each function returns what ends it. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

const FLOOD_CONNECTIONS = 200;
const SLOW_CONNECTIONS = 30;
const SLOW_BYTE_MS = 150;
const GARBAGE_MS = 40;
/** The beginning of a real TLS 1.3 hello: a handshake record that announces 512 bytes. */
const HELLO = Buffer.from("1603010200010001fc0303", "hex");
const REQUEST = Buffer.from("GET /v1/status HTTP/1.1\r\nHost: replica\r\nX-Slow: ");

/** Opens connections as fast as it can, says nothing, and opens another for each that is closed. */
export function flood(ports) {
  const open = new Set();
  let over = false;
  const another = (port) => {
    if (over) return;
    const socket = connect(port, "127.0.0.1");
    open.add(socket);
    socket
      .on("error", () => undefined)
      .on("close", () => {
        open.delete(socket);
        setTimeout(another, 10, port);
      });
  };
  for (const port of ports) for (let count = 0; count < FLOOD_CONNECTIONS; count++) another(port);
  return () => {
    over = true;
    for (const socket of open) socket.destroy();
  };
}

/** Many connections that begin well and then say a byte now and then. */
export function slowLoris({ port, httpPort }) {
  const ends = [];
  for (const [to, beginning] of [
    [port, HELLO],
    [httpPort, REQUEST],
  ])
    for (let count = 0; count < SLOW_CONNECTIONS; count++) {
      const socket = connect(to, "127.0.0.1", () => socket.write(beginning)).on("error", () => undefined);
      const trickle = setInterval(() => socket.writable && socket.write("a"), SLOW_BYTE_MS);
      ends.push(() => {
        clearInterval(trickle);
        socket.destroy();
      });
    }
  return () => ends.forEach((end) => end());
}

/** Bytes that mean nothing, on both ports; and, over TLS with a client's real key, frames that mean nothing. */
export function garbage({ port, httpPort }, clientFile, random) {
  const { tlsPrivateKey, public: cluster, client } = JSON.parse(readFileSync(clientFile, "utf8"));
  const identity = { cert: cluster.clients[client].certificate, key: tlsPrivateKey };
  const noise = (size) => Buffer.from(Array.from({ length: size }, () => random.below(256)));
  const frame = (bytes) => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(bytes.length);
    return Buffer.concat([header, bytes]);
  };
  const messages = [
    () => noise(1 + random.below(2000)),
    () => frame(noise(1 + random.below(300))),
    () => frame(Buffer.alloc(0)),
    // More than anybody may send.
    () => Buffer.from([255, 255, 255, 255, 1]),
  ];
  const open = new Set();
  const keep = (socket) => {
    open.add(socket);
    socket.on("error", () => undefined).on("close", () => open.delete(socket));
  };
  const timer = setInterval(() => {
    const bytes = messages[random.below(messages.length)]();
    const raw = connect(random.below(2) === 0 ? port : httpPort, "127.0.0.1", () => raw.end(bytes));
    keep(raw);
    const options = { ...identity, port, host: "127.0.0.1", rejectUnauthorized: false, minVersion: "TLSv1.3" };
    const secured = connectTls(options, () => secured.end(bytes));
    keep(secured);
  }, GARBAGE_MS);
  return () => {
    clearInterval(timer);
    for (const socket of open) socket.destroy();
  };
}
