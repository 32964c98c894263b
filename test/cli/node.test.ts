/** Starting and stopping replicas: what is refused, and what a crash, a race or a stray signal must not do. */
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kill, stopParty } from "../../src/cli/launch.js";
import { isAlive, runningProcess, writePidFile } from "../../src/cli/pid-file.js";
import { formatFile, publicSchema } from "../../src/replica/config.js";
import { loadPublic } from "../../src/replica/config-files.js";
import { LocalCluster } from "./local-cluster.js";
import { otherCluster } from "./other-cluster.js";
import { runCli, runLine, temporaryDirectory } from "./run-cli.js";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));

const cluster = new LocalCluster();
let foreign: string;
afterAll(() => cluster.remove());
beforeAll(async () => {
  await cluster.init();
  foreign = formatFile(publicSchema, await otherCluster(await loadPublic(cluster.publicFile)));
});

const port = (party: number): number =>
  (JSON.parse(readFileSync(join(cluster.party(party), "config.json"), "utf8")) as { listen: { port: number } }).listen
    .port;

/** A copy of party 1's directory, to be spoiled. */
function copyOfParty(): string {
  const directory = join(temporaryDirectory(), "party-1");
  cpSync(cluster.party(1), directory, { recursive: true });
  return directory;
}

describe("abcast node refuses", () => {
  it.each<[string, (directory: string) => void, (directory: string) => string]>([
    [
      "a missing store, rather than to begin an empty one",
      (directory) => rmSync(join(directory, "store"), { recursive: true }),
      (directory) => `${directory}/store: the store is missing. A party that lost its store counts as corrupted`,
    ],
    [
      "the store of another party",
      (directory) => {
        rmSync(join(directory, "store"), { recursive: true });
        cpSync(join(cluster.party(2), "store"), join(directory, "store"), { recursive: true });
      },
      (directory) => `${directory}/store: the store belongs to party 2 of cluster `,
    ],
    [
      "a store that was cut off",
      (directory) => truncateSync(join(directory, "store/store.mdb"), 5000),
      (directory) => `${directory}/store/store.mdb: it is no database: the store is damaged`,
    ],
    [
      "a store that was overwritten",
      (directory) => writeFileSync(join(directory, "store/store.mdb"), Buffer.alloc(65536, "x")),
      (directory) => `${directory}/store/store.mdb: it is no database: the store is damaged`,
    ],
    [
      "a key file that is no JSON",
      (directory) => writeFileSync(join(directory, "keys.json"), "{\0"),
      (directory) => `${directory}/keys.json: not JSON`,
    ],
    [
      "a key file with a damaged key",
      (directory) => {
        const file = join(directory, "keys.json");
        writeFileSync(file, readFileSync(file, "utf8").replace(/"cosigning": "...../, '"cosigning": "!!!!!'));
      },
      (directory) => `${directory}/keys.json: cosigning: must be 32 bytes in base64`,
    ],
    [
      "a key file that others may read",
      (directory) => chmodSync(join(directory, "keys.json"), 0o644),
      (directory) => `${directory}/keys.json: holds secret keys but others may access it (mode 644); run: chmod 600 `,
    ],
    [
      "the public file of another cluster",
      (directory) => writeFileSync(join(directory, "public.json"), foreign),
      (directory) =>
        `${directory}/keys.json: signing: does not belong to the public key in public.json: one of the two is of another party or cluster`,
    ],
    [
      "a public file with a key of another cluster",
      (directory) => {
        const file = join(directory, "public.json");
        const own = JSON.parse(readFileSync(file, "utf8")) as { keys: object };
        const { keys } = JSON.parse(foreign) as { keys: { signing: unknown } };
        writeFileSync(file, JSON.stringify({ ...own, keys: { ...own.keys, signing: keys.signing } }));
      },
      (directory) => `${directory}/public.json: cluster: does not name these keys and settings`,
    ],
    [
      "an address that this machine does not have",
      (directory) => {
        const file = join(directory, "config.json");
        writeFileSync(file, readFileSync(file, "utf8").replace("127.0.0.1", "192.0.2.1"));
      },
      (directory) =>
        `${directory}/config.json: listen: cannot listen on 192.0.2.1:${port(1)}: this machine has no such address`,
    ],
    [
      "a directory that is no party's",
      (directory) => rmSync(join(directory, "config.json")),
      (directory) => `${directory}/config.json: no such file or directory`,
    ],
  ])("%s", async (_, spoil, message) => {
    const directory = copyOfParty();
    spoil(directory);
    const { code, stderr } = await runLine(["node", directory]);
    expect(stderr).toContain(`abcast: ${message(directory)}`);
    expect(code).toBe(2);
    expect(existsSync(join(directory, "node.pid"))).toBe(false);
  });

  it("a cluster's directory, and names a party's, as abcast log does", async () => {
    for (const command of ["node", "log"]) {
      const { code, stderr } = await runCli([command, cluster.directory]);
      expect(stderr).toContain(
        `abcast: ${cluster.directory}: is a cluster's directory; name a party's directory, such as ${cluster.party(0)}\n`,
      );
      expect(code).toBe(2);
    }
  });

  it("a port that another program has, and names it", async () => {
    const other = await listen(port(1));
    // As if the other were the party's own first process, and writing: to whoever opened the log this would be a crash's.
    const log = join(cluster.party(1), "store", "log", "0000000000000001.log");
    appendFileSync(log, "half a record");
    const { size } = statSync(log);
    try {
      const { code, stderr } = await runCli(["node", cluster.party(1)]);
      expect(stderr).toContain(
        `${cluster.party(1)}/config.json: listen: cannot listen on 127.0.0.1:${port(1)}: the port is in use; to move, change listen.port here and parties[1].port in every public.json`,
      );
      expect(code).toBe(2);
      expect(existsSync(join(cluster.party(1), "node.pid"))).toBe(false);
      expect(statSync(log).size).toBe(size);
    } finally {
      other.close();
    }
  });
});

describe("abcast up and down", () => {
  it("start what can start, name what cannot, and leave nothing behind", async () => {
    const other = await listen(port(1));
    try {
      const { code, stdout, stderr } = await runCli(["up", cluster.directory]);
      expect(stdout).toBe("");
      expect(stderr).toContain("1 of 4 replicas did not start; those that did go on:");
      expect(stderr).toContain(`${cluster.party(1)}: `);
      expect(stderr).toContain(`cannot listen on 127.0.0.1:${port(1)}: the port is in use`);
      expect(stderr).not.toContain(`${cluster.party(2)}: `);
      expect(code).toBe(2);
      expect(cluster.processes()).toHaveLength(3);
    } finally {
      other.close();
    }
    expect((await cluster.ok("up", cluster.directory)).match(/runs already/g)).toHaveLength(3);
    await cluster.ok("down", cluster.directory);
    expect(cluster.processes()).toEqual([]);
    const names = readdirSync(cluster.party(1)).sort();
    expect(names).toEqual([
      "config.json",
      "documents.mdb",
      "documents.mdb-lock",
      "keys.json",
      "node.log",
      "public.json",
      "store",
      "tlog",
    ]);
  });

  it("agree when two start a cluster at the same time", async () => {
    const runs = await Promise.all([runCli(["up", cluster.directory]), runCli(["up", cluster.directory])]);
    // On a slow machine it says besides what it waits for.
    const unexpected = (stderr: string): string[] =>
      stderr.split("\n").filter((line) => line !== "" && !line.startsWith("waiting: a replica replays its log"));
    expect(runs.map(({ code, stderr }) => [code, unexpected(stderr)])).toEqual([
      [0, []],
      [0, []],
    ]);
    expect(cluster.processes()).toHaveLength(4);
    await cluster.ok("down", cluster.directory);
  });

  it("know a cluster by any of its paths", async () => {
    const elsewhere = temporaryDirectory();
    const link = join(elsewhere, "link to cluster");
    symlinkSync(cluster.directory, link);
    const run = (command: string, directory: string, cwd: string) =>
      spawnSync(process.execPath, [BIN, command, directory], { cwd, encoding: "utf8" });
    expect(run("up", "cluster", cluster.work).status).toBe(0);
    expect(run("up", "link to cluster", elsewhere).stdout.match(/runs already/g)).toHaveLength(4);
    expect(run("down", ".", link).stdout.match(/stopped/g)).toHaveLength(4);
    expect(cluster.processes()).toEqual([]);
  });

  it("refuse what is no cluster", async () => {
    const empty = temporaryDirectory();
    for (const command of ["up", "down"]) {
      expect((await runCli([command, empty])).stderr).toContain(`${empty}: has no party-I directories`);
      const gone = await runCli([command, join(empty, "gone")]);
      expect(gone.stderr).toContain("gone: no such file or directory; name a directory that abcast init has made");
      expect(gone.code).toBe(2);
    }
  });
});

describe("a replica's process", () => {
  it("ends in order also when it is told to during its start", async () => {
    for (const delayMs of [0, 40, 200]) {
      const child = spawn(process.execPath, [BIN, "node", cluster.party(0)], { stdio: ["ignore", "pipe", "inherit"] });
      while (!existsSync(join(cluster.party(0), "node.pid"))) await sleep(2);
      await sleep(delayMs);
      child.kill("SIGTERM");
      const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
      expect(code).toBe(0);
      expect(existsSync(join(cluster.party(0), "node.pid"))).toBe(false);
    }
  });

  it("says loudly that it speaks before it has synced, and does so only when told to", async () => {
    const logOf = async (...options: readonly string[]): Promise<string> => {
      const child = spawn(process.execPath, [BIN, "node", ...options, cluster.party(2)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let log = "";
      for await (const text of child.stdout) {
        log += String(text);
        if (log.includes("serving on")) child.kill("SIGTERM");
      }
      return log;
    };
    const warning = "WARNING: --unsafe-speak-before-sync: this replica says what is not on its disk.";
    expect(await logOf("--unsafe-speak-before-sync")).toContain(warning);
    expect(await logOf()).not.toContain("WARNING");
  });

  it("goes on when nobody reads its log any more, and ends in order", async () => {
    const child = spawn(process.execPath, [BIN, "node", cluster.party(0)], { stdio: ["ignore", "pipe", "inherit"] });
    const closed = new Promise<number | null>((resolve) => child.on("exit", resolve));
    await new Promise<void>((resolve) =>
      child.stdout.on("data", (text: Buffer) => text.includes("serving on") && resolve()),
    );
    child.stdout.destroy();
    // Two strangers: the first makes it write to the closed pipe.
    for (let count = 0; count < 2; count++) {
      const stranger = connect(port(0), "127.0.0.1", () => stranger.end("hello"));
      await new Promise((resolve) => stranger.on("close", resolve).resume());
    }
    // It has dealt with the strangers when it serves the one who comes after them.
    await cluster.states(([first]) => first?.state === "active");
    expect(runningProcess(cluster.party(0))).toEqual({ pid: child.pid, serving: true });
    child.kill("SIGTERM");
    expect(await closed).toBe(0);
  });

  it("is not looked for under a number that has become another program's", async () => {
    const directory = cluster.party(3);
    const bystander = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", "/elsewhere/party-3"]);
    try {
      writeFileSync(join(directory, "node.pid"), `${bystander.pid} serving\n`);
      expect(runningProcess(directory)).toBeUndefined();
      expect(await stopParty(directory)).toBeUndefined();
      expect(isAlive(bystander.pid ?? 0)).toBe(true);
      // Nor does the file keep the party from starting.
      await cluster.ok("up", cluster.directory);
      const started = runningProcess(directory);
      expect(started).toMatchObject({ serving: true });
      expect(await stopParty(directory)).toBe(started?.pid);
      await cluster.ok("down", cluster.directory);
    } finally {
      bystander.kill("SIGKILL");
    }
  });

  it("starts where its predecessor, killed, had the same number: a container", async () => {
    const directory = join(temporaryDirectory(), "party-0");
    mkdirSync(directory);
    // The shell's number becomes the node's by exec.
    const script = 'echo "$$ serving" > "$1/node.pid"; exec "$2" "$3" node "$1"';
    cpSync(cluster.party(0), directory, { recursive: true });
    const child = spawn("sh", ["-c", script, "sh", directory, process.execPath, BIN]);
    let stdout = "";
    child.stdout.on("data", (text: Buffer) => {
      stdout += text.toString();
      if (text.includes("serving on")) child.kill("SIGTERM");
    });
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    expect(stdout).toContain("serving on");
    expect(code).toBe(0);
  });

  it("counts as gone when it has ended but nobody has waited for it", async (context) => {
    context.skip(!existsSync("/proc/self/stat"), "there is no /proc to tell from");
    // The parent becomes one that sleeps and never asks for its child. Only then may the child end: a shell would ask.
    const parent = spawn("sh", ["-c", "cat <&3 & echo $!; exec sleep 900"], {
      stdio: ["ignore", "pipe", "ignore", "pipe"],
    });
    try {
      const pid = await new Promise<number>((resolve) =>
        parent.stdout?.once("data", (text: Buffer) => resolve(Number(text.toString()))),
      );
      while (readFileSync(`/proc/${parent.pid}/comm`, "utf8") !== "sleep\n") await sleep(10);
      parent.stdio[3]?.destroy();
      while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) await sleep(10);
      expect(isAlive(pid)).toBe(false);
      await kill(pid, "SIGKILL");
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("leaves the pid file of another process alone", () => {
    const directory = temporaryDirectory();
    writePidFile(directory);
    expect(readFileSync(join(directory, "node.pid"), "utf8")).toBe(`${process.pid} serving\n`);
    // This process was not started on the directory.
    expect(runningProcess(directory)).toBeUndefined();
    expect(readdirSync(directory)).toEqual(["node.pid"]);
  });
});

function listen(number: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(number, "127.0.0.1", () => resolve(server));
  });
}
