import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { MAX_RESERVED_PORTS, reservePorts } from "../../src/cli/ports.js";

const PORTS = fileURLToPath(new URL("../../dist/cli/ports.js", import.meta.url));
const COUNT = 8;

test("nobody is given ports that somebody has, though nothing listens on them yet", async () => {
  const mine = await Promise.all(Array.from({ length: 100 }, () => reservePorts(COUNT)));
  const program = `const { reservePorts } = await import(${JSON.stringify(PORTS)});
    console.log(JSON.stringify(await Promise.all(Array.from({ length: 100 }, () => reservePorts(${COUNT})))));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  const theirs = JSON.parse(output) as readonly number[];
  const all = [...mine, ...theirs].flatMap((first) => Array.from({ length: COUNT }, (_, index) => first + index));
  expect(new Set(all).size).toBe(200 * COUNT);
});

test("the ports that are given can be listened on", async () => {
  const first = await reservePorts(COUNT);
  for (let port = first; port < first + COUNT; port++) {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  }
});

test("more ports than a block has are refused", async () => {
  await expect(reservePorts(MAX_RESERVED_PORTS + 1)).rejects.toThrow("at most 79");
});
