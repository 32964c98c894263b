/**
 * Keeps two processes from writing one store: each would take what the other writes for what a crash has left. Whoever writes listens on a
 * socket in the store, which the system closes with the process, however that ends; a socket at which nobody listens was left
 * behind. It holds between containers that share a volume, on one machine.
 */
import { closeSync, openSync, rmSync } from "node:fs";
import { type Server, connect, createServer } from "node:net";
import { join } from "node:path";
import { StorageError, failed } from "./errors.js";

const NAME = "lock";

export interface StoreLock {
  close(): Promise<void>;
}

/** @throws StorageError when another process has the store */
export async function lockStore(directory: string): Promise<StoreLock> {
  // The address of a socket is short, the path of a directory may be long.
  const handle = process.platform === "linux" ? openDirectory(directory) : undefined;
  const path = join(handle === undefined ? directory : `/proc/self/fd/${handle}`, NAME);
  try {
    return lockOf((await listenAt(path)) ?? (await takeOver(directory, path)), directory);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function openDirectory(directory: string): number {
  try {
    return openSync(directory, "r");
  } catch (error) {
    throw failed(directory, "locking the store", error);
  }
}

/** Undefined when there is such a socket already. */
function listenAt(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(failed(path, "locking the store", error));
    });
    server.listen(path, () => resolve(server));
  });
}

async function takeOver(directory: string, path: string): Promise<Server> {
  if (!(await isListening(path))) {
    rmSync(path, { force: true });
    const server = await listenAt(path);
    if (server !== undefined) return server;
  }
  throw new StorageError(`${directory}: another process writes this store; stop it first`);
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

/** The server forgets the path at which it listened, which is gone: so the socket is removed here. */
function lockOf(server: Server, directory: string): StoreLock {
  server.unref();
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          rmSync(join(directory, NAME), { force: true });
          resolve();
        });
      }),
  };
}
