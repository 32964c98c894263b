/** What people see on a terminal: progress that replaces itself and goes away. Through a pseudo-terminal of python3. */
import { spawnSync } from "node:child_process";
import { existsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { requireTool } from "../support/tools.js";
import { lastingDirectory } from "./run-cli.js";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));

/** Runs its arguments on a terminal of 80 columns, passes on what they print and ends as they do. */
const ON_TERMINAL = `
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 80, 0, 0))
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** Runs its arguments on a terminal until they have said the first of them, and says what a terminal says that goes away. */
const LOSING_TERMINAL = `
import os, pty, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
said = b""
while sys.argv[1].encode() not in said:
    said += os.read(terminal, 65536)
os.kill(pid, signal.SIGHUP)
try:
    while os.read(terminal, 65536):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

function onTerminal(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", ON_TERMINAL, process.execPath, BIN, ...args], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return { status, output: stdout };
}

const CLEAR = "\r\x1b[2K";

describe.runIf(requireTool("python3"))("on a terminal", () => {
  const work = lastingDirectory();
  afterAll(() => work.remove());
  const cluster = join(work.path, "cluster");

  it("abcast init shows what it does for how long, on one line that is gone afterwards", () => {
    const { status, output } = onTerminal("init", "--n", "1", "--out", cluster);
    expect(status).toBe(0);
    const shown = output.slice(0, output.indexOf("made cluster")).split(CLEAR);
    expect(shown.length).toBeGreaterThan(2);
    expect([shown.at(0), shown.at(-1)]).toEqual(["", ""]);
    for (const line of shown.slice(1, -1)) expect(line).toMatch(/^making keys: .+ … \d+\.\d s$/);
    expect(shown.some((line) => line.includes("safe primes"))).toBe(true);
    expect(existsSync(join(cluster, "public.json"))).toBe(true);
  });

  it("a replica ends in order when the terminal is gone", () => {
    const party = join(cluster, "party-0");
    const args = ["-c", LOSING_TERMINAL, "serving on", process.execPath, BIN, "node", party];
    const { status, stderr } = spawnSync("python3", args, { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    expect(existsSync(join(party, "node.pid"))).toBe(false);
  });

  it("a long document is hashed behind a bar, unless JSON is asked for", () => {
    const document = join(work.path, "long");
    writeFileSync(document, "");
    truncateSync(document, 300 * 1024 * 1024);
    const verify = ["verify", document, join(cluster, "receipt-key.pem"), "--public", join(cluster, "public.json")];
    const { status, output } = onTerminal(...verify);
    expect(output).toMatch(/hashing \[[^\]]+\] \d+% of 300 MiB/);
    expect(output).toContain("receipt-key.pem is no receipt: ");
    expect(status).toBe(1);
    expect(JSON.parse(onTerminal(...verify, "--json").output)).toMatchObject({ valid: false });
  });

  it("an error stands on a line of its own", () => {
    const { status, output } = onTerminal("init", "--n", "3", "--t", "1", "--out", join(work.path, "other"));
    expect(output).toMatch(/^abcast: --t: n=3 parties cannot tolerate .*\r\n$/);
    expect(status).toBe(2);
  });
});
