/**
 * A process that emulates wide-area links: TCP proxies, one for each directed link, that hand on what they take after a delay. What
 * TCP makes of jitter and loss is emulated, since no packet is ever lost here: bytes stay in order, and who waits for a
 * repetition holds up all that comes after it. Started by links.mjs, as a child.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Bytes of a TCP segment on Ethernet. */
const SEGMENT_BYTES = 1448;
/** From so many segments on three duplicate acknowledgements follow a loss (RFC 5681, section 3.2), which takes a round trip. */
const FAST_RETRANSMIT_SEGMENTS = 4;
/** Else a timer has to run out: Linux's least, TCP_RTO_MIN. */
const MIN_TIMEOUT_MS = 200;
/** What one direction of a connection may hold before its sender has to wait. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** Of a stream from `source` to `target`, what arrives when. */
function carry(source, target, { delayMs, jitter, loss }) {
  const queue = [];
  let heldBytes = 0;
  let lastMs = 0;
  let timer;
  const stallMs = (bytes) => {
    const segments = Math.ceil(bytes / SEGMENT_BYTES);
    if (Math.random() >= 1 - (1 - loss) ** segments) return 0;
    return 2 * delayMs + (segments >= FAST_RETRANSMIT_SEGMENTS ? 0 : MIN_TIMEOUT_MS);
  };
  const deliver = () => {
    timer = undefined;
    const nowMs = performance.now();
    while (queue.length > 0 && queue[0].atMs <= nowMs) {
      const { data } = queue.shift();
      heldBytes -= data.length;
      target.write(data);
    }
    if (heldBytes < MAX_HELD_BYTES / 2) source.resume();
    if (queue.length > 0) timer = setTimeout(deliver, queue[0].atMs - nowMs);
  };
  source.on("data", (data) => {
    const ownMs = performance.now() + delayMs * (1 + jitter * Math.random()) + stallMs(data.length);
    lastMs = Math.max(lastMs, ownMs);
    queue.push({ data, atMs: lastMs });
    heldBytes += data.length;
    if (heldBytes > MAX_HELD_BYTES) source.pause();
    timer ??= setTimeout(deliver, lastMs - performance.now());
  });
  source.on("close", () => clearTimeout(timer));
}

/** The port at which the link to `port` begins. */
async function open({ port, ...link }) {
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.setNoDelay(true).on("error", end).on("close", end);
    carry(near, far, link);
    carry(far, near, link);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

process.on("message", async (links) => process.send(await Promise.all(links.map(open))));
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole group; who started this one ends it.
process.on("SIGINT", () => undefined);
