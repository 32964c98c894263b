/** The tests of the deployment rest on these: they must find what is wrong. */
import { expect, test } from "vitest";
import { abcastLines, abcastProblem, abcastProblems, simpleCommands } from "./command-lines.js";

test("shell text is taken apart into simple commands", () => {
  const shell = [
    "(umask 077; head -c 24 /dev/urandom | base64 > secret)   # why",
    "cat > file <<'EOF'",
    "not a command",
    "EOF",
    "ID=$(node -p 'a(\"b\")') # x",
    "for NAME in a b; do abcast up $NAME --json; done",
    "A=b sudo -u abcast abcast log \\",
    "  dir >> out",
  ].join("\n");
  expect(simpleCommands(shell)).toEqual([
    ["umask", "077"],
    ["head", "-c", "24", "/dev/urandom"],
    ["base64"],
    ["cat"],
    ["node", "-p", 'a("b")'],
    ["abcast", "up", "$NAME", "--json"],
    ["sudo", "-u", "abcast", "abcast", "log", "dir"],
  ]);
  expect(abcastLines(shell)).toEqual([
    ["up", "$NAME", "--json"],
    ["log", "dir"],
  ]);
});

test("what runs in a container counts, too", () => {
  expect(abcastLines("docker compose -f x run --rm client status --json")).toEqual([["status", "--json"]]);
  expect(abcastLines("kubectl exec pod -c x -- abcast log dir")).toEqual([["log", "dir"]]);
  expect(abcastLines("sudo useradd --system abcast\nkubectl create namespace abcast")).toEqual([]);
});

test("a line that the command line takes has no problem", async () => {
  expect(await abcastProblem(["status", "--cluster", "client-0.json", "--json"])).toBeUndefined();
  expect(
    await abcastProblem(["unseal", "f", "--identity", "i", "--cluster", "$CLUSTER", "--out", "o"]),
  ).toBeUndefined();
});

test.for([
  ["an unknown command", "abcast statuss --cluster f", "unknown command"],
  ["an unknown option", "abcast status --cluster f --colour", "unknown option"],
  ["a missing option", "abcast status", "required option"],
  ["a missing argument", "abcast node", "missing required argument"],
  ["a superfluous argument", "abcast node a b", "too many arguments"],
  ["a value that is not allowed", "abcast init --n 4 --out o --rsa-bits 1024", "Allowed choices"],
  ["an option of another command", "abcast receipt export r --statement s --signature g --n 4", "unknown option"],
] as const)("%s is found", async ([, line, problem]) => {
  expect(await abcastProblems(`true && ${line}`)).toEqual([expect.stringContaining(problem)]);
});
