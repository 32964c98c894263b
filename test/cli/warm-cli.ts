/** Processes that run one command line after the other (test/support/warm-cli.mjs), as many as there are lines at a time. */
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Finished } from "./run-cli.js";

const PROGRAM = fileURLToPath(new URL("../support/warm-cli.mjs", import.meta.url));

export interface Line {
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** `init` needs not search any. */
  readonly knownPrimes: boolean;
}

/** They go when this process does, which is their channel's other end. */
const idle: ChildProcess[] = [];

export async function runWarm(line: Line): Promise<Finished> {
  const child = idle.pop() ?? (await start());
  const mark = `\0${randomUUID()}\0`;
  const said = Promise.all([upTo(mark, child.stdout), upTo(mark, child.stderr)]);
  // A line may end its process, too.
  const code = new Promise<number | null>((resolve) => {
    const listeners = {
      message: (message: unknown) => end(Number(message)),
      close: (status: number | null) => end(status),
    };
    const end = (status: number | null): void => {
      child.off("message", listeners.message).off("close", listeners.close);
      resolve(status);
    };
    child.on("message", listeners.message).on("close", listeners.close);
  });
  child.send({ ...line, mark });
  const [stdout, stderr] = await said;
  const finished = { code: await code, stdout, stderr };
  if (child.connected) idle.push(child);
  return finished;
}

async function start(): Promise<ChildProcess> {
  const child = fork(PROGRAM, { stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv: [] });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8");
  await once(child, "message");
  return child;
}

/** What comes before the mark, or all when the stream ends without one. */
function upTo(mark: string, stream: Readable | null): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const end = (): void => {
      stream?.off("data", take).off("end", end);
      resolve(text.endsWith(mark) ? text.slice(0, -mark.length) : text);
    };
    const take = (chunk: string): void => {
      text += chunk;
      if (text.endsWith(mark)) end();
    };
    stream?.on("data", take).on("end", end);
  });
}
