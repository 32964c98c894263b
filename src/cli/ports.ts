/** Ports of 127.0.0.1 for a cluster that a program makes, runs and clears away: the demo's, a benchmark's, a test's. */
import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

/** Below the ports that systems give to outgoing connections, so that none of these is taken while the cluster runs. */
const FIRST_PORT = 10_240;
const END_PORT = 32_000;
const BLOCK_PORTS = 80;
const BLOCKS = Math.floor((END_PORT - FIRST_PORT) / BLOCK_PORTS);
const ATTEMPTS = 1_000;

/** At most so many ports can be reserved at once: a block's, but for the one that reserves it. */
export const MAX_RESERVED_PORTS = BLOCK_PORTS - 1;

/** So that they are neither closed nor collected before the process ends. */
const reservations: Server[] = [];

/**
 * The first of `count` neighbouring ports that nobody else uses or is given by this function for as long as this process
 * lives, even while the replicas on them are down. Ports are dealt in blocks; who listens on a block's first port has the
 * block. A process that merely looked for free ports would race with every other that does.
 *
 * @throws RangeError if more than MAX_RESERVED_PORTS are asked for, Error if no block is free
 */
export async function reservePorts(count: number): Promise<number> {
  if (count > MAX_RESERVED_PORTS) throw new RangeError(`${count} ports: at most ${MAX_RESERVED_PORTS} can be reserved`);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const block = FIRST_PORT + BLOCK_PORTS * randomInt(BLOCKS);
    const reservation = await listen(block);
    if (reservation === undefined) continue;
    const probes = await Promise.all(Array.from({ length: count }, (_, index) => listen(block + 1 + index)));
    const free = probes.filter((server) => server !== undefined);
    await Promise.all(free.map(close));
    if (free.length < count) {
      await close(reservation);
      continue;
    }
    reservation.unref();
    reservations.push(reservation);
    return block + 1;
  }
  throw new Error(`no ${count} neighbouring ports of 127.0.0.1 between ${FIRST_PORT} and ${END_PORT} are free`);
}

/** Undefined if the port is taken. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
